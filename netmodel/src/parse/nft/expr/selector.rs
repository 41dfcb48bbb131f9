//! What an expression looks at in a packet or asks the kernel for: header fields, routes, sockets, hashes.

use serde::Serialize;

use super::{Expr, Name};
use crate::parse::nft::kind::Kind;
use crate::parse::nft::record::NftFamily;

/// A field of a header.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The header (`ip`, `tcp`, `th`, …).
    pub proto: &'static str,
    /// The field (`saddr`, `dport`, …).
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
}

/// What the offset of raw payload counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// The link layer's header.
    Link,
    /// The network layer's header.
    Network,
    /// The transport layer's header.
    Transport,
    /// The data behind the transport layer's header.
    Inner,
}

impl Base {
    /// The base by nft's name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "ll" => Self::Link,
            "nh" => Self::Network,
            "th" => Self::Transport,
            "ih" => Self::Inner,
            _ => return None,
        })
    }
}

/// An extension header or option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Header {
    /// Of what kind.
    pub kind: HeaderKind,
    /// Which (`maxseg`, `hbh`, `lsrr`, `init`), or its number.
    pub name: Name,
    /// Which field; `None` asks whether it is there.
    pub field: Option<Name>,
    /// First bit and number of bits, where the field is given so.
    pub raw: Option<(u32, u32)>,
}

/// Kinds of extension headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderKind {
    /// IPv6 extension header.
    Exthdr,
    /// Option of TCP.
    TcpOption,
    /// Option of IPv4.
    IpOption,
    /// Chunk of SCTP.
    SctpChunk,
    /// Option of DCCP.
    DccpOption,
}

/// A look-up in the routing tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Fib {
    /// What of the route.
    pub result: FibResult,
    /// With which of the packet's properties.
    pub flags: FibFlags,
}

/// What `fib` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FibResult {
    /// The interface.
    Oif,
    /// The interface's name.
    OifName,
    /// The type of the address.
    Type,
    /// Whether there is a route (`check`, nft 1.1).
    Check,
}

/// What a `fib` look-up is made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[allow(clippy::struct_excessive_bools)]
pub struct FibFlags {
    /// Source address.
    pub saddr: bool,
    /// Destination address.
    pub daddr: bool,
    /// Mark.
    pub mark: bool,
    /// Incoming interface.
    pub iif: bool,
    /// Outgoing interface.
    pub oif: bool,
}

/// What of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RtKey {
    /// Realm.
    ClassId,
    /// Next hop.
    Nexthop,
    /// Greatest segment that fits (MTU less headers).
    Mtu,
    /// Whether it is an IPsec route.
    Ipsec,
}

/// A local socket's property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Socket {
    /// `transparent`, `mark`, `wildcard`, `cgroupv2`.
    pub key: Name,
    /// The level of the control group.
    pub level: Option<u32>,
}

/// IPsec's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ipsec {
    /// Outgoing, else incoming.
    pub out: bool,
    /// Which of several transformations, from 0.
    pub spnum: u32,
    /// `reqid`, `spi`, `saddr`, `daddr`.
    pub key: Name,
    /// Family of the address.
    pub family: Option<NftFamily>,
}

/// Jenkins' hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Jhash {
    /// Of what.
    pub expr: Expr,
    /// How many numbers.
    pub modulus: u32,
    /// The seed; `None` is one that the kernel chose.
    pub seed: Option<u32>,
    /// The lowest.
    pub offset: u32,
}

/// The type of the values of a header's field.
pub(super) fn header_kind(header: &Header) -> Kind {
    match header.field.as_deref() {
        None if header.raw.is_none() => Kind::Boolean,
        Some("nexthdr") => Kind::Protocol,
        Some("type") if &*header.name == "mh" => Kind::MhType,
        Some(field) if field == "addr" || field.starts_with("addr[") || field.starts_with("sid[") => Kind::Ip6,
        Some("addr4") => Kind::Ip4,
        _ => Kind::Integer,
    }
}
