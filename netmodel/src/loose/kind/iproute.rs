//! Kinds of what ip, bridge and tc print as text.

use bundle::{Capture, Format};

use super::{Kind, first, kind, never, owns, second, starts};
use crate::loose::shape::{self, dev_route, indented, number, words};

pub(super) static KINDS: &[Kind] = &[
    kind(
        "bridge link",
        Some(Capture::BridgeLink),
        Format::IprouteText,
        starts!(l => shape::numbered_link(l) && l.contains(" master ") && l.contains(" state ") && l.contains(" priority ")),
        |l| indented(l) || shape::numbered_link(l.trim()),
        never,
    ),
    kind(
        "ip addr",
        Some(Capture::IpAddr),
        Format::IprouteText,
        |lines| {
            shape::numbered_link(first(lines))
                || shape::one_line_addr(first(lines))
                || (shape::addr_line(first(lines)) && lines.iter().any(|l| shape::lft_line(l.trim())))
        },
        |l| shape::numbered_link(l.trim()) || shape::one_line_addr(l.trim()) || indented(l) || shape::addr_line(l.trim()),
        owns!(l => l.starts_with("1: lo: ") || l.starts_with("1: lo    ")),
    ),
    kind(
        "ip -br addr",
        Some(Capture::IpAddr),
        Format::IprouteText,
        starts!(l => shape::brief(l)),
        owns!(l => shape::brief(l)),
        owns!(l => l.starts_with("lo ")),
    ),
    kind(
        "ip rule",
        Some(Capture::IpRule4),
        Format::IprouteText,
        starts!(l => shape::policy_rule(l)),
        owns!(l => shape::policy_rule(l)),
        owns!(l => l.starts_with("0:")),
    ),
    kind(
        "ip neigh",
        Some(Capture::IpNeigh),
        Format::IprouteText,
        starts!(l => shape::neighbour(l)),
        owns!(l => shape::neighbour(l)),
        never,
    ),
    kind(
        "bridge fdb",
        Some(Capture::BridgeFdb),
        Format::IprouteText,
        starts!(l => shape::mac(l.split(' ').next().unwrap_or_default()) && l.contains(" dev ")),
        owns!(l => shape::mac(l.split(' ').next().unwrap_or_default())),
        never,
    ),
    kind(
        "bridge vlan",
        Some(Capture::BridgeVlan),
        Format::IprouteText,
        starts!(l => l.starts_with("port") && l.contains("vlan") && words(l) <= 4),
        |l| indented(l) || words(l) <= 6 && number(l.split_whitespace().nth(1).unwrap_or_default()),
        never,
    ),
    kind(
        "ip nexthop",
        Some(Capture::IpNexthop),
        Format::IprouteText,
        starts!(l => l.starts_with("id ") && number(l.split(' ').nth(1).unwrap_or_default()) && (l.contains(" dev ") || l.contains(" via ") || l.contains(" group ") || l.contains("blackhole"))),
        owns!(l => l.starts_with("id ")),
        never,
    ),
    kind(
        "ip netconf",
        None,
        Format::Text,
        starts!(l => (l.starts_with("inet ") || l.starts_with("inet6 ") || l.starts_with("ipv4 ") || l.starts_with("ipv6 ")) && l.contains(" forwarding ")),
        owns!(l => l.contains(" forwarding ") || l.contains("proxy_neigh")),
        never,
    ),
    kind(
        "ip maddr",
        None,
        Format::Text,
        |lines| {
            first(lines).split_once(":\t").is_some_and(|(n, d)| number(n) && words(d) == 1)
                || first(lines).split_once(": ").is_some_and(|(n, d)| number(n) && words(d) == 1)
                    && second(lines).starts_with("link ")
        },
        |l| indented(l) || l.split_once(':').is_some_and(|(n, _)| number(n)),
        never,
    ),
    kind(
        "ip route",
        Some(Capture::IpRoute4),
        Format::IprouteText,
        starts!(l => dev_route(l)),
        |l| dev_route(l.trim()) || indented(l) && l.trim_start().starts_with("nexthop "),
        never,
    ),
    kind(
        "tc",
        None,
        Format::Text,
        starts!(l => (l.starts_with("qdisc ") || l.starts_with("filter ") || l.starts_with("class ")) && (l.contains(" dev ") || l.contains(" parent ") || l.contains(" protocol "))),
        |l| indented(l) || l.starts_with("qdisc ") || l.starts_with("filter ") || l.starts_with("class "),
        never,
    ),
];
