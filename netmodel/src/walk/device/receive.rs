//! A frame's way up: from the device by which it comes in to the stack, or to the bridge of which the device is a port
//! (`__netif_receive_skb_core` in net/core/dev.c, `eth_type_trans`).

use std::sync::Arc;

use super::{Frame, Mac, Passed};
use crate::parse::ip_addr::{Link, LinkKind};
use crate::source::Evidence;
use crate::state::links::Links;
use crate::walk::world::{NsId, World};

const DEEPEST: usize = 8;

/// What becomes of a frame that comes in.
#[derive(Clone, Debug)]
pub enum Received {
    /// IP of this namespace gets it, as from this device.
    Stack {
        /// The namespace.
        ns: NsId,
        /// The device that the stack sees.
        dev: Arc<str>,
        /// The devices below that it came through.
        passed: Vec<Passed>,
    },
    /// A bridge gets it by this port: goes on with [`super::bridge::decide`].
    Bridge {
        /// The namespace.
        ns: NsId,
        /// The bridge.
        bridge: Arc<str>,
        /// The port.
        port: Arc<str>,
        /// The devices below that it came through.
        passed: Vec<Passed>,
    },
    /// It is dropped.
    Lost {
        /// Why, in lower case.
        reason: String,
        /// The lines that say so.
        evidence: Vec<Evidence>,
    },
    /// What becomes of it is not known.
    Unknown {
        /// Why, in lower case.
        reason: String,
        /// The line, if there is one.
        evidence: Option<Evidence>,
    },
}

/// What becomes of a frame that comes in by a device. A frame without a receiver's address comes by a device that has none, or is taken
/// to be meant for it.
#[must_use]
pub fn receive(world: &World<'_>, ns: NsId, dev: &str, frame: &Frame) -> Received {
    let unknown = |reason: String| Received::Unknown { reason, evidence: None };
    let links = match world.ns(ns).map(|state| state.links()) {
        None => return unknown("the namespace is not known".to_owned()),
        Some(Err(missing)) => return unknown(missing.to_string()),
        Some(Ok(links)) => links,
    };
    let Some(link) = links.by_name(dev) else { return unknown(format!("the device {dev} is not in the capture")) };
    Up { world, ns, links, frame: *frame, passed: Vec::new() }.from(link)
}

struct Up<'w, 'n> {
    world: &'w World<'n>,
    ns: NsId,
    links: &'n Links,
    frame: Frame,
    passed: Vec<Passed>,
}

impl<'n> Up<'_, 'n> {
    fn from(mut self, link: &'n Link) -> Received {
        let mut link = link;
        for _ in 0..DEEPEST {
            if link.up == Some(false) {
                let evidence = vec![self.links.evidence(link, &["flags"])];
                return Received::Lost { reason: format!("{} is set down", link.name), evidence };
            }
            if let Some(at) = link.xdp {
                let evidence = self.links.source().evidence(at);
                let reason = format!("an XDP program is attached to {}", link.name);
                return Received::Unknown { reason, evidence: Some(evidence) };
            }
            // A tagged frame goes to its VLAN's device before any bridge or bond sees it (`vlan_do_receive`).
            if let Some(tag) = self.frame.vlan
                && let Some(vlan) = self.vlan_device(link, tag)
            {
                self.pass(link, format!("VLAN {tag} goes to {}", vlan.name));
                (self.frame.vlan, link) = (None, vlan);
                continue;
            }
            let master = link.master.as_deref().and_then(|name| self.links.by_name(name));
            match master.map(|m| (&m.kind, m)) {
                Some((LinkKind::Bridge(_), bridge)) => {
                    let (bridge, port) = (Arc::clone(&bridge.name), Arc::clone(&link.name));
                    return Received::Bridge { ns: self.ns, bridge, port, passed: self.passed };
                }
                Some((LinkKind::Bond, bond)) => {
                    self.pass(link, format!("a slave of {}", bond.name));
                    link = bond;
                    continue;
                }
                _ => {}
            }
            if let Some((ns, dev)) = self.macvlan(link) {
                self.pass(link, format!("the address is that of {dev}"));
                return Received::Stack { ns, dev, passed: self.passed };
            }
            return self.stack(link);
        }
        let evidence = Some(self.links.evidence(link, &["link"]));
        Received::Unknown { reason: format!("too many devices stand on {}", link.name), evidence }
    }

    fn vlan_device(&self, below: &Link, tag: u16) -> Option<&'n Link> {
        self.links.iter().find(|l| {
            matches!(l.kind, LinkKind::Vlan { id } if id == tag)
                && l.lower_netns.is_none()
                && l.lower.as_deref() == Some(&*below.name)
        })
    }

    /// `macvlan_handle_frame`: a device on this one with the frame's address, perhaps in another namespace.
    fn macvlan(&self, link: &Link) -> Option<(NsId, Arc<str>)> {
        let dst = self.frame.dst.filter(|dst| !dst.is_group())?;
        let index = link.index?;
        for (id, state) in self.world.namespaces().filter(|(id, _)| id.node == self.ns.node) {
            let Ok(links) = state.links() else { continue };
            let found = links.iter().find(|l| {
                let below = l.lower_index == Some(index) && (id != self.ns || l.lower_netns.is_none())
                    || id == self.ns && l.lower_netns.is_none() && l.lower.as_deref() == Some(&*link.name);
                matches!(l.kind, LinkKind::Macvlan) && below && l.mac.as_deref().and_then(Mac::parse) == Some(dst)
            });
            if let Some(found) = found {
                return Some((id, Arc::clone(&found.name)));
            }
        }
        None
    }

    /// The stack takes what is for the device's own address, and group addresses.
    fn stack(self, link: &Link) -> Received {
        let own = link.mac.as_deref().and_then(Mac::parse);
        if let (Some(dst), Some(own)) = (self.frame.dst, own)
            && !dst.is_group()
            && dst != own
            && !matches!(link.kind, LinkKind::Loopback)
        {
            let reason = format!("the frame is for {dst}, and {} has the address {own} (PACKET_OTHERHOST)", link.name);
            return Received::Lost { reason, evidence: vec![self.links.evidence(link, &["address"])] };
        }
        if let Some(tag) = self.frame.vlan.filter(|tag| *tag != 0) {
            let reason = format!("{} has no device for VLAN {tag}", link.name);
            return Received::Lost { reason, evidence: vec![self.links.evidence(link, &[])] };
        }
        Received::Stack { ns: self.ns, dev: Arc::clone(&link.name), passed: self.passed }
    }

    fn pass(&mut self, link: &Link, action: String) {
        let evidence = vec![self.links.evidence(link, &["master"])];
        self.passed.push(Passed { ns: self.ns, dev: Arc::clone(&link.name), action, evidence });
    }
}
