//! Who the next hop is on its link: the neighbour entry, or who would answer if the kernel asked (`neigh_resolve_output`, ARP and neighbour
//! discovery).
//!
//! Who answers is looked for on the devices that the question would reach: across veth pairs and bridges, and over the wire at nodes
//! that were captured.

use std::net::IpAddr;
use std::sync::Arc;

use crate::parse::ip_addr::LinkKind;
use crate::source::Evidence;
use crate::walk::device::Mac;
use crate::walk::world::{NsId, World};

/// What is known of a neighbour.
#[derive(Clone, Debug)]
pub enum Neighbour {
    /// It has this address, by its entry.
    Mac(Mac, Evidence),
    /// There is no entry that is of use: the kernel asks on the link.
    Asks {
        /// The entry that says so, if there is one.
        evidence: Option<Evidence>,
    },
    /// The device needs no neighbours.
    NoArp,
    /// The kernel asked, and nobody answered.
    Failed(Evidence),
    /// The captures do not tell.
    Unknown(String),
}

/// What a namespace knows of a neighbour on a device.
#[must_use]
pub fn neighbour(world: &World<'_>, ns: NsId, dev: &str, next_hop: IpAddr) -> Neighbour {
    let Some(state) = world.ns(ns) else { return Neighbour::Unknown("the namespace is not known".to_owned()) };
    let link = match state.links() {
        Ok(links) => links.by_name(dev),
        Err(missing) => return Neighbour::Unknown(missing.to_string()),
    };
    let Some(link) = link else { return Neighbour::Unknown(format!("the device {dev} is not in the capture")) };
    // `neigh_event_ns` and `arp_constructor`: NOARP devices, the loopback and point-to-point tunnels have no address to ask for. A
    // permanent entry counts all the same.
    let none = matches!(link.kind, LinkKind::Loopback | LinkKind::Ipip(_) | LinkKind::Wireguard | LinkKind::Tun)
        || link.flags.iter().any(|f: &Arc<str>| matches!(&**f, "NOARP" | "LOOPBACK" | "POINTOPOINT"));
    let entries = match state.neighbours() {
        Ok(entries) => entries,
        Err(_) if none => return Neighbour::NoArp,
        Err(missing) => return Neighbour::Unknown(missing.to_string()),
    };
    let found = entries.iter().find(|n| !n.proxy && n.dst == next_hop && *n.dev == *dev);
    let Some(entry) = found else {
        return if none { Neighbour::NoArp } else { Neighbour::Asks { evidence: None } };
    };
    let evidence = entries.source.evidence(entry.at);
    let valid = ["PERMANENT", "NOARP", "REACHABLE", "STALE", "DELAY", "PROBE"];
    match entry.lladdr.as_deref().and_then(Mac::parse) {
        Some(mac) if valid.iter().any(|state| entry.is(state)) => Neighbour::Mac(mac, evidence),
        _ if none => Neighbour::NoArp,
        _ if entry.is("FAILED") || entry.is("INCOMPLETE") => Neighbour::Failed(evidence),
        _ => Neighbour::Asks { evidence: Some(evidence) },
    }
}
