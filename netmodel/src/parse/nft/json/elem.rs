//! Elements of sets and maps. A node with thousands of Services has maps with as many, so they are read straight from the stream.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::expr::ItemSeed;
use super::members::{Members, Read};
use crate::parse::nft::expr::{Elem, ElemExtra, Expr};
use crate::parse::nft::stmt::Stmt;
use crate::parse::nft::value::Names;
use crate::source::At;

/// The elements of a set: an array, or a single one.
pub(super) struct ElemsSeed<'n>(pub(super) &'n mut Names);

impl<'de> DeserializeSeed<'de> for ElemsSeed<'_> {
    type Value = Vec<Elem>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Elem>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElemsSeed<'_> {
    type Value = Vec<Elem>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("elements of a set")
    }
    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Vec<Elem>, E> {
        ElemSeed(self.0).visit_str(word).map(|elem| vec![elem])
    }
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Vec<Elem>, E> {
        ElemSeed(self.0).visit_u64(number).map(|elem| vec![elem])
    }
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Vec<Elem>, E> {
        ElemSeed(self.0).visit_i64(number).map(|elem| vec![elem])
    }
    fn visit_bool<E: serde::de::Error>(self, is: bool) -> Result<Vec<Elem>, E> {
        ElemSeed(self.0).visit_bool(is).map(|elem| vec![elem])
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<Elem>, A::Error> {
        ElemSeed(self.0).visit_map(map).map(|elem| vec![elem])
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Elem>, A::Error> {
        let mut elems = Vec::new();
        while let Some(elem) = seq.next_element_seed(ElemSeed(self.0))? {
            elems.push(elem);
        }
        Ok(elems)
    }
}

/// One element: a value, a pair, or an object `elem`.
struct ElemSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for ElemSeed<'_> {
    type Value = Elem;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Elem, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElemSeed<'_> {
    type Value = Elem;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an expression")
    }
    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Elem, E> {
        ItemSeed(self.0).visit_str(word).map(|key| to_elem(key, At::default()))
    }
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Elem, E> {
        ItemSeed(self.0).visit_u64(number).map(|key| to_elem(key, At::default()))
    }
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Elem, E> {
        ItemSeed(self.0).visit_i64(number).map(|key| to_elem(key, At::default()))
    }
    fn visit_bool<E: serde::de::Error>(self, is: bool) -> Result<Elem, E> {
        ItemSeed(self.0).visit_bool(is).map(|key| to_elem(key, At::default()))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Elem, A::Error> {
        ItemSeed(self.0).visit_map(map).map(|key| to_elem(key, At::default()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Elem, A::Error> {
        let (first, second) = (seq.next_element_seed(ItemSeed(self.0))?, seq.next_element_seed(ItemSeed(self.0))?);
        let third = if second.is_some() { seq.next_element_seed(ItemSeed(self.0))? } else { None };
        let list = match (first, second, third) {
            (Some(key), Some(data), None) => {
                let mut elem = to_elem(key, At::default());
                elem.data = Some(data);
                return Ok(elem);
            }
            (first, second, third) => first.into_iter().chain(second).chain(third),
        };
        let mut list: Vec<Expr> = list.collect();
        while let Some(item) = seq.next_element_seed(ItemSeed(self.0))? {
            list.push(item);
        }
        Ok(Elem { key: Expr::List(list.into()), data: None, extra: None, at: At::default() })
    }
}

/// An element of a set from what the array holds: a value, a pair, or an object `elem`.
pub(super) fn to_elem(item: Expr, at: At) -> Elem {
    match item {
        Expr::List(pair) => match <[Expr; 2]>::try_from(Vec::from(pair)) {
            Ok([key, data]) => {
                let mut elem = to_elem(key, at);
                elem.data = Some(data);
                elem
            }
            Err(list) => Elem { key: Expr::List(list.into()), data: None, extra: None, at },
        },
        // An element with extras comes as a set of one, see `ListSeed`.
        Expr::Set(one) if one.len() == 1 => match <[Elem; 1]>::try_from(Vec::from(one)) {
            Ok([mut elem]) => {
                elem.at = at;
                elem
            }
            Err(many) => Elem { key: Expr::Set(many.into()), data: None, extra: None, at },
        },
        key => Elem { key, data: None, extra: None, at },
    }
}

/// The body of an object `elem`.
pub(super) fn elem(raw: &str, at: At, names: &mut Names) -> Read<Elem> {
    let m = Members::of(raw)?;
    let key = m.expr("val", names)?.ok_or_else(|| serde_json::Error::custom("an element without a value"))?;
    let mut extra = ElemExtra::default();
    for (name, value) in m.iter() {
        match name {
            "val" => {}
            "timeout" => extra.timeout = seconds(value.get())?,
            "expires" => extra.expires = seconds(value.get())?,
            "comment" => extra.comment = m.string("comment")?.map(|c| names.get(&c)),
            statement => extra.stmts.push(super::stmt::read(statement, value.get(), names)?),
        }
    }
    let extra = (extra != ElemExtra::default()).then(|| Box::new(extra));
    Ok(Elem { key, data: None, extra, at })
}

/// Seconds as milliseconds.
pub(super) fn seconds(raw: &str) -> Read<Option<u64>> {
    let seconds: u64 = serde_json::from_str(raw)?;
    Ok(seconds.checked_mul(1000))
}

/// Statements in an array.
pub(super) fn stmts(raw: &str, names: &mut Names) -> Read<Vec<Stmt>> {
    let items: Vec<&RawValue> = if raw.starts_with('[') { serde_json::from_str(raw)? } else { vec![serde_json::from_str(raw)?] };
    items.into_iter().map(|item| super::stmt::one(item.get(), names)).collect()
}
