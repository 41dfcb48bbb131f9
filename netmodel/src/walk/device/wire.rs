//! Which device is wired to which: veth pairs across namespaces, and the wires between nodes.
//!
//! A node's edge is a physical device, or one end of a veth pair whose other end is in no captured namespace (a node that is itself a
//! container). What is behind an edge is not captured; nodes whose addresses are known are taken to be reached by it.

use std::net::IpAddr;
use std::sync::Arc;

use super::Mac;
use crate::parse::ip_addr::{Link, LinkKind};
use crate::state::Node;
use crate::walk::world::{NsId, World};

/// The other end of a veth pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// This device.
    Known(NsId, Arc<str>),
    /// A device of a namespace that was not captured.
    Elsewhere,
    /// The captures do not tell which.
    Unknown(String),
}

/// The other end of a veth pair: the device whose index is that link's `link_index`, and whose `link_index` is that link's index. Without
/// `link-netnsid` it is in the same namespace (`rtnl_fill_link_netnsid`).
#[must_use]
pub fn peer(world: &World<'_>, ns: NsId, link: &Link) -> Peer {
    let Some(state) = world.ns(ns) else { return Peer::Elsewhere };
    if link.lower_netns.is_none() {
        // In the same namespace `ip -j` prints the peer's name alone.
        let by_name = || state.links().ok()?.by_name(link.lower.as_deref()?);
        let by_index = || state.links().ok()?.by_index(link.lower_index?);
        return match by_name().or_else(by_index) {
            Some(mate) => Peer::Known(ns, Arc::clone(&mate.name)),
            None if link.index.is_none() => unknown_pair(link),
            None => Peer::Elsewhere,
        };
    }
    let (Some(index), Some(wanted)) = (link.index, link.lower_index) else { return unknown_pair(link) };
    let mate = |state: &Node| -> Option<Arc<str>> {
        let found = state.links().ok()?.by_index(wanted)?;
        let paired = found.lower_index == Some(index) && found.lower_netns.is_some();
        (paired && matches!(found.kind, LinkKind::Veth | LinkKind::Unknown)).then(|| Arc::clone(&found.name))
    };
    let machine = world.namespaces().filter(|(other, _)| other.node == ns.node && *other != ns);
    let mut found = machine.filter_map(|(id, state)| Some((id, mate(state)?)));
    match (found.next(), found.next()) {
        (None, _) => Peer::Elsewhere,
        (Some((id, name)), None) => Peer::Known(id, name),
        (Some(_), Some(_)) => Peer::Unknown(format!("several namespaces have a device that {} may be paired with", link.name)),
    }
}

fn unknown_pair(link: &Link) -> Peer {
    Peer::Unknown(format!("the form of the capture does not print which device {} is paired with", link.name))
}

/// Whether a device is where a namespace ends: what is behind it was not captured.
pub(super) fn is_edge(world: &World<'_>, ns: NsId, link: &Link) -> bool {
    match link.kind {
        LinkKind::Physical => true,
        LinkKind::Veth => peer(world, ns, link) == Peer::Elsewhere,
        _ => false,
    }
}

/// Where a frame that leaves a node by an edge comes in: at the edge of the node that has the next hop's address, or the frame's own.
pub(super) enum Far {
    /// By this device, for the device with this address.
    At(NsId, Arc<str>, Option<Mac>),
    /// Nobody who was captured.
    Nobody,
    /// Several may be meant.
    Several(String),
}

/// Finds who is behind an edge. The hardware address decides where one has it; else the next hop's address does, since fabrics that
/// answer for all neighbours with one address of their own are common in clouds.
pub(super) fn far_end(world: &World<'_>, from: NsId, dst: Option<Mac>, next_hop: Option<IpAddr>) -> Far {
    let mut by_mac: Vec<(NsId, Arc<str>, Option<Mac>)> = Vec::new();
    let mut by_address: Vec<(NsId, Arc<str>, Option<Mac>)> = Vec::new();
    for (id, state) in world.namespaces() {
        if id.node == from.node {
            continue;
        }
        let Ok(links) = state.links() else { continue };
        for link in links.iter() {
            let mac = link.mac.as_deref().and_then(Mac::parse);
            let has_mac = dst.is_some() && mac == dst;
            let has_address = next_hop.is_some_and(|hop| link.addresses.iter().any(|a| a.addr.addr() == hop));
            if !has_mac && !has_address {
                continue;
            }
            let Some(edge) = edge_below(world, id, state, link) else { continue };
            if has_mac && !by_mac.iter().any(|(i, e, _)| *i == id && *e == edge) {
                by_mac.push((id, Arc::clone(&edge), mac));
            }
            if has_address {
                by_address.push((id, edge, mac));
            }
        }
    }
    // A group address is for everyone.
    let found = if dst.is_some_and(|d| !d.is_group()) && !by_mac.is_empty() { by_mac } else { by_address };
    match found.as_slice() {
        [] => Far::Nobody,
        [(id, dev, mac)] => Far::At(*id, Arc::clone(dev), *mac),
        [(id, dev, _), (other, with, _), ..] => {
            Far::Several(format!("{dev} of {} and {with} of {} may be meant", name(world, *id), name(world, *other)))
        }
    }
}

/// The edge that a device stands on: itself, the device below a VLAN or macvlan, a slave of a bond, a port of a bridge.
fn edge_below(world: &World<'_>, ns: NsId, state: &Node, link: &Link) -> Option<Arc<str>> {
    let links = state.links().ok()?;
    let mut link = link;
    // Devices stand on one another a few deep.
    for _ in 0..8 {
        if is_edge(world, ns, link) {
            return Some(Arc::clone(&link.name));
        }
        link = match &link.kind {
            LinkKind::Vlan { .. } | LinkKind::Macvlan if link.lower_netns.is_none() => links.by_name(link.lower.as_deref()?)?,
            LinkKind::Bond => links.ports_of(&link.name).find(|slave| slave.lower_up != Some(false))?,
            LinkKind::Bridge(_) => links.ports_of(&link.name).find(|port| is_edge(world, ns, port))?,
            _ => return None,
        };
    }
    None
}

/// A namespace for people.
pub(super) fn name(world: &World<'_>, ns: NsId) -> String {
    let node = world.ns(NsId::node(ns.node)).map_or("a node", Node::name);
    match ns.pod {
        None => node.to_owned(),
        Some(pod) => {
            let named = world.ns(ns).and_then(Node::netns_info).and_then(|info| info.pod.clone());
            named.map_or_else(|| format!("pod {pod} of {node}"), |pod| format!("pod {pod} of {node}"))
        }
    }
}
