//! What a rule is about: this node's pods, their bridge, its overlay, its proxy mode – or that there is none.
//!
//! `Ok(None)` means that it is proven not to be there, so that a rule is not applicable; what is not known is `Missing`.

use std::net::IpAddr;

use ipnet::IpNet;
use netmodel::parse::ip_addr::{Link, LinkKind};
use netmodel::state::links::Links;
use netmodel::state::pod_network::{Cni, Overlay, PodNetwork, ProxyMode};
use netmodel::{Evidence, Family, Missing, Node};

use crate::rule::Outcome;

/// The pods of this node, of one family.
pub(crate) struct Pods {
    /// Their CIDRs; empty where only the bridge that they hang on is known.
    pub(crate) cidrs: Vec<IpNet>,
    /// Whether eBPF may pass their packets on without the kernel's forwarding.
    pub(crate) bypasses_forwarding: bool,
}

impl Pods {
    /// In words, for "affects".
    pub(crate) fn describe(&self) -> String {
        if self.cidrs.is_empty() {
            return "pods on this node".to_owned();
        }
        let list: Vec<String> = self.cidrs.iter().map(ToString::to_string).collect();
        format!("pods on this node ({})", list.join(", "))
    }
}

/// The IPv4 pods of this node.
pub(crate) fn pods_v4(node: &Node) -> Result<Option<Pods>, Missing> {
    let network = node.pod_network()?;
    if no_pod_network(network) {
        return Ok(None);
    }
    let bridge = matches!(&network.bridge, Ok(shown) if shown.value.is_some());
    let cni = match &network.cni {
        Ok(cni) => Some(&cni.value),
        // A bridge with pods on it is a pod network, whoever made it.
        Err(_) if bridge => None,
        Err(missing) => return Err(missing.clone()),
    };
    let bypasses_forwarding = matches!(cni, Some(Cni::Cilium));
    let cidrs: Vec<IpNet> = match &network.pod_cidr {
        Ok(cidrs) => cidrs.value.clone(),
        Err(_) if bridge => return Ok(Some(Pods { cidrs: Vec::new(), bypasses_forwarding })),
        Err(missing) => return Err(missing.clone()),
    };
    let cidrs: Vec<IpNet> = cidrs.into_iter().filter(|c| matches!(c, IpNet::V4(_))).collect();
    Ok((!cidrs.is_empty()).then_some(Pods { cidrs, bypasses_forwarding }))
}

/// The bridge that pods hang on.
pub(crate) struct PodBridge {
    /// Its name.
    pub(crate) name: String,
    /// Its own flags, ORed with the sysctls by the kernel.
    pub(crate) nf_call_iptables: Option<bool>,
    /// The same for IPv6.
    pub(crate) nf_call_ip6tables: Option<bool>,
    /// What shows that pods hang on it.
    pub(crate) evidence: Vec<Evidence>,
    v4: bool,
    v6: bool,
}

impl PodBridge {
    /// Whether its pods have addresses of that family.
    pub(crate) fn has(&self, family: Family) -> bool {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }
}

/// The bridge that pods of this node hang on, if they do.
pub(crate) fn pod_bridge(node: &Node) -> Result<Option<PodBridge>, Missing> {
    let network = node.pod_network()?;
    let shown = network.bridge.as_ref().map_err(Clone::clone)?;
    let Some(name) = &shown.value else { return Ok(None) };
    let link = link(node.links()?, name)?;
    let (nf_call_iptables, nf_call_ip6tables) = match &link.kind {
        LinkKind::Bridge(bridge) => (bridge.nf_call_iptables, bridge.nf_call_ip6tables),
        LinkKind::Unknown => {
            return Err(Missing::new(
                &node.links()?.source().key,
                format!("the kind of {name}"),
                "this form of the capture does not show it",
            ));
        }
        // Open vSwitch and its like do not pass br_netfilter.
        _ => return Ok(None),
    };
    let global = |v4: bool| link.addresses.iter().any(|a| a.addr.addr().is_ipv4() == v4 && &*a.scope == "global");
    let in_cidr = |v4: bool| match &network.pod_cidr {
        Ok(cidrs) => cidrs.value.iter().any(|c| c.addr().is_ipv4() == v4),
        Err(_) => false,
    };
    Ok(Some(PodBridge {
        name: name.clone(),
        nf_call_iptables,
        nf_call_ip6tables,
        evidence: shown.evidence.clone(),
        v4: global(true) || in_cidr(true),
        v6: global(false) || in_cidr(false),
    }))
}

/// A pod's name, or the number of its namespace.
pub(crate) fn pod_name(pod: &Node) -> String {
    pod.netns_info().map_or_else(String::new, |info| info.pod.clone().unwrap_or_else(|| format!("with namespace {}", info.inode)))
}

/// A link that something else names.
pub(crate) fn link<'n>(links: &'n Links, name: &str) -> Result<&'n Link, Missing> {
    links.by_name(name).ok_or_else(|| {
        Missing::new(&links.source().key, format!("the device {name}"), "it is named elsewhere, but not among the links")
    })
}

/// A link's MTU.
pub(crate) fn mtu(links: &Links, link: &Link) -> Result<u32, Missing> {
    link.mtu.ok_or_else(|| Missing::new(&links.source().key, format!("the MTU of {}", link.name), "the record does not say it"))
}

/// An overlay that packets to other nodes' pods are wrapped by.
pub(crate) struct Wrapping {
    /// Its device.
    pub(crate) device: String,
    /// The device that carries the wrapped packets.
    pub(crate) underlay: String,
    /// Its kind, as people call it.
    pub(crate) kind: &'static str,
    /// Bytes that it adds to a packet, where its kind alone tells.
    pub(crate) overhead: Option<u32>,
}

/// Whether it is proven that there is no pod network on this node.
pub(crate) fn no_pod_network(network: &PodNetwork) -> bool {
    let no_cni = matches!(&network.cni, Ok(cni) if cni.value == Cni::None);
    no_cni && !matches!(&network.bridge, Ok(bridge) if bridge.value.is_some())
}

/// The answer of a rule about pods on such a node.
pub(crate) fn not_a_pod_node() -> Outcome {
    Outcome::NotApplicable("no pod network was found on this node".to_owned())
}

/// The overlay of this node, if it has one.
pub(crate) fn overlay(node: &Node) -> Result<Option<Wrapping>, Missing> {
    let network = node.pod_network()?;
    let shown = match &network.overlay {
        Ok(shown) => shown,
        Err(_) if no_pod_network(network) => return Ok(None),
        Err(missing) => return Err(missing.clone()),
    };
    let uplink = || network.uplink.as_ref().map(|u| u.value.dev.clone()).map_err(Clone::clone);
    let (device, underlay, kind, overhead) = match &shown.value {
        // Outer IP 20 or 40, UDP 8, VXLAN 8, and the inner Ethernet header 14 (RFC 7348, section 5): all of it is payload of the underlay.
        Overlay::Vxlan { dev, local, lower, .. } => {
            let overhead = if local.is_some_and(|l: IpAddr| l.is_ipv6()) { 70 } else { 50 };
            (dev, lower.clone().map_or_else(uplink, Ok)?, "VXLAN", Some(overhead))
        }
        Overlay::Ipip { dev, .. } => (dev, uplink()?, "IPIP", Some(20)),
        Overlay::Wireguard { dev, .. } => (dev, uplink()?, "WireGuard", None),
        Overlay::Geneve { dev, .. } => (dev, uplink()?, "Geneve", None),
        _ => return Ok(None),
    };
    Ok(Some(Wrapping { device: device.clone(), underlay, kind, overhead }))
}

/// Whether kube-proxy runs in ipvs mode; the inner `Err` says what it does instead.
pub(crate) fn ipvs_mode(node: &Node) -> Result<Result<(), String>, Missing> {
    let mode = node.pod_network()?.proxy_mode.as_ref().map_err(Clone::clone)?.value;
    Ok(match mode {
        ProxyMode::Ipvs => Ok(()),
        ProxyMode::None => Err("no kube-proxy was found on this node".to_owned()),
        other => Err(format!("kube-proxy runs in {} mode", mode_word(other))),
    })
}

/// The mode as kube-proxy's configuration spells it.
pub(crate) fn mode_word(mode: ProxyMode) -> &'static str {
    match mode {
        ProxyMode::Iptables => "iptables",
        ProxyMode::Ipvs => "ipvs",
        ProxyMode::Nftables => "nftables",
        _ => "no",
    }
}
