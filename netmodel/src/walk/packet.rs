//! A packet as far as it is known: every field may be unknown, and is then never taken for a value.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::family::Family;
use crate::parse::conntrack::Tuple;

/// ICMP.
pub const ICMP: u8 = 1;
/// TCP.
pub const TCP: u8 = 6;
/// UDP.
pub const UDP: u8 = 17;
/// ICMPv6.
pub const ICMPV6: u8 = 58;
/// SCTP.
pub const SCTP: u8 = 132;

/// The name of a protocol, as tools print it; its number where it has none here.
#[must_use]
pub fn protocol_name(number: u8) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        ICMP => "icmp",
        4 => "ipip",
        TCP => "tcp",
        UDP => "udp",
        41 => "ipv6",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        ICMPV6 => "icmpv6",
        SCTP => "sctp",
        other => return Cow::Owned(format!("protocol {other}")),
    })
}

/// An interface that a packet comes in or goes out by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dev {
    /// Not known which.
    Unknown,
    /// There is none (no incoming one in OUTPUT and POSTROUTING of local traffic, no outgoing one in PREROUTING and INPUT).
    None,
    /// This one.
    Named(Arc<str>),
}

impl Dev {
    /// An interface by name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::Named(name.into())
    }

    /// Its name, empty where there is none; `None` where it is not known.
    #[must_use]
    pub fn as_option(&self) -> Option<&str> {
        match self {
            Self::Unknown => None,
            Self::None => Some(""),
            Self::Named(name) => Some(name),
        }
    }
}

/// What connection tracking thinks of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CtState {
    /// The first of a connection.
    New,
    /// Of a connection seen in both directions.
    Established,
    /// The first of a connection that belongs to another one, or an ICMP error.
    Related,
    /// Fits nowhere.
    Invalid,
    /// Not tracked.
    Untracked,
}

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// As its first packet went.
    Original,
    /// As the answers go.
    Reply,
}

/// What a rule asks connection tracking to translate (`struct nf_nat_range2`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NatRequest {
    /// Source or destination.
    pub source: bool,
    /// To which addresses.
    pub to: NatAddr,
    /// To which ports; `None` keeps the port where it is free.
    pub ports: Option<(u16, u16)>,
    /// Whether the port is chosen at random (`--random`, `--random-fully`).
    pub random: bool,
}

/// To which address a packet is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NatAddr {
    /// The address stays (`--to-source :53`).
    Keep,
    /// One of a range; the same twice for one address.
    Range(IpAddr, IpAddr),
    /// Its prefix is exchanged for this one, the host part stays (NETMAP).
    Prefix(ipnet::IpNet),
    /// MASQUERADE: the address that the outgoing interface would use towards the destination.
    OutgoingInterface,
    /// REDIRECT: the first address of the incoming interface, or loopback in OUTPUT.
    IncomingInterface,
    /// It is not known.
    Unknown,
}

/// A packet; `None` is not known (or, for ports and the like, any).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// IPv4 or IPv6.
    pub family: Family,
    /// Source address.
    pub src: Option<IpAddr>,
    /// Destination address.
    pub dst: Option<IpAddr>,
    /// Number of the protocol (IANA).
    pub protocol: Option<u8>,
    /// Source port.
    pub sport: Option<u16>,
    /// Destination port.
    pub dport: Option<u16>,
    /// Type and code of ICMP and ICMPv6.
    pub icmp: Option<(u8, u8)>,
    /// TCP flags, bits as in the header.
    pub tcp_flags: Option<u8>,
    /// Whether it is a second or further fragment.
    pub fragment: Option<bool>,
    /// The interface that it came in by.
    pub iif: Dev,
    /// The interface that it goes out by.
    pub oif: Dev,
    /// The packet's mark.
    pub mark: Option<u32>,
    /// The connection's mark.
    pub connmark: Option<u32>,
    /// What connection tracking thinks of it.
    pub ct_state: Option<CtState>,
    /// Whether the connection's destination was translated.
    pub dnat: Option<bool>,
    /// Whether the connection's source was translated.
    pub snat: Option<bool>,
    /// Whether it is bridged, not routed, and sees iptables through br_netfilter.
    pub bridged: Option<bool>,
    /// The bridge port that it came in by, while it is bridged (`physdev`).
    pub physin: Dev,
    /// The bridge port that it goes out by, while it is bridged.
    pub physout: Dev,
    /// Length of the IP packet in bytes.
    pub length: Option<u16>,
    /// Time to live, or hop limit.
    pub ttl: Option<u8>,
    /// The byte of the header that was the type of service: DSCP and ECN.
    pub tos: Option<u8>,
    /// Whether it may not be fragmented (DF; for IPv6 always true on the way).
    pub df: Option<bool>,
    /// Which direction of its connection it belongs to.
    pub ct_dir: Option<Direction>,
    /// The connection's tuple in its original direction, before any translation; `None` where there is no connection or it is not known.
    pub ct_original: Option<Tuple>,
    /// The connection's zone.
    pub ct_zone: Option<u16>,
    /// What a nat chain asks connection tracking to translate it to. Taken by the walk behind each hook; `None` at its entry.
    pub nat: Option<NatRequest>,
    /// Whether connection tracking has settled how the connection's source is translated, be it not at all (`nf_nat_initialized()`):
    /// nat chains of input and postrouting are not asked again.
    pub src_bound: bool,
    /// The same of its destination: nat chains of prerouting and output are not asked again.
    pub dst_bound: bool,
    /// The connection's state while it is hidden.
    hidden_ct: Option<CtState>,
    /// Whether a rule said which connection it will belong to (a template of `CT`, or NOTRACK): later ones do nothing.
    template: bool,
}

impl Packet {
    /// A whole, untranslated packet of a new connection with mark 0, of which nothing else is known but its family.
    #[must_use]
    pub fn new(family: Family) -> Self {
        Self {
            family,
            src: None,
            dst: None,
            protocol: None,
            sport: None,
            dport: None,
            icmp: None,
            tcp_flags: None,
            fragment: Some(false),
            iif: Dev::Unknown,
            oif: Dev::Unknown,
            mark: Some(0),
            connmark: Some(0),
            ct_state: Some(CtState::New),
            dnat: Some(false),
            snat: Some(false),
            bridged: Some(false),
            physin: Dev::Unknown,
            physout: Dev::Unknown,
            length: None,
            ttl: Some(64),
            tos: Some(0),
            df: None,
            ct_dir: Some(Direction::Original),
            ct_original: None,
            ct_zone: Some(0),
            nat: None,
            src_bound: false,
            dst_bound: false,
            hidden_ct: None,
            template: false,
        }
    }

    /// The same from one address to another.
    #[must_use]
    pub fn between(mut self, src: IpAddr, dst: IpAddr) -> Self {
        self.src = Some(src);
        self.dst = Some(dst);
        self
    }

    /// As TCP's first packet (SYN) to a port, from a port that is not known.
    #[must_use]
    pub fn tcp(mut self, dport: u16) -> Self {
        self.protocol = Some(TCP);
        self.dport = Some(dport);
        self.tcp_flags = Some(0x02);
        self
    }

    /// As UDP to a port, from a port that is not known.
    #[must_use]
    pub fn udp(mut self, dport: u16) -> Self {
        self.protocol = Some(UDP);
        self.dport = Some(dport);
        self
    }

    /// Hides the connection's state from chains that run before connection tracking, and shows it again behind them. NOTRACK set
    /// in between stays.
    pub(super) fn ct_before(&mut self, hide: bool) {
        if hide {
            self.hidden_ct = self.ct_state;
            if self.ct_state != Some(CtState::Untracked) {
                self.ct_state = Some(CtState::Invalid);
            }
        } else {
            let hidden = self.hidden_ct.take();
            if self.ct_state != Some(CtState::Untracked) {
                self.ct_state = hidden;
            }
        }
    }

    /// A rule before connection tracking says that it is not tracked, or in which zone it is. Only the first one counts
    /// (`xt_ct_target()` of net/netfilter/xt_CT.c), and none behind connection tracking. Whether it counted.
    pub(super) fn set_template(&mut self, zone: Option<Option<u16>>, untracked: bool) -> bool {
        if self.template || self.ct_state != Some(CtState::Invalid) {
            return false;
        }
        self.template = true;
        if let Some(zone) = zone {
            self.ct_zone = zone;
        }
        if untracked {
            self.ct_state = Some(CtState::Untracked);
        }
        true
    }

    /// Whether it belongs to a connection; `None` is not known.
    pub(super) fn is_tracked(&self) -> Option<bool> {
        self.ct_state.map(|state| !matches!(state, CtState::Invalid | CtState::Untracked))
    }

    /// Makes the translation that is asked for, as far as the packet alone tells it.
    pub(super) fn translate(&mut self) {
        let Some(request) = self.nat.take() else { return };
        let own = if request.source { &mut self.src } else { &mut self.dst };
        *own = match request.to {
            NatAddr::Keep => *own,
            NatAddr::Range(first, last) => (first == last).then_some(first),
            NatAddr::Prefix(net) => own.and_then(|addr| mapped(addr, net)),
            NatAddr::OutgoingInterface | NatAddr::IncomingInterface | NatAddr::Unknown => None,
        };
        let port = request.ports.map(|(first, last)| (first == last).then_some(first));
        if request.source {
            // The kernel keeps the source port if it is free, which nobody knows.
            self.sport = port.flatten();
            self.snat = Some(true);
        } else {
            self.dport = port.unwrap_or(self.dport);
            self.dnat = Some(true);
        }
    }

    /// With the interfaces that it comes in and goes out by.
    #[must_use]
    pub fn via(mut self, iif: Dev, oif: Dev) -> Self {
        self.iif = iif;
        self.oif = oif;
        self
    }
}

/// An address with its prefix exchanged for another one, as NETMAP does it; `None` for one of the other family.
#[must_use]
pub fn mapped(addr: IpAddr, net: ipnet::IpNet) -> Option<IpAddr> {
    match (addr, net) {
        (IpAddr::V4(addr), ipnet::IpNet::V4(net)) => {
            let mask = net.netmask().to_bits();
            Some(IpAddr::V4(((net.addr().to_bits() & mask) | (addr.to_bits() & !mask)).into()))
        }
        (IpAddr::V6(addr), ipnet::IpNet::V6(net)) => {
            let mask = net.netmask().to_bits();
            Some(IpAddr::V6(((net.addr().to_bits() & mask) | (addr.to_bits() & !mask)).into()))
        }
        _ => None,
    }
}
