//! How namespaces and addresses are called: `pod default/a1 on node-a`, `Service kube-system/kube-dns:dns`.

use std::net::IpAddr;

use crate::family::Family;
use crate::parse::ip_addr::LinkKind;
use crate::state::Node;
use crate::state::services::{ServiceKind, ServicePort, VIP_DEVICE};
use crate::walk::world::{NsId, World};

/// `pod default/a1 on node-a`, `node-a`.
#[must_use]
pub fn namespace(world: &World<'_>, ns: NsId) -> String {
    let node = world.nodes().get(ns.node as usize).map_or("a node that was not given", |n| n.name());
    match ns.pod {
        None => node.to_owned(),
        Some(_) => format!("{} on {node}", pod(world, ns)),
    }
}

/// `pod default/a1`, or `a pod without a name (10.244.1.2)`; for a node itself its name.
#[must_use]
pub fn pod(world: &World<'_>, ns: NsId) -> String {
    let Some(state) = world.ns(ns) else { return "a pod that was not captured".to_owned() };
    if ns.pod.is_none() {
        return state.name().to_owned();
    }
    match pod_name(state) {
        Some(name) => format!("pod {name}"),
        None => match addresses(state).first() {
            Some(addr) => format!("a pod without a name ({addr})"),
            None => "a pod without a name".to_owned(),
        },
    }
}

/// The name of a pod: namespace and name.
#[must_use]
pub fn pod_name(state: &Node) -> Option<&str> {
    state.netns_info()?.pod.as_deref()
}

/// The addresses by which others may reach a namespace, IPv4 first, without those of loopback, of Services and of links alone.
#[must_use]
pub fn addresses(state: &Node) -> Vec<IpAddr> {
    let Ok(links) = state.links() else { return Vec::new() };
    let usable = links.iter().filter(|l| l.kind != LinkKind::Loopback && &*l.name != "lo" && &*l.name != VIP_DEVICE);
    let mut all: Vec<IpAddr> = usable
        .flat_map(|l| &l.addresses)
        .filter(|a| &*a.scope == "global" && !a.dad_failed && !a.tentative)
        .map(|a| a.addr.addr())
        .collect();
    all.sort_by_key(|a| Family::of(*a) == Family::V6);
    all
}

/// The address by which a node is known to others: of its uplink, else of any device.
#[must_use]
pub fn node_address(node: &Node, family: Family) -> Option<IpAddr> {
    let uplink = node.pod_network().ok().and_then(|n| n.uplink.as_ref().ok());
    let of_uplink = uplink.into_iter().flat_map(|u| &u.value.addresses).map(ipnet::IpNet::addr);
    of_uplink.chain(addresses(node)).find(|a| Family::of(*a) == family)
}

/// The namespaces that have an address of their own: not those of Services, which every node has.
pub fn owners<'w>(world: &'w World<'_>, addr: IpAddr) -> impl Iterator<Item = (NsId, &'w str)> {
    world.owners(addr).filter(move |(_, dev)| *dev != VIP_DEVICE && !addr.is_loopback())
}

/// The ports of Services that a node knows at an address, NodePorts on its own addresses included.
#[must_use]
pub fn service_ports<'n>(world: &World<'n>, addr: IpAddr) -> Vec<&'n ServicePort> {
    let mut found: Vec<&ServicePort> = world.nodes().iter().flat_map(|n| n.services().of_addr(addr)).collect();
    for (ns, _) in owners(world, addr).filter(|(ns, _)| ns.pod.is_none()) {
        let Some(node) = world.ns(ns) else { continue };
        found.extend(node.services().iter().filter(|p| p.kind == ServiceKind::NodePort && p.addr.is_none()));
    }
    found.sort_by_key(|p| (p.protocol, p.port));
    found.dedup_by_key(|p| (p.protocol, p.port));
    found
}

/// What an address, with a protocol and port where there are any, is: `pod default/b1 on node-b`, `Service kube-system/kube-dns:dns`,
/// `NodePort of default/web:http on node-a`, `outside of what was captured`.
#[must_use]
pub fn of_address(world: &World<'_>, addr: IpAddr, protocol: u8, port: Option<u16>) -> String {
    let service = service_ports(world, addr).into_iter().find(|p| p.protocol == protocol && Some(p.port) == port);
    let owner = owners(world, addr).next().map(|(ns, _)| namespace(world, ns));
    let named = |p: &ServicePort| p.name.as_deref().unwrap_or("without a name (ipvs)").to_owned();
    match (service, owner) {
        (Some(p), Some(owner)) if p.kind == ServiceKind::NodePort => format!("NodePort of {} on {owner}", named(p)),
        (Some(p), _) => format!("Service {}", named(p)),
        (None, Some(owner)) => owner,
        (None, None) if service_ports(world, addr).is_empty() => match other_kind(addr) {
            Some(kind) => kind.to_owned(),
            None => "outside of what was captured".to_owned(),
        },
        (None, None) => "a Service's address, not a port of it".to_owned(),
    }
}

fn other_kind(addr: IpAddr) -> Option<&'static str> {
    if addr.is_loopback() {
        Some("the sender itself")
    } else if addr.is_multicast() {
        Some("a multicast group")
    } else {
        None
    }
}
