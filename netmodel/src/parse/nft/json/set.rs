//! The body of a set, a map or a chain: its members as text, but for the elements, which are read straight from the stream.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::elem::ElemsSeed;
use super::members::{Members, Read, Str};
use crate::parse::nft::expr::Elem;
use crate::parse::nft::value::Names;

/// The members of an object, and its elements, whose types are not known before all members were read.
#[derive(Default)]
pub(super) struct Body<'t> {
    pub(super) members: Members<'t>,
    pub(super) elems: Vec<Elem>,
}

impl<'t> Body<'t> {
    pub(super) fn of(raw: &'t str, names: &mut Names) -> Read<Self> {
        BodySeed(names).deserialize(&mut serde_json::Deserializer::from_str(raw))
    }
}

pub(super) struct BodySeed<'n>(pub(super) &'n mut Names);

impl<'de> DeserializeSeed<'de> for BodySeed<'_> {
    type Value = Body<'de>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Body<'de>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BodySeed<'_> {
    type Value = Body<'de>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<Body<'de>, E> {
        Ok(Body::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'de>, A::Error> {
        let mut elems = None;
        // A chain has ten at most.
        let mut members = Members(Vec::with_capacity(10));
        while let Some(key) = map.next_key::<Str<'de>>()? {
            if key.0 != "elem" {
                members.0.push((key, map.next_value()?));
            } else if elems.is_none() {
                elems = Some(map.next_value_seed(ElemsSeed(self.0))?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Body { members, elems: elems.unwrap_or_default() })
    }
}
