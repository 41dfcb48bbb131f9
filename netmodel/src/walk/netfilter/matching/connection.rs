//! The match `conntrack`: states, tuples, status, direction of the packet's connection (net/netfilter/xt_conntrack.c).

use super::{Asking, known};
use crate::parse::iptables::{Bits, End, Match, MatchKind, ct_state, ct_status};
use crate::walk::netfilter::connection;
use crate::walk::packet::{CtState, Direction, Packet};
use crate::walk::tri::Tri;

/// Whether one condition of `conntrack` holds, its negation included.
pub(super) fn conntrack(asking: &Asking<'_>, condition: &Match) -> Tri {
    let packet = asking.packet;
    let holds = match condition.kind {
        MatchKind::CtState(states) => state(packet, states),
        _ => {
            // Without a connection only the state counts, all else is passed over; without a state the answer is no, negated or not.
            match packet.is_tracked() {
                Some(false) => {
                    return Tri::from(asking.beside(condition).any(|m| matches!(m.kind, MatchKind::CtState(_))));
                }
                None => return Tri::unknown("whether it belongs to a connection is not known"),
                Some(true) => {}
            }
            of_connection(asking, condition, packet)
        }
    };
    if condition.negated { !holds } else { holds }
}

fn of_connection(asking: &Asking<'_>, condition: &Match, packet: &Packet) -> Tri {
    match condition.kind {
        MatchKind::CtProto(n) => known(packet.protocol, "the protocol", |p| p == n),
        MatchKind::CtDirReply(reply) => {
            known(packet.ct_dir, "the direction in its connection", |dir| reply == (dir == Direction::Reply))
        }
        MatchKind::CtAddr { reply, end, net } => {
            let addr = connection::address(packet, reply, end == End::Src);
            known(addr, "the connection's address", |addr| net.contains(addr))
        }
        MatchKind::CtPort { reply, end, ports } => {
            let port = connection::port(packet, reply, end == End::Src);
            known(port, "the connection's port", |port| ports.contains(port))
        }
        MatchKind::CtStatus(asked) => {
            // NONE is no bit of the kernel's and never matches.
            let asked = asked & !ct_status::NONE;
            let (set, known) = connection::status(packet);
            if set & asked != 0 {
                Tri::Yes
            } else if asked & !known == 0 {
                Tri::No
            } else {
                Tri::unknown("the connection's status is not known")
            }
        }
        _ => Tri::unknown(format!("the packet is not described well enough for `{}`", condition.span.of(asking.text))),
    }
}

/// One of the states, or translated, which SNAT and DNAT ask of packets that belong to a connection.
fn state(packet: &Packet, states: Bits) -> Tri {
    let state = known(packet.ct_state, "the connection's state", |s| {
        let bit = match s {
            CtState::New => ct_state::NEW,
            CtState::Established => ct_state::ESTABLISHED,
            CtState::Related => ct_state::RELATED,
            CtState::Invalid => ct_state::INVALID,
            CtState::Untracked => ct_state::UNTRACKED,
        };
        states & bit != 0
    });
    let translated = |bit, value, what| {
        if states & bit == 0 || packet.is_tracked() == Some(false) { Tri::No } else { known(value, what, |v| v) }
    };
    state
        .or(|| translated(ct_state::DNAT, packet.dnat, "whether the destination was translated"))
        .or(|| translated(ct_state::SNAT, packet.snat, "whether the source was translated"))
}
