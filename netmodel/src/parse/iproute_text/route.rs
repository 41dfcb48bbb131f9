//! `ip route`, `ip -6 route`: routes of one table or of all.
//!
//! ```text
//! default via 192.168.50.1 dev eth0 proto dhcp metric 100
//! 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink
//! blackhole 10.244.1.0/26 proto bird
//! 10.60.0.0/16 proto static
//!     nexthop via 192.168.50.5 dev eth0 weight 3
//!     nexthop via 192.168.50.6 dev eth0 weight 1 linkdown
//! unicast fe80::/64 dev eth0 table main proto kernel scope global metric 256 pref medium
//! ```
//!
//! Metrics other than the MTU, expiry and what an encapsulation writes are kept as text. The lines of a route's ways belong to it;
//! its place is its first line.

use std::net::IpAddr;

use super::super::Parsed;
use super::super::ip_route::{Attribute, Nexthop, Route, RouteKind, Table, Told, prefix};
use super::super::json::Names;
use super::super::route_attributes::Slot;
use super::Asked;
use super::words::{Piece, Words, number, pieces};
use crate::family::Family;
use crate::source::position;

/// The flags that iproute2 prints of routes and of next hops (`print_rt_flags` in ip/iproute.c).
pub(super) const FLAGS: &[&str] = &[
    "dead",
    "onlink",
    "pervasive",
    "offload",
    "trap",
    "notify",
    "linkdown",
    "unresolved",
    "rt_offload",
    "rt_trap",
    "rt_offload_failed",
    "offload_failed",
];

/// Words with one value that no field holds.
const VALUED: &[&str] = &[
    "advmss",
    "window",
    "rtt",
    "rttvar",
    "rto_min",
    "ssthresh",
    "cwnd",
    "reordering",
    "hoplimit",
    "initcwnd",
    "initrwnd",
    "quickack",
    "congctl",
    "cc_algo",
    "features",
    "fastopen_no_cookie",
    "expires",
    "error",
    "users",
    "used",
    "age",
    "mark",
    "uid",
    "iif",
    "realm",
    "realms",
    "pref",
    "ttl-propagate",
    "ipid",
    "ts",
    "tsage",
    "nh_nlmsg",
];

const ANSWER: &str = "the answer of `ip route get` or a cached route, which stands in no table";

/// Reads `ip route`; `family` is that of `default` where nothing else tells.
///
/// A text in which no line names a table and every route is `local`, `broadcast`, `anycast` or `multicast` is that of the table
/// `local`: `ip route show table local` does not repeat its name, and the kernel puts such routes nowhere else.
#[must_use]
pub fn parse(text: &str, family: Family, asked: &Asked<'_>) -> Parsed<Vec<Route>> {
    let end = position(text, text, 1).end;
    let mut reader = Reader { end, family, asked, names: Names::default(), out: Parsed::default(), open: false, told: false };
    for piece in pieces(text) {
        reader.piece(&piece);
    }
    let Reader { mut out, told, .. } = reader;
    let own = |r: &Route| matches!(r.kind, RouteKind::Local | RouteKind::Broadcast | RouteKind::Anycast | RouteKind::Multicast);
    if asked.table.is_none() && !told && out.value.iter().all(own) {
        for route in &mut out.value {
            route.table = Table::LOCAL;
        }
    }
    out
}

struct Reader<'a> {
    /// Where the text ends.
    end: u32,
    family: Family,
    asked: &'a Asked<'a>,
    names: Names,
    out: Parsed<Vec<Route>>,
    /// The line before was a route, to which ways may be added.
    open: bool,
    /// A line named a table.
    told: bool,
}

impl Reader<'_> {
    fn piece(&mut self, piece: &Piece<'_>) {
        let mut words = piece.words();
        let done = match words.peek() {
            None => Ok(()),
            Some("nexthop") => self.hops(piece, &mut words),
            // A copy of the next-hop object's line.
            Some("nh_info") => {
                if let Some(route) = self.out.value.last_mut().filter(|_| self.open) {
                    words.next();
                    let mut attributes = std::mem::take(&mut route.attributes).into_vec();
                    attributes.push(nh_info(&mut self.names, &mut words));
                    route.attributes = attributes.into();
                }
                Ok(())
            }
            Some("cache") => self.answer(),
            Some(_) => {
                let read = self.route(piece, &mut words);
                self.open = read.is_ok();
                read.map(|route| self.out.value.push(route))
            }
        };
        if let Err(what) = done {
            piece.failed(what, &mut self.out.problems);
        }
    }

    fn route(&mut self, piece: &Piece<'_>, words: &mut Words<'_>) -> Result<Route, String> {
        let mut first = words.value("a route")?;
        let kind = self.kind(first);
        let kind_told = kind.is_some();
        if kind_told {
            first = words.value(first)?;
        }
        let mut route = Route {
            at: piece.at,
            kind: kind.unwrap_or(RouteKind::Unicast),
            // Read below, when the family is known.
            dst: prefix("default", self.family)?,
            src: None,
            gateway: None,
            dev: None,
            nexthops: Vec::new(),
            nhid: None,
            table: self.asked.table.clone().unwrap_or(Table::MAIN),
            metric: 0,
            protocol: None,
            scope: None,
            prefsrc: None,
            tos: None,
            mtu: None,
            encap: None,
            flags: Vec::new(),
            attributes: Box::default(),
            told: Told { kind: kind_told, table: false, metric: false },
        };
        let (mut from, mut told) = (None, None);
        let mut attributes = Vec::new();
        // Where a word stands that is not known: behind the one before it.
        let mut slot = Slot::Dst;
        while let Some(word) = words.next() {
            slot = Slot::of(word).unwrap_or(slot);
            match word {
                "via" => {
                    let (gateway, other) = gateway(words)?;
                    route.gateway = Some(gateway);
                    // A gateway of the other family (RFC 5549) does not tell that of `default`.
                    told = told.or((!other).then(|| Family::of(gateway)));
                }
                "dev" => route.dev = Some(self.names.get(words.value(word)?)),
                "table" => {
                    route.table = Table::parse(words.value(word)?, &mut self.names);
                    (self.told, route.told.table) = (true, true);
                }
                "proto" | "protocol" => route.protocol = Some(self.names.get(words.value(word)?)),
                "scope" => route.scope = Some(self.names.get(words.value(word)?)),
                "src" => route.prefsrc = Some(words.typed(word, "an address")?),
                "from" => from = Some(words.value(word)?),
                "metric" | "preference" | "priority" => {
                    route.metric = words.typed(word, "a number")?;
                    route.told.metric = true;
                }
                "tos" | "dsfield" => route.tos = Some(self.names.get(words.value(word)?)),
                "nhid" => route.nhid = Some(words.typed(word, "a number")?),
                "mtu" => {
                    let value = valued(words, word)?;
                    let number = value.trim_start_matches("lock ");
                    route.mtu = Some(number.parse().map_err(|_| format!("`mtu {number}`: not a number"))?);
                    attributes.push(Attribute::new(&mut self.names, word, Some(&value), Slot::Metrics));
                }
                "encap" => {
                    let encap = encap(words)?;
                    route.encap = encap.split(' ').next().map(|kind| self.names.get(kind));
                    attributes.push(Attribute::new(&mut self.names, word, Some(&encap), Slot::Encap));
                }
                "nexthop" => route.nexthops.push(self.hop(piece, words)?),
                "nh_info" => attributes.push(nh_info(&mut self.names, words)),
                "cache" => return Err(ANSWER.to_owned()),
                // Bits of `features`.
                "ecn" | "tcp_usec_ts" => attributes.push(Attribute::new(&mut self.names, word, None, Slot::Metrics)),
                flag if FLAGS.contains(&flag) => {
                    slot = Slot::Flags;
                    // Nearly all routes have none or one: room for four would be a good part of what a route takes.
                    route.flags.reserve_exact(1);
                    route.flags.push(self.names.get(flag));
                }
                word if VALUED.contains(&word) => {
                    // Of IPv6 only: RFC 4191; the kernel dumps errors and expiry of IPv6 routes alone.
                    if matches!(word, "pref" | "error" | "expires") {
                        told = Some(Family::V6);
                    }
                    let value = valued(words, word)?;
                    attributes.push(Attribute::new(&mut self.names, word, Some(&value), Slot::Metrics));
                }
                other => {
                    piece.unknown(other, &mut self.out.problems);
                    attributes.push(Attribute::new(&mut self.names, other, None, slot));
                }
            }
        }
        if piece.at.end == self.end && route.gateway.is_some() && route.dev.is_none() && self.asked.dev.is_none() {
            // `dev` always follows, unless it was asked for: without it the gateway may be cut.
            return Err("the text ends behind a gateway: the line is cut".to_owned());
        }
        let family = told.unwrap_or(self.family);
        route.dst = prefix(first, family)?;
        route.src = from.map(|f| prefix(f, family)).transpose()?;
        route.attributes = attributes.into();
        Ok(route)
    }

    /// Below the answer of `ip route get` stands a line `cache`: what looks like a route of a table was none.
    fn answer(&mut self) -> Result<(), String> {
        if std::mem::take(&mut self.open) {
            self.out.value.pop();
        }
        Err(ANSWER.to_owned())
    }

    /// Lines that begin with `nexthop`.
    fn hops(&mut self, piece: &Piece<'_>, words: &mut Words<'_>) -> Result<(), String> {
        if !self.open {
            return Err("a next hop whose route was not read".to_owned());
        }
        let mut hops = Vec::new();
        while words.next().is_some() {
            hops.push(self.hop(piece, words)?);
        }
        if let Some(route) = self.out.value.last_mut() {
            route.nexthops.append(&mut hops);
        }
        Ok(())
    }

    /// A way, up to the next `nexthop`.
    fn hop(&mut self, piece: &Piece<'_>, words: &mut Words<'_>) -> Result<Nexthop, String> {
        let mut hop = Nexthop { gateway: None, dev: None, weight: 1, flags: Vec::new(), attributes: Box::default() };
        let (mut attributes, mut slot) = (Vec::new(), Slot::Encap);
        while let Some(word) = words.peek().filter(|w| *w != "nexthop") {
            words.next();
            slot = Slot::of(word).unwrap_or(slot);
            match word {
                "via" => hop.gateway = Some(gateway(words)?.0),
                "dev" => hop.dev = Some(self.names.get(words.value(word)?)),
                "weight" => hop.weight = words.typed(word, "a number")?,
                "encap" => {
                    let encap = encap(words)?;
                    attributes.push(Attribute::new(&mut self.names, word, Some(&encap), slot));
                }
                "realm" | "realms" | "nhid" => {
                    let value = words.value(word)?;
                    attributes.push(Attribute::new(&mut self.names, word, Some(value), slot));
                }
                flag if FLAGS.contains(&flag) => {
                    slot = Slot::Flags;
                    hop.flags.push(self.names.get(flag));
                }
                other => {
                    piece.unknown(other, &mut self.out.problems);
                    attributes.push(Attribute::new(&mut self.names, other, None, slot));
                }
            }
        }
        hop.attributes = attributes.into();
        if hop.gateway.is_none() && hop.dev.is_none() {
            return Err("a next hop without gateway and device: the line is cut".to_owned());
        }
        Ok(hop)
    }

    fn kind(&mut self, word: &str) -> Option<RouteKind> {
        // A type that this iproute2 does not know is printed as its number.
        let other = matches!(word, "nat" | "xresolve") || number(word).is_some();
        RouteKind::named(word).or_else(|| other.then(|| RouteKind::Other(self.names.get(word))))
    }
}

/// The gateway behind `via`, and whether its family is named: then it is the other one.
fn gateway(words: &mut Words<'_>) -> Result<(IpAddr, bool), String> {
    let other = words.peek().is_some_and(|w| w == "inet" || w == "inet6");
    if other {
        words.next();
    }
    Ok((words.typed("via", "an address")?, other))
}

/// The value of a metric: `mtu lock 1400` is fixed against path MTU discovery.
fn valued<'t>(words: &mut Words<'t>, word: &str) -> Result<std::borrow::Cow<'t, str>, String> {
    let value = words.value(word)?;
    Ok(if value == "lock" { format!("lock {}", words.value(word)?).into() } else { value.into() })
}

/// What follows `nh_info`, up to the ways.
fn nh_info(names: &mut Names, words: &mut Words<'_>) -> Attribute {
    let mut info = Vec::new();
    while let Some(word) = words.peek().filter(|w| *w != "nexthop") {
        info.push(word);
        words.next();
    }
    Attribute::new(names, "nh_info", Some(&info.join(" ")), Slot::NhInfo)
}

/// What an encapsulation writes (`encap ip id 7 src 0.0.0.0 dst 1.2.3.4 ttl 9 tos 0`, `encap seg6 mode encap segs 2 [ … ]`,
/// `encap mpls 100/200`), whose words mean other things than a route's. iproute2 prints the way right behind it.
pub(super) fn encap(words: &mut Words<'_>) -> Result<String, String> {
    let mut all = words.value("encap")?.to_owned();
    let mut bracket = false;
    while let Some(word) = words.peek() {
        if !bracket && matches!(word, "via" | "dev" | "nhid" | "nexthop" | "scope" | "proto") {
            break;
        }
        bracket = (bracket || word == "[") && word != "]";
        all.extend([" ", word]);
        words.next();
    }
    Ok(all)
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
