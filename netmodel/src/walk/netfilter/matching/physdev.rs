//! The match `physdev`: the ports of the bridge that a packet crosses (net/netfilter/xt_physdev.c, as it reads since Linux 4.0).
//!
//! The kernel remembers the port that a packet came in by as soon as br_netfilter has seen it, for routed packets too, and the one that it
//! goes out by only while it is bridged: `--physdev-is-bridged` asks whether there is the second one.

use super::{Asking, device};
use crate::parse::iptables::{Match, MatchKind};
use crate::walk::packet::{Dev, Packet};
use crate::walk::tri::Tri;

/// Whether one condition of `physdev` holds, its negation included.
pub(super) fn holds(asking: &Asking<'_>, condition: &Match) -> Tri {
    let packet = asking.packet;
    let (port_in, port_out) = ports(packet);
    let seen = is_there(port_in).or(|| is_there(port_out));
    // Where no bridge has seen the packet every condition is false, and its negation true.
    if seen == Tri::No {
        return Tri::from(condition.negated);
    }
    let holds = match condition.kind {
        MatchKind::PhysdevIsIn => is_there(port_in),
        MatchKind::PhysdevIsOut | MatchKind::PhysdevIsBridged => is_there(port_out),
        // A packet that has a bridge port on the other side alone is let through by `--physdev-in`, negated or not …
        MatchKind::PhysdevIn(_) if *port_in == Dev::None => return Tri::Yes,
        MatchKind::PhysdevIn(iface) => device(&iface, asking.text, port_in, "the bridge port that it came in by"),
        // … and never by `--physdev-out`.
        MatchKind::PhysdevOut(_) if *port_out == Dev::None => return Tri::No,
        MatchKind::PhysdevOut(iface) => device(&iface, asking.text, port_out, "the bridge port that it goes out by"),
        _ => Tri::unknown("no condition of physdev"),
    };
    if condition.negated { !holds } else { holds }
}

/// The ports as the kernel remembers them.
fn ports(packet: &Packet) -> (&Dev, &Dev) {
    // What is not bridged has no port to go out by, and what was made here came in by none.
    let out = if packet.bridged == Some(false) { &Dev::None } else { &packet.physout };
    let made_here = packet.bridged == Some(false) && packet.iif == Dev::None && packet.physin == Dev::Unknown;
    (if made_here { &Dev::None } else { &packet.physin }, out)
}

fn is_there(dev: &Dev) -> Tri {
    match dev {
        Dev::Unknown => Tri::unknown("whether a bridge has seen the packet is not known"),
        Dev::None => Tri::No,
        Dev::Named(_) => Tri::Yes,
    }
}
