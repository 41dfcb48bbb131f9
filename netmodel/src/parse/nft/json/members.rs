//! The members of an object as text, for what is rare enough to be read twice.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::expr::expr;
use crate::parse::nft::expr::Expr;
use crate::parse::nft::record::NftFamily;
use crate::parse::nft::value::Names;

pub(super) type Read<T> = Result<T, serde_json::Error>;

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
pub(super) struct Str<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The members of an object, for what is rare enough to be read twice.
#[derive(Default)]
pub(super) struct Members<'a>(pub(super) Vec<(Str<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct All<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for All<'a> {
            type Value = Members<'a>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry::<Str<'de>, &'de RawValue>()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
            fn visit_unit<E: serde::de::Error>(self) -> Result<Members<'a>, E> {
                Ok(Members::default())
            }
        }
        json.deserialize_any(All(std::marker::PhantomData))
    }
}

impl<'a> Members<'a> {
    pub(super) fn of(raw: &'a str) -> Read<Self> {
        serde_json::from_str(raw)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, raw)| (&*key.0, *raw))
    }

    pub(super) fn raw(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(k, _)| k.0 == key).map(|(_, raw)| raw.get())
    }

    pub(super) fn string(&self, key: &str) -> Read<Option<Cow<'a, str>>> {
        self.raw(key).map(|raw| serde_json::from_str::<Str<'a>>(raw).map(|s| s.0)).transpose()
    }

    pub(super) fn int(&self, key: &str) -> Read<Option<u64>> {
        self.raw(key).map(serde_json::from_str).transpose()
    }

    pub(super) fn small(&self, key: &str) -> Read<Option<u32>> {
        self.raw(key).map(serde_json::from_str).transpose()
    }

    pub(super) fn bool(&self, key: &str) -> Read<bool> {
        self.raw(key).map_or(Ok(false), serde_json::from_str)
    }

    /// A string or an array of strings.
    pub(super) fn strings(&self, key: &str) -> Read<Vec<Cow<'a, str>>> {
        self.raw(key).map_or(Ok(Vec::new()), strings)
    }

    pub(super) fn expr(&self, key: &str, names: &mut Names) -> Read<Option<Expr>> {
        self.raw(key).map(|raw| expr(raw, names)).transpose()
    }

    pub(super) fn family(&self, key: &str) -> Read<Option<NftFamily>> {
        Ok(self.string(key)?.and_then(|name| NftFamily::of(&name)))
    }
}

/// A string or an array of strings.
pub(super) fn strings(raw: &str) -> Read<Vec<Cow<'_, str>>> {
    if raw.starts_with('[') {
        Ok(serde_json::from_str::<Vec<Str<'_>>>(raw)?.into_iter().map(|s| s.0).collect())
    } else {
        Ok(vec![serde_json::from_str::<Str<'_>>(raw)?.0])
    }
}
