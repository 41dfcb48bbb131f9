//! What nftables' translations and rewritten header fields make of a packet.
//!
//! Left out: which port the kernel picks from a range, and which address of an interface `masquerade` and `redirect` take.

use crate::family::Family;
use crate::parse::nft::{Field, Nat, NatKind, NftFamily};
use crate::walk::netfilter::nft_value::Val;
use crate::walk::packet::Packet;

/// Whether a translation is for the other family, as it may be in tables of inet: nft puts a condition before it and hides it.
pub(super) fn other_family(nat: &Nat, packet: &Packet) -> bool {
    match nat.family {
        Some(NftFamily::Ip) => packet.family != Family::V4,
        Some(NftFamily::Ip6) => packet.family != Family::V6,
        _ => matches!(nat.addr.as_ref().map(address_family), Some(Some(family)) if family != packet.family),
    }
}

/// The family of a constant address.
fn address_family(expr: &crate::parse::nft::Expr) -> Option<Family> {
    use crate::parse::nft::{Expr, Value};
    match expr {
        Expr::Value(Value::Addr(addr)) => Some(Family::of(*addr)),
        Expr::Value(Value::Prefix(net)) => Some(Family::of(net.addr())),
        Expr::Range(ends) => match ends.0 {
            Value::Addr(addr) => Some(Family::of(addr)),
            _ => None,
        },
        _ => None,
    }
}

/// The packet behind a translation to an address and port, where they are given.
pub(super) fn translated(nat: &Nat, addr: Option<&Val>, port: Option<&Val>, packet: &Packet) -> Packet {
    let mut changed = packet.clone();
    // A map gives both side by side.
    let (addr, port) = match addr {
        Some(Val::Many(parts)) => (parts.first(), parts.get(1).or(port)),
        addr => (addr, port),
    };
    let to_addr = |addr: &Val| match addr {
        Val::Addr(addr) if !nat.prefix => Some(*addr),
        _ => None,
    };
    let to_port = |port: &Val| port.known().and_then(|n| u16::try_from(n).ok());
    match nat.kind {
        NatKind::Dnat | NatKind::Redirect => {
            match addr {
                Some(addr) => changed.dst = to_addr(addr),
                // To an address of the incoming interface, which the ruleset does not name.
                None if nat.kind == NatKind::Redirect => changed.dst = None,
                None => {}
            }
            if let Some(port) = port {
                changed.dport = to_port(port);
            }
            changed.dnat = Some(true);
        }
        NatKind::Snat | NatKind::Masquerade => {
            match addr {
                Some(addr) => changed.src = to_addr(addr),
                None if nat.kind == NatKind::Masquerade => changed.src = None,
                None => {}
            }
            // The kernel keeps the source port if it is free, which nobody knows.
            changed.sport = port.and_then(to_port);
            changed.snat = Some(true);
        }
    }
    changed
}

/// A field of the packet that a rule may rewrite without connection tracking.
#[derive(Clone, Copy)]
pub(super) enum Rewritten {
    Src,
    Dst,
    Sport,
    Dport,
}

/// Which field of the packet it is; none for fields that no packet here has.
pub(super) fn rewritten(field: &Field, packet: &Packet) -> Option<Rewritten> {
    let own = if packet.family == Family::V4 { "ip" } else { "ip6" };
    match (field.proto, field.name) {
        (proto, "saddr") if proto == own => Some(Rewritten::Src),
        (proto, "daddr") if proto == own => Some(Rewritten::Dst),
        ("tcp" | "udp" | "sctp" | "th", "sport") => Some(Rewritten::Sport),
        ("tcp" | "udp" | "sctp" | "th", "dport") => Some(Rewritten::Dport),
        _ => None,
    }
}

impl Rewritten {
    pub(super) fn write(self, value: &Val, packet: &mut Packet) {
        let addr = match value {
            Val::Addr(addr) => Some(*addr),
            _ => None,
        };
        let port = value.known().and_then(|n| u16::try_from(n).ok());
        match self {
            Self::Src => packet.src = addr,
            Self::Dst => packet.dst = addr,
            Self::Sport => packet.sport = port,
            Self::Dport => packet.dport = port,
        }
    }
}
