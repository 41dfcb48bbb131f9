//! What is known of a link.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::Serialize;

use crate::source::At;

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
