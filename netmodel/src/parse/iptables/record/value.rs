//! What conditions and targets hold: networks, interfaces, ports, marks, sets of flags.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use crate::source::Span;

/// An address under a mask. iptables allows masks that are no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Net {
    /// IPv4.
    V4 {
        /// The address.
        addr: Ipv4Addr,
        /// The bits that count.
        mask: Ipv4Addr,
    },
    /// IPv6.
    V6 {
        /// The address.
        addr: Ipv6Addr,
        /// The bits that count.
        mask: Ipv6Addr,
    },
}

impl Net {
    /// Whether an address lies in it; never one of the other family.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self, ip) {
            (Self::V4 { addr, mask }, IpAddr::V4(ip)) => {
                let mask = mask.to_bits();
                ip.to_bits() & mask == addr.to_bits() & mask
            }
            (Self::V6 { addr, mask }, IpAddr::V6(ip)) => {
                let mask = mask.to_bits();
                ip.to_bits() & mask == addr.to_bits() & mask
            }
            _ => false,
        }
    }

    /// The same as a prefix, if the mask is one.
    #[must_use]
    pub fn prefix(&self) -> Option<ipnet::IpNet> {
        match *self {
            Self::V4 { addr, mask } => ipnet::Ipv4Net::with_netmask(addr, mask).ok().map(ipnet::IpNet::V4),
            Self::V6 { addr, mask } => ipnet::Ipv6Net::with_netmask(addr, mask).ok().map(ipnet::IpNet::V6),
        }
    }

    /// Whether every address of a family lies in it.
    #[must_use]
    pub fn is_any(&self) -> bool {
        match self {
            Self::V4 { mask, .. } => mask.is_unspecified(),
            Self::V6 { mask, .. } => mask.is_unspecified(),
        }
    }
}

/// An interface's name, or the beginning of one (`cali+`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Iface {
    /// The name without the `+`.
    pub name: Span,
    /// Whether more may follow.
    pub wildcard: bool,
}

impl Iface {
    /// Whether an interface is meant.
    #[must_use]
    pub fn matches(&self, text: &str, name: &str) -> bool {
        let want = self.name.of(text);
        if self.wildcard { name.starts_with(want) } else { name == want }
    }
}

/// Ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

impl PortRange {
    /// Whether a port lies in it.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

/// Source or destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Source.
    Src,
    /// Destination.
    Dst,
    /// Either of the two (`multiport --ports`).
    Either,
}

/// A 32-bit mark under a mask: matches when `mark & mask == value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// The value.
    pub value: u32,
    /// The bits that count.
    pub mask: u32,
}

/// A set of small flags, one bit each; what the bits mean stands at the constants.
pub type Bits = u16;

/// Bits of `--ctstate` and `--state`.
pub mod ct_state {
    /// INVALID.
    pub const INVALID: super::Bits = 1;
    /// NEW.
    pub const NEW: super::Bits = 2;
    /// RELATED.
    pub const RELATED: super::Bits = 4;
    /// ESTABLISHED.
    pub const ESTABLISHED: super::Bits = 8;
    /// UNTRACKED.
    pub const UNTRACKED: super::Bits = 16;
    /// SNAT: a virtual state, the source was translated.
    pub const SNAT: super::Bits = 32;
    /// DNAT: a virtual state, the destination was translated.
    pub const DNAT: super::Bits = 64;
}

/// Bits of `--ctstatus`.
pub mod ct_status {
    /// EXPECTED.
    pub const EXPECTED: super::Bits = 1;
    /// SEEN_REPLY.
    pub const SEEN_REPLY: super::Bits = 2;
    /// ASSURED.
    pub const ASSURED: super::Bits = 4;
    /// CONFIRMED.
    pub const CONFIRMED: super::Bits = 8;
    /// NONE.
    pub const NONE: super::Bits = 16;
}

/// Bits of the types of `addrtype`: `1 << RTN_…` of linux/rtnetlink.h.
pub mod addr_type {
    /// The names that iptables gives the types, by bit.
    pub const NAMES: [&str; 12] = [
        "UNSPEC",
        "UNICAST",
        "LOCAL",
        "BROADCAST",
        "ANYCAST",
        "MULTICAST",
        "BLACKHOLE",
        "UNREACHABLE",
        "PROHIBIT",
        "THROW",
        "NAT",
        "XRESOLVE",
    ];
    /// UNICAST.
    pub const UNICAST: super::Bits = 1 << 1;
    /// LOCAL.
    pub const LOCAL: super::Bits = 1 << 2;
    /// BROADCAST.
    pub const BROADCAST: super::Bits = 1 << 3;
    /// MULTICAST.
    pub const MULTICAST: super::Bits = 1 << 5;
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Equal.
    Eq,
    /// Less than.
    Lt,
    /// Greater than.
    Gt,
}

/// To which interface `addrtype` limits its look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IfaceLimit {
    /// To none.
    None,
    /// To the one that the packet came in by.
    In,
    /// To the one that it goes out by.
    Out,
}
