//! What the kernel knows of a packet, its connection and its routes, as nftables asks it.

use super::lookup::Context;
use super::payload::port;
use super::value::{Val, address};
use crate::family::Family;
use crate::parse::iptables::{IfaceLimit, addr_type, ct_status};
use crate::parse::nft::{Ct, CtKey, Fib, FibResult, MetaKey};
use crate::walk::netfilter::connection;
use crate::walk::netfilter::hook::Hook;
use crate::walk::netfilter::passage::HookPoint;
use crate::walk::packet::{CtState, Dev, Direction, Packet};
use crate::walk::tri::Why;

fn device(dev: &Dev, what: &str) -> Val {
    match dev {
        Dev::Unknown => Val::unknown(what),
        // `nft_meta_store_ifname()` gives an empty name where there is no device.
        Dev::None => Val::Name("".into()),
        Dev::Named(name) => Val::Name(name.clone()),
    }
}

pub(super) fn meta(context: &Context<'_>, key: &MetaKey, packet: &Packet) -> Val {
    let v4 = packet.family == Family::V4;
    match key {
        MetaKey::L4Proto => Val::maybe(packet.protocol, "the protocol"),
        // Address families and ethertypes (linux/socket.h, linux/if_ether.h).
        MetaKey::NfProto => match context.at {
            HookPoint::Ip(_) => Val::number(if v4 { 2u8 } else { 10 }),
            HookPoint::Bridge(_) => Val::number(7u8),
            HookPoint::Ingress | HookPoint::Egress => Val::unknown("the family of the hook"),
        },
        MetaKey::Protocol => Val::number(if v4 { 0x0800u16 } else { 0x86dd }),
        MetaKey::Mark => Val::maybe(packet.mark, "the mark"),
        MetaKey::Length if context.at != HookPoint::Egress => Val::maybe(packet.length, "the length"),
        MetaKey::Iif | MetaKey::IifName => device(&packet.iif, "the incoming interface"),
        MetaKey::Oif | MetaKey::OifName => device(&packet.oif, "the outgoing interface"),
        // Properties of a device that is not there end the rule (`nft_meta_get_eval()`).
        MetaKey::IifType | MetaKey::IifKind | MetaKey::IifGroup | MetaKey::IbrName if packet.iif == Dev::None => Val::Absent,
        MetaKey::OifType | MetaKey::OifKind | MetaKey::OifGroup | MetaKey::ObrName if packet.oif == Dev::None => Val::Absent,
        MetaKey::IifType => device_type(context, &packet.iif),
        MetaKey::OifType => device_type(context, &packet.oif),
        MetaKey::IbrName => bridge(context, &packet.iif),
        MetaKey::ObrName => bridge(context, &packet.oif),
        MetaKey::PktType => packet_type(context, packet),
        // Only packets of local sockets have one; of what comes in early demultiplexing may have found it before input.
        MetaKey::SkUid | MetaKey::SkGid if matches!(packet.iif, Dev::Named(_)) && context.at != HookPoint::Ip(Hook::Input) => {
            Val::Absent
        }
        other => Val::Unknown(format!("`meta {}` of the packet is not known", other.name()).into()),
    }
}

fn device_type(context: &Context<'_>, dev: &Dev) -> Val {
    let kind = match dev {
        Dev::Named(name) => context.lookups.device_type(name),
        _ => None,
    };
    kind.map_or_else(|| Val::unknown("the type of the interface"), Val::number)
}

/// The bridge of a port; without one the rule ends (`nft_meta_bridge_get_eval()`).
fn bridge(context: &Context<'_>, dev: &Dev) -> Val {
    let Dev::Named(name) = dev else { return Val::unknown("the bridge port") };
    match context.lookups.master(name) {
        Ok(Some(bridge)) => Val::Name(bridge),
        Ok(None) => Val::Absent,
        Err(why) => Val::Unknown(why),
    }
}

/// Of a packet to a unicast address it is PACKET_HOST: `ip_rcv()` drops what is for other hosts, br_netfilter shows bridged packets so, and
/// the kernel makes its own so. At the bridge's own hooks it may be for another host.
fn packet_type(context: &Context<'_>, packet: &Packet) -> Val {
    use crate::walk::tri::Tri;
    let unicast = packet.dst.is_some_and(|dst| {
        let several = addr_type::BROADCAST | addr_type::MULTICAST;
        !dst.is_multicast()
            && (packet.family == Family::V6 || context.lookups.addr_type(dst, several, IfaceLimit::None, packet) == Tri::No)
    });
    if unicast && matches!(context.at, HookPoint::Ip(_)) { Val::number(0u8) } else { Val::unknown("the packet's type") }
}

/// As `nft_ct_get_eval()`: without a connection only the state is there.
pub(super) fn conntrack(ct: Ct, packet: &Packet) -> Val {
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
    match ct.key {
        CtKey::Mark => Val::maybe(packet.connmark, "the connection's mark"),
        CtKey::Status => status(packet),
        CtKey::Zone => Val::maybe(packet.ct_zone, "the connection's zone"),
        CtKey::Direction => {
            Val::maybe(packet.ct_dir.map(|dir| u8::from(dir == Direction::Reply)), "the direction in its connection")
        }
        CtKey::Protocol => Val::maybe(packet.protocol, "the protocol"),
        CtKey::L3Proto => Val::number(if packet.family == Family::V4 { 2u8 } else { 10 }),
        // Only expected connections have one.
        CtKey::Helper if state == CtState::New => Val::Absent,
        CtKey::Saddr | CtKey::IpSaddr | CtKey::Ip6Saddr | CtKey::Daddr | CtKey::IpDaddr | CtKey::Ip6Daddr => {
            let wrong = match ct.key {
                CtKey::IpSaddr | CtKey::IpDaddr => packet.family == Family::V6,
                CtKey::Ip6Saddr | CtKey::Ip6Daddr => packet.family == Family::V4,
                _ => false,
            };
            if wrong {
                return Val::Absent;
            }
            let source = matches!(ct.key, CtKey::Saddr | CtKey::IpSaddr | CtKey::Ip6Saddr);
            let addr = ct.reply.and_then(|reply| connection::address(packet, reply, source));
            address(addr, "the connection's address")
        }
        CtKey::ProtoSrc | CtKey::ProtoDst => {
            let known = ct.reply.and_then(|reply| connection::port(packet, reply, ct.key == CtKey::ProtoSrc));
            port(packet, known, "the connection's port")
        }
        other => Val::Unknown(format!("`ct {}` is not known", other.name()).into()),
    }
}

/// `IPS_*` of linux/netfilter/nf_conntrack_common.h.
fn status(packet: &Packet) -> Val {
    let (set, sure) = connection::status(packet);
    let (mut bits, mut known) = (0u128, !u128::from(u16::MAX));
    let mut tell = |bit: u128, is: Option<bool>| {
        if let Some(is) = is {
            known |= bit;
            bits |= if is { bit } else { 0 };
        }
    };
    let flags = [(1, ct_status::EXPECTED), (2, ct_status::SEEN_REPLY), (4, ct_status::ASSURED), (8, ct_status::CONFIRMED)];
    for (bit, flag) in flags {
        tell(bit, (sure & flag != 0).then_some(set & flag != 0));
    }
    tell(16, packet.snat);
    tell(32, packet.dnat);
    Val::partly(bits, known, "the connection's status")
}

pub(super) fn fib(context: &Context<'_>, fib: Fib, packet: &Packet) -> Val {
    let (own, other, what) = if fib.flags.daddr {
        (packet.dst, packet.src, "the destination address")
    } else {
        (packet.src, packet.dst, "the source address")
    };
    let Some(addr) = own else { return Val::unknown(what) };
    if fib.result == FibResult::Type {
        let limit = match (fib.flags.iif, fib.flags.oif) {
            (true, _) => IfaceLimit::In,
            (_, true) => IfaceLimit::Out,
            _ => IfaceLimit::None,
        };
        return context.lookups.fib_type(addr, limit, packet).map_or_else(Val::Unknown, Val::number);
    }
    let mark = if fib.flags.mark { packet.mark } else { Some(0) };
    let devices = match context.lookups.route_devices(addr, other, mark, packet) {
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
        Some(Dev::Unknown) => Val::Unknown(Why::from("the interface is not known")),
        Some(Dev::Named(dev)) if devices.contains(dev) => Val::Route(vec![dev.clone()]),
        Some(Dev::Named(_)) => Val::Route(Vec::new()),
    }
}
