//! Who takes part in flows: the nodes, their pods, and other nodes of which no bundle is there.
//!
//! A pod whose namespace was not captured is stood in for by what the node knows of it: its address, and the bridge port behind which
//! it was learned. Its own firewall and routes are then not walked.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::family::Family;
use crate::state::Node;
use crate::state::services::ServiceKind;
use crate::walk::endpoint::{Protocol, names};
use crate::walk::packet::TCP;
use crate::walk::trace::Origin;
use crate::walk::world::{NsId, World};

/// So many pods whose namespaces were not captured take part for each node.
const MAX_STAND_INS: usize = 8;

/// One who sends and is sent to.
#[derive(Clone, Debug)]
pub(super) struct Party {
    /// How it is called.
    pub(super) name: String,
    /// On which node it is; for one outside, at which node it comes in.
    pub(super) node: u32,
    /// Its addresses: at most one of each family.
    pub(super) addrs: Vec<IpAddr>,
    /// Where its packets begin.
    pub(super) origin: Origin,
    /// Whether its source address is chosen by the route.
    pub(super) chosen: bool,
}

impl Party {
    /// One outside, whose packets come in to a node by a device.
    pub(super) fn outside(addr: IpAddr, node: u32, dev: &str) -> Self {
        let origin = Origin::Device(NsId::node(node), Arc::from(dev));
        Self { name: format!("outside ({addr})"), node, addrs: vec![addr], origin, chosen: false }
    }

    /// Its address of a family.
    pub(super) fn addr(&self, family: Family) -> Option<IpAddr> {
        self.addrs.iter().copied().find(|a| Family::of(*a) == family)
    }
}

/// Another node of which there is no bundle.
#[derive(Clone, Debug)]
pub(super) struct FarNode {
    /// Which node knows of it.
    pub(super) seen_by: u32,
    /// How it is called.
    pub(super) name: String,
    /// Its own address.
    pub(super) node: Option<IpAddr>,
    /// A pod of it: an endpoint of a Service, else an address of its range.
    pub(super) pod: IpAddr,
}

/// All who take part.
#[derive(Debug, Default)]
pub(super) struct Parties {
    pub(super) nodes: Vec<Party>,
    pub(super) pods: Vec<Party>,
    pub(super) peers: Vec<FarNode>,
    /// Nodes of which no pod is known, and why.
    pub(super) without_pods: Vec<(String, String)>,
    ports: HashMap<IpAddr, (Protocol, u16)>,
}

impl Parties {
    pub(super) fn of(world: &World<'_>) -> Self {
        let mut parties = Self::default();
        for port in world.nodes().iter().flat_map(|n| n.services().iter()) {
            let Some(protocol) = Protocol::of(port.protocol) else { continue };
            for &(addr, number) in &port.endpoints {
                let known = parties.ports.entry(addr).or_insert((protocol, number));
                if known.0 != Protocol::Tcp && port.protocol == TCP {
                    *known = (protocol, number);
                }
            }
        }
        for (number, node) in (0u32..).zip(world.nodes()) {
            let ns = NsId::node(number);
            let addrs: Vec<IpAddr> = Family::ALL.into_iter().filter_map(|f| names::node_address(node, f)).collect();
            parties.nodes.push(Party {
                name: node.name().to_owned(),
                node: number,
                addrs,
                origin: Origin::Socket(ns),
                chosen: true,
            });
            parties.pods_of(world, number, node);
        }
        parties.far_nodes(world);
        parties
    }

    fn pods_of(&mut self, world: &World<'_>, number: u32, node: &Node) {
        let before = self.pods.len();
        for (pod, state) in (0u32..).zip(node.pods()) {
            let ns = NsId { node: number, pod: Some(pod) };
            let all = names::addresses(state);
            let addrs: Vec<IpAddr> =
                Family::ALL.into_iter().filter_map(|f| all.iter().copied().find(|a| Family::of(*a) == f)).collect();
            if !addrs.is_empty() {
                let name = names::namespace(world, ns);
                self.pods.push(Party { name, node: number, addrs, origin: Origin::Socket(ns), chosen: true });
            }
        }
        if self.pods.len() > before {
            return;
        }
        match stand_ins(node) {
            Some(found) if !found.is_empty() => {
                for (addr, port) in found {
                    let origin = Origin::Device(NsId::node(number), Arc::from(port));
                    let name = format!("pod {addr} behind {port} on {}", node.name());
                    self.pods.push(Party { name, node: number, addrs: vec![addr], origin, chosen: false });
                }
                let why = "no pod's namespace was captured: addresses that its bridge has learned stand for them";
                self.without_pods.push((node.name().to_owned(), why.to_owned()));
            }
            _ => self.without_pods.push((node.name().to_owned(), "no pod's namespace was captured".to_owned())),
        }
    }

    fn far_nodes(&mut self, world: &World<'_>) {
        let endpoints: Vec<IpAddr> = {
            let mut all: Vec<IpAddr> = self.ports.keys().copied().collect();
            all.sort_unstable();
            all
        };
        let mut found = Vec::new();
        for (number, node) in (0u32..).zip(world.nodes()) {
            let Ok(peers) = node.pod_network().and_then(|n| n.peers.as_ref().map_err(Clone::clone)) else { continue };
            for peer in &peers.value {
                let given = peer.node.or(peer.gateway).is_some_and(|addr| names::owners(world, addr).next().is_some());
                let Some(range) = peer.pod_cidr.hosts().nth(1) else { continue };
                if given || self.pods.iter().any(|p| p.addrs.iter().any(|a| peer.pod_cidr.contains(a))) {
                    continue;
                }
                let pod = endpoints.iter().copied().find(|a| peer.pod_cidr.contains(a)).unwrap_or(range);
                let name = match peer.node {
                    Some(addr) => format!("the node {addr} (not given)"),
                    None => format!("the node of {} (not given)", peer.pod_cidr),
                };
                found.push(FarNode { seen_by: number, name, node: peer.node, pod });
            }
        }
        self.peers = found;
    }

    /// At which protocol and port a pod is asked: of a Service that leads to it, else a ping.
    pub(super) fn port_of(&self, addr: IpAddr) -> (Protocol, Option<u16>) {
        self.ports.get(&addr).map_or((Protocol::Icmp, None), |&(protocol, port)| (protocol, Some(port)))
    }

    /// The pods: the first one of each node, then the second one of each, and so on.
    pub(super) fn pods_in_turn(&self) -> impl Iterator<Item = &Party> {
        let mut turns: Vec<(usize, &Party)> = Vec::with_capacity(self.pods.len());
        let mut counts: HashMap<u32, usize> = HashMap::new();
        for pod in &self.pods {
            let turn = counts.entry(pod.node).or_default();
            turns.push((*turn, pod));
            *turn += 1;
        }
        turns.sort_by_key(|(turn, pod)| (*turn, pod.node));
        turns.into_iter().map(|(_, pod)| pod)
    }

    /// The addresses of the control plane: the endpoints of `default/kubernetes`, which in ipvs mode is known by its port alone.
    pub(super) fn api_servers(&self, world: &World<'_>) -> Vec<IpAddr> {
        let mut found: Vec<IpAddr> = Vec::new();
        for port in world.nodes().iter().flat_map(|n| n.services().iter()).filter(|p| p.kind == ServiceKind::ClusterIp) {
            let is_api = match port.service() {
                Some(name) => name == "default/kubernetes",
                None => port.port == 443 && port.endpoints.iter().all(|(_, p)| *p == 6443),
            };
            if is_api {
                found.extend(port.endpoints.iter().map(|(addr, _)| *addr));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Addresses of pods that the node's pod bridge has learned, with the port behind which each is.
fn stand_ins(node: &Node) -> Option<Vec<(IpAddr, &str)>> {
    let bridge = node.pod_network().ok()?.bridge.as_ref().ok()?.value.as_deref()?;
    let fdb = node.fdb().ok()?;
    let neighbours = node.neighbours().ok()?;
    let of_bridge = neighbours.iter().filter(|n| &*n.dev == bridge && !n.is("FAILED") && !n.proxy);
    let mut found: Vec<(IpAddr, &str)> = of_bridge
        .filter_map(|n| {
            let mac = n.lladdr.as_deref()?;
            let entry = fdb.iter().find(|e| e.master.as_deref() == Some(bridge) && e.mac.eq_ignore_ascii_case(mac))?;
            Some((n.dst, &*entry.dev))
        })
        .collect();
    found.sort_unstable();
    found.truncate(MAX_STAND_INS);
    Some(found)
}
