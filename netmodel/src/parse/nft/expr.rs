//! Expressions: what a rule looks at, and the values that it compares with.

mod key;
mod selector;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use serde::Serialize;

use super::kind::{Kind, Kinds};
use super::record::{NftFamily, Verdict};
use super::stmt::Stmt;
use crate::source::At;

pub use key::{Ct, CtKey, MetaKey};
pub use selector::{Base, Fib, FibFlags, FibResult, Field, Header, HeaderKind, Ipsec, Jhash, RtKey, Socket};

use selector::header_kind;

/// A name or text; equal ones of a ruleset are one allocation.
pub type Name = Arc<str>;

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A number, in host order: ports, marks, protocols, flags, ICMP types, … Names are already numbers here.
    Number(u64),
    /// A number that needs more than 64 bits.
    Big(Box<u128>),
    /// An address.
    Addr(IpAddr),
    /// A prefix; the address as printed, host bits included.
    Prefix(IpNet),
    /// A link-layer address.
    Mac([u8; 6]),
    /// An interface by its name.
    Iface(Name),
    /// All interfaces whose names begin so (`"veth*"`, without the star).
    IfacePrefix(Name),
    /// A name or text of another type (a helper, an hour, a date).
    Text(Name),
    /// A word whose meaning is not known here, such as the name of a service of that node: it equals nothing and everything.
    Symbol(Name),
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Expr {
    /// A constant.
    Value(Value),
    /// From the first to the second, both included.
    Range(Box<(Value, Value)>),
    /// A field of a header that nft knows by name.
    Payload(&'static Field),
    /// A field of a header that is not in this reader's table.
    PayloadNamed(Box<(Name, Name)>),
    /// Bits of the packet by position (`@th,16,16`).
    PayloadRaw {
        /// What the offset counts from.
        base: Base,
        /// First bit.
        offset: u32,
        /// Number of bits.
        len: u32,
    },
    /// A field of the packet inside a tunnel (`vxlan ip saddr`): the tunnel's name and the field.
    Inner(Box<(Name, Expr)>),
    /// An extension header, an option, a chunk: of what kind, which, and which field; without a field, whether it is there.
    Header(Box<Header>),
    /// What the kernel knows of the packet.
    Meta(MetaKey),
    /// What the kernel knows of the connection.
    Ct(Ct),
    /// A look-up in the routing tables.
    Fib(Fib),
    /// The route of the packet.
    Rt {
        /// What of it.
        key: RtKey,
        /// Of which family, where it is said.
        family: Option<NftFamily>,
    },
    /// The local socket that the packet belongs to.
    Socket(Box<Socket>),
    /// The operating system that the sender's SYN looks like; `key`, `ttl`.
    Osf(Box<(Name, Option<Name>)>),
    /// IPsec's state.
    Ipsec(Box<Ipsec>),
    /// Metadata of a tunnel by its key.
    Tunnel(Name),
    /// A number from a counter or at random: `offset + n mod modulus`.
    Numgen {
        /// At random, else one up for each packet.
        random: bool,
        /// How many numbers.
        modulus: u32,
        /// The lowest.
        offset: u32,
    },
    /// Jenkins' hash of an expression.
    Jhash(Box<Jhash>),
    /// A hash of the connection, the same for both directions.
    Symhash {
        /// How many numbers.
        modulus: u32,
        /// The lowest.
        offset: u32,
    },
    /// Bits combined. Constants are folded already.
    Binary(BinOp, Box<(Expr, Expr)>),
    /// Several side by side.
    Concat(Box<[Expr]>),
    /// Words separated by commas whose bits could not be combined, since one of them is not known.
    List(Box<[Expr]>),
    /// An anonymous set or map.
    Set(Box<[Elem]>),
    /// A named set or map (`@name`, without the `@`).
    SetRef(Name),
    /// The value of a map for a key.
    Map(Box<Lookup>),
    /// What to do, as the value of a verdict map.
    Verdict(Verdict),
    /// `*`: what no other element matches.
    Any,
    /// An expression that is not known: its text.
    Other(Box<str>),
}

/// A look-up: `key map data`, `key vmap data`. The data is an anonymous set or the name of a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lookup {
    /// What is looked up.
    pub key: Expr,
    /// Where.
    pub data: Expr,
}

/// An element of a set or map. Two are equal if they mean the same, wherever they stand.
#[derive(Clone, Debug, Serialize)]
pub struct Elem {
    /// The key: a value, a prefix, a range, a concatenation of such, or `*`.
    pub key: Expr,
    /// What a map maps it to.
    pub data: Option<Expr>,
    /// What else stands at it.
    pub extra: Option<Box<ElemExtra>>,
    /// Where it stands; in JSON the whole set.
    pub at: At,
}

impl PartialEq for Elem {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.data == other.data && self.extra == other.extra
    }
}
impl Eq for Elem {}

impl Elem {
    /// The comment at it.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.extra.as_ref()?.comment.as_deref()
    }
}

/// What an element may have beside key and data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ElemExtra {
    /// How long it lives, in milliseconds.
    pub timeout: Option<u64>,
    /// When it is removed, in milliseconds from the time of the listing.
    pub expires: Option<u64>,
    /// The comment.
    pub comment: Option<Name>,
    /// Counters, limits and the like of this element alone.
    pub stmts: Vec<Stmt>,
}

/// How bits are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BinOp {
    /// `&`.
    And,
    /// `|`.
    Or,
    /// `^`.
    Xor,
    /// `<<`.
    Shl,
    /// `>>`.
    Shr,
}

impl BinOp {
    /// The operator of a sign or of nft's older words.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Some(match text {
            "&" | "and" => Self::And,
            "|" | "or" => Self::Or,
            "^" | "xor" => Self::Xor,
            "<<" | "lshift" => Self::Shl,
            ">>" | "rshift" => Self::Shr,
            _ => return None,
        })
    }

    /// How strongly it binds.
    pub(super) fn binds(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::Xor => 2,
            Self::And => 3,
            Self::Shl | Self::Shr => 4,
        }
    }

    /// The two combined; folded if both are numbers.
    #[must_use]
    pub fn apply(self, left: Expr, right: Expr) -> Expr {
        if let (Expr::Value(Value::Number(a)), Expr::Value(Value::Number(b))) = (&left, &right) {
            let folded = match self {
                Self::And => Some(a & b),
                Self::Or => Some(a | b),
                Self::Xor => Some(a ^ b),
                Self::Shl => u32::try_from(*b).ok().and_then(|b| a.checked_shl(b)),
                Self::Shr => u32::try_from(*b).ok().and_then(|b| a.checked_shr(b)),
            };
            if let Some(number) = folded {
                return Expr::Value(Value::Number(number));
            }
        }
        Expr::Binary(self, Box::new((left, right)))
    }
}

impl Expr {
    /// A number.
    #[must_use]
    pub fn number(number: u64) -> Self {
        Self::Value(Value::Number(number))
    }

    /// The types of the values that this expression gives, one a part.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        match self {
            Self::Concat(parts) => {
                let mut kinds = Kinds::default();
                for part in parts {
                    kinds.push(part.kind());
                }
                kinds
            }
            one => Kinds::one(one.kind()),
        }
    }

    /// The type of the values that this expression gives; unknown for concatenations and look-ups in named maps.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Payload(field) => field.kind,
            Self::Inner(inner) => inner.1.kind(),
            Self::Header(header) => header_kind(header),
            Self::Meta(key) => key.kind(),
            Self::Ct(ct) => ct.key.kind(),
            Self::Fib(fib) => match fib.result {
                FibResult::Oif => Kind::FibOif,
                FibResult::OifName => Kind::Iface,
                FibResult::Type => Kind::FibType,
                FibResult::Check => Kind::Boolean,
            },
            Self::Rt { key, family } => match (key, family) {
                (RtKey::Nexthop, Some(NftFamily::Ip)) => Kind::Ip4,
                (RtKey::Nexthop, Some(NftFamily::Ip6)) => Kind::Ip6,
                (RtKey::Nexthop, _) => Kind::Ip,
                (RtKey::Ipsec, _) => Kind::Boolean,
                (RtKey::ClassId | RtKey::Mtu, _) => Kind::Integer,
            },
            Self::Socket(socket) => match &*socket.key {
                "cgroupv2" => Kind::Text,
                "mark" => Kind::Mark,
                _ => Kind::Integer,
            },
            Self::Osf(_) => Kind::Text,
            Self::Ipsec(ipsec) => match (&*ipsec.key, ipsec.family) {
                ("saddr" | "daddr", Some(NftFamily::Ip)) => Kind::Ip4,
                ("saddr" | "daddr", Some(NftFamily::Ip6)) => Kind::Ip6,
                ("saddr" | "daddr", _) => Kind::Ip,
                _ => Kind::Integer,
            },
            Self::Numgen { .. } | Self::Jhash(_) | Self::Symhash { .. } | Self::PayloadRaw { .. } => Kind::Integer,
            Self::Binary(_, sides) => sides.0.kind(),
            Self::Map(lookup) => match &lookup.data {
                Self::Set(elems) => elems.first().and_then(|e| e.data.as_ref()).map_or(Kind::Unknown, Self::kind),
                _ => Kind::Unknown,
            },
            Self::Verdict(_) => Kind::Verdict,
            _ => Kind::Unknown,
        }
    }
}
