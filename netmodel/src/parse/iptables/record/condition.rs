//! The conditions of a rule that have records of their own; all others are an [`Ext`] or kept as text.

use std::net::IpAddr;

use serde::Serialize;

use super::value::{Bits, Compare, End, Iface, IfaceLimit, Mark, Net, PortRange};
use crate::parse::iptables::option::Ext;
use crate::source::Span;

/// What one condition asks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MatchKind {
    /// `-s`.
    Source(Net),
    /// `-d`.
    Destination(Net),
    /// `-i`.
    InIface(Iface),
    /// `-o`.
    OutIface(Iface),
    /// `-p` with its number (IANA); 0 is "all".
    Protocol(u8),
    /// `-f`: second and further fragments.
    Fragment,
    /// `--sport`, `--dport` of tcp, udp, udplite, sctp, dccp.
    Port(End, PortRange),
    /// `--tcp-flags MASK SET` and `--syn`: of the bits in `mask` exactly those in `set` are set. Bits as in the TCP header.
    TcpFlags {
        /// The bits that count.
        mask: u8,
        /// Those that are set.
        set: u8,
    },
    /// `--tcp-option`.
    TcpOption(u8),
    /// `multiport`.
    MultiPort {
        /// Which port.
        end: End,
        /// First of the ranges in [`Ruleset::ports`].
        first: u32,
        /// Behind the last of them.
        last: u32,
    },
    /// `--icmp-type`, `--icmpv6-type`: the type, and the codes from and to; type 255 is "any".
    Icmp {
        /// The type.
        kind: u8,
        /// The codes, both ends included.
        code: (u8, u8),
    },
    /// `--ctstate` and `--state`: any of the bits of [`ct_state`].
    CtState(Bits),
    /// `--ctstatus`: any of the bits of [`ct_status`].
    CtStatus(Bits),
    /// `--ctproto`.
    CtProto(u8),
    /// `--ctorigsrc`, `--ctorigdst` (`reply` false), `--ctreplsrc`, `--ctrepldst` (true).
    CtAddr {
        /// Of the reply's direction.
        reply: bool,
        /// Source or destination.
        end: End,
        /// The address.
        net: Net,
    },
    /// `--ctorigsrcport` and its siblings.
    CtPort {
        /// Of the reply's direction.
        reply: bool,
        /// Source or destination.
        end: End,
        /// The ports.
        ports: PortRange,
    },
    /// `--ctdir`: true for the reply's direction.
    CtDirReply(bool),
    /// `mark --mark`.
    Mark(Mark),
    /// `connmark --mark`.
    ConnMark(Mark),
    /// `set --match-set`.
    Set {
        /// The set's name.
        name: Span,
        /// `src`/`dst` for each dimension, as they stand there, with commas.
        dirs: Span,
        /// Further options follow as an [`Ext`] of the module `set` (`--return-nomatch`, `--packets-gt`, …), which change the answer.
        options: bool,
    },
    /// `addrtype --src-type`, `--dst-type`.
    AddrType {
        /// Source or destination.
        end: End,
        /// Any of these types ([`addr_type`]).
        types: Bits,
        /// `--limit-iface-in`/`-out`: only addresses of that interface count.
        limit: IfaceLimit,
    },
    /// `statistic --mode random --probability`: so many of 2^31 packets, as the kernel holds it.
    Random(u32),
    /// `statistic --mode nth --every --packet`.
    Nth {
        /// One packet of so many.
        every: u32,
        /// The counter's initial value.
        packet: u32,
    },
    /// `comment`: always true. The text as it stands, without the quotes around it, with backslashes.
    Comment(Span),
    /// `physdev --physdev-in`.
    PhysdevIn(Iface),
    /// `physdev --physdev-out`.
    PhysdevOut(Iface),
    /// `physdev --physdev-is-in`.
    PhysdevIsIn,
    /// `physdev --physdev-is-out`.
    PhysdevIsOut,
    /// `physdev --physdev-is-bridged`.
    PhysdevIsBridged,
    /// `iprange --src-range`, `--dst-range`, both ends included.
    IpRange {
        /// Source or destination.
        end: End,
        /// The lowest.
        first: IpAddr,
        /// The highest.
        last: IpAddr,
    },
    /// `mac --mac-source`.
    MacSource([u8; 6]),
    /// `length --length`.
    Length(u16, u16),
    /// `ttl`, `hl`.
    Ttl {
        /// How it is compared.
        op: Compare,
        /// With what.
        value: u8,
    },
    /// `dscp --dscp`.
    Dscp(u8),
    /// The text is of `iptables -L` without `-v`, which does not print the interfaces: whether the rule asks for some is not known.
    HiddenIfaces,
    /// A module of which no option is asked (`-m udp`): it holds for whole packets and first fragments of its protocol.
    Bare,
    /// An extension whose options stand in a table.
    Ext(Ext),
    /// A match of which only the text is kept.
    Other {
        /// The module (`-m NAME`), an empty span for an option without one.
        module: Span,
        /// All its options, with their own `!`.
        options: Span,
    },
}
