//! Kinds of counters and sockets.

use bundle::{Capture, Format};

use super::{Kind, first, kind, never, owns, second, starts};
use crate::loose::shape::{self, number, words};

pub(super) static KINDS: &[Kind] = &[
    kind(
        "/proc/net/snmp",
        Some(Capture::ProcNetSnmp),
        Format::Proc,
        starts!(l => l.starts_with("Ip: Forwarding ")),
        owns!(l => shape::keyed(l, &["Ip", "Icmp", "IcmpMsg", "Tcp", "Udp", "UdpLite"])),
        owns!(l => l.starts_with("Ip: Forwarding ")),
    ),
    kind(
        "/proc/net/snmp6",
        Some(Capture::ProcNetSnmp6),
        Format::Proc,
        starts!(l => l.starts_with("Ip6InReceives")),
        owns!(l => words(l) == 2 && (l.starts_with("Ip6") || l.starts_with("Icmp6") || l.starts_with("Udp6") || l.starts_with("UdpLite6"))),
        never,
    ),
    kind(
        "/proc/net/netstat",
        Some(Capture::ProcNetNetstat),
        Format::Proc,
        starts!(l => l.starts_with("TcpExt: SyncookiesSent")),
        owns!(l => shape::keyed(l, &["TcpExt", "IpExt", "MPTcpExt"])),
        owns!(l => l.starts_with("TcpExt: SyncookiesSent")),
    ),
    kind(
        "/proc/net/sockstat",
        Some(Capture::ProcNetSockstat),
        Format::Proc,
        starts!(l => l.starts_with("sockets: used ")),
        owns!(l => shape::keyed(l, &["TCP", "UDP", "UDPLITE", "RAW", "FRAG"])),
        never,
    ),
    kind(
        "/proc/net/sockstat6",
        Some(Capture::ProcNetSockstat6),
        Format::Proc,
        starts!(l => l.starts_with("TCP6: inuse ")),
        owns!(l => shape::keyed(l, &["UDP6", "UDPLITE6", "RAW6", "FRAG6"])),
        never,
    ),
    kind(
        "/proc/net/softnet_stat",
        Some(Capture::ProcNetSoftnetStat),
        Format::Proc,
        starts!(l => shape::softnet(l)),
        owns!(l => shape::softnet(l)),
        never,
    ),
    kind(
        "/proc/net/tcp or udp",
        Some(Capture::ProcNetTcp),
        Format::Proc,
        starts!(l => l.starts_with("sl ") && l.contains("local_address")),
        owns!(l => l.split_once(':').is_some_and(|(n, _)| number(n))),
        owns!(l => l.starts_with("sl ")),
    ),
    kind(
        "ss -tulpn",
        Some(Capture::Listeners),
        Format::Ss,
        starts!(l => shape::socket(l) || l.starts_with("Netid") && l.contains("State")),
        owns!(l => shape::socket(l)),
        owns!(l => l.starts_with("Netid")),
    ),
    kind(
        "ss -s",
        None,
        Format::Ss,
        |lines| first(lines).starts_with("Total: ") && second(lines).starts_with("TCP: "),
        owns!(l => words(l) <= 12 && l.starts_with(|c: char| c.is_ascii_uppercase())),
        never,
    ),
    kind(
        "ss without -u or -t both",
        None,
        Format::Ss,
        starts!(l => shape::bare_socket(l)),
        owns!(l => shape::bare_socket(l)),
        never,
    ),
];
