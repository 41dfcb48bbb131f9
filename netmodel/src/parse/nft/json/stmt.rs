//! Statements of the JSON form.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::elem::{elem, stmts};
use super::expr::{ExprSeed, LookupSeed, Target, code, left_side, pair, right_side, verdict};
use super::members::{Members, Read, Str};
use crate::parse::nft::expr::{Elem, Expr, Value};
use crate::parse::nft::kind::{Kind, Kinds};
use crate::parse::nft::record::{Counter, ObjectKind};
use crate::parse::nft::stmt::{
    Dup, Fwd, Limit, Log, Meter, Nat, NatKind, Op, Per, Queue, Quota, Reject, SetOp, SetUpdate, Stmt, Synproxy, Tproxy, Xt,
    XtKind,
};
use crate::parse::nft::value::{Names, byte_unit, coerce, retype};
use crate::source::At;

/// One statement from its text.
pub(super) fn one(raw: &str, names: &mut Names) -> Read<Stmt> {
    let mut json = serde_json::Deserializer::from_str(raw);
    StmtSeed(names).deserialize(&mut json)
}

/// Reads a statement from the stream.
pub(super) struct StmtSeed<'n>(pub(super) &'n mut Names);

impl<'de> DeserializeSeed<'de> for StmtSeed<'_> {
    type Value = Stmt;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Stmt, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StmtSeed<'_> {
    type Value = Stmt;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a statement")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Stmt, E> {
        Ok(crate::parse::nft::text::one_stmt(text, self.0))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stmt, A::Error> {
        let names = self.0;
        let Some(key) = map.next_key::<Str<'de>>()? else {
            return Ok(Stmt::Other("{}".into()));
        };
        let stmt = match &*key.0 {
            "match" => map.next_value_seed(MatchSeed(names))?,
            "accept" | "drop" | "continue" | "return" | "jump" | "goto" => {
                let target: Option<Target<'de>> = map.next_value()?;
                verdict(&key.0, target, names).map(Stmt::Verdict).ok_or_else(|| A::Error::custom("a jump without a target"))?
            }
            "counter" => map.next_value_seed(CounterSeed(names))?,
            "mangle" => map.next_value_seed(MangleSeed(names))?,
            "vmap" => Stmt::Vmap(Box::new(map.next_value_seed(LookupSeed(names))?)),
            "xt" => {
                let xt: Option<XtJson<'de>> = map.next_value()?;
                Stmt::Xt(xt.unwrap_or_default().read(names))
            }
            name => {
                let raw: &'de RawValue = map.next_value()?;
                read(name, raw.get(), names).map_err(A::Error::custom)?
            }
        };
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(stmt)
    }
}

struct MatchSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for MatchSeed<'_> {
    type Value = Stmt;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Stmt, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MatchSeed<'_> {
    type Value = Stmt;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a match")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stmt, A::Error> {
        let (mut op, mut left, mut right) = (None, None, None);
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key.0 {
                "op" => {
                    let sign: Str<'de> = map.next_value()?;
                    op = Some(Op::of(&sign.0).ok_or_else(|| A::Error::custom("an unknown operator"))?);
                }
                "left" => left = Some(map.next_value_seed(ExprSeed(self.0))?),
                "right" => right = Some(map.next_value_seed(ExprSeed(self.0))?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let (Some(left), Some(right)) = (left, right) else {
            return Err(A::Error::custom("a match without two sides"));
        };
        let left = left_side(left, self.0);
        let right = right_side(&left, right, self.0);
        let op = op.unwrap_or(Op::Eq);
        // `in` is what JSON calls the implied operator; for what is no bit mask that is equality.
        let op = if op == Op::AnyBit && !left.kind().is_bitmask() { Op::Eq } else { op };
        Ok(Stmt::Match { op, left, right })
    }
}

/// `{"key": …, "value": …}`: what is set to what.
struct MangleSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for MangleSeed<'_> {
    type Value = Stmt;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Stmt, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MangleSeed<'_> {
    type Value = Stmt;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a property and its value")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Stmt, A::Error> {
        let (key, value) = pair(map, ["key", "value"], self.0)?;
        let key = key.ok_or_else(|| A::Error::custom("a mangle without a key"))?;
        let value = value.ok_or_else(|| A::Error::custom("a mangle without a value"))?;
        let value = typed_value(value, &key.kinds(), self.0);
        Ok(Stmt::Set { key, value })
    }
}

/// A counter: packets and bytes, null in a stateless listing, the name of an object, or the map that gives it.
struct CounterSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for CounterSeed<'_> {
    type Value = Stmt;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Stmt, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CounterSeed<'_> {
    type Value = Stmt;
    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a counter")
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<Stmt, E> {
        Ok(Stmt::Counter(None))
    }
    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Stmt, E> {
        let name = ExprSeed(self.0).visit_str(name)?;
        Ok(Stmt::Object(ObjectKind::Counter, object_name(name, self.0)))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stmt, A::Error> {
        let (mut packets, mut bytes) = (None, None);
        while let Some(key) = map.next_key::<Str<'de>>()? {
            match &*key.0 {
                "packets" => packets = Some(map.next_value()?),
                "bytes" => bytes = Some(map.next_value()?),
                "map" => {
                    let name = Expr::Map(Box::new(map.next_value_seed(LookupSeed(self.0))?));
                    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                    return Ok(Stmt::Object(ObjectKind::Counter, object_name(name, self.0)));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let packets = packets.ok_or_else(|| A::Error::missing_field("packets"))?;
        let bytes = bytes.ok_or_else(|| A::Error::missing_field("bytes"))?;
        Ok(Stmt::Counter(Some(Counter { packets, bytes })))
    }
}

#[derive(Default, Deserialize)]
struct XtJson<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Str<'a>>,
    #[serde(borrow)]
    name: Option<Str<'a>>,
}

impl XtJson<'_> {
    fn read(&self, names: &mut Names) -> Xt {
        let kind = match self.kind.as_ref().map(|kind| &*kind.0) {
            Some("match") => XtKind::Match,
            Some("target") => XtKind::Target,
            Some("watcher") => XtKind::Watcher,
            _ => XtKind::Unknown,
        };
        Xt { kind, name: self.name.as_ref().map(|name| names.get(&name.0)), text: None }
    }
}

/// A statement by its name and the text of its value.
pub(super) fn read(name: &str, raw: &str, names: &mut Names) -> Read<Stmt> {
    if let Some(kind) = ObjectKind::of(name)
        && (raw.starts_with('"') || raw.starts_with("{\"map\"") || raw.starts_with("{ \"map\""))
    {
        let name = super::expr::expr(raw, names)?;
        return Ok(Stmt::Object(kind, object_name(name, names)));
    }
    let required = |what: &str| serde_json::Error::custom(format!("a {name} without {what}"));
    Ok(match name {
        "counter" => Stmt::Counter(counter(raw)?),
        "mangle" => MangleSeed(names).deserialize(&mut serde_json::Deserializer::from_str(raw))?,
        "vmap" => Stmt::Vmap(Box::new(LookupSeed(names).deserialize(&mut serde_json::Deserializer::from_str(raw))?)),
        "snat" | "dnat" | "masquerade" | "redirect" => Stmt::Nat(Box::new(nat(name, raw, names)?)),
        "reject" => reject(raw)?,
        "set" => Stmt::SetUpdate(Box::new(set_update(raw, names)?)),
        "map" if raw.contains("\"op\"") => Stmt::SetUpdate(Box::new(set_update(raw, names)?)),
        "limit" => Stmt::Limit(Box::new(limit(&Members::of(raw)?)?)),
        "quota" => Stmt::Quota(Box::new(quota(&Members::of(raw)?)?)),
        "log" => Stmt::Log(Box::new(log(raw, names)?)),
        "queue" => {
            let m = Members::of(raw)?;
            let flags = m.strings("flags")?;
            Stmt::Queue(Box::new(Queue {
                num: m.expr("num", names)?,
                bypass: flags.iter().any(|f| f == "bypass"),
                fanout: flags.iter().any(|f| f == "fanout"),
            }))
        }
        "dup" => {
            let m = Members::of(raw)?;
            Stmt::Dup(Box::new(Dup { addr: host(m.expr("addr", names)?, names), dev: device(m.expr("dev", names)?, names) }))
        }
        "fwd" => {
            let m = Members::of(raw)?;
            let dev = device(m.expr("dev", names)?, names);
            Stmt::Fwd(Box::new(Fwd { dev, family: m.family("family")?, addr: m.expr("addr", names)? }))
        }
        "notrack" => Stmt::Notrack,
        "tproxy" => {
            let m = Members::of(raw)?;
            let port = m.expr("port", names)?.map(|p| coerce(p, &Kinds::one(Kind::Port), names));
            Stmt::Tproxy(Box::new(Tproxy { family: m.family("family")?, addr: m.expr("addr", names)?, port }))
        }
        "synproxy" => Stmt::Synproxy(Box::new(synproxy(&Members::of(raw)?)?)),
        "ct count" => {
            let m = Members::of(raw)?;
            Stmt::CtCount { count: m.small("val")?.ok_or_else(|| required("a number"))?, over: m.bool("inv")? }
        }
        "flow" => {
            let m = Members::of(raw)?;
            let table = m.string("flowtable")?.ok_or_else(|| required("a flow table"))?;
            Stmt::FlowAdd(names.get(table.trim_start_matches('@')))
        }
        "last" => {
            let m = Members::of(raw)?;
            Stmt::Last(m.int("used")?)
        }
        "meter" => {
            let m = Members::of(raw)?;
            let name = m.string("name")?.ok_or_else(|| required("a name"))?;
            let mut elem = key_elem(m.raw("key").ok_or_else(|| required("a key"))?, names)?;
            if let Some(stmt) = m.raw("stmt") {
                elem.extra.get_or_insert_default().stmts.push(one(stmt, names)?);
            }
            Stmt::Meter(Box::new(Meter { name: names.get(&name), size: m.int("size")?, elem }))
        }
        "xt" => Stmt::Xt(serde_json::from_str::<Option<XtJson<'_>>>(raw)?.unwrap_or_default().read(names)),
        _ => Stmt::Other(format!("{{\"{name}\": {raw}}}").into()),
    })
}

/// `{"packets": …, "bytes": …}`, or null in a stateless listing.
pub(super) fn counter(raw: &str) -> Read<Option<Counter>> {
    #[derive(Deserialize)]
    struct CounterJson {
        packets: u64,
        bytes: u64,
    }
    Ok(serde_json::from_str::<Option<CounterJson>>(raw)?.map(|c| Counter { packets: c.packets, bytes: c.bytes }))
}

/// The name of an object, or the map that gives it.
fn object_name(mut name: Expr, names: &mut Names) -> Expr {
    if let Expr::Map(map) = &mut name
        && let Expr::Set(elems) = &mut map.data
    {
        for data in elems.iter_mut().filter_map(|e| e.data.as_mut()) {
            retype(data, &Kinds::one(Kind::Text), names);
        }
    }
    coerce(name, &Kinds::one(Kind::Text), names)
}

/// A value to be stored: the values of an anonymous map have its type too.
fn typed_value(mut value: Expr, kinds: &Kinds, names: &mut Names) -> Expr {
    if let Expr::Map(map) = &mut value
        && let Expr::Set(elems) = &mut map.data
    {
        for data in elems.iter_mut().filter_map(|e| e.data.as_mut()) {
            retype(data, kinds, names);
        }
    }
    coerce(value, kinds, names)
}

fn nat(name: &str, raw: &str, names: &mut Names) -> Read<Nat> {
    let m = Members::of(raw)?;
    let kind = match name {
        "snat" => NatKind::Snat,
        "dnat" => NatKind::Dnat,
        "masquerade" => NatKind::Masquerade,
        _ => NatKind::Redirect,
    };
    let port = m.expr("port", names)?.map(|p| coerce(p, &Kinds::one(Kind::Port), names));
    let mut nat = Nat {
        kind,
        family: m.family("family")?,
        addr: m.expr("addr", names)?,
        port,
        random: false,
        fully_random: false,
        persistent: false,
        prefix: false,
        other: Vec::new(),
    };
    for flag in m.strings("flags")?.into_iter().chain(m.strings("type_flags")?) {
        match &*flag {
            "random" => nat.random = true,
            "fully-random" => nat.fully_random = true,
            "persistent" => nat.persistent = true,
            "prefix" | "netmap" => nat.prefix = true,
            "interval" | "concat" => {}
            other => nat.other.push(names.get(other)),
        }
    }
    Ok(nat)
}

fn reject(raw: &str) -> Read<Stmt> {
    let m = Members::of(raw)?;
    let code = |kind: Kind| m.raw("expr").map(|raw| code(raw, kind));
    let reject = match m.string("type")?.as_deref() {
        Some("tcp reset") => Reject::TcpReset,
        Some("icmp") => code(Kind::IcmpCode).unwrap_or(Some(3)).map_or(Reject::Unknown, Reject::Icmp),
        Some("icmpv6") => code(Kind::Icmpv6Code).unwrap_or(Some(4)).map_or(Reject::Unknown, Reject::Icmpv6),
        Some("icmpx") | None => code(Kind::IcmpxCode).unwrap_or(Some(1)).map_or(Reject::Unknown, Reject::Icmpx),
        Some(_) => Reject::Unknown,
    };
    Ok(Stmt::Reject(reject))
}

fn key_elem(raw: &str, names: &mut Names) -> Read<Elem> {
    let wrapped = Members::of(raw).ok().and_then(|m| m.raw("elem"));
    match wrapped {
        Some(body) => elem(body, At::default(), names),
        None => Ok(Elem { key: super::expr::expr(raw, names)?, data: None, extra: None, at: At::default() }),
    }
}

fn set_update(raw: &str, names: &mut Names) -> Read<SetUpdate> {
    let m = Members::of(raw)?;
    let op = match m.string("op")?.as_deref() {
        Some("add") => SetOp::Add,
        Some("update") => SetOp::Update,
        Some("delete" | "destroy") => SetOp::Delete,
        _ => return Err(serde_json::Error::custom("an unknown operation on a set")),
    };
    let missing = || serde_json::Error::custom("a change of a set without set or element");
    let set = m.string("set")?.or(m.string("map")?).ok_or_else(missing)?;
    let set = names.get(set.trim_start_matches('@'));
    let mut elem = key_elem(m.raw("elem").ok_or_else(missing)?, names)?;
    if let Some(data) = m.expr("data", names)? {
        elem.data = Some(data);
    }
    if let Some(stmts) = m.raw("stmt") {
        elem.extra.get_or_insert_default().stmts.extend(self::stmts(stmts, names)?);
    }
    Ok(SetUpdate { op, set, elem })
}

/// The members of a limit.
pub(super) fn limit(m: &Members<'_>) -> Read<Limit> {
    let missing = || serde_json::Error::custom("a limit without rate or unit");
    let unit = |key: &str| -> Read<Option<u64>> { Ok(m.string(key)?.as_deref().and_then(byte_unit)) };
    let rate = m.int("rate")?.ok_or_else(missing)?;
    let factor = unit("rate_unit")?;
    let bytes = factor.is_some();
    let burst = match m.int("burst")? {
        Some(burst) => burst.saturating_mul(unit("burst_unit")?.unwrap_or(1)),
        None if bytes => 0,
        None => 5,
    };
    let per = m.string("per")?.as_deref().and_then(Per::of).ok_or_else(missing)?;
    Ok(Limit { rate: rate.saturating_mul(factor.unwrap_or(1)), bytes, per, burst, over: m.bool("inv")? })
}

/// The members of a quota: `val` with a unit in rules, `bytes` in objects.
pub(super) fn quota(m: &Members<'_>) -> Read<Quota> {
    let amount = |value: &str, unit: &str| -> Read<Option<u64>> {
        let factor = m.string(unit)?.as_deref().and_then(byte_unit).unwrap_or(1);
        Ok(m.int(value)?.map(|v| v.saturating_mul(factor)))
    };
    let bytes = match amount("val", "val_unit")? {
        Some(bytes) => Some(bytes),
        None => m.int("bytes")?,
    };
    Ok(Quota {
        bytes: bytes.ok_or_else(|| serde_json::Error::custom("a quota without an amount"))?,
        used: amount("used", "used_unit")?.unwrap_or_default(),
        over: m.bool("inv")?,
    })
}

/// The members of a SYN proxy.
pub(super) fn synproxy(m: &Members<'_>) -> Read<Synproxy> {
    let flags = m.strings("flags")?;
    Ok(Synproxy {
        mss: m.small("mss")?,
        wscale: m.small("wscale")?,
        timestamp: flags.iter().any(|f| f == "timestamp"),
        sack_perm: flags.iter().any(|f| f == "sack-perm"),
    })
}

fn log(raw: &str, names: &mut Names) -> Read<Log> {
    let m = Members::of(raw)?;
    Ok(Log {
        prefix: m.string("prefix")?.map(|p| names.get(&p)),
        group: m.small("group")?,
        snaplen: m.small("snaplen")?,
        queue_threshold: m.small("queue-threshold")?,
        level: m.string("level")?.map(|l| names.get(&l)),
        flags: m.strings("flags")?.iter().map(|f| names.get(f)).collect(),
    })
}

/// Where a copy goes: an address, or in netdev an interface.
fn host(expr: Option<Expr>, names: &mut Names) -> Option<Expr> {
    expr.map(|e| match e {
        Expr::Value(Value::Symbol(_)) => coerce(e, &Kinds::one(Kind::Iface), names),
        other => other,
    })
}

fn device(expr: Option<Expr>, names: &mut Names) -> Option<Expr> {
    expr.map(|e| coerce(e, &Kinds::one(Kind::Iface), names))
}
