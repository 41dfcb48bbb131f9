//! Expressions of the JSON form.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::parse::nft::expr::{
    Base, BinOp, Ct, CtKey, Elem, ElemExtra, Expr, Fib, FibFlags, FibResult, Header, HeaderKind, Ipsec, Jhash, Lookup, MetaKey,
    RtKey, Socket, Value,
};
use crate::parse::nft::fields;
use crate::parse::nft::record::{NftFamily, Verdict};
use crate::parse::nft::stmt::Stmt;
use crate::parse::nft::value::{Names, coerce, guess, number};
use crate::source::At;

pub(super) type Read<T> = Result<T, serde_json::Error>;

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
pub(super) struct Str<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The members of an object, for what is rare enough to be read twice.
#[derive(Default)]
pub(super) struct Members<'a>(Vec<(Str<'a>, &'a RawValue)>);

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

/// An expression from its text.
pub(super) fn expr(raw: &str, names: &mut Names) -> Read<Expr> {
    let mut json = serde_json::Deserializer::from_str(raw);
    ExprSeed(names).deserialize(&mut json)
}

/// The items of an array; what is no array is one item.
pub(super) fn list(raw: &str, names: &mut Names) -> Read<Vec<Expr>> {
    let mut json = serde_json::Deserializer::from_str(raw);
    if raw.starts_with('[') { ListSeed(names).deserialize(&mut json) } else { Ok(vec![ItemSeed(names).deserialize(&mut json)?]) }
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
        Ok(Expr::List(sequence(seq, self.0)?.into()))
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
            match <[Expr; 2]>::try_from(ends) {
                Ok([Expr::Value(low), Expr::Value(high)]) => Expr::Range(Box::new((low, high))),
                _ => return Err(A::Error::custom("a range without two ends")),
            }
        }
        "concat" => Expr::Concat(map.next_value_seed(ListSeed(names))?.into()),
        "set" => match map.next_value_seed(ExprSeed(names))? {
            Expr::List(items) => Expr::Set(items.into_iter().map(|item| to_elem(item, At::default())).collect()),
            one => Expr::Set(Box::new([to_elem(one, At::default())])),
        },
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

/// Expressions that are rare.
fn rare(key: &str, raw: &str, names: &mut Names) -> Read<Expr> {
    let header = |kind: HeaderKind, names: &mut Names| -> Read<Expr> {
        let m = Members::of(raw)?;
        let field = m.string("field")?.map(|f| names.get(&f));
        let bits = m.small("offset")?.zip(m.small("len")?);
        let name = match (m.string("name")?, m.int("base")?) {
            (Some(name), _) => names.get(&name),
            (None, Some(number)) => names.get(&number.to_string()),
            (None, None) => return Err(serde_json::Error::custom("a header without a name")),
        };
        // `tcp option 254` and `tcp option @254,0,8` are one and the same here.
        let bits = bits.filter(|bits| *bits != (0, 8));
        Ok(Expr::Header(Box::new(Header { kind, name, field, raw: bits })))
    };
    Ok(match key {
        "ct" => {
            let ct: CtJson<'_> = serde_json::from_str(raw)?;
            let full = match &ct.family {
                Some(family) if !ct.key.contains(' ') => Cow::from(format!("{family} {}", ct.key)),
                _ => ct.key.clone(),
            };
            match CtKey::of(&full) {
                Some(key) => Expr::Ct(Ct { key, reply: ct.dir.map(|dir| dir == "reply") }),
                None => Expr::Other(format!("{{\"ct\": {raw}}}").into()),
            }
        }
        "fib" => {
            let m = Members::of(raw)?;
            let mut flags = FibFlags::default();
            for flag in m.strings("flags")? {
                match &*flag {
                    "saddr" => flags.saddr = true,
                    "daddr" => flags.daddr = true,
                    "mark" => flags.mark = true,
                    "iif" => flags.iif = true,
                    "oif" => flags.oif = true,
                    _ => return Err(serde_json::Error::custom("an unknown flag of fib")),
                }
            }
            let result = match m.string("result")?.as_deref() {
                Some("oif") => FibResult::Oif,
                Some("oifname") => FibResult::OifName,
                Some("type") => FibResult::Type,
                Some("check") => FibResult::Check,
                _ => return Err(serde_json::Error::custom("an unknown result of fib")),
            };
            Expr::Fib(Fib { result, flags })
        }
        "map" => Expr::Map(Box::new(lookup(raw, names)?)),
        "elem" => return Err(serde_json::Error::custom("an element outside of a set")),
        "exthdr" => header(HeaderKind::Exthdr, names)?,
        "tcp option" => header(HeaderKind::TcpOption, names)?,
        "ip option" => header(HeaderKind::IpOption, names)?,
        "sctp chunk" => header(HeaderKind::SctpChunk, names)?,
        "dccp option" => header(HeaderKind::DccpOption, names)?,
        "jhash" => {
            let m = Members::of(raw)?;
            Expr::Jhash(Box::new(Jhash {
                expr: m.expr("expr", names)?.ok_or_else(|| serde_json::Error::custom("a hash of nothing"))?,
                modulus: m.small("mod")?.unwrap_or_default(),
                seed: m.small("seed")?,
                offset: m.small("offset")?.unwrap_or_default(),
            }))
        }
        "rt" => {
            let m = Members::of(raw)?;
            let key = match m.string("key")?.as_deref() {
                Some("classid") => RtKey::ClassId,
                Some("nexthop") => RtKey::Nexthop,
                Some("mtu") => RtKey::Mtu,
                Some("ipsec") => RtKey::Ipsec,
                _ => return Err(serde_json::Error::custom("an unknown key of rt")),
            };
            Expr::Rt { key, family: m.family("family")? }
        }
        "socket" => {
            let m = Members::of(raw)?;
            let key = m.string("key")?.ok_or_else(|| serde_json::Error::custom("a socket without a key"))?;
            Expr::Socket(Box::new(Socket { key: names.get(&key), level: m.small("level")? }))
        }
        "osf" => {
            let m = Members::of(raw)?;
            let key = m.string("key")?.ok_or_else(|| serde_json::Error::custom("osf without a key"))?;
            Expr::Osf(Box::new((names.get(&key), m.string("ttl")?.map(|ttl| names.get(&ttl)))))
        }
        "ipsec" => {
            let m = Members::of(raw)?;
            let key = m.string("key")?.ok_or_else(|| serde_json::Error::custom("ipsec without a key"))?;
            Expr::Ipsec(Box::new(Ipsec {
                out: m.string("dir")?.as_deref() == Some("out"),
                spnum: m.small("spnum")?.unwrap_or_default(),
                key: names.get(&key),
                family: m.family("family")?,
            }))
        }
        "tunnel" => {
            let m = Members::of(raw)?;
            let key = m.string("key")?.ok_or_else(|| serde_json::Error::custom("a tunnel without a key"))?;
            Expr::Tunnel(names.get(&key))
        }
        _ => Expr::Other(format!("{{\"{key}\": {raw}}}").into()),
    })
}

/// `{"key": …, "data": …}`, of maps and verdict maps.
pub(super) fn lookup(raw: &str, names: &mut Names) -> Read<Lookup> {
    let m = Members::of(raw)?;
    let missing = || serde_json::Error::custom("a map without key or data");
    let key = m.expr("key", names)?.ok_or_else(missing)?;
    let data = m.expr("data", names)?.ok_or_else(missing)?;
    let data = coerce(data, &key.kinds(), names);
    Ok(Lookup { key, data })
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

fn fold(op: BinOp, sides: Vec<Expr>) -> Option<Expr> {
    let mut sides = sides.into_iter();
    let first = sides.next()?;
    Some(sides.fold(first, |left, right| op.apply(left, right)))
}

fn sequence<'de, A: SeqAccess<'de>>(mut seq: A, names: &mut Names) -> Result<Vec<Expr>, A::Error> {
    let mut items = Vec::new();
    while let Some(item) = seq.next_element_seed(ItemSeed(names))? {
        items.push(item);
    }
    Ok(items)
}

/// An array of expressions.
struct ListSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for ListSeed<'_> {
    type Value = Vec<Expr>;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Expr>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = Vec<Expr>;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of expressions")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<Expr>, A::Error> {
        sequence(seq, self.0)
    }
}

/// An item of an array: an expression, or an element with extras, which is given as a set of that one element.
struct ItemSeed<'n>(&'n mut Names);

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
        Ok(Expr::List(sequence(seq, self.0)?.into()))
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
        Payload { protocol: Some(proto), field: Some(field), .. } => fields::find(proto, field)
            .map_or_else(|| Expr::PayloadNamed(Box::new((names.get(proto), names.get(field)))), Expr::Payload),
        Payload { base: Some(base), offset: Some(offset), len: Some(len), .. } => match Base::of(base) {
            Some(base) => Expr::PayloadRaw { base, offset: *offset, len: *len },
            None => Expr::Other(format!("@{base},{offset},{len}").into()),
        },
        _ => Expr::Other("payload".into()),
    };
    match &json.tunnel {
        Some(tunnel) => Expr::Inner(Box::new((names.get(tunnel), plain))),
        None => plain,
    }
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    protocol: Option<Cow<'a, str>>,
    #[serde(borrow)]
    field: Option<Cow<'a, str>>,
    #[serde(borrow)]
    base: Option<Cow<'a, str>>,
    offset: Option<u32>,
    len: Option<u32>,
    #[serde(borrow)]
    tunnel: Option<Cow<'a, str>>,
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

#[derive(Deserialize)]
struct CtJson<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    dir: Option<Cow<'a, str>>,
    #[serde(borrow)]
    family: Option<Cow<'a, str>>,
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

/// Statements in an array.
pub(super) fn stmts(raw: &str, names: &mut Names) -> Read<Vec<Stmt>> {
    let items: Vec<&RawValue> = if raw.starts_with('[') { serde_json::from_str(raw)? } else { vec![serde_json::from_str(raw)?] };
    items.into_iter().map(|item| super::stmt::one(item.get(), names)).collect()
}
