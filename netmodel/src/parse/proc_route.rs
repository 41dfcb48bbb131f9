//! /proc/net/route: IPv4 routes of the table `main`, as `fib_route_seq_show` (net/ipv4/fib_trie.c) prints them.
//!
//! ```text
//! Iface   Destination Gateway     Flags   RefCnt  Use Metric  Mask        MTU Window  IRTT
//! eth0    00000000    0132A8C0    0003    0       0   0       00000000    0   0       0
//! *       0000320A    00000000    0001    0       0   0       0000FFFF    0   0       0
//! ```
//!
//! Addresses are the bytes of memory as one number: `0132A8C0` is 192.168.50.1 on a little-endian node. The column MTU is the
//! *advertised MSS plus 40*, not the MTU of the route, so it is left out. What the file does not show stands in [`NOT_SHOWN`].

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use super::Parsed;
use super::ip_route::{Route, RouteKind, Table, Told};
use super::json::Names;
use crate::source::{At, Problem, lines};

/// What the file leaves out, so that it cannot be proven from it.
pub const NOT_SHOWN: &str = "other tables than main, all but the first way of a route with several, protocol, scope, source, flags, broadcast and multicast routes";

/// RTF_* of include/uapi/linux/route.h.
const GATEWAY: u32 = 0x2;
/// `unreachable` or `prohibit`: the file does not say which.
const REJECT: u32 = 0x200;

/// Reads /proc/net/route.
///
/// A route without a device is `blackhole` here (a `throw`, the other type that looks so, does not stand in `main`); a rejecting one
/// is `unreachable`, though it may be `prohibit`: both drop the packet and answer.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Route>> {
    let big = lines(text).any(|(_, line)| masks(line).is_some_and(|(little, big)| little.is_none() && big.is_some()));
    let mut out = Parsed::<Vec<Route>>::default();
    let mut names = Names::default();
    for (at, line) in lines(text) {
        if line.trim_ascii().is_empty() || line.trim_ascii_start().starts_with("Iface") {
            continue;
        }
        match route(at, line, big, &mut names) {
            Ok(route) => out.value.push(route),
            Err(what) => out.problems.push(Problem { at, what }),
        }
    }
    out
}

/// The prefix length of a line's mask, read as of a little- and of a big-endian node.
fn masks(line: &str) -> Option<(Option<u8>, Option<u8>)> {
    let mask = hex(line.split_ascii_whitespace().nth(7)?).ok()?;
    Some((prefix_len(mask.swap_bytes()), prefix_len(mask)))
}

/// The length of a mask whose ones stand together.
pub(super) fn prefix_len(mask: u32) -> Option<u8> {
    let len = mask.leading_ones();
    (mask.count_ones() == len).then(|| u8::try_from(len).ok())?
}

fn hex(word: &str) -> Result<u32, String> {
    let digits = word.bytes().all(|b| b.is_ascii_hexdigit());
    digits.then(|| u32::from_str_radix(word, 16).ok()).flatten().ok_or_else(|| format!("`{word}` is not a hexadecimal number"))
}

fn route(at: At, line: &str, big: bool, names: &mut Names) -> Result<Route, String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [dev, dst, gateway, flags, _, _, metric, mask, ..] = words[..] else { return Err("fewer than eight columns".to_owned()) };
    let number = |word: &str| hex(word).map(|n| if big { n } else { n.swap_bytes() });
    let len = prefix_len(number(mask)?).ok_or_else(|| format!("`{mask}` is not a mask"))?;
    let net = Ipv4Net::new(Ipv4Addr::from(number(dst)?), len).map_err(|e| e.to_string())?;
    let (gateway, flags) = (Ipv4Addr::from(number(gateway)?), hex(flags)?);
    let metric = metric.parse().map_err(|_| format!("`{metric}` is not a metric"))?;
    row(at, IpNet::V4(net), (flags & GATEWAY != 0).then_some(gateway), flags & REJECT != 0, Some(dev), metric, names)
}

/// A route as the old interfaces show it: `gateway` where its flag is set, `dev` `*` or `-` for none.
pub(super) fn row(
    at: At,
    dst: IpNet,
    gateway: Option<Ipv4Addr>,
    reject: bool,
    dev: Option<&str>,
    metric: u32,
    names: &mut Names,
) -> Result<Route, String> {
    if gateway.is_some_and(|g| g.is_unspecified()) {
        // Else it would look as if the destination were on the link.
        return Err("its gateway is of the other family, which this form does not show".to_owned());
    }
    let dev = dev.filter(|d| !matches!(*d, "*" | "-"));
    let kind = match (reject, dev) {
        (true, _) => RouteKind::Unreachable,
        (false, None) => RouteKind::Blackhole,
        (false, Some(_)) => RouteKind::Unicast,
    };
    let mut route = blank(at, dst, kind);
    route.gateway = gateway.map(Into::into);
    route.dev = dev.map(|d| names.get(d));
    route.metric = metric;
    Ok(route)
}

/// A route of the table `main` of which no more is known.
pub(super) fn blank(at: At, dst: IpNet, kind: RouteKind) -> Route {
    Route {
        at,
        kind,
        dst,
        src: None,
        gateway: None,
        dev: None,
        nexthops: Vec::new(),
        nhid: None,
        table: Table::MAIN,
        metric: 0,
        protocol: None,
        scope: None,
        prefsrc: None,
        tos: None,
        mtu: None,
        encap: None,
        flags: Vec::new(),
        attributes: Box::default(),
        told: Told::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::iproute_text::testing::fixture;
    use crate::{Family, parse::ip_route};

    /// What both forms show of a route; the first way stands for all.
    pub(in crate::parse) fn key(route: &Route) -> (String, String, Option<String>, u32) {
        let first = route.nexthops.first();
        let gateway = route.gateway.or(first.and_then(|h| h.gateway));
        let dev = route.dev.as_deref().or(first.and_then(|h| h.dev.as_deref()));
        (route.dst.to_string(), gateway.map(|g| g.to_string()).unwrap_or_default(), dev.map(str::to_owned), route.metric)
    }

    #[test]
    fn it_shows_what_ip_route_shows_of_main() {
        let got = parse(&fixture("proc-net-route", "routes.txt"));
        let want = ip_route::parse(&fixture("ip-route-text", "route4.json"), Family::V4).value;
        // Two routes of that node go over an IPv6 gateway.
        assert_eq!(got.problems.len(), 2);
        let main =
            want.iter().filter(|r| r.table == Table::MAIN && !matches!(r.kind, RouteKind::Multicast | RouteKind::Broadcast));
        let v6 = |r: &&Route| !r.gateway.is_some_and(|g| g.is_ipv6());
        let want: Vec<_> = main.filter(v6).map(key).collect();
        let mut shown: Vec<_> = got.value.iter().map(key).collect();
        // Of a blackhole next-hop object the kernel shows `lo`, in both forms.
        shown.sort();
        let mut want = want;
        want.sort();
        assert_eq!(shown, want);
        let kind = |dst: &str| got.value.iter().find(|r| r.dst.to_string() == dst).map(|r| r.kind.clone());
        assert_eq!(kind("10.50.0.0/16"), Some(RouteKind::Blackhole));
        assert_eq!(kind("10.51.0.0/16"), Some(RouteKind::Unreachable));
        assert_eq!(kind("10.60.0.0/16"), Some(RouteKind::Unicast));
        assert!(got.value.iter().all(|r| r.mtu.is_none()), "the column MTU is no MTU");
    }

    #[test]
    fn a_big_endian_node_prints_the_bytes_in_order() {
        let text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                    enc1000\t00000000\tC0A83201\t0003\t0\t0\t0\t00000000\t0\t0\t0\nenc1000\tC0A83200\t00000000\t0001\t0\t0\t0\tFFFFFF00\t0\t0\t0\n";
        let got = parse(text);
        assert_eq!(got.value[0].gateway, "192.168.50.1".parse().ok());
        assert_eq!(got.value[1].dst.to_string(), "192.168.50.0/24");
    }

    #[test]
    fn what_is_no_row_is_a_problem() {
        let got =
            parse("eth0\t00000000\t0132A8C0\t0003\t0\t0\t0\t00FF00FF\neth0\t0000\neth0\tXX000000\t0\t1\t0\t0\t0\t00000000\n");
        assert_eq!((got.value.len(), got.problems.len()), (0, 3));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9A-Fa-f]{1,9}\t|eth0\t|\\*\t|\n|[a-z\u{e9} ]){0,40}") {
            let _ = parse(&text);
        }
    }
}
