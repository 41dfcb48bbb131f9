//! Expressions: what a rule looks at, and the values that it compares with.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use serde::Serialize;

use super::kind::{Kind, Kinds};
use super::record::{NftFamily, Verdict};
use super::stmt::Stmt;
use crate::source::At;

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

/// A connection's property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Ct {
    /// Which.
    pub key: CtKey,
    /// Of which direction, where it is said: true for the reply's.
    pub reply: Option<bool>,
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

fn header_kind(header: &Header) -> Kind {
    match header.field.as_deref() {
        None if header.raw.is_none() => Kind::Boolean,
        Some("nexthdr") => Kind::Protocol,
        Some("type") if &*header.name == "mh" => Kind::MhType,
        Some(field) if field == "addr" || field.starts_with("addr[") || field.starts_with("sid[") => Kind::Ip6,
        Some("addr4") => Kind::Ip4,
        _ => Kind::Integer,
    }
}

/// What the kernel knows of a packet; the variants are nft's keywords.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum MetaKey {
    Length,
    Protocol,
    Priority,
    Mark,
    Iif,
    Oif,
    IifName,
    OifName,
    IifType,
    OifType,
    IifKind,
    OifKind,
    IifGroup,
    OifGroup,
    SkUid,
    SkGid,
    NfTrace,
    RtClassId,
    SecMark,
    NfProto,
    L4Proto,
    IbrName,
    ObrName,
    IbrPvid,
    IbrVproto,
    IbrHwAddr,
    PktType,
    Cpu,
    Cgroup,
    Random,
    Ipsec,
    Time,
    Day,
    Hour,
    Sdif,
    SdifName,
    Broute,
    /// A key that is not known here.
    Other(Name),
}

const META: &[(&str, MetaKey, Kind)] = &[
    ("mark", MetaKey::Mark, Kind::Mark),
    ("l4proto", MetaKey::L4Proto, Kind::Protocol),
    ("iifname", MetaKey::IifName, Kind::Iface),
    ("oifname", MetaKey::OifName, Kind::Iface),
    ("iif", MetaKey::Iif, Kind::Iface),
    ("oif", MetaKey::Oif, Kind::Iface),
    ("nfproto", MetaKey::NfProto, Kind::NfProto),
    ("protocol", MetaKey::Protocol, Kind::EtherType),
    ("length", MetaKey::Length, Kind::Integer),
    ("priority", MetaKey::Priority, Kind::Priority),
    ("iiftype", MetaKey::IifType, Kind::Arphrd),
    ("oiftype", MetaKey::OifType, Kind::Arphrd),
    ("iifkind", MetaKey::IifKind, Kind::Text),
    ("oifkind", MetaKey::OifKind, Kind::Text),
    ("iifgroup", MetaKey::IifGroup, Kind::DevGroup),
    ("oifgroup", MetaKey::OifGroup, Kind::DevGroup),
    ("skuid", MetaKey::SkUid, Kind::Integer),
    ("skgid", MetaKey::SkGid, Kind::Integer),
    ("nftrace", MetaKey::NfTrace, Kind::Integer),
    ("rtclassid", MetaKey::RtClassId, Kind::Integer),
    ("secmark", MetaKey::SecMark, Kind::Text),
    ("ibrname", MetaKey::IbrName, Kind::Iface),
    ("ibriport", MetaKey::IbrName, Kind::Iface),
    ("obrname", MetaKey::ObrName, Kind::Iface),
    ("obriport", MetaKey::ObrName, Kind::Iface),
    ("ibrpvid", MetaKey::IbrPvid, Kind::Integer),
    ("ibrvproto", MetaKey::IbrVproto, Kind::EtherType),
    ("ibrhwaddr", MetaKey::IbrHwAddr, Kind::Mac),
    ("pkttype", MetaKey::PktType, Kind::PktType),
    ("cpu", MetaKey::Cpu, Kind::Integer),
    ("cgroup", MetaKey::Cgroup, Kind::Integer),
    ("random", MetaKey::Random, Kind::Integer),
    ("ipsec", MetaKey::Ipsec, Kind::Boolean),
    ("secpath", MetaKey::Ipsec, Kind::Boolean),
    ("time", MetaKey::Time, Kind::Text),
    ("day", MetaKey::Day, Kind::Day),
    ("hour", MetaKey::Hour, Kind::Text),
    ("sdif", MetaKey::Sdif, Kind::Iface),
    ("sdifname", MetaKey::SdifName, Kind::Iface),
    ("broute", MetaKey::Broute, Kind::Integer),
];

impl MetaKey {
    /// The key of a keyword.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        META.iter().find(|(known, ..)| *known == name).map(|(_, key, _)| key.clone())
    }

    /// The keyword.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Other(name) => name,
            key => META.iter().find(|(_, known, _)| known == key).map_or("", |(name, ..)| name),
        }
    }

    /// The type of its values.
    #[must_use]
    pub fn kind(&self) -> Kind {
        META.iter().find(|(_, known, _)| known == self).map_or(Kind::Unknown, |(.., kind)| *kind)
    }
}

/// What the kernel knows of a connection; the variants are nft's keywords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum CtKey {
    State,
    Direction,
    Status,
    Mark,
    SecMark,
    Expiration,
    Helper,
    L3Proto,
    Protocol,
    /// `saddr` of the table's family (nft before 0.9).
    Saddr,
    /// `daddr` of the table's family (nft before 0.9).
    Daddr,
    IpSaddr,
    IpDaddr,
    Ip6Saddr,
    Ip6Daddr,
    ProtoSrc,
    ProtoDst,
    Label,
    Bytes,
    Packets,
    AvgPkt,
    Zone,
    Event,
    Id,
}

const CT: &[(&str, CtKey, Kind)] = &[
    ("state", CtKey::State, Kind::CtState),
    ("direction", CtKey::Direction, Kind::CtDir),
    ("status", CtKey::Status, Kind::CtStatus),
    ("mark", CtKey::Mark, Kind::Mark),
    ("secmark", CtKey::SecMark, Kind::Text),
    ("expiration", CtKey::Expiration, Kind::Time),
    ("helper", CtKey::Helper, Kind::Text),
    ("l3proto", CtKey::L3Proto, Kind::NfProto),
    ("protocol", CtKey::Protocol, Kind::Protocol),
    ("saddr", CtKey::Saddr, Kind::Ip),
    ("daddr", CtKey::Daddr, Kind::Ip),
    ("ip saddr", CtKey::IpSaddr, Kind::Ip4),
    ("ip daddr", CtKey::IpDaddr, Kind::Ip4),
    ("ip6 saddr", CtKey::Ip6Saddr, Kind::Ip6),
    ("ip6 daddr", CtKey::Ip6Daddr, Kind::Ip6),
    ("proto-src", CtKey::ProtoSrc, Kind::Port),
    ("proto-dst", CtKey::ProtoDst, Kind::Port),
    ("label", CtKey::Label, Kind::CtLabel),
    ("bytes", CtKey::Bytes, Kind::Integer),
    ("packets", CtKey::Packets, Kind::Integer),
    ("avgpkt", CtKey::AvgPkt, Kind::Integer),
    ("zone", CtKey::Zone, Kind::Integer),
    ("event", CtKey::Event, Kind::CtEvent),
    ("id", CtKey::Id, Kind::Integer),
];

impl CtKey {
    /// The key of a keyword; with `ip ` or `ip6 ` before addresses.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        CT.iter().find(|(known, ..)| *known == name).map(|(_, key, _)| *key)
    }

    /// The keyword.
    #[must_use]
    pub fn name(self) -> &'static str {
        CT.iter().find(|(_, known, _)| *known == self).map_or("", |(name, ..)| name)
    }

    /// The type of its values.
    #[must_use]
    pub fn kind(self) -> Kind {
        CT.iter().find(|(_, known, _)| *known == self).map_or(Kind::Unknown, |(.., kind)| *kind)
    }
}
