//! Expressions of the JSON form.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::elem::{ElemsSeed, elem};
use super::members::{Read, Str};
use super::rare::rare;
use crate::parse::nft::expr::{Base, BinOp, Expr, Lookup, MetaKey, Value};
use crate::parse::nft::fields;
use crate::parse::nft::record::Verdict;
use crate::parse::nft::value::{Names, coerce, guess, number};
use crate::source::At;

/// An expression from its text.
pub(super) fn expr(raw: &str, names: &mut Names) -> Read<Expr> {
    let mut json = serde_json::Deserializer::from_str(raw);
    ExprSeed(names).deserialize(&mut json)
}

/// Reads an expression without knowing what type its constants have; [`coerce`] gives it to them.
pub(super) struct ExprSeed<'n>(pub(super) &'n mut Names);

impl<'de> DeserializeSeed<'de> for ExprSeed<'_> {
    type Value = Expr;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Expr, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ExprSeed<'_> {
    type Value = Expr;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an expression")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Expr, E> {
        Ok(match word.strip_prefix('@') {
            Some(name) => Expr::SetRef(self.0.get(name)),
            None if word == "*" => Expr::Any,
            None => Expr::Value(guess(word, self.0)),
        })
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Expr, E> {
        Ok(Expr::number(number))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Expr, E> {
        // Marks and the like with the highest bit set; nft prints them unsigned, others may not.
        let low = u32::try_from(number.rem_euclid(1 << 32)).unwrap_or_default();
        Ok(Expr::number(u64::from(low)))
    }

    fn visit_bool<E: serde::de::Error>(self, is: bool) -> Result<Expr, E> {
        Ok(Expr::number(u64::from(is)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Expr, A::Error> {
        Ok(Expr::List(sequence(seq, self.0)?))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Expr, A::Error> {
        let names = self.0;
        let Some(key) = map.next_key::<Str<'de>>()? else {
            return Ok(Expr::Other("{}".into()));
        };
        let expr = member(&key.0, &mut map, names)?;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(expr)
    }
}

fn member<'de, A: MapAccess<'de>>(key: &str, map: &mut A, names: &mut Names) -> Result<Expr, A::Error> {
    Ok(match key {
        "payload" => payload(&map.next_value()?, names),
        "meta" => {
            let meta: Keyed<'de> = map.next_value()?;
            Expr::Meta(MetaKey::of(&meta.key).unwrap_or_else(|| MetaKey::Other(names.get(&meta.key))))
        }
        "prefix" => {
            let prefix: Prefix<'de> = map.next_value()?;
            match prefix.addr.parse().ok().and_then(|addr| ipnet::IpNet::new(addr, prefix.len).ok()) {
                Some(net) => Expr::Value(Value::Prefix(net)),
                None => Expr::Other(format!("{{\"prefix\": {{\"addr\": {:?}, \"len\": {}}}}}", prefix.addr, prefix.len).into()),
            }
        }
        "range" => {
            let ends = map.next_value_seed(ListSeed(names))?;
            match <[Expr; 2]>::try_from(ends.into_vec()) {
                Ok([Expr::Value(low), Expr::Value(high)]) => Expr::Range(Box::new((low, high))),
                _ => return Err(A::Error::custom("a range without two ends")),
            }
        }
        "concat" => Expr::Concat(map.next_value_seed(ListSeed(names))?),
        "set" => Expr::Set(map.next_value_seed(ElemsSeed(names))?.into()),
        "map" => Expr::Map(Box::new(map.next_value_seed(LookupSeed(names))?)),
        "accept" | "drop" | "continue" | "return" | "queue" | "jump" | "goto" => {
            let target: Option<Target<'de>> = map.next_value()?;
            verdict(key, target, names).map(Expr::Verdict).ok_or_else(|| A::Error::custom("a jump without a target"))?
        }
        "&" | "|" | "^" | "<<" | ">>" => {
            let sides = map.next_value_seed(ListSeed(names))?;
            let op = BinOp::of(key).ok_or_else(|| A::Error::custom("no operator"))?;
            fold(op, sides).ok_or_else(|| A::Error::custom("an operator without operands"))?
        }
        "numgen" => {
            let numgen: Numgen<'de> = map.next_value()?;
            Expr::Numgen { random: numgen.mode == "random", modulus: numgen.modulus, offset: numgen.offset }
        }
        "symhash" => {
            let hash: Symhash = map.next_value()?;
            Expr::Symhash { modulus: hash.modulus, offset: hash.offset }
        }
        _ => {
            let raw: &'de RawValue = map.next_value()?;
            rare(key, raw.get(), names).map_err(A::Error::custom)?
        }
    })
}

/// `{"key": …, "data": …}`, of maps and verdict maps.
pub(super) struct LookupSeed<'n>(pub(super) &'n mut Names);

impl<'de> DeserializeSeed<'de> for LookupSeed<'_> {
    type Value = Lookup;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Lookup, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LookupSeed<'_> {
    type Value = Lookup;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a map")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Lookup, A::Error> {
        let (key, data) = pair(map, ["key", "data"], self.0)?;
        let (key, data) = key.zip(data).ok_or_else(|| A::Error::custom("a map without key or data"))?;
        let data = coerce(data, &key.kinds(), self.0);
        Ok(Lookup { key, data })
    }
}

/// The expressions of two members; the first of each name counts.
pub(super) fn pair<'de, A: MapAccess<'de>>(
    mut map: A,
    [first, second]: [&str; 2],
    names: &mut Names,
) -> Result<(Option<Expr>, Option<Expr>), A::Error> {
    let mut found = (None, None);
    while let Some(key) = map.next_key::<Str<'de>>()? {
        if *key.0 == *first && found.0.is_none() {
            found.0 = Some(map.next_value_seed(ExprSeed(names))?);
        } else if *key.0 == *second && found.1.is_none() {
            found.1 = Some(map.next_value_seed(ExprSeed(names))?);
        } else {
            map.next_value::<IgnoredAny>()?;
        }
    }
    Ok(found)
}

fn fold(op: BinOp, sides: Box<[Expr]>) -> Option<Expr> {
    let mut sides = sides.into_vec().into_iter();
    let first = sides.next()?;
    Some(sides.fold(first, |left, right| op.apply(left, right)))
}

fn sequence<'de, A: SeqAccess<'de>>(mut seq: A, names: &mut Names) -> Result<Box<[Expr]>, A::Error> {
    let first = names.pending.len();
    loop {
        match seq.next_element_seed(ItemSeed(names)) {
            Ok(Some(item)) => names.pending.push(item),
            Ok(None) => return Ok(names.pending.drain(first..).collect()),
            Err(error) => {
                names.pending.truncate(first);
                return Err(error);
            }
        }
    }
}

/// An array of expressions.
struct ListSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for ListSeed<'_> {
    type Value = Box<[Expr]>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Box<[Expr]>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = Box<[Expr]>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of expressions")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Box<[Expr]>, A::Error> {
        sequence(seq, self.0)
    }
}

/// An item of an array: an expression, or an element with extras, which is given as a set of that one element.
pub(super) struct ItemSeed<'n>(pub(super) &'n mut Names);

impl<'de> DeserializeSeed<'de> for ItemSeed<'_> {
    type Value = Expr;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Expr, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ItemSeed<'_> {
    type Value = Expr;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an expression")
    }
    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Expr, E> {
        ExprSeed(self.0).visit_str(word)
    }
    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Expr, E> {
        Ok(Expr::number(number))
    }
    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Expr, E> {
        ExprSeed(self.0).visit_i64(number)
    }
    fn visit_bool<E: serde::de::Error>(self, is: bool) -> Result<Expr, E> {
        Ok(Expr::number(u64::from(is)))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Expr, A::Error> {
        Ok(Expr::List(sequence(seq, self.0)?))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Expr, A::Error> {
        let Some(key) = map.next_key::<Str<'de>>()? else {
            return Ok(Expr::Other("{}".into()));
        };
        let expr = if key.0 == "elem" {
            let raw: &'de RawValue = map.next_value()?;
            Expr::Set(Box::new([elem(raw.get(), At::default(), self.0).map_err(A::Error::custom)?]))
        } else {
            member(&key.0, &mut map, self.0)?
        };
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(expr)
    }
}

/// The verdict of a word.
pub(super) fn verdict(word: &str, target: Option<Target<'_>>, names: &mut Names) -> Option<Verdict> {
    Some(match (word, target) {
        ("accept", _) => Verdict::Accept,
        ("drop", _) => Verdict::Drop,
        ("continue", _) => Verdict::Continue,
        ("return", _) => Verdict::Return,
        ("queue", _) => Verdict::Queue,
        ("jump", Some(to)) => Verdict::Jump(names.get(&to.target)),
        ("goto", Some(to)) => Verdict::Goto(names.get(&to.target)),
        _ => return None,
    })
}

/// Gives the constants of a match their type. A set of a plain match holds no pairs: what looked like one is two flags.
pub(super) fn right_side(left: &Expr, right: Expr, names: &mut Names) -> Expr {
    let right = match right {
        Expr::Set(mut elems) => {
            for elem in &mut elems {
                if let Some(data) = elem.data.take() {
                    let key = std::mem::replace(&mut elem.key, Expr::Any);
                    elem.key = Expr::List(Box::new([key, data]));
                }
            }
            Expr::Set(elems)
        }
        other => other,
    };
    coerce(right, &left.kinds(), names)
}

/// The left side of a match: its own constants have the type of the field beside them.
pub(super) fn left_side(left: Expr, names: &mut Names) -> Expr {
    let kinds = left.kinds();
    if matches!(left, Expr::Binary(..)) { coerce(left, &kinds, names) } else { left }
}

fn payload(json: &Payload<'_>, names: &mut Names) -> Expr {
    let plain = match json {
        Payload { protocol: Some(Str(proto)), field: Some(Str(field)), .. } => fields::find(proto, field)
            .map_or_else(|| Expr::PayloadNamed(Box::new((names.get(proto), names.get(field)))), Expr::Payload),
        Payload { base: Some(Str(base)), offset: Some(offset), len: Some(len), .. } => match Base::of(base) {
            Some(base) => Expr::PayloadRaw { base, offset: *offset, len: *len },
            None => Expr::Other(format!("@{base},{offset},{len}").into()),
        },
        _ => Expr::Other("payload".into()),
    };
    match &json.tunnel {
        Some(Str(tunnel)) => Expr::Inner(Box::new((names.get(tunnel), plain))),
        None => plain,
    }
}

/// Words are [`Str`], since serde borrows no `Option<Cow<str>>`.
#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    protocol: Option<Str<'a>>,
    #[serde(borrow)]
    field: Option<Str<'a>>,
    #[serde(borrow)]
    base: Option<Str<'a>>,
    offset: Option<u32>,
    len: Option<u32>,
    #[serde(borrow)]
    tunnel: Option<Str<'a>>,
}

#[derive(Deserialize)]
struct Keyed<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Prefix<'a> {
    #[serde(borrow)]
    addr: Cow<'a, str>,
    len: u8,
}

#[derive(Deserialize)]
pub(super) struct Target<'a> {
    #[serde(borrow)]
    target: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Numgen<'a> {
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(rename = "mod")]
    modulus: u32,
    #[serde(default)]
    offset: u32,
}

#[derive(Deserialize)]
struct Symhash {
    #[serde(rename = "mod")]
    modulus: u32,
    #[serde(default)]
    offset: u32,
}

/// A number or a word that is one.
pub(super) fn code(raw: &str, kind: crate::parse::nft::kind::Kind) -> Option<u8> {
    let number = if raw.starts_with('"') {
        let word: Str<'_> = serde_json::from_str(raw).ok()?;
        kind.symbol(&word.0).or_else(|| match number(&word.0) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        })?
    } else {
        serde_json::from_str(raw).ok()?
    };
    u8::try_from(number).ok()
}
