//! `ip -d -j route show table all`: the routes of every table.
//!
//! ```text
//! [{"type":"unicast","dst":"default","gateway":"192.168.50.1","dev":"eth0","table":"main","protocol":"boot","scope":"global",
//!   "flags":[]},{"type":"unicast","dst":"10.244.2.0/24","gateway":"10.244.2.0","dev":"flannel.1","table":"main",
//!   "protocol":"boot","scope":"global","flags":["onlink"]}]
//! ```
//!
//! Metrics other than the MTU, preference, expiry, realms and what an encapsulation writes are kept as text ([`Attribute`]). Left out:
//! what they mean.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Parsed;
use super::json::{self, Names};
pub use super::route_attributes::Attribute;
use super::route_attributes::of_json;
use crate::family::Family;
use crate::source::At;

/// A routing table: by number, or by a name of `rt_tables` whose number the capture does not tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// Its number; `local`, `main` and `default` are 255, 254 and 253.
    Id(u32),
    /// Its name.
    Name(Arc<str>),
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(255) => f.write_str("local"),
            Self::Id(254) => f.write_str("main"),
            Self::Id(253) => f.write_str("default"),
            Self::Id(id) => write!(f, "{id}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Table {
    /// The table `local`: addresses of this machine and broadcasts.
    pub const LOCAL: Self = Self::Id(255);
    /// The table `main`.
    pub const MAIN: Self = Self::Id(254);
    /// The table `default`.
    pub const DEFAULT: Self = Self::Id(253);
}

/// What a route does with a packet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RouteKind {
    /// Sends it on.
    Unicast,
    /// Delivers it here.
    Local,
    /// Sends it as a link broadcast.
    Broadcast,
    /// Sends it as multicast.
    Multicast,
    /// Delivers it here as anycast.
    Anycast,
    /// Drops it silently.
    Blackhole,
    /// Drops it and answers "host unreachable".
    Unreachable,
    /// Drops it and answers "administratively prohibited".
    Prohibit,
    /// Goes on with the next policy rule.
    Throw,
    /// Any other type, by its name.
    Other(Arc<str>),
}

/// One way of a route with several.
#[derive(Clone, Debug, Serialize)]
pub struct Nexthop {
    /// The next router; of either family (RFC 5549).
    pub gateway: Option<IpAddr>,
    /// The device.
    pub dev: Option<Arc<str>>,
    /// Its share, from 1.
    pub weight: u32,
    /// `onlink`, `linkdown`, `dead`, …
    pub flags: Vec<Arc<str>>,
    /// What else is printed of it, in the text's order.
    pub attributes: Box<[Attribute]>,
}

/// What a capture printed although it need not have: iproute2 leaves out the defaults without `-d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The type.
    pub kind: bool,
    /// The table.
    pub table: bool,
    /// The metric.
    pub metric: bool,
}

/// A route.
#[derive(Clone, Debug, Serialize)]
pub struct Route {
    /// The object in the capture.
    pub at: At,
    /// What it does.
    pub kind: RouteKind,
    /// Where to; `default` is the prefix of length 0.
    pub dst: IpNet,
    /// The source prefix that it holds for (IPv6 subtrees), if any.
    pub src: Option<IpNet>,
    /// The next router; of either family.
    pub gateway: Option<IpAddr>,
    /// The device.
    pub dev: Option<Arc<str>>,
    /// The ways, when there are several (ECMP).
    pub nexthops: Vec<Nexthop>,
    /// The next-hop object, by its id.
    pub nhid: Option<u32>,
    /// The table.
    pub table: Table,
    /// The metric; 0 where none is printed.
    pub metric: u32,
    /// Who made it, as printed (`kernel`, `boot`, `static`, `bird`, …).
    pub protocol: Option<Arc<str>>,
    /// The scope as printed.
    pub scope: Option<Arc<str>>,
    /// The preferred source address.
    pub prefsrc: Option<IpAddr>,
    /// The type of service that it holds for, as printed, if any.
    pub tos: Option<Arc<str>>,
    /// The MTU that it sets.
    pub mtu: Option<u32>,
    /// Whether it encapsulates (`encap`): then where the packet really goes is not told by gateway and dev alone.
    pub encap: Option<Arc<str>>,
    /// `onlink`, `linkdown`, `dead`, `pervasive`, …
    pub flags: Vec<Arc<str>>,
    /// What else is printed of it, in the text's order: metrics (the MTU too, with its `lock`), preference, expiry, realms, ….
    pub attributes: Box<[Attribute]>,
    /// What was printed of the fields that have a default.
    #[serde(skip)]
    pub told: Told,
}

impl Route {
    /// What follows a word among its attributes: `pref` gives `medium`.
    #[must_use]
    pub fn attribute(&self, word: &str) -> Option<&str> {
        self.attributes.iter().find(|a| &*a.name == word)?.value.as_deref()
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn has_flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|f| &**f == flag)
    }
}

/// Reads `ip -j route`; `family` is that of `default` where nothing else tells.
#[must_use]
pub fn parse(text: &str, family: Family) -> Parsed<Vec<Route>> {
    json::read(text, |element, object, names| {
        let mut raw: RawRoute<'_> = json::typed(object)?;
        if raw.encap.is_some() {
            // `encap ip` prints its own `src` and `dst` among the route's, whose `dst` comes first and whose source is `from`.
            let first = json::excerpt(element.text, "dst", &[]);
            let first = first.strip_prefix("\"dst\":").unwrap_or(&first).trim().trim_matches('"');
            (raw.dst, raw.src) = (Cow::Owned(first.to_owned()), None);
        }
        let mut route = raw.route(element.at, family, names)?;
        route.attributes = of_json(element.text, names);
        Ok(route)
    })
}

#[derive(Deserialize)]
struct RawRoute<'t> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'t, str>>,
    #[serde(borrow)]
    dst: Cow<'t, str>,
    #[serde(borrow)]
    src: Option<Cow<'t, str>>,
    #[serde(borrow)]
    from: Option<Cow<'t, str>>,
    #[serde(borrow)]
    gateway: Option<Cow<'t, str>>,
    #[serde(borrow)]
    via: Option<RawVia<'t>>,
    #[serde(borrow)]
    dev: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    nexthops: Vec<&'t RawValue>,
    nhid: Option<u32>,
    #[serde(borrow)]
    table: Option<Cow<'t, str>>,
    metric: Option<u32>,
    #[serde(borrow)]
    protocol: Option<Cow<'t, str>>,
    #[serde(borrow)]
    scope: Option<Cow<'t, str>>,
    #[serde(borrow)]
    prefsrc: Option<Cow<'t, str>>,
    #[serde(borrow)]
    tos: Option<RawTos<'t>>,
    #[serde(default)]
    metrics: Vec<RawMetrics>,
    #[serde(borrow)]
    encap: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    flags: Vec<Cow<'t, str>>,
    /// Router preference (RFC 4191): only IPv6 routes have one.
    #[serde(default, deserialize_with = "json::present")]
    pref: bool,
}

/// A route's is a word; a number is what `encap ip` writes.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawTos<'t> {
    Word(#[serde(borrow)] Cow<'t, str>),
    Number(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct RawVia<'t> {
    #[serde(borrow)]
    host: Cow<'t, str>,
}

#[derive(Deserialize)]
struct RawHop<'t> {
    #[serde(borrow)]
    gateway: Option<Cow<'t, str>>,
    #[serde(borrow)]
    via: Option<RawVia<'t>>,
    #[serde(borrow)]
    dev: Option<Cow<'t, str>>,
    weight: Option<u32>,
    #[serde(borrow, default)]
    flags: Vec<Cow<'t, str>>,
}

#[derive(Deserialize)]
struct RawMetrics {
    mtu: Option<u32>,
}

impl RawRoute<'_> {
    fn route(self, at: At, family: Family, names: &mut Names) -> Result<Route, String> {
        let gateway = address(self.gateway.as_deref().or(self.via.as_ref().map(|v| &*v.host)))?;
        // A gateway of the other family (RFC 5549) stands below `via`, so `gateway` tells the family of `default`.
        let told = self.gateway.as_deref().and_then(|g| g.parse().ok()).map(Family::of);
        let family = if self.pref { Family::V6 } else { told.unwrap_or(family) };
        Ok(Route {
            at,
            kind: kind(self.kind.as_deref().unwrap_or("unicast"), names),
            dst: prefix(&self.dst, family)?,
            src: self.src.as_deref().or(self.from.as_deref()).map(|s| prefix(s, family)).transpose()?,
            gateway,
            dev: self.dev.as_deref().map(|d| names.get(d)),
            nexthops: self.nexthops.iter().map(|h| hop(h.get(), names)).collect::<Result<_, _>>()?,
            nhid: self.nhid,
            table: self.table.as_deref().map_or(Table::MAIN, |t| Table::parse(t, names)),
            metric: self.metric.unwrap_or(0),
            protocol: self.protocol.as_deref().map(|p| names.get(p)),
            scope: self.scope.as_deref().map(|s| names.get(s)),
            prefsrc: address(self.prefsrc.as_deref())?,
            tos: match &self.tos {
                Some(RawTos::Word(word)) => Some(names.get(word)),
                Some(RawTos::Number(_)) | None => None,
            },
            mtu: self.metrics.iter().find_map(|m| m.mtu),
            encap: self.encap.as_deref().map(|e| names.get(e)),
            flags: names.all(&self.flags),
            attributes: Box::default(),
            told: Told { kind: self.kind.is_some(), table: self.table.is_some(), metric: self.metric.is_some() },
        })
    }
}

fn hop(object: &str, names: &mut Names) -> Result<Nexthop, String> {
    let raw: RawHop<'_> = json::typed(object)?;
    Ok(Nexthop {
        gateway: address(raw.gateway.as_deref().or(raw.via.as_ref().map(|v| &*v.host)))?,
        dev: raw.dev.as_deref().map(|d| names.get(d)),
        weight: raw.weight.unwrap_or(1),
        flags: names.all(&raw.flags),
        attributes: of_json(object, names),
    })
}

fn address(text: Option<&str>) -> Result<Option<IpAddr>, String> {
    text.map(|t| t.parse().map_err(|_| format!("`{t}` is not an address"))).transpose()
}

/// A prefix as iproute2 prints it: `default`, an address alone for a host, or with its length.
pub(super) fn prefix(text: &str, family: Family) -> Result<IpNet, String> {
    let bad = || format!("`{text}` is not a prefix");
    match text {
        "default" | "all" | "any" => Ok(match family {
            Family::V4 => IpNet::from(ipnet::Ipv4Net::default()),
            Family::V6 => IpNet::from(ipnet::Ipv6Net::default()),
        }),
        _ if text.contains('/') => text.parse().map_err(|_| bad()),
        _ => text.parse::<IpAddr>().map(IpNet::from).map_err(|_| bad()),
    }
}

impl Table {
    /// A table as iproute2 prints it.
    pub(super) fn parse(text: &str, names: &mut Names) -> Self {
        match text {
            "local" => Self::LOCAL,
            "main" => Self::MAIN,
            "default" => Self::DEFAULT,
            _ => text.parse().map_or_else(|_| Self::Name(names.get(text)), Self::Id),
        }
    }
}

impl RouteKind {
    /// The type of this name (ip-route(8)); `None` for one that is not known here.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "unicast" => Self::Unicast,
            "local" => Self::Local,
            "broadcast" => Self::Broadcast,
            "multicast" => Self::Multicast,
            "anycast" => Self::Anycast,
            "blackhole" => Self::Blackhole,
            "unreachable" => Self::Unreachable,
            "prohibit" => Self::Prohibit,
            "throw" => Self::Throw,
            _ => return None,
        })
    }
}

fn kind(text: &str, names: &mut Names) -> RouteKind {
    RouteKind::named(text).unwrap_or_else(|| RouteKind::Other(names.get(text)))
}
