//! Expressions of the JSON form that are rare: their members are cut out first.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Error as _;

use super::members::{Members, Read};
use crate::parse::nft::expr::{Ct, CtKey, Expr, Fib, FibFlags, FibResult, Header, HeaderKind, Ipsec, Jhash, RtKey, Socket};
use crate::parse::nft::value::Names;

/// Expressions that are rare.
pub(super) fn rare(key: &str, raw: &str, names: &mut Names) -> Read<Expr> {
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

#[derive(Deserialize)]
struct CtJson<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    dir: Option<Cow<'a, str>>,
    #[serde(borrow)]
    family: Option<Cow<'a, str>>,
}
