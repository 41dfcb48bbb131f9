//! What pod network is here: derived from configuration and from what is there, each part with its evidence, or unknown.

mod cidr;
mod cni;
mod overlay;
mod proxy;

use std::net::IpAddr;

use ipnet::IpNet;

use super::Node;
use crate::source::{Evidence, Missing};

/// Something derived, with what shows it.
#[derive(Clone, Debug)]
pub struct Shown<T> {
    /// What it is.
    pub value: T,
    /// What shows it, the strongest first.
    pub evidence: Vec<Evidence>,
}

/// A part of the picture: derived, or not known.
pub type Part<T> = Result<Shown<T>, Missing>;

/// Which CNI makes the pod network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cni {
    /// flannel.
    Flannel,
    /// Calico.
    Calico,
    /// Cilium.
    Cilium,
    /// Weave Net.
    Weave,
    /// kube-router.
    KubeRouter,
    /// The bridge plugin alone (kubenet-like).
    Bridge,
    /// Another one, by its plugin's name.
    Other(String),
    /// There is no CNI configuration and nothing of one.
    None,
}

/// The device by which the node reaches the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uplink {
    /// The device.
    pub dev: String,
    /// Its MTU.
    pub mtu: Option<u32>,
    /// Its addresses of global scope.
    pub addresses: Vec<IpNet>,
}

/// How packets reach pods of other nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overlay {
    /// VXLAN.
    Vxlan {
        /// The device.
        dev: String,
        /// The VNI, unless it comes with each packet.
        vni: Option<u32>,
        /// The UDP port.
        port: Option<u16>,
        /// The outer source address.
        local: Option<IpAddr>,
        /// The lower device.
        lower: Option<String>,
        /// The device's MTU.
        mtu: Option<u32>,
    },
    /// IP in IP.
    Ipip {
        /// The device.
        dev: String,
        /// The device's MTU.
        mtu: Option<u32>,
    },
    /// WireGuard.
    Wireguard {
        /// The device.
        dev: String,
        /// The device's MTU.
        mtu: Option<u32>,
    },
    /// Geneve.
    Geneve {
        /// The device.
        dev: String,
        /// The UDP port.
        port: Option<u16>,
        /// The device's MTU.
        mtu: Option<u32>,
    },
    /// None: the peers' pod CIDRs are routed to the nodes' own addresses.
    HostGw,
}

impl Overlay {
    /// The overlay's device, if there is one.
    #[must_use]
    pub fn dev(&self) -> Option<&str> {
        match self {
            Self::Vxlan { dev, .. } | Self::Ipip { dev, .. } | Self::Wireguard { dev, .. } | Self::Geneve { dev, .. } => {
                Some(dev)
            }
            Self::HostGw => None,
        }
    }

    /// The device's MTU, if there is a device and it is known.
    #[must_use]
    pub fn mtu(&self) -> Option<u32> {
        match self {
            Self::Vxlan { mtu, .. } | Self::Ipip { mtu, .. } | Self::Wireguard { mtu, .. } | Self::Geneve { mtu, .. } => *mtu,
            Self::HostGw => None,
        }
    }
}

/// Another node, as this one sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its pods.
    pub pod_cidr: IpNet,
    /// The router of the pod CIDR: the peer's end of the overlay, or the node itself (host-gw).
    pub gateway: Option<IpAddr>,
    /// The node's own address, where FDB or routes tell it.
    pub node: Option<IpAddr>,
    /// The route, and the neighbour and FDB entries that lead to the node.
    pub evidence: Vec<Evidence>,
}

/// What translates Services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProxyMode {
    /// kube-proxy with iptables.
    Iptables,
    /// kube-proxy with ipvs.
    Ipvs,
    /// kube-proxy with nftables.
    Nftables,
    /// No kube-proxy: nothing of it is there (eBPF, or no Services).
    None,
}

/// Two sources that say different things.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// What they disagree on, in words.
    pub what: String,
    /// Both.
    pub evidence: Vec<Evidence>,
}

/// The pod network, as far as the bundle shows it.
#[derive(Clone, Debug)]
pub struct PodNetwork {
    /// Which CNI makes it.
    pub cni: Part<Cni>,
    /// The CIDRs of this node's pods: one a family, never an empty list.
    pub pod_cidr: Part<Vec<IpNet>>,
    /// The CIDRs of all pods.
    pub cluster_cidr: Part<Vec<IpNet>>,
    /// The CIDRs of Services.
    pub service_cidr: Part<Vec<IpNet>>,
    /// The device by which the node reaches the others.
    pub uplink: Part<Uplink>,
    /// How packets reach pods of other nodes.
    pub overlay: Part<Overlay>,
    /// The bridge that the node's pods are attached to; `None` where they are routed without one.
    pub bridge: Part<Option<String>>,
    /// Other nodes.
    pub peers: Part<Vec<Peer>>,
    /// What translates Services.
    pub proxy_mode: Part<ProxyMode>,
    /// Sources that disagree.
    pub conflicts: Vec<Conflict>,
}

impl Node {
    /// The pod network, as far as the bundle shows it; parts that are not known say why.
    ///
    /// # Errors
    /// [`Missing`] when not even the links are known.
    pub fn pod_network(&self) -> Result<&PodNetwork, Missing> {
        self.cells.pod_network.get(|| {
            let links = self.links()?;
            let mut conflicts = Vec::new();
            let cni = cni::cni(self, links, &mut conflicts);
            let bridge = cni::bridge(self, links);
            let pod_cidr = cidr::pod_cidr(self, links, &bridge, &mut conflicts);
            let cluster_cidr = cidr::cluster_cidr(self, &mut conflicts);
            let service_cidr = cidr::service_cidr(self, &mut conflicts);
            let overlay = overlay::overlay(self, links, &cluster_cidr, &mut conflicts);
            let uplink = overlay::uplink(self, links, &overlay);
            let peers = overlay::peers(self, &overlay, &cluster_cidr);
            let proxy_mode = proxy::mode(self, links, &mut conflicts);
            Ok(PodNetwork { cni, pod_cidr, cluster_cidr, service_cidr, uplink, overlay, bridge, peers, proxy_mode, conflicts })
        })
    }
}

/// What is said of something, from the strongest source to the weakest.
struct Said<T>(Vec<(T, Evidence)>);

impl<T: PartialEq + Clone> Said<T> {
    /// The strongest source's word; sources that say another thing are a conflict.
    fn settle(self, what: &str, missing: Missing, conflicts: &mut Vec<Conflict>) -> Part<T> {
        let Some((value, first)) = self.0.first().cloned() else { return Err(missing) };
        let (same, other): (Vec<_>, Vec<_>) = self.0.into_iter().partition(|(v, _)| *v == value);
        if !other.is_empty() {
            let evidence = std::iter::once(first).chain(other.into_iter().map(|(_, e)| e)).collect();
            conflicts.push(Conflict { what: what.to_owned(), evidence });
        }
        Ok(Shown { value, evidence: same.into_iter().map(|(_, e)| e).collect() })
    }
}

#[cfg(test)]
mod tests {
    use bundle::{Capture, Key};

    use super::*;
    use crate::state::testing::{keyed, node};

    const LINKS: &str = include_str!("../../../fixtures/captures/ip-addr/flannel-vxlan.json");
    const ROUTES: &str = include_str!("../../../fixtures/captures/ip-route/tables.json");
    const NEIGH: &str = include_str!("../../../fixtures/captures/ip-neigh/node.json");
    const FDB: &str = include_str!("../../../fixtures/captures/bridge-fdb/node.json");
    const ENV: &str = include_str!("../../../fixtures/captures/subnet-env/flannel.txt");

    #[test]
    fn a_flannel_node_with_its_configuration() {
        let node = node(&[
            (Capture::IpAddr, LINKS),
            (Capture::IpRoute4, ROUTES),
            (Capture::IpNeigh, NEIGH),
            (Capture::BridgeFdb, FDB),
            (Capture::FlannelSubnetEnv, ENV),
        ]);
        let network = node.pod_network().unwrap();
        assert_eq!(network.cni.as_ref().unwrap().value, Cni::Flannel);
        assert_eq!(network.pod_cidr.as_ref().unwrap().value, ["10.244.1.0/24".parse().unwrap()]);
        assert_eq!(network.cluster_cidr.as_ref().unwrap().value, ["10.244.0.0/16".parse().unwrap()]);
        assert_eq!(network.bridge.as_ref().unwrap().value.as_deref(), Some("cni0"));
        let uplink = &network.uplink.as_ref().unwrap().value;
        assert_eq!((uplink.dev.as_str(), uplink.mtu), ("eth0", Some(1500)));
        let overlay = &network.overlay.as_ref().unwrap().value;
        assert!(matches!(overlay, Overlay::Vxlan { vni: Some(1), port: Some(8472), .. }), "{overlay:?}");
        let peer = &network.peers.as_ref().unwrap().value[0];
        assert_eq!((peer.node, peer.evidence.len()), ("192.168.50.12".parse().ok(), 3));
        assert!(network.service_cidr.is_err(), "nothing says it");
        assert!(network.proxy_mode.is_err(), "no rules were captured");
    }

    #[test]
    fn without_links_nothing_is_guessed_and_sources_that_disagree_are_named() {
        assert!(node(&[(Capture::FlannelSubnetEnv, ENV)]).pod_network().is_err());
        let stale = ENV.replace("10.244.1.1/24", "10.244.7.1/24");
        let node = node(&[(Capture::IpAddr, LINKS), (Capture::FlannelSubnetEnv, &stale)]);
        let network = node.pod_network().unwrap();
        assert_eq!(network.conflicts.len(), 1, "{:?}", network.conflicts);
        assert_eq!(network.conflicts[0].evidence.len(), 2);
        assert!(network.peers.is_err());
    }

    #[test]
    fn the_mode_is_what_kube_proxy_was_told_and_what_is_there() {
        let mode = |config: &str, iptables: &str| {
            let texts = [
                (Key::node(Capture::IpAddr), LINKS),
                (Key::node(Capture::IptablesNftSave), iptables),
                (Key::node_instance(Capture::KubeProxyConfig, "/var/lib/kube-proxy/config.conf"), config),
            ];
            let node = keyed(texts.map(|(k, t)| (k, t.to_owned())).into(), Vec::new());
            let network = node.pod_network().unwrap();
            (network.proxy_mode.as_ref().map(|m| m.value).ok(), network.conflicts.len())
        };
        let rules = "*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-SVC-X - [0:0]\nCOMMIT\n";
        assert_eq!(mode("mode: iptables\n", rules), (Some(ProxyMode::Iptables), 0));
        assert_eq!(mode("mode: ipvs\n", rules), (Some(ProxyMode::Ipvs), 1), "rules of another mode");
        assert_eq!(mode("mode: \"\"\n", rules), (Some(ProxyMode::Iptables), 0), "by what is there");
        assert_eq!(mode("mode: \"\"\n", "*nat\nCOMMIT\n"), (None, 0), "ipvs and nft were not looked at");
    }
}
