//! Statements: what a rule asks and does, one after the other.

use serde::Serialize;

use super::expr::{Elem, Expr, Lookup, Name};
use super::record::{Counter, NftFamily, ObjectKind, Verdict};

/// One step of a rule. They run in order; the first match that fails ends the rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stmt {
    /// A condition.
    Match {
        /// How it is compared.
        op: Op,
        /// What of the packet.
        left: Expr,
        /// With what.
        right: Expr,
    },
    /// Ends or leaves the chain.
    Verdict(Verdict),
    /// Does what a verdict map says; where it says nothing, the rule goes on.
    Vmap(Box<Lookup>),
    /// Counts; without numbers in a stateless listing.
    Counter(Option<Counter>),
    /// Uses an object of the table: by its name, or by the name that a map gives.
    Object(ObjectKind, Expr),
    /// Sets a property of the packet or of the connection, or a field of a header.
    Set {
        /// What.
        key: Expr,
        /// To what.
        value: Expr,
    },
    /// Translates addresses.
    Nat(Box<Nat>),
    /// Drops the packet and answers.
    Reject(Reject),
    /// Adds to, refreshes or takes from a set or map.
    SetUpdate(Box<SetUpdate>),
    /// True up to (or, with `over`, beyond) a rate.
    Limit(Box<Limit>),
    /// True up to (or, with `over`, beyond) an amount.
    Quota(Box<Quota>),
    /// Logs.
    Log(Box<Log>),
    /// Gives the packet to a program, which decides.
    Queue(Box<Queue>),
    /// Sends a copy.
    Dup(Box<Dup>),
    /// Sends it out of an interface (netdev).
    Fwd(Box<Fwd>),
    /// Keeps it from connection tracking.
    Notrack,
    /// Gives it to a local socket.
    Tproxy(Box<Tproxy>),
    /// Answers the handshake in the server's place.
    Synproxy(Box<Synproxy>),
    /// True up to (or, with `over`, beyond) so many connections; used at an element of a set, per element.
    CtCount {
        /// How many.
        count: u32,
        /// Whether more than that.
        over: bool,
    },
    /// Offloads the connection to a flow table.
    FlowAdd(Name),
    /// When it was last reached, in milliseconds before the listing; `None` is never, or not shown.
    Last(Option<u64>),
    /// The old form of a dynamic set with a statement for each element.
    Meter(Box<Meter>),
    /// An extension of iptables.
    Xt(Xt),
    /// A statement that is not known: its text.
    Other(Box<str>),
}

/// How a match compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// Equal to, or contained in the prefix, range or set.
    Eq,
    /// The contrary.
    Ne,
    /// Less than.
    Lt,
    /// Greater than.
    Gt,
    /// At most.
    Le,
    /// At least.
    Ge,
    /// Any of these bits is set (`ct state established,related`).
    AnyBit,
    /// None of these bits is set (`ct state ! invalid`).
    NoBit,
}

impl Op {
    /// The operator of a sign; `in` is what JSON calls the implicit one of bit masks.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Some(match text {
            "==" | "eq" => Self::Eq,
            "!=" | "ne" => Self::Ne,
            "<" | "lt" => Self::Lt,
            ">" | "gt" => Self::Gt,
            "<=" | "le" => Self::Le,
            ">=" | "ge" => Self::Ge,
            "in" => Self::AnyBit,
            "!" => Self::NoBit,
            _ => return None,
        })
    }
}

/// Which way addresses are translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NatKind {
    /// The source.
    Snat,
    /// The destination.
    Dnat,
    /// The source, to the address of the outgoing interface.
    Masquerade,
    /// The destination, to this node.
    Redirect,
}

/// A translation. Where the value of `addr` is a concatenation, its second part is the port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(clippy::struct_excessive_bools)]
pub struct Nat {
    /// Which way.
    pub kind: NatKind,
    /// The family of the address, where it is said.
    pub family: Option<NftFamily>,
    /// The address.
    pub addr: Option<Expr>,
    /// The port.
    pub port: Option<Expr>,
    /// Ports at random.
    pub random: bool,
    /// Ports wholly at random.
    pub fully_random: bool,
    /// The same address for all connections of a client.
    pub persistent: bool,
    /// Only the prefix is replaced, the host's bits stay (`dnat prefix to`).
    pub prefix: bool,
    /// Flags that are not known.
    pub other: Vec<Name>,
}

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reject {
    /// With a TCP RST.
    TcpReset,
    /// With an ICMP error of this code.
    Icmp(u8),
    /// With an ICMPv6 error of this code.
    Icmpv6(u8),
    /// With an error that both families have (`NFT_REJECT_ICMPX_*`).
    Icmpx(u8),
    /// With something whose code is not known here.
    Unknown,
}

/// What is done with an element of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetOp {
    /// Added if it is not there.
    Add,
    /// Added, or its timeout refreshed.
    Update,
    /// Removed.
    Delete,
}

/// A change of a set from a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetUpdate {
    /// What is done.
    pub op: SetOp,
    /// The set's name.
    pub set: Name,
    /// The element; its key is an expression, its extra statements decide whether the rule goes on.
    pub elem: Elem,
}

/// A unit of time of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Per {
    Second,
    Minute,
    Hour,
    Day,
    Week,
}

impl Per {
    /// The unit of a word.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "second" => Self::Second,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            _ => return None,
        })
    }
}

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Limit {
    /// So many packets, or bytes.
    pub rate: u64,
    /// Whether bytes are meant.
    pub bytes: bool,
    /// In this time.
    pub per: Per,
    /// So many more at once. nft leaves out its default, 5 packets.
    pub burst: u64,
    /// True beyond the rate.
    pub over: bool,
}

/// An amount of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Quota {
    /// How many.
    pub bytes: u64,
    /// How many were seen.
    pub used: u64,
    /// True beyond the amount.
    pub over: bool,
}

/// What is logged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Log {
    /// What is written before it.
    pub prefix: Option<Name>,
    /// To this group of nfnetlink_log.
    pub group: Option<u32>,
    /// So much of the packet.
    pub snaplen: Option<u32>,
    /// So many packets at once.
    pub queue_threshold: Option<u32>,
    /// Level of syslog.
    pub level: Option<Name>,
    /// What else is written.
    pub flags: Vec<Name>,
}

/// Which queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// The number, a range, or an expression; `None` is 0.
    pub num: Option<Expr>,
    /// Accept where no program listens.
    pub bypass: bool,
    /// One queue for each processor.
    pub fanout: bool,
}

/// Where a copy goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Dup {
    /// The next hop; in netdev the interface.
    pub addr: Option<Expr>,
    /// The interface.
    pub dev: Option<Expr>,
}

/// Where a packet is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fwd {
    /// The interface.
    pub dev: Option<Expr>,
    /// Family of the address.
    pub family: Option<NftFamily>,
    /// The next hop.
    pub addr: Option<Expr>,
}

/// A local socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tproxy {
    /// Family of the address.
    pub family: Option<NftFamily>,
    /// Its address.
    pub addr: Option<Expr>,
    /// Its port.
    pub port: Option<Expr>,
}

/// What a SYN proxy answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Synproxy {
    /// Greatest segment.
    pub mss: Option<u32>,
    /// Window scale.
    pub wscale: Option<u32>,
    /// With time stamps.
    pub timestamp: bool,
    /// With selective acknowledgements.
    pub sack_perm: bool,
}

/// The old form of a dynamic set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Meter {
    /// Its name.
    pub name: Name,
    /// Its size.
    pub size: Option<u64>,
    /// The element and its statements.
    pub elem: Elem,
}

/// Kinds of extensions of iptables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum XtKind {
    /// A match (`-m`).
    Match,
    /// A target (`-j`).
    Target,
    /// A watcher of ebtables.
    Watcher,
    /// The text does not say.
    Unknown,
}

/// An extension of iptables in a rule of nftables, whose options nft does not show. What it asks or does stands in the output of
/// `iptables-nft-save` only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Xt {
    /// Match or target.
    pub kind: XtKind,
    /// Its name, where it is shown (`comment`, `set`, `MASQUERADE`).
    pub name: Option<Name>,
    /// What the text form printed for it, behind a `#` (`match-set X dst,dst`).
    pub text: Option<Box<str>>,
}

impl Xt {
    /// Whether nft printed nothing for it but the blank around it. Most are comments or `-m tcp` without options, but it may be any
    /// match, and behind the counter any target, that the tool did not find (`XT target MASQUERADE not found`).
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.name.is_none() && self.text.is_none()
    }

    /// Whether it certainly neither asks nor does anything: a comment.
    #[must_use]
    pub fn is_comment(&self) -> bool {
        self.kind != XtKind::Target && self.name.as_deref() == Some("comment")
    }
}
