//! What stands in a route beside its fields: metrics, preference, realms, expiry, what an encapsulation writes; as iproute2's text has it.
//!
//! ```text
//! default via 192.168.50.2 dev eth0 metric 50 mtu lock 1400 rtt 100ms features ecn congctl cubic
//! 2001:db8:57::/48  encap seg6 mode encap segs 2 [ 2001:db8:1::7 2001:db8:1::8 ] dev eth0 metric 1024 expires 2996sec pref medium
//! ```
//!
//! JSON names some of it otherwise, and shows no `lock`: [`of_json`] gives the words of the text (`print_rta_metrics`,
//! `print_rta_cacheinfo`, `lwt_print_encap` of iproute2's ip/iproute.c and ip/iproute_lwtunnel.c). Left out: what the values mean.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::json::Names;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Its word (`rtt`, `pref`, `encap`), or a word that is not known.
    pub name: Arc<str>,
    /// What follows it (`100ms`, `lock 1400`, `seg6 mode encap segs 1 [ fd00::1 ]`), if anything does.
    pub value: Option<Arc<str>>,
    /// Behind which part of the route it stands.
    #[serde(skip)]
    pub(super) slot: Slot,
}

/// The parts of a route in the order in which `print_route` of iproute2 prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Kind,
    Dst,
    From,
    Encap,
    Tos,
    Nhid,
    Via,
    Dev,
    Table,
    Proto,
    Scope,
    Src,
    Metric,
    Flags,
    Mark,
    Realm,
    Uid,
    Metrics,
    Iif,
    Pref,
    TtlPropagate,
    NhInfo,
    Hops,
}

impl Slot {
    /// Where a word has its place; `None` for one that is not known.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "from" => Self::From,
            "encap" => Self::Encap,
            "tos" | "dsfield" => Self::Tos,
            "nhid" => Self::Nhid,
            "via" => Self::Via,
            "dev" => Self::Dev,
            "table" => Self::Table,
            "proto" | "protocol" => Self::Proto,
            "scope" => Self::Scope,
            "src" => Self::Src,
            "metric" | "preference" | "priority" => Self::Metric,
            "mark" => Self::Mark,
            "realm" | "realms" => Self::Realm,
            "uid" => Self::Uid,
            "iif" => Self::Iif,
            "pref" => Self::Pref,
            "ttl-propagate" => Self::TtlPropagate,
            "nh_info" => Self::NhInfo,
            "nexthop" => Self::Hops,
            "mtu" | "window" | "rtt" | "rttvar" | "ssthresh" | "cwnd" | "advmss" | "reordering" | "hoplimit" | "initcwnd"
            | "features" | "rto_min" | "initrwnd" | "quickack" | "congctl" | "cc_algo" | "fastopen_no_cookie" | "expires"
            | "error" | "users" | "used" | "age" | "ipid" | "ts" | "tsage" => Self::Metrics,
            _ => return None,
        })
    }
}

impl Attribute {
    /// An attribute; `before` is the place of the word before it, which is that of a word that is not known.
    pub(super) fn new(names: &mut Names, word: &str, value: Option<&str>, before: Slot) -> Self {
        let slot = Slot::of(word).unwrap_or(before);
        Self { name: names.get(word), value: value.map(|v| names.get(v)), slot }
    }
}

/// Members of a route, or of one of its ways, that have fields of their own.
const FIELDS: &[&str] = &[
    "type", "dst", "from", "src", "tos", "nhid", "gateway", "via", "dev", "table", "protocol", "scope", "prefsrc", "metric",
    "flags", "nexthops", "weight",
];

/// What else an object of `ip -j route` holds. Nothing of an object that cannot be read.
pub(super) fn of_json(object: &str, names: &mut Names) -> Box<[Attribute]> {
    let Ok(Members(members)) = serde_json::from_str(object) else { return Box::default() };
    let mut out = Vec::new();
    let mut members = members.into_iter().peekable();
    let mut before = Slot::Kind;
    while let Some((name, raw)) = members.next() {
        let name = &*name;
        // Only `encap ip` has a `dst` and a `src` of its own, and goes over them below.
        if FIELDS.contains(&name) {
            before = Slot::of(name).unwrap_or(before);
            continue;
        }
        let value = read(raw);
        match (name, &value) {
            ("encap", _) => {
                let mut words = plain(&value);
                // What the encapsulation writes stands up to the route's next member.
                while let Some((name, raw)) = members.next_if(|(name, _)| !ends_encap(name)) {
                    words.extend([" ", &name, " ", &in_encap(&read(raw))]);
                }
                out.push(Attribute::new(names, "encap", Some(words.trim_end()), before));
            }
            ("metrics", _) => {
                let all: Vec<Members<'_>> = serde_json::from_str(raw.get()).unwrap_or_default();
                out.extend(all.iter().flat_map(|m| &m.0).map(|(name, raw)| metric(names, name, &read(raw))));
            }
            ("flow", Value::Object(flow)) => {
                let to = flow.get("to").map(plain).unwrap_or_default();
                out.push(match flow.get("from").map(plain) {
                    Some(from) => Attribute::new(names, "realms", Some(&format!("{from}/{to}")), before),
                    None => Attribute::new(names, "realm", Some(&to), before),
                });
            }
            ("expires", _) => out.push(Attribute::new(names, "expires", Some(&format!("{}sec", plain(&value))), before)),
            ("nh_info", Value::Object(_)) => out.push(Attribute::new(names, "nh_info", Some(&nh_info(raw)), before)),
            (_, Value::Null) => out.push(Attribute::new(names, name, None, before)),
            _ => out.push(Attribute::new(names, name, Some(&plain(&value)), before)),
        }
    }
    out.into_boxed_slice()
}

/// The members of an object in their order: iproute2 prints some names twice.
struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    all.push((name, map.next_value()?));
                }
                Ok(Members(all))
            }
        }
        json.deserialize_map(All)
    }
}

#[derive(Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

fn read(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

/// A metric in the words of the text.
fn metric(names: &mut Names, name: &str, value: &Value) -> Attribute {
    let time = |ms: u64| if ms >= 1000 { format!("{}s", ms as f64 / 1000.0) } else { format!("{ms}ms") };
    match (name, value) {
        ("ecn" | "tcp_usec_ts", Value::Null) => Attribute::new(names, "features", Some(name), Slot::Metrics),
        ("congestion", _) => Attribute::new(names, "congctl", Some(&plain(value)), Slot::Metrics),
        ("rtt" | "rttvar" | "rto_min", Value::Number(ms)) => {
            Attribute::new(names, name, Some(&ms.as_u64().map_or_else(|| ms.to_string(), time)), Slot::Metrics)
        }
        (_, Value::Null) => Attribute::new(names, name, None, Slot::Metrics),
        _ => Attribute::new(names, name, Some(&plain(value)), Slot::Metrics),
    }
}

/// Whether a member of a route ends what its encapsulation writes. `src` and `dst` do not: those of `encap ip` are of the outer header.
fn ends_encap(name: &str) -> bool {
    FIELDS.contains(&name) && !matches!(name, "src" | "dst" | "tos")
        || matches!(name, "metrics" | "flow" | "pref" | "nh_info" | "expires")
}

/// `"segs":["fd00::1"]` is `segs 1 [ fd00::1 ]` in the text.
fn in_encap(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("{} [ {} ]", items.len(), items.join(" "))
        }
        other => plain(other),
    }
}

/// The next-hop object's copy.
fn nh_info(raw: &RawValue) -> String {
    let Ok(Members(info)) = serde_json::from_str(raw.get()) else { return String::new() };
    let mut words = Vec::new();
    for (name, raw) in info {
        match (&*name, read(raw)) {
            ("flags", flags) => words.push(plain(&flags)),
            ("group", Value::Array(group)) => {
                let member = |m: &Value| {
                    let weight = m.get("weight").map(|w| format!(",{}", plain(w))).unwrap_or_default();
                    format!("{}{weight}", m.get("id").map(plain).unwrap_or_default())
                };
                words.push(format!("group {}", group.iter().map(member).collect::<Vec<_>>().join("/")));
            }
            (name, Value::Null) => words.push(name.to_owned()),
            ("gateway", value) => words.push(format!("via {}", plain(&value))),
            ("protocol", value) => words.push(format!("proto {}", plain(&value))),
            (name, value) => words.push(format!("{name} {}", plain(&value))),
        }
    }
    words.retain(|w| !w.is_empty());
    words.join(" ")
}

/// A value without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
