//! flannel's `subnet.env` and `net-conf.json`: what it leased for this node, and the whole network.
//!
//! ```text
//! FLANNEL_NETWORK=10.244.0.0/16
//! FLANNEL_SUBNET=10.244.1.1/24
//! FLANNEL_MTU=1450
//! FLANNEL_IPMASQ=true
//! ```
//! ```text
//! {"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "VNI": 1, "Port": 8472}}
//! ```

use ipnet::IpNet;

use super::Parsed;
use crate::source::At;

/// A value and where it stands.
pub type Spanned<T> = (T, At);

/// What subnet.env says.
#[derive(Clone, Debug, Default)]
pub struct SubnetEnv {
    /// `FLANNEL_NETWORK`: the networks of all pods (IPv4; several when flannel has several).
    pub networks: Vec<Spanned<IpNet>>,
    /// `FLANNEL_SUBNET`: this node's lease, with the bridge's address as host part.
    pub subnet: Option<Spanned<IpNet>>,
    /// `FLANNEL_IPV6_NETWORK`.
    pub networks6: Vec<Spanned<IpNet>>,
    /// `FLANNEL_IPV6_SUBNET`.
    pub subnet6: Option<Spanned<IpNet>>,
    /// `FLANNEL_MTU`.
    pub mtu: Option<Spanned<u32>>,
    /// `FLANNEL_IPMASQ`: flannel masquerades what leaves the pod network.
    pub ipmasq: Option<Spanned<bool>>,
}

/// What net-conf.json says.
#[derive(Clone, Debug, Default)]
pub struct NetConf {
    /// `Network`.
    pub network: Option<Spanned<IpNet>>,
    /// `IPv6Network`.
    pub network6: Option<Spanned<IpNet>>,
    /// `Backend.Type` (`vxlan`, `host-gw`, `wireguard`, `udp`, …).
    pub backend: Option<Spanned<String>>,
    /// `Backend.VNI`.
    pub vni: Option<Spanned<u32>>,
    /// `Backend.Port`.
    pub port: Option<Spanned<u16>>,
    /// `Backend.DirectRouting`: peers on the same subnet are routed without encapsulation.
    pub direct_routing: Option<Spanned<bool>>,
}

/// Reads subnet.env.
#[must_use]
pub fn parse_subnet_env(_text: &str) -> Parsed<SubnetEnv> {
    Parsed::default()
}

/// Reads net-conf.json.
#[must_use]
pub fn parse_net_conf(_text: &str) -> Parsed<NetConf> {
    Parsed::default()
}
