//! `route -n`, `route -n -ee`, `route -n -6` and `netstat -rn` (net-tools, busybox): routes of the table `main`.
//!
//! ```text
//! Kernel IP routing table
//! Destination     Gateway         Genmask         Flags Metric Ref    Use Iface
//! 0.0.0.0         192.168.50.1    0.0.0.0         UG    0      0        0 eth0
//! 10.50.0.0       0.0.0.0         255.255.0.0     U     0      0        0 *
//! 10.51.0.0       -               255.255.0.0     !     7      -        0 -
//! ```
//! ```text
//! Destination                    Next Hop                   Flag Met Ref  Use If
//! 2001:db8:50::/48               2001:db8:1::5              UGe  1024 5      0 eth0
//! ```
//!
//! Made of /proc/net/route and /proc/net/ipv6_route, so it shows no more than these. Headers may be in any language (net-tools is
//! translated), rows are told by their shape. Without `-n` names stand for addresses: only `default` and those of /etc/networks that
//! every distribution has are understood. The column MSS is no MTU.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Parsed;
use super::ip_route::{Route, RouteKind, Table};
use super::iproute_text::words::{Piece, pieces};
use super::json::Names;
use super::proc_route::{blank, prefix_len, row};

/// What the forms leave out, so that it cannot be proven from them.
pub const NOT_SHOWN: &str = "of IPv4 other tables than main and all but the first way of a route with several; of IPv6 the table, the \
                             source prefix and whether a route that was added by hand is local; which type a rejecting route is of, \
                             protocol, scope, source address, flags, broadcast and multicast routes";

/// Reads any of the forms, of both families.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Route>> {
    let mut out = Parsed::<Vec<Route>>::default();
    let mut names = Names::default();
    // `netstat -rn` has the MSS where `route -n` has the metric.
    let mut metric = true;
    let mut rows = false;
    for piece in pieces(text) {
        let words: Vec<&str> = piece.text.split_whitespace().collect();
        if is_header(&words, rows) {
            if let Some(column) = words.iter().position(|w| *w == "MSS") {
                metric = column + 4 < words.len() || words.contains(&"Metric");
            }
            continue;
        }
        rows = true;
        let read = match words.first() {
            Some(first) if first.contains(':') => v6(&piece, &words, &mut names),
            _ => v4(&piece, &words, metric, &mut names).map(Some),
        };
        match read {
            Ok(route) => out.value.extend(route),
            Err(what) => out.problems.push(piece.problem(what)),
        }
    }
    out
}

/// A header has no numbers, whatever its language; behind rows it must be one that is known.
fn is_header(words: &[&str], rows: bool) -> bool {
    let known = words.iter().any(|w| matches!(*w, "Kernel" | "Iface" | "Genmask" | "If"));
    let numbers = words.iter().any(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    known || !rows && !numbers
}

fn v4(piece: &Piece<'_>, words: &[&str], with_metric: bool, names: &mut Names) -> Result<Route, String> {
    let [dst, gateway, mask, flags, metric, _, _, dev, ..] = *words else { return Err("fewer than eight columns".to_owned()) };
    let mask: Ipv4Addr = mask.parse().map_err(|_| format!("`{mask}` is not a mask"))?;
    let len = prefix_len(u32::from(mask)).ok_or_else(|| format!("`{mask}` is not a mask"))?;
    let dst = match (dst, len) {
        ("default", 0) => Ipv4Addr::UNSPECIFIED,
        // /etc/networks of Debian and Red Hat.
        ("link-local", 16) => Ipv4Addr::new(169, 254, 0, 0),
        ("loopback", 8) => Ipv4Addr::new(127, 0, 0, 0),
        _ => dst.parse().map_err(|_| format!("`{dst}` is a name or masked, not an address"))?,
    };
    let net = Ipv4Net::new(dst, len).map_err(|e| e.to_string())?;
    let reject = flags.contains('!');
    let gateway = match gateway {
        "-" | "*" => None,
        _ => Some(gateway.parse().map_err(|_| format!("`{gateway}` is a name or masked, not an address"))?),
    };
    let gateway = gateway.filter(|_| flags.contains('G'));
    let metric = if with_metric { metric.parse().map_err(|_| format!("`{metric}` is not a metric"))? } else { 0 };
    row(piece.at, IpNet::V4(net), gateway, reject, Some(dev), metric, names)
}

/// A row of `route -n -6`; `None` for the kernel's null entries, which are no routes.
fn v6(piece: &Piece<'_>, words: &[&str], names: &mut Names) -> Result<Option<Route>, String> {
    let [dst, gateway, flags, metric, .., dev] = *words else { return Err("fewer than seven columns".to_owned()) };
    if words.len() < 7 {
        return Err("fewer than seven columns".to_owned());
    }
    // Newer versions write `[::]/0`.
    let net: Ipv6Net = dst.replace(['[', ']'], "").parse().map_err(|_| format!("`{dst}` is not a prefix"))?;
    let gateway: Ipv6Addr = gateway.trim_matches(['[', ']']).parse().map_err(|_| format!("`{gateway}` is not an address"))?;
    if metric == "-1" {
        return Ok(None);
    }
    let metric = metric.parse().map_err(|_| format!("`{metric}` is not a metric"))?;
    let (kind, table) = match flags {
        f if f.starts_with('!') => (RouteKind::Unreachable, Table::MAIN),
        _ if net.addr().is_multicast() => (RouteKind::Multicast, Table::LOCAL),
        // `l` and `a` are of newer versions; older ones show `n` (no next hop) alone, with the metric 0 of what the kernel makes.
        f if f.contains('a') => (RouteKind::Anycast, Table::LOCAL),
        f if f.contains('l') || f.contains('n') && metric == 0 => (RouteKind::Local, Table::LOCAL),
        _ => (RouteKind::Unicast, Table::MAIN),
    };
    let mut route = blank(piece.at, IpNet::V6(net), kind);
    route.table = table;
    route.metric = metric;
    route.gateway = flags.contains('G').then_some(IpAddr::V6(gateway));
    route.dev = Some(names.get(dev));
    Ok(Some(route))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::iproute_text::testing::{fixture, same};
    use crate::parse::{proc_ipv6_route, proc_route};

    #[test]
    fn it_shows_what_the_file_of_proc_shows() {
        let file = proc_route::parse(&fixture("proc-net-route", "routes.txt"));
        for name in ["routes.txt", "routes-ee.txt"] {
            let got = parse(&fixture("route-n", name));
            assert_eq!(got.problems.len(), file.problems.len(), "{:?}", got.problems);
            // A rejecting route is without a device in both; a blackhole is `*` in both.
            same(name, &got.value, &file.value);
        }
        let mut want = file.value;
        let got = parse(&fixture("route-n", "netstat-rn.txt"));
        want.iter_mut().for_each(|r| r.metric = 0);
        same("netstat-rn", &got.value, &want);
    }

    #[test]
    fn of_ipv6_it_shows_all_but_source_prefixes() {
        let mut want = proc_ipv6_route::parse(&fixture("proc-net-ipv6_route", "routes.txt")).value;
        want.iter_mut().for_each(|r| r.src = None);
        let mut got = parse(&fixture("route-n", "routes6.txt"));
        assert_eq!(got.problems, []);
        // A local route that was added by hand looks like any other.
        let by_hand = |r: &Route| r.dst.to_string() == "2001:db8:5b::/64";
        assert!(got.value.iter().any(|r| by_hand(r) && r.kind == RouteKind::Unicast));
        got.value.retain(|r| !by_hand(r));
        want.retain(|r| !by_hand(r));
        same("routes6", &got.value, &want);
    }

    #[test]
    fn translated_headers_names_and_rejects() {
        let text = fixture("route-n", "odd.txt");
        let got = parse(&text);
        let at: Vec<_> =
            got.problems.iter().map(|p| (p.at.line, text[p.at.start as usize..].split_whitespace().next().unwrap())).collect();
        assert_eq!(at, [(11, "10.0.0.0"), (12, "node-7.example"), (13, "10.x.0.0"), (14, "192.168.60.0")]);
        let route = |dst: &str| {
            let found: Vec<_> = got.value.iter().filter(|r| r.dst.to_string() == dst).collect();
            assert_eq!(found.len(), 1, "{dst}");
            found[0]
        };
        assert_eq!((route("0.0.0.0/0").gateway, route("0.0.0.0/0").metric), ("10.0.0.1".parse().ok(), 100));
        assert_eq!(route("10.244.1.0/26").kind, RouteKind::Blackhole);
        assert_eq!(route("10.10.0.0/16").kind, RouteKind::Unreachable);
        assert_eq!((&route("169.254.0.0/16").kind, route("169.254.0.0/16").metric), (&RouteKind::Unicast, 1002));
        assert_eq!(route("10.244.2.0/24").gateway, "10.244.2.0".parse().ok());
        assert_eq!(route("172.17.0.0/16").dev.as_deref(), Some("docker0"));
    }

    #[test]
    fn a_header_may_be_in_any_language() {
        let rows = "0.0.0.0         10.0.0.1        0.0.0.0         UG    0      0        0 eth0\n";
        for head in [
            "内核 IP 路由表\n目标            网关            子网掩码        标志  跃点   引用  使用 接口\n",
            "",
            "Table de routage IP du noyau\n",
        ] {
            let got = parse(&format!("{head}{rows}"));
            assert_eq!((got.problems.len(), got.value.len()), (0, 1), "{head}");
        }
        // Behind the rows a line without numbers is no header.
        assert_eq!(parse(&format!("{rows}some words\n")).problems.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9.]{1,9} |255.255.0.0 |[UG!n]{1,3} |fe80::/64 |:: |\\* |eth0|MSS |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
