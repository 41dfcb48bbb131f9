//! The types of nftables' values, as far as they decide how a value is read.

use serde::Serialize;

use super::symbols;

/// What a value is of. nft calls it a datatype; the type of a value follows from what it is compared with or stored in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Not known: a value is then read by its looks.
    #[default]
    Unknown,
    /// A number.
    Integer,
    /// `ipv4_addr`.
    Ip4,
    /// `ipv6_addr`.
    Ip6,
    /// An address of a family that only the value tells.
    Ip,
    /// `ether_addr`.
    Mac,
    /// `inet_service`.
    Port,
    /// `inet_proto`.
    Protocol,
    /// `ether_type`.
    EtherType,
    /// `mark`.
    Mark,
    /// `ifname` and `iface_index`, which nft prints by name.
    Iface,
    /// `iface_type`.
    Arphrd,
    /// `devgroup`.
    DevGroup,
    /// `ct_state`, a bit mask.
    CtState,
    /// `ct_status`, a bit mask.
    CtStatus,
    /// `ct_dir`.
    CtDir,
    /// `ct_event`, a bit mask.
    CtEvent,
    /// `ct_label`, a bit mask.
    CtLabel,
    /// `nf_proto`.
    NfProto,
    /// `fib_addrtype`.
    FibType,
    /// Result of `fib … oif`: an interface, or 1 and 0 for exists and missing.
    FibOif,
    /// `icmp_type`.
    IcmpType,
    /// `icmp_code`.
    IcmpCode,
    /// `icmpv6_type`.
    Icmpv6Type,
    /// `icmpv6_code`.
    Icmpv6Code,
    /// `icmpx_code`.
    IcmpxCode,
    /// `tcp_flag`, a bit mask.
    TcpFlags,
    /// `dscp`.
    Dscp,
    /// `ecn`.
    Ecn,
    /// `pkt_type`.
    PktType,
    /// `boolean`.
    Boolean,
    /// `time`: a duration in seconds.
    Time,
    /// `arp_op`.
    ArpOp,
    /// `dccp_pkttype`.
    DccpType,
    /// `mh_type`.
    MhType,
    /// `igmp_type`.
    IgmpType,
    /// `day`.
    Day,
    /// `tc_handle`: `MAJOR:MINOR` in hexadecimal.
    Priority,
    /// A name or a text: helpers, hours, dates, kinds of links, objects.
    Text,
    /// `verdict`.
    Verdict,
}

/// The names of types as sets print them.
const TYPE_NAMES: &[(&str, Kind)] = &[
    ("ipv4_addr", Kind::Ip4),
    ("ipv6_addr", Kind::Ip6),
    ("ether_addr", Kind::Mac),
    ("ll_addr", Kind::Mac),
    ("inet_service", Kind::Port),
    ("inet_proto", Kind::Protocol),
    ("ether_type", Kind::EtherType),
    ("mark", Kind::Mark),
    ("ifname", Kind::Iface),
    ("iface_index", Kind::Iface),
    ("iface_type", Kind::Arphrd),
    ("devgroup", Kind::DevGroup),
    ("ct_state", Kind::CtState),
    ("ct_status", Kind::CtStatus),
    ("ct_dir", Kind::CtDir),
    ("ct_event", Kind::CtEvent),
    ("ct_label", Kind::CtLabel),
    ("nf_proto", Kind::NfProto),
    ("fib_addrtype", Kind::FibType),
    ("icmp_type", Kind::IcmpType),
    ("icmp_code", Kind::IcmpCode),
    ("icmpv6_type", Kind::Icmpv6Type),
    ("icmpv6_code", Kind::Icmpv6Code),
    ("icmpx_code", Kind::IcmpxCode),
    ("tcp_flag", Kind::TcpFlags),
    ("dscp", Kind::Dscp),
    ("ecn", Kind::Ecn),
    ("pkt_type", Kind::PktType),
    ("boolean", Kind::Boolean),
    ("time", Kind::Time),
    ("arp_op", Kind::ArpOp),
    ("dccp_pkttype", Kind::DccpType),
    ("mh_type", Kind::MhType),
    ("igmp_type", Kind::IgmpType),
    ("day", Kind::Day),
    ("tc_handle", Kind::Priority),
    ("classid", Kind::Priority),
    ("integer", Kind::Integer),
    ("uid", Kind::Integer),
    ("gid", Kind::Integer),
    ("realm", Kind::Integer),
    ("string", Kind::Text),
    ("hour", Kind::Text),
    ("cgroupsv2", Kind::Text),
    ("verdict", Kind::Verdict),
    ("counter", Kind::Text),
    ("quota", Kind::Text),
    ("limit", Kind::Text),
    ("synproxy", Kind::Text),
    ("secmark", Kind::Text),
];

impl Kind {
    /// The type of a name as in `type ipv4_addr . inet_service`.
    #[must_use]
    pub fn of_type(name: &str) -> Self {
        TYPE_NAMES.iter().find(|(known, _)| *known == name).map_or(Self::Unknown, |(_, kind)| *kind)
    }

    /// Whether values are sets of bits: `ct state established,related` asks for any of them.
    #[must_use]
    pub fn is_bitmask(self) -> bool {
        matches!(self, Self::CtState | Self::CtStatus | Self::CtEvent | Self::CtLabel | Self::TcpFlags)
    }

    /// The number of a name of this type, if nft has one for it.
    #[must_use]
    pub fn symbol(self, name: &str) -> Option<u64> {
        let table = match self {
            Self::Port => symbols::SERVICE,
            Self::Protocol => symbols::PROTOCOL,
            Self::EtherType => symbols::ETHER_TYPE,
            Self::Arphrd => symbols::ARPHRD,
            Self::DevGroup => symbols::DEVGROUP,
            Self::CtState => symbols::CT_STATE,
            Self::CtStatus => symbols::CT_STATUS,
            Self::CtDir => symbols::CT_DIR,
            Self::CtEvent => symbols::CT_EVENT,
            Self::NfProto => symbols::NFPROTO,
            Self::FibType => symbols::FIB_TYPE,
            Self::FibOif | Self::Boolean => symbols::BOOLEAN,
            Self::IcmpType => symbols::ICMP_TYPE,
            Self::IcmpCode => symbols::ICMP_CODE,
            Self::Icmpv6Type => symbols::ICMPV6_TYPE,
            Self::Icmpv6Code => symbols::ICMPV6_CODE,
            Self::IcmpxCode => symbols::ICMPX_CODE,
            Self::TcpFlags => symbols::TCP_FLAGS,
            Self::Dscp => symbols::DSCP,
            Self::Ecn => symbols::ECN,
            Self::PktType => symbols::PKTTYPE,
            Self::ArpOp => symbols::ARP_OP,
            Self::DccpType => symbols::DCCP_TYPE,
            Self::MhType => symbols::MH_TYPE,
            Self::IgmpType => symbols::IGMP_TYPE,
            Self::Day => symbols::DAY,
            Self::Priority => symbols::PRIORITY,
            _ => return None,
        };
        symbols::number(table, name)
    }
}

/// The types of the parts of a concatenation; a plain value is one of one. nft allows far fewer than the eight kept here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kinds {
    list: [Kind; 8],
    len: u8,
}

impl Kinds {
    /// One type.
    #[must_use]
    pub fn one(kind: Kind) -> Self {
        let mut kinds = Self::default();
        kinds.push(kind);
        kinds
    }

    /// Adds a part.
    pub fn push(&mut self, kind: Kind) {
        if let Some(slot) = self.list.get_mut(usize::from(self.len)) {
            *slot = kind;
            self.len += 1;
        }
    }

    /// The type of a part; unknown where there is none.
    #[must_use]
    pub fn get(&self, index: usize) -> Kind {
        if index < usize::from(self.len) { self.list.get(index).copied().unwrap_or_default() } else { Kind::Unknown }
    }

    /// The type of a value that is no concatenation.
    #[must_use]
    pub fn first(&self) -> Kind {
        self.get(0)
    }
}
