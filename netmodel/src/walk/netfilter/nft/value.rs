//! What an expression of nftables gives for a packet: a value of which any part may be unknown.
//!
//! Numbers carry which of their bits are known, so that `meta mark & 0x4000` or `ct status dnat` are answered from what is known. Left
//! out, and so unknown: tunnels, sockets, IPsec, options of headers, link-layer headers, time, and what depends on the packets before.

use std::net::IpAddr;
use std::sync::Arc;

use super::lookup::Context;
use super::{meta, payload};
use crate::family::Family;
use crate::parse::nft::index::{Atom, addr_bits};
use crate::parse::nft::{BinOp, Expr, Header, HeaderKind, Value};
use crate::walk::packet::{Packet, TCP};
use crate::walk::tri::Why;

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
    Unknown(Why),
}

impl Val {
    pub(super) fn number(bits: impl Into<u128>) -> Self {
        Self::Number { bits: bits.into(), known: u128::MAX, what: "the number" }
    }

    pub(super) fn maybe(number: Option<impl Into<u128>>, what: &'static str) -> Self {
        match number {
            Some(number) => Self::Number { bits: number.into(), known: u128::MAX, what },
            // Whatever it is, it has no more than 32 bits.
            None => Self::Number { bits: 0, known: !u128::from(u32::MAX), what },
        }
    }

    pub(super) fn unknown(what: &str) -> Self {
        Self::Unknown(format!("{what} is not known").into())
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

    /// A number of which some bits are not known.
    pub(super) fn partly(bits: u128, known: u128, what: &'static str) -> Self {
        Self::Number { bits: bits & known, known, what }
    }

    /// One part of a key, where all of it is known.
    pub(super) fn atom(&self) -> Option<Atom> {
        match self {
            Self::Number { .. } => self.known().map(Atom::Number),
            Self::Addr(addr) => Some(Atom::Number(addr_bits(*addr))),
            Self::Name(name) => Some(Atom::Name(name.clone())),
            _ => None,
        }
    }

    /// The key to look it up by, where all of it is known.
    pub(super) fn key(&self) -> Option<Vec<Atom>> {
        match self {
            Self::Many(parts) => parts.iter().map(Self::atom).collect(),
            part => part.atom().map(|atom| vec![atom]),
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
            Value::IfacePrefix(name) => Self::Unknown(format!("which interface `{name}*` is").into()),
            Value::Symbol(name) => Self::Unknown(format!("what `{name}` stands for is not known here").into()),
        }
    }
}

/// The value of an expression without look-ups in maps.
pub(super) fn value(context: &Context<'_>, expr: &Expr, packet: &Packet) -> Val {
    match expr {
        Expr::Value(value) => value.into(),
        Expr::Payload(field) => payload::field(field, packet),
        Expr::PayloadRaw { base, offset, len } => payload::raw(*base, *offset, *len, packet),
        Expr::Meta(key) => meta::meta(context, key, packet),
        Expr::Ct(ct) => meta::conntrack(*ct, packet),
        Expr::Fib(what) => meta::fib(context, *what, packet),
        Expr::Header(header) => option(header, packet),
        Expr::Numgen { modulus, offset, .. } | Expr::Symhash { modulus, offset } => chance(*offset, *modulus),
        // Without what it is made of there is no hash.
        Expr::Jhash(hash) if value(context, &hash.expr, packet).is_absent() => Val::Absent,
        Expr::Jhash(hash) => chance(hash.offset, hash.modulus),
        Expr::Binary(op, sides) => binary(*op, &value(context, &sides.0, packet), &value(context, &sides.1, packet)),
        Expr::Concat(parts) => Val::Many(parts.iter().map(|part| value(context, part, packet)).collect()),
        _ => Val::Unknown("the packet is not described well enough for what the rule looks at".into()),
    }
}

/// An extension header or option. The packets here have no extension headers of IPv6 but what their protocol says; what options their
/// headers have is not known.
fn option(header: &Header, packet: &Packet) -> Val {
    let asks_presence = header.field.is_none() && header.raw.is_none();
    let lacks = match header.kind {
        HeaderKind::Exthdr => packet.family == Family::V4 || packet.fragment == Some(false),
        HeaderKind::TcpOption => packet.protocol.is_some_and(|p| p != TCP) || packet.fragment == Some(true),
        HeaderKind::IpOption => packet.family == Family::V6,
        HeaderKind::SctpChunk => packet.protocol.is_some_and(|p| p != 132),
        HeaderKind::DccpOption => packet.protocol.is_some_and(|p| p != 33),
    };
    match (lacks, asks_presence) {
        (true, true) => Val::number(0u8),
        (true, false) => Val::Absent,
        (false, _) => Val::unknown("the option of the header"),
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
        return Val::Unknown(why.unwrap_or_else(|| "what is combined is not known".into()));
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

pub(super) fn address(addr: Option<IpAddr>, what: &str) -> Val {
    addr.map_or_else(|| Val::unknown(what), Val::Addr)
}
