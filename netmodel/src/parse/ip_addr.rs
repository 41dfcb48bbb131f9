//! `ip -d -j addr` and `ip -s -d -j link`: links with their kind, relations, addresses and statistics.
//!
//! ```text
//! [{"ifindex":3,"ifname":"flannel.1","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1450,"operstate":"UNKNOWN",
//!   "address":"2a:47:bf:d6:d5:5c","linkinfo":{"info_kind":"vxlan","info_data":{"id":1,"local":"192.168.50.11","link":"eth0",
//!   "port":8472,"learning":false,"df":"unset"}},"addr_info":[{"family":"inet","local":"10.244.1.0","prefixlen":32,
//!   "scope":"global","label":"flannel.1","valid_life_time":4294967295,"preferred_life_time":4294967295}]}]
//! ```
//!
//! Left out: queue and offload sizes, multicast settings of bridges. The raw object stays reachable through [`Link::at`].

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Parsed;
use super::json::{self, Element, Names};
use crate::source::{At, Problem, position};

/// A network interface.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// The object in the capture.
    pub at: At,
    /// The kernel's index of it, unique in its namespace; `None` where the form does not print it (`ip -br`, `ifconfig`).
    pub index: Option<u32>,
    /// Its name.
    pub name: Arc<str>,
    /// Alternative names.
    pub altnames: Vec<Arc<str>>,
    /// All flags as printed (`UP`, `LOWER_UP`, `NO-CARRIER`, `NOARP`, …); empty too where the form prints none (`ip -o addr`).
    pub flags: Vec<Arc<str>>,
    /// `UP`: set up by the administrator; `None` where the form does not tell.
    pub up: Option<bool>,
    /// `LOWER_UP`: the driver says that there is a carrier; `None` where the form does not tell.
    pub lower_up: Option<bool>,
    /// The MTU in bytes.
    pub mtu: Option<u32>,
    /// The operational state as printed (RFC 2863: `UP`, `DOWN`, `UNKNOWN`, …). UNKNOWN is normal for VXLAN, dummy and tunnel devices.
    pub operstate: Option<Arc<str>>,
    /// The hardware address, as printed.
    pub mac: Option<Arc<str>>,
    /// What kind of device it is.
    pub kind: LinkKind,
    /// The group, as printed (`default`, a name or a number); `None` where the form does not print it.
    pub group: Option<Arc<str>>,
    /// The device that it is a port or slave of (bridge, bond, VRF). `None` proves nothing where [`Link::index`] or [`Link::up`] is
    /// `None`: those forms do not print it.
    pub master: Option<Arc<str>>,
    /// The device that it stands on or is paired with, in this namespace (`eth0.10@eth0`: `eth0`).
    pub lower: Option<Arc<str>>,
    /// The index of that device or peer, perhaps in another namespace.
    pub lower_index: Option<u32>,
    /// The number that this namespace gave to the namespace of that device, if it is another one; -1 where it has none
    /// (`NETNSA_NSID_NOT_ASSIGNED`) or where only the name of that namespace is printed.
    pub lower_netns: Option<i32>,
    /// As a bridge port: its settings.
    pub port: Option<BridgePortInfo>,
    /// The addresses; empty when the capture has none (as `ip link`).
    pub addresses: Vec<Address>,
    /// The statistics, where the capture has them.
    pub stats: Option<LinkStats>,
    /// Names or ids of XDP programs on it, as printed; empty if none is attached.
    pub xdp: Option<At>,
}

/// An address of a link.
#[derive(Clone, Debug, Serialize)]
pub struct Address {
    /// The object in the capture.
    pub at: At,
    /// The address with its prefix length (host bits kept).
    pub addr: IpNet,
    /// The other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// The broadcast address.
    pub broadcast: Option<IpAddr>,
    /// The scope as printed (`global`, `link`, `host`, …).
    pub scope: Arc<str>,
    /// The label.
    pub label: Option<Arc<str>>,
    /// `secondary` (IPv4) or `temporary` (IPv6).
    pub secondary: bool,
    /// `dadfailed`: another node has the same address; it is not used.
    pub dad_failed: bool,
    /// `tentative`: not yet verified; it is not used until then.
    pub tentative: bool,
    /// `deprecated`: not used as a source for new connections.
    pub deprecated: bool,
    /// `noprefixroute`: the kernel made no route for the prefix.
    pub no_prefix_route: bool,
}

/// What kind of device a link is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LinkKind {
    /// The capture was taken without details (`-d`): it may be of any kind.
    Unknown,
    /// The capture names no kind: a physical or para-virtual device.
    Physical,
    /// The loopback.
    Loopback,
    /// A VXLAN tunnel end.
    Vxlan(Vxlan),
    /// A bridge.
    Bridge(Bridge),
    /// One end of a pair.
    Veth,
    /// An 802.1Q or 802.1ad device.
    Vlan {
        /// The VLAN's id.
        id: u16,
    },
    /// A bond.
    Bond,
    /// A dummy device (`kube-ipvs0`, `nodelocaldns`).
    Dummy,
    /// IP in IP.
    Ipip(Tunnel),
    /// GRE in any form.
    Gre(Tunnel),
    /// A Geneve tunnel end.
    Geneve {
        /// The VNI; `None` for an external (collect metadata) device.
        vni: Option<u32>,
        /// The UDP port.
        port: Option<u16>,
        /// The other end; `None` for an external device.
        remote: Option<IpAddr>,
    },
    /// WireGuard.
    Wireguard,
    /// tun or tap.
    Tun,
    /// macvlan, macvtap or ipvlan.
    Macvlan,
    /// A VRF and its table.
    Vrf {
        /// The routing table's number.
        table: Option<u32>,
    },
    /// Any other kind, by its name.
    Other(Arc<str>),
}

/// Ends of an IP tunnel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tunnel {
    /// The local outer address; `None` for any.
    pub local: Option<IpAddr>,
    /// The remote outer address; `None` for any.
    pub remote: Option<IpAddr>,
    /// The device that it is bound to.
    pub lower: Option<Arc<str>>,
    /// Outer packets may not be fragmented (`pmtudisc`, the default).
    pub pmtudisc: Option<bool>,
    /// The mark with which the outer route is looked up.
    pub fwmark: Option<u32>,
    /// GRE: the key of packets that come in.
    pub ikey: Option<u32>,
    /// GRE: the key of packets that go out.
    pub okey: Option<u32>,
    /// GRE: carries frames (gretap), not packets.
    pub frames: bool,
    /// The ends come with each packet (collect metadata).
    pub external: bool,
}

/// A VXLAN tunnel end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Vxlan {
    /// The VNI; `None` for an external (collect metadata) device.
    pub vni: Option<u32>,
    /// The UDP destination port.
    pub port: Option<u16>,
    /// The outer source address.
    pub local: Option<IpAddr>,
    /// The default outer destination: a unicast remote or a multicast group.
    pub remote: Option<IpAddr>,
    /// The lower device.
    pub lower: Option<Arc<str>>,
    /// Whether it learns addresses from traffic.
    pub learning: Option<bool>,
    /// The outer DF bit: `unset` (the default), `set` or `inherit`.
    pub df: Option<Arc<str>>,
    /// Whether packets carry the group-policy extension.
    pub gbp: bool,
    /// Whether VNI and destination come with each packet (collect metadata).
    pub external: bool,
}

/// A bridge's settings. The `nf_call_*` flags are ORed with `net.bridge.bridge-nf-call-*`: `0` here says nothing alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bridge {
    /// IPv4 of this bridge goes through iptables whatever the sysctl says.
    pub nf_call_iptables: Option<bool>,
    /// IPv6 likewise.
    pub nf_call_ip6tables: Option<bool>,
    /// VLAN filtering is on.
    pub vlan_filtering: Option<bool>,
    /// Spanning tree is on.
    pub stp: Option<bool>,
    /// Seconds before a new port forwards, in hundredths of a second.
    pub forward_delay: Option<u32>,
}

/// A bridge port's settings, as `ip -d` prints them below `info_slave_data`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BridgePortInfo {
    /// `forwarding`, `learning`, `blocking`, `disabled`, …
    pub state: Option<Arc<str>>,
    /// Hairpin mode: may send a frame out where it came in.
    pub hairpin: Option<bool>,
    /// Isolated from other isolated ports.
    pub isolated: Option<bool>,
}

/// Counters of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkStats {
    /// Received packets.
    pub rx_packets: u64,
    /// Received bytes.
    pub rx_bytes: u64,
    /// Receive errors.
    pub rx_errors: u64,
    /// Received and dropped.
    pub rx_dropped: u64,
    /// Sent packets.
    pub tx_packets: u64,
    /// Sent bytes.
    pub tx_bytes: u64,
    /// Send errors.
    pub tx_errors: u64,
    /// Dropped on the way out.
    pub tx_dropped: u64,
    /// Carrier errors.
    pub carrier_errors: u64,
}

/// Reads `ip -j addr` or `ip -j link`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Link>> {
    let mut parts = Vec::new();
    let mut parsed = json::read(text, |element, object, names| {
        let raw: RawLink<'_> = json::typed(object)?;
        Ok(raw.link(&mut Context { text, element, names, problems: &mut parts }))
    });
    parsed.problems.append(&mut parts);
    parsed.problems.sort_by_key(|p| p.at);
    parsed
}

/// What is needed to read parts of a link. A part that is not understood is a problem and does not cost the link.
struct Context<'a> {
    text: &'a str,
    element: Element<'a>,
    names: &'a mut Names,
    problems: &'a mut Vec<Problem>,
}

impl Context<'_> {
    fn name(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        text.map(|t| self.names.get(t))
    }

    /// The place of a part of the element; the element's own place where the part was read from a cleaned copy.
    fn within(&self, part: &str) -> At {
        let at = position(self.text, part, self.element.at.line);
        if at.start >= self.element.at.start && at.end <= self.element.at.end { at } else { self.element.at }
    }

    /// A part, typed; a problem if it is not what is expected.
    fn part<'t, T: Deserialize<'t>>(&mut self, raw: &'t RawValue) -> Option<T> {
        json::typed(raw.get()).map_err(|what| self.problem(raw, what)).ok()
    }

    fn problem(&mut self, raw: &RawValue, what: impl Into<String>) {
        let at = self.within(raw.get());
        self.problems.push(Problem { at, what: what.into() });
    }
}

#[derive(Deserialize)]
struct RawLink<'t> {
    ifindex: u32,
    #[serde(borrow)]
    ifname: Cow<'t, str>,
    #[serde(borrow, default)]
    altnames: Vec<Cow<'t, str>>,
    #[serde(borrow, default)]
    flags: Vec<Cow<'t, str>>,
    mtu: Option<u32>,
    #[serde(borrow)]
    operstate: Option<Cow<'t, str>>,
    #[serde(borrow)]
    link_type: Option<Cow<'t, str>>,
    #[serde(borrow)]
    address: Option<Cow<'t, str>>,
    #[serde(borrow)]
    group: Option<Cow<'t, str>>,
    #[serde(borrow)]
    master: Option<Cow<'t, str>>,
    #[serde(borrow)]
    link: Option<Cow<'t, str>>,
    link_index: Option<u32>,
    link_netnsid: Option<i32>,
    #[serde(borrow)]
    linkinfo: Option<RawInfo<'t>>,
    #[serde(borrow, default)]
    addr_info: Vec<&'t RawValue>,
    stats64: Option<RawStats>,
    stats: Option<RawStats>,
    #[serde(borrow)]
    xdp: Option<&'t RawValue>,
}

#[derive(Deserialize)]
struct RawInfo<'t> {
    #[serde(borrow)]
    info_kind: Option<Cow<'t, str>>,
    #[serde(borrow)]
    info_data: Option<&'t RawValue>,
    #[serde(borrow)]
    info_slave_kind: Option<Cow<'t, str>>,
    #[serde(borrow)]
    info_slave_data: Option<&'t RawValue>,
}

/// The members of `info_data` of all kinds that are used; numbers and words are kept as they come, since versions differ.
#[derive(Deserialize, Default)]
#[serde(default)]
struct RawData<'t> {
    id: Option<u32>,
    #[serde(borrow)]
    local: Option<Cow<'t, str>>,
    #[serde(borrow)]
    local6: Option<Cow<'t, str>>,
    #[serde(borrow)]
    remote: Option<Cow<'t, str>>,
    #[serde(borrow)]
    remote6: Option<Cow<'t, str>>,
    #[serde(borrow)]
    group: Option<Cow<'t, str>>,
    #[serde(borrow)]
    group6: Option<Cow<'t, str>>,
    #[serde(borrow)]
    link: Option<Cow<'t, str>>,
    port: Option<u16>,
    learning: Option<bool>,
    #[serde(borrow)]
    df: Option<Cow<'t, str>>,
    #[serde(borrow)]
    gbp: Option<&'t RawValue>,
    #[serde(borrow)]
    external: Option<&'t RawValue>,
    #[serde(borrow)]
    table: Option<&'t RawValue>,
    pmtudisc: Option<bool>,
    #[serde(borrow)]
    fwmark: Option<&'t RawValue>,
    #[serde(borrow)]
    ikey: Option<&'t RawValue>,
    #[serde(borrow)]
    okey: Option<&'t RawValue>,
    nf_call_iptables: Option<u8>,
    nf_call_ip6tables: Option<u8>,
    vlan_filtering: Option<u8>,
    stp_state: Option<u8>,
    forward_delay: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawSlave<'t> {
    #[serde(borrow)]
    state: Option<Cow<'t, str>>,
    hairpin: Option<bool>,
    isolated: Option<bool>,
}

#[derive(Deserialize)]
struct RawStats {
    rx: RawDirection,
    tx: RawDirection,
}

#[derive(Deserialize)]
struct RawDirection {
    bytes: u64,
    packets: u64,
    errors: u64,
    dropped: u64,
    #[serde(default)]
    carrier_errors: u64,
}

#[derive(Deserialize)]
struct RawAddress<'t> {
    #[serde(borrow)]
    local: Option<Cow<'t, str>>,
    #[serde(borrow)]
    address: Option<Cow<'t, str>>,
    prefixlen: u8,
    #[serde(borrow)]
    broadcast: Option<Cow<'t, str>>,
    #[serde(borrow)]
    scope: Option<Cow<'t, str>>,
    #[serde(borrow)]
    label: Option<Cow<'t, str>>,
    #[serde(default)]
    secondary: bool,
    #[serde(default)]
    temporary: bool,
    #[serde(default)]
    dadfailed: bool,
    #[serde(default)]
    tentative: bool,
    #[serde(default)]
    deprecated: bool,
    #[serde(default)]
    noprefixroute: bool,
}

impl RawLink<'_> {
    fn link(self, cx: &mut Context<'_>) -> Link {
        let has = |flag: &str| self.flags.iter().any(|f| f == flag);
        let info = self.linkinfo.as_ref();
        let kind = kind(info, self.link_type.as_deref(), cx);
        let slave = info.filter(|i| i.info_slave_kind.as_deref() == Some("bridge")).and_then(|i| i.info_slave_data);
        let slave: Option<RawSlave<'_>> = slave.and_then(|raw| cx.part(raw));
        let port = slave.map(|s| BridgePortInfo { state: cx.name(s.state.as_deref()), hairpin: s.hairpin, isolated: s.isolated });
        Link {
            at: cx.element.at,
            index: Some(self.ifindex),
            name: cx.names.get(&self.ifname),
            altnames: cx.names.all(&self.altnames),
            up: Some(has("UP")),
            lower_up: Some(has("LOWER_UP")),
            flags: cx.names.all(&self.flags),
            mtu: self.mtu,
            operstate: cx.name(self.operstate.as_deref()),
            mac: cx.name(self.address.as_deref()),
            kind,
            group: cx.name(self.group.as_deref()),
            master: cx.name(self.master.as_deref()),
            lower: cx.name(self.link.as_deref()),
            lower_index: self.link_index,
            lower_netns: self.link_netnsid,
            port,
            addresses: self.addr_info.iter().filter_map(|raw| address(raw, cx)).collect(),
            stats: self.stats64.or(self.stats).map(|s| LinkStats {
                rx_packets: s.rx.packets,
                rx_bytes: s.rx.bytes,
                rx_errors: s.rx.errors,
                rx_dropped: s.rx.dropped,
                tx_packets: s.tx.packets,
                tx_bytes: s.tx.bytes,
                tx_errors: s.tx.errors,
                tx_dropped: s.tx.dropped,
                carrier_errors: s.tx.carrier_errors,
            }),
            xdp: self.xdp.map(|raw| cx.within(raw.get())),
        }
    }
}

fn address(raw: &RawValue, cx: &mut Context<'_>) -> Option<Address> {
    // With filters (`ip addr show scope …`) old versions print empty objects here.
    if raw.get().trim_start_matches('{').trim() == "}" {
        return None;
    }
    let a: RawAddress<'_> = cx.part(raw)?;
    // Of a point-to-point address `local` is ours and `address` the peer's; of others only `local` is printed.
    let ours = a.local.as_deref().or(a.address.as_deref()).and_then(|t| t.parse().ok());
    let Some(addr) = ours.and_then(|ours| IpNet::new(ours, a.prefixlen).ok()) else {
        cx.problem(raw, "not an address with a prefix length");
        return None;
    };
    Some(Address {
        at: cx.within(raw.get()),
        addr,
        peer: a.local.as_ref().and(a.address.as_deref()).and_then(|p| p.parse().ok()),
        broadcast: a.broadcast.as_deref().and_then(|b| b.parse().ok()),
        scope: cx.names.get(a.scope.as_deref().unwrap_or_default()),
        label: cx.name(a.label.as_deref()),
        secondary: a.secondary || a.temporary,
        dad_failed: a.dadfailed,
        tentative: a.tentative,
        deprecated: a.deprecated,
        no_prefix_route: a.noprefixroute,
    })
}

fn kind(info: Option<&RawInfo<'_>>, link_type: Option<&str>, cx: &mut Context<'_>) -> LinkKind {
    let Some(word) = info.and_then(|i| i.info_kind.as_deref()) else {
        return match link_type {
            Some("loopback") => LinkKind::Loopback,
            Some("ether") | None => LinkKind::Physical,
            // Hardware of another kind, or a tunnel whose driver has no netlink name.
            Some(other) => LinkKind::Other(cx.names.get(other)),
        };
    };
    let raw = info.and_then(|i| i.info_data);
    match word {
        "veth" => LinkKind::Veth,
        "bond" => LinkKind::Bond,
        "dummy" => LinkKind::Dummy,
        "wireguard" => LinkKind::Wireguard,
        "tun" => LinkKind::Tun,
        "macvlan" | "macvtap" | "ipvlan" | "ipvtap" => LinkKind::Macvlan,
        "vxlan" | "bridge" | "vlan" | "ipip" | "gre" | "gretap" | "ip6gre" | "ip6gretap" | "erspan" | "geneve" | "vrf" => {
            // Without `-d` there are no details; with details that are not understood the kind is all that is known.
            match raw.map(|raw| cx.part(raw)) {
                None => detailed(word, &RawData::default(), cx),
                Some(Some(data)) => detailed(word, &data, cx),
                Some(None) => LinkKind::Other(cx.names.get(word)),
            }
        }
        other => LinkKind::Other(cx.names.get(other)),
    }
}

/// A key or a mark: a number, in hexadecimal, or as an address (`0.0.0.7`).
pub(super) fn key(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok().or_else(|| word.parse().ok().map(|a: std::net::Ipv4Addr| a.to_bits())),
    }
}

fn detailed(word: &str, data: &RawData<'_>, cx: &mut Context<'_>) -> LinkKind {
    // "any" is how iproute2 prints the unspecified address.
    let addr = |four: &Option<Cow<'_, str>>, six: &Option<Cow<'_, str>>| -> Option<IpAddr> {
        four.as_deref().or(six.as_deref()).and_then(|a| a.parse().ok())
    };
    let on = |raw: Option<&RawValue>| raw.is_some_and(|r| r.get() != "false");
    let number = |raw: Option<&RawValue>| key(raw?.get().trim_matches('"'));
    let lower = cx.name(data.link.as_deref());
    let tunnel = || Tunnel {
        local: addr(&data.local, &data.local6),
        remote: addr(&data.remote, &data.remote6),
        lower: lower.clone(),
        pmtudisc: data.pmtudisc,
        fwmark: number(data.fwmark),
        ikey: number(data.ikey),
        okey: number(data.okey),
        frames: word.ends_with("tap") || word == "erspan",
        external: on(data.external),
    };
    match word {
        "vxlan" => LinkKind::Vxlan(Vxlan {
            vni: data.id,
            port: data.port,
            local: addr(&data.local, &data.local6),
            remote: addr(&data.remote, &data.remote6).or_else(|| addr(&data.group, &data.group6)),
            lower: cx.name(data.link.as_deref()),
            learning: data.learning,
            df: cx.name(data.df.as_deref()),
            gbp: on(data.gbp),
            external: on(data.external),
        }),
        "bridge" => LinkKind::Bridge(Bridge {
            nf_call_iptables: data.nf_call_iptables.map(|v| v != 0),
            nf_call_ip6tables: data.nf_call_ip6tables.map(|v| v != 0),
            vlan_filtering: data.vlan_filtering.map(|v| v != 0),
            stp: data.stp_state.map(|v| v != 0),
            forward_delay: data.forward_delay,
        }),
        "vlan" => match data.id.and_then(|id| u16::try_from(id).ok()) {
            Some(id) => LinkKind::Vlan { id },
            None => LinkKind::Other(cx.names.get(word)),
        },
        "ipip" => LinkKind::Ipip(tunnel()),
        "geneve" => LinkKind::Geneve { vni: data.id, port: data.port, remote: addr(&data.remote, &data.remote6) },
        "vrf" => LinkKind::Vrf { table: data.table.and_then(|t| t.get().trim_matches('"').parse().ok()) },
        _ => LinkKind::Gre(tunnel()),
    }
}
