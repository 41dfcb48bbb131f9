//! What nftables' translations ask connection tracking for.

use super::lookup::Context;
use super::value::{Val, value};
use crate::family::Family;
use crate::parse::nft::{Expr, Nat, NatKind, NftFamily, Value};
use crate::walk::packet::{NatAddr, NatRequest, Packet};

/// Stands for an address that is not known.
pub(super) static ANYWHERE: Expr = Expr::Any;

/// Whether a translation is for the other family, as it may be in tables of inet: nft puts a condition before it and hides it.
pub(super) fn other_family(nat: &Nat, packet: &Packet) -> bool {
    match nat.family {
        Some(NftFamily::Ip) => packet.family != Family::V4,
        Some(NftFamily::Ip6) => packet.family != Family::V6,
        _ => matches!(nat.addr.as_ref().map(address_family), Some(Some(family)) if family != packet.family),
    }
}

/// The family of a constant address.
fn address_family(expr: &Expr) -> Option<Family> {
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

/// The request of a translation to an address and ports, where they are said; `None` where the packet lacks something of them.
pub(super) fn request(
    context: &Context<'_>,
    nat: &Nat,
    addr: Option<&Expr>,
    port: Option<&Expr>,
    packet: &Packet,
) -> Option<NatRequest> {
    // A map gives both side by side.
    let (addr, port) = match addr {
        Some(Expr::Concat(parts)) => (parts.first(), parts.get(1).or(port)),
        addr => (addr, port),
    };
    let source = matches!(nat.kind, NatKind::Snat | NatKind::Masquerade);
    let to = match addr {
        Some(addr) => address(context, nat.prefix, addr, packet)?,
        None => match nat.kind {
            NatKind::Masquerade => NatAddr::OutgoingInterface,
            NatKind::Redirect => NatAddr::IncomingInterface,
            NatKind::Snat | NatKind::Dnat => NatAddr::Keep,
        },
    };
    let ports = match port {
        None => None,
        // Which one is not known.
        Some(port) => Some(ports(context, port, packet)?.unwrap_or((1, u16::MAX))),
    };
    Some(NatRequest { source, to, ports, random: nat.random || nat.fully_random })
}

fn address(context: &Context<'_>, prefix: bool, expr: &Expr, packet: &Packet) -> Option<NatAddr> {
    Some(match expr {
        Expr::Any => NatAddr::Unknown,
        Expr::Value(Value::Prefix(net)) if prefix => NatAddr::Prefix(*net),
        Expr::Value(Value::Prefix(net)) => NatAddr::Range(net.network(), net.broadcast()),
        Expr::Range(ends) => match **ends {
            (Value::Addr(first), Value::Addr(last)) => NatAddr::Range(first, last),
            _ => NatAddr::Unknown,
        },
        expr => match value(context, expr, packet) {
            Val::Addr(addr) => NatAddr::Range(addr, addr),
            value if value.is_absent() => return None,
            _ => NatAddr::Unknown,
        },
    })
}

/// The ports, the inner `None` where they are not known; the outer one where the packet lacks something.
fn ports(context: &Context<'_>, expr: &Expr, packet: &Packet) -> Option<Option<(u16, u16)>> {
    let number = |value: &Value| match value {
        Value::Number(n) => u16::try_from(*n).ok(),
        _ => None,
    };
    Some(match expr {
        Expr::Range(ends) => number(&ends.0).zip(number(&ends.1)),
        expr => {
            let value = value(context, expr, packet);
            if value.is_absent() {
                return None;
            }
            value.known().and_then(|n| u16::try_from(n).ok()).map(|port| (port, port))
        }
    })
}
