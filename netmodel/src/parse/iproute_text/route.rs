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
//! Left out: metrics other than the MTU, expiry, what an encapsulation writes. The lines of a route's ways belong to it; its place
//! is its first line.

use std::net::IpAddr;

use super::super::Parsed;
use super::super::ip_route::{Nexthop, Route, RouteKind, Table, prefix};
use super::super::json::Names;
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

/// Words with one value that no record holds.
const PASSED: &[&str] = &[
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
            Some("nh_info") => Ok(()),
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
        if kind.is_some() {
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
        };
        let (mut from, mut told) = (None, None);
        while let Some(word) = words.next() {
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
                    self.told = true;
                }
                "proto" | "protocol" => route.protocol = Some(self.names.get(words.value(word)?)),
                "scope" => route.scope = Some(self.names.get(words.value(word)?)),
                "src" => route.prefsrc = Some(words.typed(word, "an address")?),
                "from" => from = Some(words.value(word)?),
                "metric" | "preference" | "priority" => route.metric = words.typed(word, "a number")?,
                "tos" | "dsfield" => route.tos = Some(self.names.get(words.value(word)?)),
                "nhid" => route.nhid = Some(words.typed(word, "a number")?),
                "mtu" => {
                    locked(words);
                    route.mtu = Some(words.typed(word, "a number")?);
                }
                "encap" => {
                    route.encap = Some(self.names.get(words.value(word)?));
                    skip_encap(words);
                }
                "nexthop" => route.nexthops.push(self.hop(piece, words)?),
                "nh_info" => words.skip_all(),
                "cache" => return Err(ANSWER.to_owned()),
                // Bits of `features`.
                "ecn" | "tcp_usec_ts" => {}
                flag if FLAGS.contains(&flag) => route.flags.push(self.names.get(flag)),
                passed if PASSED.contains(&passed) => {
                    // Of IPv6 only: RFC 4191; the kernel dumps errors and expiry of IPv6 routes alone.
                    if matches!(passed, "pref" | "error" | "expires") {
                        told = Some(Family::V6);
                    }
                    locked(words);
                    words.value(passed)?;
                }
                other => piece.unknown(other, &mut self.out.problems),
            }
        }
        if piece.at.end == self.end && route.gateway.is_some() && route.dev.is_none() && self.asked.dev.is_none() {
            // `dev` always follows, unless it was asked for: without it the gateway may be cut.
            return Err("the text ends behind a gateway: the line is cut".to_owned());
        }
        let family = told.unwrap_or(self.family);
        route.dst = prefix(first, family)?;
        route.src = from.map(|f| prefix(f, family)).transpose()?;
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
        let mut hop = Nexthop { gateway: None, dev: None, weight: 1, flags: Vec::new() };
        while let Some(word) = words.peek().filter(|w| *w != "nexthop") {
            words.next();
            match word {
                "via" => hop.gateway = Some(gateway(words)?.0),
                "dev" => hop.dev = Some(self.names.get(words.value(word)?)),
                "weight" => hop.weight = words.typed(word, "a number")?,
                "encap" => {
                    words.value(word)?;
                    skip_encap(words);
                }
                "realm" | "realms" | "nhid" => drop(words.value(word)?),
                flag if FLAGS.contains(&flag) => hop.flags.push(self.names.get(flag)),
                other => piece.unknown(other, &mut self.out.problems),
            }
        }
        if hop.gateway.is_none() && hop.dev.is_none() {
            return Err("a next hop without gateway and device: the line is cut".to_owned());
        }
        Ok(hop)
    }

    fn kind(&mut self, word: &str) -> Option<RouteKind> {
        Some(match word {
            "unicast" => RouteKind::Unicast,
            "local" => RouteKind::Local,
            "broadcast" => RouteKind::Broadcast,
            "multicast" => RouteKind::Multicast,
            "anycast" => RouteKind::Anycast,
            "blackhole" => RouteKind::Blackhole,
            "unreachable" => RouteKind::Unreachable,
            "prohibit" => RouteKind::Prohibit,
            "throw" => RouteKind::Throw,
            // A type that this iproute2 does not know is printed as its number.
            "nat" | "xresolve" => RouteKind::Other(self.names.get(word)),
            _ if number(word).is_some() => RouteKind::Other(self.names.get(word)),
            _ => return None,
        })
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

/// `mtu lock 1400`: the metric is fixed against path MTU discovery.
fn locked(words: &mut Words<'_>) {
    if words.peek() == Some("lock") {
        words.next();
    }
}

/// Goes over what an encapsulation writes (`encap ip id 7 src 0.0.0.0 dst 1.2.3.4 ttl 9 tos 0`, `encap seg6 mode encap segs 2 [ … ]`,
/// `encap mpls 100/200`), whose words mean other things than a route's. iproute2 prints the way right behind it.
pub(super) fn skip_encap(words: &mut Words<'_>) {
    let mut bracket = false;
    while let Some(word) = words.peek() {
        if !bracket && matches!(word, "via" | "dev" | "nhid" | "nexthop" | "scope" | "proto") {
            return;
        }
        bracket = (bracket || word == "[") && word != "]";
        words.next();
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::same_as_json;
    use super::*;
    use crate::parse::ip_route;

    fn v4(text: &str) -> Parsed<Vec<Route>> {
        parse(text, Family::V4, &Asked::default())
    }

    fn lines<T>(got: &Parsed<T>) -> Vec<u32> {
        got.problems.iter().map(|p| p.at.line).collect()
    }

    #[test]
    fn the_text_says_what_the_json_says() {
        for name in ["route4", "route4-brief", "route4-oneline", "route4-node"] {
            same_as_json("ip-route-text", name, v4, |text| ip_route::parse(text, Family::V4));
        }
        for name in ["route6", "route6-brief"] {
            same_as_json("ip-route-text", name, |t| parse(t, Family::V6, &Asked::default()), |t| ip_route::parse(t, Family::V6));
        }
        same_as_json("ip-route-text", "route-both", v4, |text| ip_route::parse(text, Family::V4));
    }

    #[test]
    fn what_people_do_to_routes() {
        let got = v4(include_str!("../../../../fixtures/captures/ip-route-text/odd.txt"));
        let route = |dst: &str| {
            let dst = prefix(dst, Family::V4).unwrap();
            got.value.iter().find(|r| r.dst == dst).unwrap_or_else(|| panic!("{dst}: {got:#?}"))
        };
        let gateway = |dst: &str| route(dst).gateway.unwrap().to_string();
        assert_eq!((gateway("0.0.0.0/0"), route("0.0.0.0/0").metric), ("10.0.0.1".to_owned(), 0));
        assert!(route("10.244.2.0/24").has_flag("onlink"));
        assert!(route("172.17.0.0/16").has_flag("linkdown"));
        assert_eq!((route("10.81.0.0/16").protocol.as_deref(), route("10.81.0.0/16").metric), (Some("dhcp"), 100));
        assert_eq!(route("10.80.0.0/16").protocol.as_deref(), Some("80"));
        assert_eq!(
            (&route("10.244.0.0/26").kind, route("10.244.0.0/26").protocol.as_deref()),
            (&RouteKind::Blackhole, Some("bird"))
        );
        assert_eq!(route("10.10.0.0/16").kind, RouteKind::Unreachable);
        assert_eq!(gateway("10.244.3.0/24"), "10.0.0.3", "markdown bold is no part of an address");
        assert_eq!(gateway("10.244.4.0/24"), "10.0.0.4", "a note behind the route is no part of it");
        assert_eq!(route("10.244.4.0/24").dev.as_deref(), Some("eth0"));
        let ways: Vec<_> = route("10.60.0.0/16").nexthops.iter().map(|h| (h.gateway.unwrap().to_string(), h.weight)).collect();
        assert_eq!(ways, [("10.0.0.5".to_owned(), 3), ("10.0.0.6".to_owned(), 1)]);
        assert!(route("10.60.0.0/16").nexthops[1].flags.iter().any(|f| &**f == "dead"));
        // Squeezed on one line, the ways are the same.
        assert_eq!(route("10.61.0.0/16").nexthops.len(), 2);
        assert_eq!((&route("10.0.0.9/32").table, &route("10.0.0.9/32").kind), (&Table::LOCAL, &RouteKind::Local));
        let v6: Vec<_> = got.value.iter().filter(|r| Family::of(r.dst.addr()) == Family::V6).collect();
        assert_eq!(v6.iter().map(|r| r.dst.to_string()).collect::<Vec<_>>(), ["::/0", "::/0", "fe80::/64", "fd00::5/128"]);
        assert_eq!(v6[1].kind, RouteKind::Unreachable);
        assert_eq!(v6[3].kind, RouteKind::Unreachable);
        // Masked, a way of a masked one, and cut mid-address: problems, and none of them a route.
        let text = include_str!("../../../../fixtures/captures/ip-route-text/odd.txt");
        let at: Vec<_> = got.problems.iter().map(|p| text.get(p.at.start as usize..p.at.end as usize).unwrap()).collect();
        assert_eq!(
            at,
            [
                "10.xx.xx.0/24 via 10.xx.xx.1 dev eth0",
                "10.62.0.0/16 via 10.0.x.7 dev eth0",
                "nexthop via 10.0.0.8 dev eth0 weight 1",
                "10.244.9.0/24 via 10.24"
            ]
        );
        assert!(got.value.iter().all(|r| r.dst.to_string() != "10.244.9.0/24"));
    }

    #[test]
    fn the_table_of_the_command_line_counts_where_the_line_names_none() {
        let text = "10.1.0.0/16 via 10.0.0.1 dev eth0\n";
        assert_eq!(v4(text).value[0].table, Table::MAIN);
        assert_eq!(parse(text, Family::V4, &Asked { table: Some(Table::Id(77)), dev: None }).value[0].table, Table::Id(77));
        let local = "broadcast 10.0.0.255 dev eth0 proto kernel scope link src 10.0.0.1\nlocal 10.0.0.1 dev eth0\n";
        assert!(v4(local).value.iter().all(|r| r.table == Table::LOCAL));
        // Near miss: one route that is none of these, and the table is the one that is printed without its name.
        assert!(v4(&format!("{text}{local}")).value.iter().all(|r| r.table == Table::MAIN));
    }

    #[test]
    fn words_of_an_encapsulation_are_not_the_routes() {
        let got = v4("10.63.0.0/16  encap ip id 7 src 9.9.9.9 dst 1.2.3.4 ttl 9 tos 4 csum via 10.0.0.9 dev vx onlink\n\
                      10.64.0.0/16  encap mpls  100/200 via 10.0.0.9 dev eth0\n10.65.0.0/16 proto static\n\
                      \tnexthop  encap mpls  300 via 10.0.0.1 dev eth0 weight 2\n");
        assert_eq!(got.problems, []);
        let first = &got.value[0];
        assert_eq!((first.prefsrc, &first.tos, first.encap.as_deref()), (None, &None, Some("ip")));
        assert_eq!((first.dst.to_string().as_str(), first.has_flag("onlink")), ("10.63.0.0/16", true));
        assert_eq!(got.value[2].nexthops[0].gateway, "10.0.0.1".parse().ok());
    }

    #[test]
    fn a_gateway_at_the_end_of_the_text_may_be_cut() {
        let cut = v4("10.1.0.0/16 via 10.0.0.1 dev eth0\n10.2.0.0/16 via 10.0.0.1");
        assert_eq!((cut.value.len(), lines(&cut)), (1, vec![2]));
        // Near miss: whole lines of `ip route show dev eth0`, which prints no device.
        assert_eq!(v4("10.1.0.0/16 via 10.0.0.1 \n10.2.0.0/16 via 10.0.0.1 \n").value.len(), 2);
    }

    #[test]
    fn an_answer_of_route_get_is_no_route() {
        let got =
            v4("10.0.0.0/8 dev eth0\n10.1.2.3 via 10.0.0.1 dev eth0 src 10.0.0.9 uid 0 \n    cache \n10.9.0.0/16 dev eth1\n");
        assert_eq!(got.value.iter().map(|r| r.dst.to_string()).collect::<Vec<_>>(), ["10.0.0.0/8", "10.9.0.0/16"]);
        assert_eq!(lines(&got), [3]);
    }

    #[test]
    fn what_is_no_route_is_a_problem() {
        let got = v4(
            "RTNETLINK answers: Operation not permitted\nCannot find device \"eth9\"\n10.0.0.0/8 dev eth0 newword\n\tnexthop dev a\n",
        );
        assert_eq!(lines(&got), [1, 2, 3]);
        assert_eq!(got.value[0].nexthops.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(default |local |via |inet6 |dev |nexthop |encap |\\[ |\\] |mtu |lock |metric |[0-9.:/]{1,9} |\\*\\*|[a-z]{1,3} |\n\t?|\\\\|\u{e9}){0,40}") {
            let _ = parse(&text, Family::V6, &Asked::default());
        }
    }
}
