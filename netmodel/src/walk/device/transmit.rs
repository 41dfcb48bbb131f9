//! A frame's way down: from the device that IP or a bridge sends it by, until it is in another namespace, wrapped, or gone.

use std::net::IpAddr;
use std::sync::Arc;

use super::wire::{self, Far, Peer};
use super::{Emission, Frame, Mac, Passed, Sent, TunnelKey, encapsulate};
use crate::parse::ip_addr::{Link, LinkKind};
use crate::source::Evidence;
use crate::state::Node;
use crate::state::links::Links;
use crate::walk::packet::Packet;
use crate::walk::world::{NsId, World};

/// How deep devices may stand on one another (`MAX_NEST_DEV` in include/linux/netdevice.h).
const DEEPEST: usize = 8;

/// What is sent by a device.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The IP packet.
    pub packet: &'a Packet,
    /// The frame around it.
    pub frame: Frame,
    /// The router, or the destination where there is none; `None` where a bridge forwards.
    pub next_hop: Option<IpAddr>,
    /// What the route says to a tunnel.
    pub key: Option<TunnelKey>,
}

/// Where a frame gets to that is sent by a device of a namespace. Several where a VXLAN device sends it to each of its destinations, or a
/// macvlan device to its siblings; never none.
#[must_use]
pub fn transmit(world: &World<'_>, ns: NsId, dev: &str, out: &Outgoing<'_>) -> Vec<Sent> {
    let unknown = |reason: String| vec![Sent { passed: Vec::new(), to: Emission::Unknown { reason, evidence: None } }];
    let Some(state) = world.ns(ns) else { return unknown("the namespace is not known".to_owned()) };
    let links = match state.links() {
        Ok(links) => links,
        Err(missing) => return unknown(missing.to_string()),
    };
    let Some(link) = links.by_name(dev) else { return unknown(format!("the device {dev} is not in the capture")) };
    let mut way = Down { world, ns, state, links, out: *out, passed: Vec::new() };
    way.from(link)
}

/// A frame on its way down.
struct Down<'w, 'n, 'a> {
    world: &'w World<'n>,
    ns: NsId,
    state: &'n Node,
    links: &'n Links,
    out: Outgoing<'a>,
    passed: Vec<Passed>,
}

impl<'n> Down<'_, 'n, '_> {
    fn from(&mut self, link: &'n Link) -> Vec<Sent> {
        let mut link = link;
        for _ in 0..DEEPEST {
            if let Some(lost) = self.unusable(link) {
                return vec![lost];
            }
            let Some(lower) = self.through(link) else { return self.end(link) };
            link = match lower {
                Ok(lower) => lower,
                Err(sent) => return vec![sent],
            };
        }
        vec![self.unknown(format!("{} stands on too many devices", link.name), Some(self.links.evidence(link, &["link"])))]
    }

    /// Set down, or without a carrier: `dev_queue_xmit` frees what a device that is down is given, and the queue of one without a carrier
    /// is none (`noop_qdisc`, net/sched/sch_generic.c).
    fn unusable(&self, link: &Link) -> Option<Sent> {
        let down = link.up == Some(false);
        let no_carrier = link.lower_up == Some(false) && !matches!(link.kind, LinkKind::Loopback);
        if !down && !no_carrier {
            // A program may send it elsewhere, but only on the way in; what a driver does on the way out is its own.
            return None;
        }
        let what = if down { "is set down" } else { "has no carrier" };
        let evidence = vec![self.links.evidence(link, &["flags", "operstate"])];
        Some(self.sent(Emission::Lost { reason: format!("{} {what}", link.name), evidence }))
    }

    /// The device below, where the device only passes the frame on; `None` where the way down ends here.
    fn through(&mut self, link: &'n Link) -> Option<Result<&'n Link, Sent>> {
        match &link.kind {
            LinkKind::Vlan { id } => {
                self.out.frame.vlan = Some(*id);
                self.pass(link, format!("tagged with VLAN {id}"), &["link", "id"]);
                Some(self.lower(link))
            }
            LinkKind::Bond => {
                let slaves: Vec<_> = self.links.ports_of(&link.name).filter(|s| s.up != Some(false)).collect();
                let with_carrier = slaves.iter().find(|s| s.lower_up != Some(false));
                let Some(slave) = with_carrier.or(slaves.first()).copied() else {
                    let evidence = vec![self.links.evidence(link, &["flags"])];
                    return Some(Err(
                        self.sent(Emission::Lost { reason: format!("the bond {} has no slave", link.name), evidence })
                    ));
                };
                self.pass(link, format!("sent by a slave, such as {}", slave.name), &[]);
                Some(Ok(slave))
            }
            _ => None,
        }
    }

    /// The device that a VLAN or macvlan stands on, in this namespace or in that of the machine.
    fn lower(&mut self, link: &Link) -> Result<&'n Link, Sent> {
        if link.lower_netns.is_some() {
            let found =
                self.world.namespaces().filter(|(id, _)| id.node == self.ns.node && *id != self.ns).find_map(|(id, state)| {
                    let links = state.links().ok()?;
                    let lower = links.by_index(link.lower_index?)?;
                    (id.pod.is_none()).then_some((id, state, links, lower))
                });
            if let Some((id, state, links, lower)) = found {
                (self.ns, self.state, self.links) = (id, state, links);
                return Ok(lower);
            }
        } else if let Some(lower) = link.lower.as_deref().and_then(|name| self.links.by_name(name)) {
            return Ok(lower);
        }
        Err(self.unknown(
            format!("the device below {} is not in the captures", link.name),
            Some(self.links.evidence(link, &["link"])),
        ))
    }

    fn end(&mut self, link: &'n Link) -> Vec<Sent> {
        let (ns, frame) = (self.ns, self.out.frame);
        let dev = || Arc::clone(&link.name);
        let to = match &link.kind {
            LinkKind::Loopback => Emission::Arrives { ns, dev: dev(), frame },
            LinkKind::Bridge(_) => Emission::Bridge { ns, bridge: dev(), frame },
            LinkKind::Veth => match wire::peer(self.world, ns, link) {
                Peer::Known(other, peer) => return vec![self.by_pair(link, other, peer)],
                Peer::Elsewhere => return vec![self.by_edge(link)],
                Peer::Unknown(reason) => {
                    Emission::Unknown { reason, evidence: Some(self.links.evidence(link, &["link_index", "link_netnsid"])) }
                }
            },
            LinkKind::Physical => return vec![self.by_edge(link)],
            // dummy_xmit frees what it is given.
            LinkKind::Dummy => Emission::Lost {
                reason: format!("{} is a dummy device, which swallows what is sent by it", link.name),
                evidence: vec![self.links.evidence(link, &["info_kind"])],
            },
            LinkKind::Macvlan => return self.macvlan(link),
            LinkKind::Tun => {
                Emission::Leaves { ns, dev: dev(), reason: format!("a program reads what is sent by {}", link.name) }
            }
            LinkKind::Vrf { .. } => Emission::Unknown {
                reason: format!("{} is a VRF: what is sent by it is routed again in its table", link.name),
                evidence: Some(self.links.evidence(link, &["info_kind", "table"])),
            },
            LinkKind::Vxlan(_) | LinkKind::Geneve { .. } | LinkKind::Ipip(_) | LinkKind::Gre(_) | LinkKind::Wireguard => {
                let ends = encapsulate::encapsulate(self.world, ns, self.state, link, &self.out);
                return ends.into_iter().map(|to| self.sent(to)).collect();
            }
            LinkKind::Unknown => Emission::Unknown {
                reason: format!("of which kind {} is was not captured (`ip -d`)", link.name),
                evidence: Some(self.links.evidence(link, &[])),
            },
            LinkKind::Vlan { .. } | LinkKind::Bond => Emission::Unknown {
                reason: format!("{} stands on too many devices", link.name),
                evidence: Some(self.links.evidence(link, &["link"])),
            },
            LinkKind::Other(kind) => Emission::Unknown {
                reason: format!("what a device of kind {kind} does with it is not known"),
                evidence: Some(self.links.evidence(link, &["info_kind"])),
            },
        };
        vec![self.sent(to)]
    }

    /// `veth_xmit`: the peer has it, unless the peer is down.
    fn by_pair(&self, link: &Link, other: NsId, peer: Arc<str>) -> Sent {
        let far = self.world.ns(other).and_then(|state| state.links().ok());
        if let Some(links) = far
            && let Some(mate) = links.by_name(&peer)
            && mate.up == Some(false)
        {
            let evidence = vec![links.evidence(mate, &["flags"])];
            let reason = format!("{peer}, the other end of {}, is set down", link.name);
            return self.sent(Emission::Lost { reason, evidence });
        }
        self.sent(Emission::Arrives { ns: other, dev: peer, frame: self.out.frame })
    }

    /// Out of the node: in at the node that has the next hop, if that was captured.
    fn by_edge(&self, link: &Link) -> Sent {
        let (ns, dev) = (self.ns, Arc::clone(&link.name));
        let to = match wire::far_end(self.world, ns, self.out.frame.dst, self.out.next_hop) {
            Far::At(other, far, mac) => {
                let frame = Frame {
                    dst: if self.out.frame.dst.is_some_and(Mac::is_group) { self.out.frame.dst } else { mac },
                    ..self.out.frame
                };
                Emission::Arrives { ns: other, dev: far, frame }
            }
            Far::Nobody => {
                let reason = match self.out.next_hop {
                    Some(hop) => format!("towards {hop}, of which nothing was captured"),
                    None => "towards what was not captured".to_owned(),
                };
                Emission::Leaves { ns, dev, reason }
            }
            Far::Several(reason) => Emission::Unknown { reason, evidence: None },
        };
        self.sent(to)
    }

    /// `macvlan_queue_xmit` in bridge mode, the usual one: to a sibling that has the address, else out by the lower device. The lower
    /// device's own stack never gets it.
    fn macvlan(&mut self, link: &'n Link) -> Vec<Sent> {
        let frame = self.out.frame;
        let sibling = frame.dst.and_then(|dst| macvlans(self.world, self.ns, link).find(|(_, _, mac)| *mac == Some(dst)));
        if let Some((ns, dev, _)) = sibling {
            return vec![self.sent(Emission::Arrives { ns, dev, frame })];
        }
        self.pass(link, "sent by the device below".to_owned(), &["link"]);
        match self.lower(link) {
            Ok(lower) => self.from(lower),
            Err(sent) => vec![sent],
        }
    }

    fn pass(&mut self, link: &Link, action: String, keys: &[&str]) {
        let evidence = vec![self.links.evidence(link, keys)];
        self.passed.push(Passed { ns: self.ns, dev: Arc::clone(&link.name), action, evidence });
    }

    fn sent(&self, to: Emission) -> Sent {
        Sent { passed: self.passed.clone(), to }
    }

    fn unknown(&self, reason: String, evidence: Option<Evidence>) -> Sent {
        self.sent(Emission::Unknown { reason, evidence })
    }
}

/// The other macvlan devices on the same lower device, in all namespaces of the machine, with their addresses.
pub(super) fn macvlans<'w>(
    world: &'w World<'_>,
    ns: NsId,
    link: &Link,
) -> impl Iterator<Item = (NsId, Arc<str>, Option<Mac>)> + use<'w> {
    let (lower, own) = (link.lower_index, (ns, Arc::clone(&link.name)));
    let name = link.lower.clone();
    world.namespaces().filter(move |(id, _)| id.node == ns.node).flat_map(move |(id, state)| {
        let links = state.links().ok();
        let same = |l: &&Link| {
            let lower = l.lower_index == lower && lower.is_some() || l.lower_netns.is_none() && l.lower == name && name.is_some();
            matches!(l.kind, LinkKind::Macvlan) && lower && (id, &l.name) != (own.0, &own.1)
        };
        let found: Vec<_> = links
            .into_iter()
            .flat_map(Links::iter)
            .filter(same)
            .map(|l| (id, Arc::clone(&l.name), l.mac.as_deref().and_then(Mac::parse)))
            .collect();
        found
    })
}
