//! Who the next hop is on its link: the neighbour entry, or who would answer if the kernel asked (`neigh_resolve_output`).
//!
//! Who answers is looked for where the question would get to, in [`super::ask`].

use std::net::IpAddr;
use std::sync::Arc;

use super::ask::{self, Heard};
use crate::parse::ip_addr::LinkKind;
use crate::source::Evidence;
use crate::walk::device::Mac;
use crate::walk::world::{NsId, World};

/// What is known of a neighbour.
#[derive(Clone, Debug)]
pub enum Neighbour {
    /// It has this address, by its entry.
    Mac(Mac, Evidence),
    /// There is no entry that is of use, and this device answers the question.
    Answers {
        /// With this address.
        mac: Mac,
        /// In which namespace.
        ns: NsId,
        /// By which device.
        dev: Arc<str>,
        /// Why it answers.
        evidence: Vec<Evidence>,
    },
    /// There is no entry that is of use, and the question leaves what was captured: who is there may answer.
    Asks {
        /// The entry that says so, if there is one.
        evidence: Option<Evidence>,
    },
    /// There is no entry that is of use, and nobody answers on a link all of which was captured.
    Silence {
        /// Why those who were asked do not answer, in lower case.
        reason: String,
        /// The lines that say so.
        evidence: Vec<Evidence>,
    },
    /// The device needs no neighbours.
    NoArp,
    /// The kernel asked, and nobody answered.
    Failed(Evidence),
    /// The captures do not tell.
    Unknown(String),
}

/// What a namespace knows of a neighbour on a device, or hears when it asks.
#[must_use]
pub fn neighbour(world: &World<'_>, ns: NsId, dev: &str, next_hop: IpAddr) -> Neighbour {
    let Some(state) = world.ns(ns) else { return Neighbour::Unknown("the namespace is not known".to_owned()) };
    let link = match state.links() {
        Ok(links) => links.by_name(dev),
        Err(missing) => return Neighbour::Unknown(missing.to_string()),
    };
    let Some(link) = link else { return Neighbour::Unknown(format!("the device {dev} is not in the capture")) };
    // `arp_constructor`, `ndisc_constructor`: such devices have no address to ask for. A permanent entry counts all the same (VXLAN).
    let none = matches!(link.kind, LinkKind::Loopback | LinkKind::Ipip(_) | LinkKind::Wireguard)
        || link.flags.iter().any(|f: &Arc<str>| matches!(&**f, "NOARP" | "LOOPBACK" | "POINTOPOINT"));
    let mut entry_of = None;
    match state.neighbours() {
        Ok(entries) => {
            if let Some(entry) = entries.iter().find(|n| !n.proxy && n.dst == next_hop && *n.dev == *dev) {
                let evidence = entries.source.evidence(entry.at);
                let valid = ["PERMANENT", "NOARP", "REACHABLE", "STALE", "DELAY", "PROBE"];
                match entry.lladdr.as_deref().and_then(Mac::parse) {
                    Some(mac) if valid.iter().any(|state| entry.is(state)) => return Neighbour::Mac(mac, evidence),
                    _ if none => {}
                    _ if entry.is("FAILED") || entry.is("INCOMPLETE") => return Neighbour::Failed(evidence),
                    _ => entry_of = Some(evidence),
                }
            }
        }
        Err(_) if none => {}
        // A pod's entries are seldom captured; asking gives the same where all is well.
        Err(_) if ns.pod.is_some() => {}
        Err(missing) => return Neighbour::Unknown(missing.to_string()),
    }
    if none {
        return Neighbour::NoArp;
    }
    match ask::ask(world, ns, dev, next_hop) {
        Heard::Answer { mac, ns, dev, evidence } => Neighbour::Answers { mac, ns, dev, evidence },
        Heard::Outside => Neighbour::Asks { evidence: entry_of },
        Heard::Nobody { reason, evidence } => Neighbour::Silence { reason, evidence },
        Heard::Unknown(reason) => Neighbour::Unknown(reason),
    }
}
