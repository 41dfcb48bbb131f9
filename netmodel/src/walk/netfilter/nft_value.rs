//! What an expression of nftables gives for a packet: a value of which any part may be unknown.
//!
//! Numbers carry which of their bits are known, so that `meta mark & 0x4000` or `ct status dnat` are answered from what is known. Left
//! out, and so unknown: tunnels, sockets, IPsec, extension headers, link-layer headers, time, and what depends on the packets before.

use std::net::IpAddr;
use std::sync::Arc;

use crate::family::Family;
use crate::parse::iptables::{End, IfaceLimit};
use crate::parse::nft::index::{Atom, addr_bits};
use crate::parse::nft::{Base, BinOp, Ct, CtKey, Expr, Fib, FibResult, Field, MetaKey, Value};
use crate::walk::netfilter::matching::Lookups;
use crate::walk::packet::{CtState, Dev, ICMP, ICMPV6, Packet, SCTP, TCP, UDP};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Val {
    /// A number, the bits of it that are known, and what it is.
    Number {
        bits: u128,
        known: u128,
        what: &'static str,
    },
    Addr(IpAddr),
    /// A name; of devices the empty one where there is none.
    Name(Arc<str>),
    /// The type of an address, which is asked when it is known with what it is compared.
    AddrType {
        addr: IpAddr,
        end: End,
        limit: IfaceLimit,
    },
    /// Whether a reverse route is there, and by which of the devices.
    Route(Vec<Arc<str>>),
    /// One of these numbers, by chance or by turns.
    Chance {
        first: u32,
        count: u32,
    },
    Many(Vec<Val>),
    /// The packet has no such thing, and the rule ends (`NFT_BREAK`), negated or not.
    Absent,
    Unknown(String),
}

impl Val {
    pub(super) fn number(bits: impl Into<u128>) -> Self {
        Self::Number { bits: bits.into(), known: u128::MAX, what: "the number" }
    }

    fn maybe(number: Option<impl Into<u128>>, what: &'static str) -> Self {
        match number {
            Some(number) => Self::Number { bits: number.into(), known: u128::MAX, what },
            // Whatever it is, it has no more than 32 bits.
            None => Self::Number { bits: 0, known: !u128::from(u32::MAX), what },
        }
    }

    pub(super) fn unknown(what: &str) -> Self {
        Self::Unknown(format!("{what} is not known"))
    }

    /// The whole number, where all of it is known.
    pub(super) fn known(&self) -> Option<u128> {
        match self {
            Self::Number { bits, known: u128::MAX, .. } => Some(*bits),
            _ => None,
        }
    }

    /// Whether the packet lacks it or a part of it.
    pub(super) fn is_absent(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Many(parts) => parts.iter().any(Self::is_absent),
            _ => false,
        }
    }

    /// The key to look it up by, where all of it is known.
    pub(super) fn key(&self) -> Option<Vec<Atom>> {
        let one = |part: &Self| match part {
            Self::Number { .. } => part.known().map(Atom::Number),
            Self::Addr(addr) => Some(Atom::Number(addr_bits(*addr))),
            Self::Name(name) => Some(Atom::Name(name.clone())),
            _ => None,
        };
        match self {
            Self::Many(parts) => parts.iter().map(one).collect(),
            part => one(part).map(|atom| vec![atom]),
        }
    }

    /// As a number with known bits.
    fn as_bits(&self) -> Option<(u128, u128, &'static str)> {
        match self {
            Self::Number { bits, known, what } => Some((*bits, *known, what)),
            Self::Addr(addr) => Some((addr_bits(*addr), u128::MAX, "the address")),
            _ => None,
        }
    }
}

impl From<&Value> for Val {
    fn from(value: &Value) -> Self {
        match value {
            Value::Addr(addr) => Self::Addr(*addr),
            Value::Prefix(net) if net.prefix_len() == net.max_prefix_len() => Self::Addr(net.addr()),
            Value::Prefix(_) => Self::unknown("which address of the prefix"),
            Value::Number(_) | Value::Big(_) | Value::Mac(_) => match Atom::of(value) {
                Some(Atom::Number(number)) => Self::number(number),
                _ => Self::unknown("the number"),
            },
            Value::Iface(name) | Value::Text(name) => Self::Name(name.clone()),
            Value::IfacePrefix(name) => Self::Unknown(format!("which interface `{name}*` is")),
            Value::Symbol(name) => Self::Unknown(format!("what `{name}` stands for is not known here")),
        }
    }
}

/// The value of an expression without look-ups in maps.
pub(super) fn value(expr: &Expr, packet: &Packet, lookups: &dyn Lookups) -> Val {
    match expr {
        Expr::Value(value) => value.into(),
        Expr::Payload(field) => payload(field, packet),
        Expr::PayloadRaw { base, offset, len } => raw(*base, *offset, *len, packet),
        Expr::Meta(key) => meta(key, packet, lookups),
        Expr::Ct(ct) => conntrack(*ct, packet),
        Expr::Fib(what) => fib(*what, packet, lookups),
        Expr::Numgen { modulus, offset, .. } | Expr::Symhash { modulus, offset } => chance(*offset, *modulus),
        Expr::Jhash(hash) => chance(hash.offset, hash.modulus),
        Expr::Binary(op, sides) => binary(*op, &value(&sides.0, packet, lookups), &value(&sides.1, packet, lookups)),
        Expr::Concat(parts) => Val::Many(parts.iter().map(|part| value(part, packet, lookups)).collect()),
        _ => Val::Unknown("the packet is not described well enough for what the rule looks at".to_owned()),
    }
}

fn chance(first: u32, count: u32) -> Val {
    if count == 1 { Val::number(first) } else { Val::Chance { first, count } }
}

/// Bits combined: what is known of the result follows from what is known of both sides.
fn binary(op: BinOp, left: &Val, right: &Val) -> Val {
    if left.is_absent() || right.is_absent() {
        return Val::Absent;
    }
    let (Some((a, ka, what)), Some((b, kb, _))) = (left.as_bits(), right.as_bits()) else {
        let why = [left, right].into_iter().find_map(|side| match side {
            Val::Unknown(why) => Some(why.clone()),
            _ => None,
        });
        return Val::Unknown(why.unwrap_or_else(|| "what is combined is not known".to_owned()));
    };
    let shift = || u32::try_from(b).ok().filter(|&n| kb == u128::MAX && n < 128);
    let (bits, known) = match op {
        BinOp::And => (a & b, (ka & kb) | (ka & !a) | (kb & !b)),
        BinOp::Or => (a | b, (ka & kb) | (ka & a) | (kb & b)),
        BinOp::Xor => (a ^ b, ka & kb),
        BinOp::Shl => match shift() {
            // Registers have 32 bits.
            Some(n) => ((a << n) & u128::from(u32::MAX), (ka << n) | !(u128::MAX << n) | !u128::from(u32::MAX)),
            None => (0, 0),
        },
        BinOp::Shr => match shift() {
            Some(n) => (a >> n, (ka >> n) | !(u128::MAX >> n)),
            None => (0, 0),
        },
    };
    Val::Number { bits: bits & known, known, what }
}

fn address(addr: Option<IpAddr>, what: &str) -> Val {
    addr.map_or_else(|| Val::unknown(what), Val::Addr)
}

/// A field of a header. nft puts the condition that the packet has this header before it and hides it in listings: without the header the
/// rule ends.
fn payload(field: &Field, packet: &Packet) -> Val {
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
        // ARP and VLAN are not seen at these hooks with an IP header.
        "arp" => return Val::Absent,
        _ => return Val::unknown("the header"),
    };
    match packet.protocol {
        Some(protocol) if !needs.is_empty() && !needs.contains(&protocol) => return Val::Absent,
        None if !needs.is_empty() => return Val::Unknown("the protocol is not known".to_owned()),
        _ => {}
    }
    // `nft_payload_eval()` ends the rule for fragments behind the first one: they have no transport header.
    match packet.fragment {
        Some(true) => return Val::Absent,
        None => return Val::Unknown("whether it is a fragment is not known".to_owned()),
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
fn port(packet: &Packet, port: Option<u16>, what: &'static str) -> Val {
    match packet.protocol {
        Some(TCP | UDP | SCTP | 33 | 136) => match port {
            Some(port) => Val::maybe(Some(port), what),
            None => Val::Number { bits: 0, known: !u128::from(u16::MAX), what },
        },
        _ => Val::Number { bits: 0, known: !u128::from(u16::MAX), what: "what stands in the place of a port" },
    }
}

fn network(name: &str, packet: &Packet) -> Val {
    match name {
        "saddr" => address(packet.src, "the source address"),
        "daddr" => address(packet.dst, "the destination address"),
        "protocol" | "nexthdr" => Val::maybe(packet.protocol, "the protocol"),
        "version" => Val::number(if packet.family == Family::V4 { 4u8 } else { 6 }),
        "length" if packet.family == Family::V4 => Val::maybe(packet.length, "the length"),
        // Of a packet that is no later fragment the offset is 0; whether more follow is not known.
        "frag-off" if packet.fragment == Some(false) => {
            Val::Number { bits: 0, known: !u128::from(0xe000u16), what: "the fragment flags" }
        }
        "ttl" | "hoplimit" => Val::maybe(None::<u8>, "the TTL"),
        "dscp" => Val::maybe(None::<u8>, "the DSCP"),
        _ => Val::unknown("the field"),
    }
}

/// Bits by position, where they are a field that is known.
fn raw(base: Base, offset: u32, len: u32, packet: &Packet) -> Val {
    let v4 = packet.family == Family::V4;
    match (base, offset, len) {
        (Base::Transport, 0 | 16, 16) if packet.fragment == Some(true) => Val::Absent,
        (Base::Transport, 0, 16) => port(packet, packet.sport, "the source port"),
        (Base::Transport, 16, 16) => port(packet, packet.dport, "the destination port"),
        (Base::Network, 72, 8) if v4 => Val::maybe(packet.protocol, "the protocol"),
        (Base::Network, 96, 32) if v4 => address(packet.src, "the source address"),
        (Base::Network, 128, 32) if v4 => address(packet.dst, "the destination address"),
        (Base::Network, 64, 128) if !v4 => address(packet.src, "the source address"),
        (Base::Network, 192, 128) if !v4 => address(packet.dst, "the destination address"),
        _ => Val::unknown("what stands at that place of the packet"),
    }
}

fn device(dev: &Dev, what: &str) -> Val {
    match dev {
        Dev::Unknown => Val::unknown(what),
        // `nft_meta_store_ifname()` gives an empty name where there is no device.
        Dev::None => Val::Name("".into()),
        Dev::Named(name) => Val::Name(name.clone()),
    }
}

fn meta(key: &MetaKey, packet: &Packet, lookups: &dyn Lookups) -> Val {
    let v4 = packet.family == Family::V4;
    match key {
        MetaKey::L4Proto => Val::maybe(packet.protocol, "the protocol"),
        // Address families and ethertypes (linux/socket.h, linux/if_ether.h).
        MetaKey::NfProto => Val::number(if v4 { 2u8 } else { 10 }),
        MetaKey::Protocol => Val::number(if v4 { 0x0800u16 } else { 0x86dd }),
        MetaKey::Mark => Val::maybe(packet.mark, "the mark"),
        MetaKey::Length => Val::maybe(packet.length, "the length"),
        MetaKey::Iif | MetaKey::IifName => device(&packet.iif, "the incoming interface"),
        MetaKey::Oif | MetaKey::OifName => device(&packet.oif, "the outgoing interface"),
        // Properties of a device that is not there end the rule (`nft_meta_get_eval()`).
        MetaKey::IifType | MetaKey::IifKind | MetaKey::IifGroup if packet.iif == Dev::None => Val::Absent,
        MetaKey::OifType | MetaKey::OifKind | MetaKey::OifGroup if packet.oif == Dev::None => Val::Absent,
        MetaKey::PktType => packet_type(packet, lookups),
        other => Val::Unknown(format!("`meta {}` of the packet is not known", other.name())),
    }
}

/// Of a routed packet to a unicast address it is PACKET_HOST: `ip_rcv()` drops what is for other hosts, and the kernel makes its own so.
fn packet_type(packet: &Packet, lookups: &dyn Lookups) -> Val {
    use crate::parse::iptables::addr_type::{BROADCAST, MULTICAST};
    use crate::walk::tri::Tri;
    let unicast = packet.dst.is_some_and(|dst| {
        !dst.is_multicast() && lookups.addr_type(dst, End::Dst, BROADCAST | MULTICAST, IfaceLimit::None) == Tri::No
    });
    if unicast && packet.bridged == Some(false) { Val::number(0u8) } else { Val::unknown("the packet's type") }
}

/// As `nft_ct_get_eval()`: without a connection only the state is there.
fn conntrack(ct: Ct, packet: &Packet) -> Val {
    let Some(state) = packet.ct_state else { return Val::unknown("the connection's state") };
    if ct.key == CtKey::State {
        let bit: u8 = match state {
            CtState::Invalid => 1,
            CtState::Established => 2,
            CtState::Related => 4,
            CtState::New => 8,
            CtState::Untracked => 64,
        };
        return Val::number(bit);
    }
    if matches!(state, CtState::Invalid | CtState::Untracked) {
        return Val::Absent;
    }
    let new = state == CtState::New;
    match ct.key {
        CtKey::Mark => Val::maybe(packet.connmark, "the connection's mark"),
        CtKey::Status => status(packet, state),
        CtKey::Direction if new => Val::number(0u8),
        CtKey::Protocol => Val::maybe(packet.protocol, "the protocol"),
        CtKey::L3Proto => Val::number(if packet.family == Family::V4 { 2u8 } else { 10 }),
        CtKey::Saddr | CtKey::IpSaddr | CtKey::Ip6Saddr | CtKey::Daddr | CtKey::IpDaddr | CtKey::Ip6Daddr => {
            let wrong = match ct.key {
                CtKey::IpSaddr | CtKey::IpDaddr => packet.family == Family::V6,
                CtKey::Ip6Saddr | CtKey::Ip6Daddr => packet.family == Family::V4,
                _ => false,
            };
            let source = matches!(ct.key, CtKey::Saddr | CtKey::IpSaddr | CtKey::Ip6Saddr);
            match tuple_side(ct.reply, source, packet) {
                _ if wrong => Val::Absent,
                Some(true) if new => address(packet.src, "the source address"),
                Some(false) if new => address(packet.dst, "the destination address"),
                _ => Val::unknown("the connection's address"),
            }
        }
        CtKey::ProtoSrc | CtKey::ProtoDst => match tuple_side(ct.reply, ct.key == CtKey::ProtoSrc, packet) {
            Some(true) if new => port(packet, packet.sport, "the source port"),
            Some(false) if new => port(packet, packet.dport, "the destination port"),
            _ => Val::unknown("the connection's port"),
        },
        other => Val::Unknown(format!("`ct {}` is not known", other.name())),
    }
}

/// Whose address or port of the first packet stands there: its source's (true) or its destination's. The reply's tuple is the packet as it is
/// now, turned round; the original one is what it was before any translation.
fn tuple_side(reply: Option<bool>, source: bool, packet: &Packet) -> Option<bool> {
    match reply? {
        true => Some(!source),
        false if source => (packet.snat == Some(false)).then_some(true),
        false => (packet.dnat == Some(false)).then_some(false),
    }
}

/// `IPS_*` of linux/netfilter/nf_conntrack_common.h. A new connection that is not translated yet has none of the bits that are known here.
fn status(packet: &Packet, state: CtState) -> Val {
    let (mut bits, mut known) = (0u128, !u128::from(u16::MAX));
    let mut set = |bit: u128, is: Option<bool>| {
        if let Some(is) = is {
            known |= bit;
            bits |= if is { bit } else { 0 };
        }
    };
    set(1, (state == CtState::New).then_some(false));
    set(2, if state == CtState::New { Some(false) } else { (state == CtState::Established).then_some(true) });
    set(4, (state == CtState::New).then_some(false));
    set(16, packet.snat);
    set(32, packet.dnat);
    Val::Number { bits, known, what: "the connection's status" }
}

fn fib(fib: Fib, packet: &Packet, lookups: &dyn Lookups) -> Val {
    let (own, other, end, what) = if fib.flags.daddr {
        (packet.dst, packet.src, End::Dst, "the destination address")
    } else {
        (packet.src, packet.dst, End::Src, "the source address")
    };
    let Some(addr) = own else { return Val::unknown(what) };
    if fib.result == FibResult::Type {
        let limit = match (fib.flags.iif, fib.flags.oif) {
            (true, _) => IfaceLimit::In,
            (_, true) => IfaceLimit::Out,
            _ => IfaceLimit::None,
        };
        return Val::AddrType { addr, end, limit };
    }
    let mark = if fib.flags.mark { packet.mark } else { Some(0) };
    let devices = match lookups.route_devices(addr, other, mark) {
        Ok(devices) => devices,
        Err(why) => return Val::Unknown(why),
    };
    let wanted = match (fib.flags.iif, fib.flags.oif) {
        (_, true) => Some(&packet.oif),
        (true, _) => Some(&packet.iif),
        _ => None,
    };
    match wanted {
        None | Some(Dev::None) => Val::Route(devices),
        Some(Dev::Unknown) => Val::unknown("the interface"),
        Some(Dev::Named(dev)) if devices.contains(dev) => Val::Route(vec![dev.clone()]),
        Some(Dev::Named(_)) => Val::Route(Vec::new()),
    }
}
