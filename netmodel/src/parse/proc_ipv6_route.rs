//! /proc/net/ipv6_route: IPv6 routes of all tables, as `ipv6_route_native_seq_show` (net/ipv6/ip6_fib.c) prints them.
//!
//! ```text
//! fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
//! ```
//!
//! Destination, its length, source, its length, next hop, metric, references, uses, flags (RTF_*), device; all in hexadecimal.
//! Entries of the cache and the kernel's own null entries (metric ffffffff), which are no routes, are passed over. What the file does
//! not show stands in [`NOT_SHOWN`].

use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv6Net};

use super::Parsed;
use super::ip_route::{Route, RouteKind, Table};
use super::json::Names;
use super::proc_route::blank;
use crate::source::{At, Problem, lines};

/// What the file leaves out, so that it cannot be proven from it.
pub const NOT_SHOWN: &str = "the table of a route (local ones apart), which of blackhole, unreachable, prohibit and throw a rejecting \
                             one is, next-hop objects, encapsulation, protocol, MTU";

/// RTF_* of include/uapi/linux/route.h and ipv6_route.h.
const GATEWAY: u32 = 0x2;
const REJECT: u32 = 0x200;
const ANYCAST: u32 = 0x0010_0000;
const CACHE: u32 = 0x0100_0000;
const LOCAL: u32 = 0x8000_0000;

/// Reads /proc/net/ipv6_route. Rejecting routes are `unreachable` here, see [`NOT_SHOWN`].
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Route>> {
    let mut out = Parsed::<Vec<Route>>::default();
    let mut names = Names::default();
    for (at, line) in lines(text) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match route(at, line, &mut names) {
            Ok(route) => out.value.extend(route),
            Err(what) => out.problems.push(Problem { at, what }),
        }
    }
    out
}

/// An address of 32 hexadecimal digits.
pub(super) fn address(word: &str) -> Result<Ipv6Addr, String> {
    let number = (word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit())).then(|| u128::from_str_radix(word, 16).ok());
    number.flatten().map(Ipv6Addr::from).ok_or_else(|| format!("`{word}` is not an address of 32 digits"))
}

/// A hexadecimal number.
pub(super) fn hex(word: &str) -> Result<u32, String> {
    let number = word.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(word, 16).ok());
    number.flatten().ok_or_else(|| format!("`{word}` is not a hexadecimal number"))
}

/// An address with a length.
pub(super) fn net(addr: &str, len: &str) -> Result<Ipv6Net, String> {
    let len = u8::try_from(hex(len)?).map_err(|_| format!("`{len}` is not a prefix length"))?;
    Ipv6Net::new(address(addr)?, len).map_err(|_| format!("`{len}` is not a prefix length"))
}

fn route(at: At, line: &str, names: &mut Names) -> Result<Option<Route>, String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [dst, dst_len, src, src_len, gateway, metric, _, _, flags, dev] = words[..] else {
        return Err("not ten columns".to_owned());
    };
    let (dst, src, gateway) = (net(dst, dst_len)?, net(src, src_len)?, address(gateway)?);
    let (metric, flags) = (hex(metric)?, hex(flags)?);
    if flags & CACHE != 0 || metric == u32::MAX && flags & REJECT != 0 {
        return Ok(None);
    }
    let (kind, table) = match flags {
        f if f & REJECT != 0 => (RouteKind::Unreachable, Table::MAIN),
        f if f & ANYCAST != 0 => (RouteKind::Anycast, Table::LOCAL),
        f if f & LOCAL != 0 => (RouteKind::Local, Table::LOCAL),
        // The kernel makes ff00::/8 in the table local for each device.
        _ if dst.addr().is_multicast() => (RouteKind::Multicast, Table::LOCAL),
        _ => (RouteKind::Unicast, Table::MAIN),
    };
    let mut route = blank(at, IpNet::V6(dst), kind);
    route.table = table;
    route.metric = metric;
    route.src = (src.prefix_len() > 0).then_some(IpNet::V6(src));
    route.gateway = (flags & GATEWAY != 0).then_some(gateway.into());
    route.dev = Some(names.get(dev));
    Ok(Some(route))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::iproute_text::testing::fixture;
    use crate::{Family, parse::ip_route};

    #[test]
    fn it_shows_what_ip_route_shows() {
        let got = parse(&fixture("proc-net-ipv6_route", "routes.txt"));
        assert_eq!(got.problems, []);
        let want = ip_route::parse(&fixture("ip-route-text", "route6.json"), Family::V6).value;
        let key = |r: &Route, gateway: Option<std::net::IpAddr>, dev: Option<&str>| {
            (r.dst.to_string(), r.src.map(|s| s.to_string()), gateway.map(|g| g.to_string()), dev.map(str::to_owned), r.metric)
        };
        // Each way of a route is a line here.
        let mut want: Vec<_> = want
            .iter()
            .flat_map(|r| match &r.nexthops[..] {
                [] => vec![key(r, r.gateway, r.dev.as_deref())],
                hops => hops.iter().map(|h| key(r, h.gateway, h.dev.as_deref())).collect(),
            })
            .collect();
        let mut shown: Vec<_> = got.value.iter().map(|r| key(r, r.gateway, r.dev.as_deref())).collect();
        want.sort();
        shown.sort();
        assert_eq!(shown, want);
        let kinds = |dst: &str| got.value.iter().find(|r| r.dst.to_string() == dst).map(|r| (r.kind.clone(), r.table.clone()));
        assert_eq!(kinds("2001:db8:52::/48"), Some((RouteKind::Unreachable, Table::MAIN)));
        assert_eq!(kinds("2001:db8:1::11/128"), Some((RouteKind::Local, Table::LOCAL)));
        assert_eq!(kinds("ff00::/8"), Some((RouteKind::Multicast, Table::LOCAL)));
    }

    #[test]
    fn what_is_no_row_is_a_problem() {
        let got = parse(
            "fe80 40\nxx800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001 eth0\n",
        );
        assert_eq!((got.value.len(), got.problems.len()), (0, 2));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9a-f]{32} |[0-9a-f]{2} |[0-9a-f]{8} |eth0|\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
