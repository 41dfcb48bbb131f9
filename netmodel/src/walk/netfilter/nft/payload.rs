//! Fields of headers, as nftables reads and rewrites them.

use super::value::{Val, address};
use crate::family::Family;
use crate::parse::nft::{Base, Field};
use crate::walk::packet::{ICMP, ICMPV6, Packet, SCTP, TCP, UDP};

/// A field of a header. nft puts the condition that the packet has this header before it and hides it in listings: without the header the
/// rule ends.
pub(super) fn field(field: &Field, packet: &Packet) -> Val {
    let v4 = packet.family == Family::V4;
    match field.proto {
        "ip" if !v4 => return Val::Absent,
        "ip6" if v4 => return Val::Absent,
        "ip" | "ip6" => return network(field.name, packet),
        _ => {}
    }
    let needs: &[u8] = match field.proto {
        "tcp" => &[TCP],
        "udp" => &[UDP],
        "sctp" => &[SCTP],
        "udplite" => &[136],
        "dccp" => &[33],
        "icmp" => &[ICMP],
        "icmpv6" => &[ICMPV6],
        "igmp" => &[2],
        "esp" => &[50],
        "ah" => &[51],
        "gre" => &[47],
        "comp" => &[108],
        // The transport header, whatever it is.
        "th" => &[],
        // ARP is not seen at these hooks with an IP header.
        "arp" => return Val::Absent,
        _ => return Val::unknown("the header"),
    };
    match packet.protocol {
        Some(protocol) if !needs.is_empty() && !needs.contains(&protocol) => return Val::Absent,
        None if !needs.is_empty() => return Val::Unknown("the protocol is not known".into()),
        _ => {}
    }
    // `nft_payload_eval()` ends the rule for fragments behind the first one: they have no transport header.
    match packet.fragment {
        Some(true) => return Val::Absent,
        None => return Val::Unknown("whether it is a fragment is not known".into()),
        Some(false) => {}
    }
    match (field.proto, field.name) {
        ("icmp" | "icmpv6", "type") => Val::maybe(packet.icmp.map(|(kind, _)| kind), "the ICMP type"),
        ("icmp" | "icmpv6", "code") => Val::maybe(packet.icmp.map(|(_, code)| code), "the ICMP code"),
        ("tcp", "flags") => Val::maybe(packet.tcp_flags, "the TCP flags"),
        (_, "sport") => port(packet, packet.sport, "the source port"),
        (_, "dport") => port(packet, packet.dport, "the destination port"),
        _ => Val::unknown("the field"),
    }
}

/// 33 is DCCP, 136 UDP-Lite. Of another protocol the bytes where ports would be are something else.
pub(super) fn port(packet: &Packet, port: Option<u16>, what: &'static str) -> Val {
    match packet.protocol {
        Some(TCP | UDP | SCTP | 33 | 136) => match port {
            Some(port) => Val::maybe(Some(port), what),
            None => Val::partly(0, !u128::from(u16::MAX), what),
        },
        _ => Val::partly(0, !u128::from(u16::MAX), "what stands in the place of a port"),
    }
}

fn network(name: &str, packet: &Packet) -> Val {
    let v4 = packet.family == Family::V4;
    match name {
        "saddr" => address(packet.src, "the source address"),
        "daddr" => address(packet.dst, "the destination address"),
        "protocol" | "nexthdr" => Val::maybe(packet.protocol, "the protocol"),
        "version" => Val::number(if v4 { 4u8 } else { 6 }),
        "length" if v4 => Val::maybe(packet.length, "the length"),
        // Without the header's own 40 bytes (RFC 8200, 3).
        "length" => Val::maybe(packet.length.map(|n| n.saturating_sub(40)), "the length"),
        "frag-off" => fragment(packet),
        "ttl" | "hoplimit" => Val::maybe(packet.ttl, "the TTL"),
        "dscp" => Val::maybe(packet.tos.map(|tos| tos >> 2), "the DSCP"),
        "ecn" => Val::maybe(packet.tos.map(|tos| tos & 3), "the ECN bits"),
        "tos" | "priority" => Val::maybe(packet.tos, "the TOS"),
        _ => Val::unknown("the field"),
    }
}

/// Of a packet that is no later fragment the offset is 0; whether more follow is known where it may not be fragmented.
fn fragment(packet: &Packet) -> Val {
    const DF: u128 = 0x4000;
    const MORE: u128 = 0x2000;
    const OFFSET: u128 = 0x1fff;
    let (bits, known) = match packet.df {
        Some(true) => (DF, DF | MORE),
        Some(false) => (0, DF),
        None => (0, 0),
    };
    let known = !(DF | MORE | OFFSET) | known | if packet.fragment == Some(false) { OFFSET } else { 0 };
    Val::partly(bits, known, "the fragment flags")
}

/// Bits by position, where they are a field that is known.
pub(super) fn raw(base: Base, offset: u32, len: u32, packet: &Packet) -> Val {
    let v4 = packet.family == Family::V4;
    match (base, offset, len) {
        (Base::Transport, ..) if packet.fragment == Some(true) => Val::Absent,
        (Base::Transport, 0, 16) => port(packet, packet.sport, "the source port"),
        (Base::Transport, 16, 16) => port(packet, packet.dport, "the destination port"),
        (Base::Network, 0, 4) => Val::number(if v4 { 4u8 } else { 6 }),
        (Base::Network, 8, 8) if v4 => Val::maybe(packet.tos, "the TOS"),
        (Base::Network, 16, 16) if v4 => Val::maybe(packet.length, "the length"),
        (Base::Network, 48, 16) if v4 => fragment(packet),
        (Base::Network, 64, 8) if v4 => Val::maybe(packet.ttl, "the TTL"),
        (Base::Network, 72, 8) if v4 => Val::maybe(packet.protocol, "the protocol"),
        (Base::Network, 96, 32) if v4 => address(packet.src, "the source address"),
        (Base::Network, 128, 32) if v4 => address(packet.dst, "the destination address"),
        (Base::Network, 48, 8) if !v4 => Val::maybe(packet.protocol, "the protocol"),
        (Base::Network, 56, 8) if !v4 => Val::maybe(packet.ttl, "the TTL"),
        (Base::Network, 64, 128) if !v4 => address(packet.src, "the source address"),
        (Base::Network, 192, 128) if !v4 => address(packet.dst, "the destination address"),
        _ => Val::unknown("what stands at that place of the packet"),
    }
}

/// What a rule that rewrites a field of a header changes.
pub(super) enum Rewrite {
    /// The packet has no such header: the rule ends.
    Absent,
    /// Something that no packet here has.
    Elsewhere,
    Field(Rewritten),
}

/// A field of the packet that a rule may rewrite without connection tracking.
#[derive(Clone, Copy)]
pub(super) enum Rewritten {
    Src,
    Dst,
    Sport,
    Dport,
    Ttl,
    Dscp,
    Ecn,
    Tos,
}

/// Which field of the packet it is.
pub(super) fn rewritten(field: &Field, packet: &Packet) -> Rewrite {
    let own = if packet.family == Family::V4 { "ip" } else { "ip6" };
    let protocol = match field.proto {
        "tcp" => Some(TCP),
        "udp" => Some(UDP),
        "sctp" => Some(SCTP),
        _ => None,
    };
    let other = protocol.is_some_and(|wanted| packet.protocol.is_some_and(|p| p != wanted));
    if other || (matches!(field.proto, "ip" | "ip6") && field.proto != own) {
        return Rewrite::Absent;
    }
    Rewrite::Field(match (field.proto, field.name) {
        ("ip" | "ip6", "saddr") => Rewritten::Src,
        ("ip" | "ip6", "daddr") => Rewritten::Dst,
        ("tcp" | "udp" | "sctp" | "th", "sport") => Rewritten::Sport,
        ("tcp" | "udp" | "sctp" | "th", "dport") => Rewritten::Dport,
        ("ip" | "ip6", "ttl" | "hoplimit") => Rewritten::Ttl,
        ("ip" | "ip6", "dscp") => Rewritten::Dscp,
        ("ip" | "ip6", "ecn") => Rewritten::Ecn,
        ("ip", "tos") => Rewritten::Tos,
        _ => return Rewrite::Elsewhere,
    })
}

impl Rewritten {
    pub(super) fn write(self, value: &Val, packet: &mut Packet) {
        let addr = match value {
            Val::Addr(addr) => Some(*addr),
            _ => None,
        };
        let number = value.known();
        let port = number.and_then(|n| u16::try_from(n).ok());
        let byte = number.and_then(|n| u8::try_from(n).ok());
        match self {
            Self::Src => packet.src = addr,
            Self::Dst => packet.dst = addr,
            Self::Sport => packet.sport = port,
            Self::Dport => packet.dport = port,
            Self::Ttl => packet.ttl = byte,
            Self::Dscp => packet.tos = packet.tos.zip(byte).map(|(tos, dscp)| (tos & 3) | (dscp << 2)),
            Self::Ecn => packet.tos = packet.tos.zip(byte).map(|(tos, ecn)| (tos & !3) | (ecn & 3)),
            Self::Tos => packet.tos = byte,
        }
    }
}
