//! Kinds of what net-tools print, and of the files of /proc/net that they read.

use bundle::{Capture, Format};

use super::{Kind, first, kind, never, owns, starts};
use crate::loose::shape::{self, address, hex, indented, number, words};

pub(super) static KINDS: &[Kind] = &[
    kind(
        "ifconfig",
        Some(Capture::IpAddr),
        Format::NetTools,
        starts!(l => l.contains(": flags=") && l.contains("mtu") || l.contains("Link encap:")),
        |l| indented(l) || l.contains(": flags=") || l.contains("Link encap:"),
        never,
    ),
    kind(
        "route -n",
        Some(Capture::IpRoute4),
        Format::NetTools,
        |lines| shape::route_head(first(lines)) || shape::route_title(first(lines)),
        owns!(l => shape::route_head(l) || shape::route_row(l)),
        owns!(l => shape::route_title(l)),
    ),
    kind(
        "/proc/net/route",
        Some(Capture::IpRoute4),
        Format::Proc,
        starts!(l => l.starts_with("Iface\t") && l.contains("Gateway")),
        owns!(l => words(l) >= 8 && l.split_whitespace().nth(1).is_some_and(hex)),
        never,
    ),
    kind(
        "/proc/net/ipv6_route",
        Some(Capture::IpRoute6),
        Format::Proc,
        starts!(l => shape::ipv6_route(l)),
        owns!(l => shape::ipv6_route(l)),
        never,
    ),
    kind(
        "/proc/net/arp",
        Some(Capture::IpNeigh),
        Format::Proc,
        starts!(l => l.starts_with("IP address ") && l.contains("HW type")),
        owns!(l => address(l.split(' ').next().unwrap_or_default())),
        never,
    ),
    kind(
        "arp -n",
        Some(Capture::IpNeigh),
        Format::NetTools,
        starts!(l => l.starts_with("Address ") && l.contains("HWtype")),
        owns!(l => words(l) >= 3 && (l.contains("ether") || l.contains("incomplete"))),
        never,
    ),
    kind(
        "/proc/net/dev",
        Some(Capture::ProcNetDev),
        Format::Proc,
        starts!(l => l.starts_with("Inter-|")),
        owns!(l => l.starts_with("face |") || l.split_once(':').is_some_and(|(_, r)| words(r) >= 8)),
        never,
    ),
    kind(
        "/proc/net/dev_mcast",
        None,
        Format::Proc,
        starts!(l => words(l) == 5 && number(l.split_whitespace().next().unwrap_or_default()) && l.split_whitespace().nth(4).is_some_and(|w| w.len() == 12 && hex(w))),
        owns!(l => words(l) == 5),
        never,
    ),
    kind(
        "/proc/net/if_inet6",
        None,
        Format::Proc,
        starts!(l => words(l) == 6 && l.split_whitespace().next().is_some_and(|w| w.len() == 32 && hex(w))),
        owns!(l => words(l) == 6),
        never,
    ),
    kind(
        "/proc/net/fib_trie",
        None,
        Format::Proc,
        starts!(l => l == "Main:" || l == "Local:" || l.starts_with("+-- ")),
        |l| indented(l) || matches!(l.trim(), "Main:" | "Local:"),
        never,
    ),
    kind(
        "/proc/net/fib_triestat",
        None,
        Format::Proc,
        starts!(l => l.starts_with("Basic info:")),
        |l| indented(l) || matches!(l.trim(), "Main:" | "Local:" | "Counters:" | "---------"),
        never,
    ),
    kind(
        "/proc/net/igmp",
        None,
        Format::Proc,
        starts!(l => l.starts_with("Idx\tDevice")),
        |l| indented(l) || l.starts_with(|c: char| c.is_ascii_digit()),
        never,
    ),
];
