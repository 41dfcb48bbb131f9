//! The keywords of `meta` and `ct`, and the types of their values.

use serde::Serialize;

use super::Name;
use crate::parse::nft::kind::Kind;

/// A connection's property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Ct {
    /// Which.
    pub key: CtKey,
    /// Of which direction, where it is said: true for the reply's.
    pub reply: Option<bool>,
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
