//! What connection tracking knows of a packet's connection, as far as the packet tells it: the tuples of both directions, its status.

use std::net::IpAddr;

use crate::parse::iptables::{Bits, ct_status};
use crate::walk::packet::{CtState, Direction, Packet};

/// An end of a tuple.
#[derive(Clone, Copy)]
struct End {
    addr: Option<IpAddr>,
    port: Option<u16>,
}

/// The address of a direction's source or destination.
pub(super) fn address(packet: &Packet, reply: bool, source: bool) -> Option<IpAddr> {
    end(packet, reply, source)?.addr
}

/// The port of a direction's source or destination.
pub(super) fn port(packet: &Packet, reply: bool, source: bool) -> Option<u16> {
    end(packet, reply, source)?.port
}

fn end(packet: &Packet, reply: bool, source: bool) -> Option<End> {
    if !reply {
        return original(packet, source);
    }
    // The reply's tuple of a new connection is the packet as it is now, turned round: what is translated so far is in it.
    if packet.ct_state == Some(CtState::New) && packet.ct_dir == Some(Direction::Original) {
        return Some(current(packet, !source));
    }
    if is_plain(packet) { original(packet, !source) } else { None }
}

fn original(packet: &Packet, source: bool) -> Option<End> {
    if let Some(tuple) = &packet.ct_original {
        let (addr, port) = if source { (tuple.src, tuple.sport) } else { (tuple.dst, tuple.dport) };
        return Some(End { addr: Some(addr), port: Some(port) });
    }
    match packet.ct_dir? {
        Direction::Original if (if source { packet.snat } else { packet.dnat }) == Some(false) => Some(current(packet, source)),
        Direction::Reply if is_plain(packet) => Some(current(packet, !source)),
        _ => None,
    }
}

fn current(packet: &Packet, source: bool) -> End {
    if source { End { addr: packet.src, port: packet.sport } } else { End { addr: packet.dst, port: packet.dport } }
}

/// Whether nothing of the connection is translated.
fn is_plain(packet: &Packet) -> bool {
    packet.snat == Some(false) && packet.dnat == Some(false)
}

/// Bits of `--ctstatus` ([`ct_status`]) that are set, and those that are known. The first packet of a connection is neither expected nor
/// answered; it is confirmed when it leaves the last hook, so that over the loopback it comes in confirmed.
pub(super) fn status(packet: &Packet) -> (Bits, Bits) {
    match packet.ct_state {
        Some(CtState::New) if packet.ct_original.is_none() => {
            (0, ct_status::EXPECTED | ct_status::SEEN_REPLY | ct_status::ASSURED | ct_status::CONFIRMED)
        }
        Some(CtState::New) => (0, ct_status::EXPECTED | ct_status::SEEN_REPLY | ct_status::ASSURED),
        Some(CtState::Established) => {
            (ct_status::SEEN_REPLY | ct_status::CONFIRMED, ct_status::SEEN_REPLY | ct_status::CONFIRMED)
        }
        _ => (0, 0),
    }
}
