//! Who answers when a namespace asks for a neighbour: the question is flooded over the devices, and each stack that it gets to is asked
//! whether it answers (`arp_process` in net/ipv4/arp.c, `ndisc_recv_ns` in net/ipv6/ndisc.c).
//!
//! Left out: ports that answer for others (`proxy_arp` of a bridge port, neighbour suppression), private VLAN proxies, firewalls of ARP.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::{RouteKey, RouteOutcome, address, conf, input, output, source_check};
use crate::family::Family;
use crate::parse::ip_addr::LinkKind;
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::walk::device::bridge::{self, Decision};
use crate::walk::device::{Emission, Frame, Mac, Outgoing, Received, Tunnel, receive, transmit};
use crate::walk::packet::Packet;
use crate::walk::world::{NsId, World};

/// How many devices a question may get to.
const MOST: usize = 512;

/// What is heard.
pub(super) enum Heard {
    Answer {
        mac: Mac,
        ns: NsId,
        dev: Arc<str>,
        evidence: Vec<Evidence>,
    },
    /// Nothing from those who were captured; the question leaves them.
    Outside,
    /// Nothing, and nobody else was asked.
    Nobody {
        reason: String,
        evidence: Vec<Evidence>,
    },
    Unknown(String),
}

/// Asks for an address on a device.
pub(super) fn ask(world: &World<'_>, ns: NsId, dev: &str, target: IpAddr) -> Heard {
    let asker = world.ns(ns).and_then(|state| sender(state, dev, target));
    let mut flood = Flood { world, target, asker, seen: BTreeSet::new(), outside: false, unknown: None, silent: Vec::new() };
    let mac = world.ns(ns).and_then(|s| Mac::parse(s.links().ok()?.by_name(dev)?.mac.as_deref()?));
    let frame = Frame { src: mac, dst: Some(Mac::BROADCAST), vlan: None };
    if let Some(answer) = flood.send(ns, dev, frame) {
        return answer;
    }
    match (flood.unknown, flood.outside) {
        (Some(reason), _) => Heard::Unknown(reason),
        (None, true) => Heard::Outside,
        (None, false) => {
            let (reasons, evidence): (Vec<String>, Vec<Vec<Evidence>>) = flood.silent.into_iter().unzip();
            let reason = match reasons.into_iter().next() {
                Some(why) => format!("nobody answers for {target}: {why}"),
                None => format!("nobody on the link of {dev} has {target}"),
            };
            Heard::Nobody { reason, evidence: evidence.into_iter().flatten().collect() }
        }
    }
}

/// The address that the question is from (`arp_solicit` with `inet_select_addr`).
fn sender(state: &Node, dev: &str, target: IpAddr) -> Option<IpAddr> {
    match target {
        IpAddr::V4(target) => Some(address::select4(state, dev, Some(target), address::scope::LINK).ok()??.value),
        IpAddr::V6(_) => None,
    }
}

struct Flood<'w, 'n> {
    world: &'w World<'n>,
    target: IpAddr,
    asker: Option<IpAddr>,
    seen: BTreeSet<(NsId, Arc<str>)>,
    outside: bool,
    unknown: Option<String>,
    /// Those who have the address and do not answer, and why.
    silent: Vec<(String, Vec<Evidence>)>,
}

impl Flood<'_, '_> {
    fn send(&mut self, ns: NsId, dev: &str, frame: Frame) -> Option<Heard> {
        if !self.seen.insert((ns, dev.into())) || self.seen.len() > MOST {
            return None;
        }
        let packet = Packet::new(Family::of(self.target));
        let out = Outgoing { packet: &packet, frame, next_hop: Some(self.target), key: None };
        transmit(self.world, ns, dev, &out).into_iter().find_map(|sent| self.at(sent.to))
    }

    fn at(&mut self, emission: Emission) -> Option<Heard> {
        match emission {
            Emission::Arrives { ns, dev, frame } => self.arrive(ns, &dev, frame),
            Emission::Bridge { ns, bridge, frame } => self.bridge(ns, &bridge, None, frame),
            // The outer packet is taken to arrive: whether it does is another walk's question.
            Emission::Encapsulated(wrapped) => {
                let far = wrapped.outer.dst.and_then(|dst| self.world.owners(dst).next());
                let Some((ns, _)) = far else {
                    self.outside = true;
                    return None;
                };
                let tunnel = self.tunnel(ns, &wrapped.protocol)?;
                self.arrive(ns, &tunnel, wrapped.frame.unwrap_or_default())
            }
            Emission::Leaves { .. } => {
                self.outside = true;
                None
            }
            Emission::Lost { reason, evidence } => {
                self.silent.push((reason, evidence));
                None
            }
            Emission::Unknown { reason, .. } => {
                self.unknown.get_or_insert(reason);
                None
            }
        }
    }

    fn tunnel(&self, ns: NsId, protocol: &Tunnel) -> Option<Arc<str>> {
        let Tunnel::Vxlan { vni } = protocol else { return None };
        let links = self.world.ns(ns)?.links().ok()?;
        let own = links.iter().find(|l| matches!(&l.kind, LinkKind::Vxlan(v) if v.vni == Some(*vni)))?;
        Some(Arc::clone(&own.name))
    }

    fn arrive(&mut self, ns: NsId, dev: &str, frame: Frame) -> Option<Heard> {
        match receive(self.world, ns, dev, &frame) {
            Received::Stack { ns, dev, .. } => self.stack(ns, &dev),
            Received::Bridge { ns, bridge, port, .. } => self.bridge(ns, &bridge, Some(&port), frame),
            Received::Lost { reason, evidence } => {
                self.silent.push((reason, evidence));
                None
            }
            Received::Unknown { reason, .. } => {
                self.unknown.get_or_insert(reason);
                None
            }
        }
    }

    fn bridge(&mut self, ns: NsId, bridge: &str, port: Option<&str>, frame: Frame) -> Option<Heard> {
        let state = self.world.ns(ns)?;
        match bridge::decide(state, bridge, port, &frame) {
            Err(missing) => {
                self.unknown.get_or_insert(missing.to_string());
                None
            }
            Ok(Decision::Drop { reason, evidence }) => {
                self.silent.push((reason, evidence));
                None
            }
            Ok(Decision::Forward(forward)) => {
                let own = forward.local.and_then(|frame| self.arrive(ns, bridge, frame));
                own.or_else(|| forward.ports.into_iter().find_map(|(port, frame)| self.send(ns, &port, frame)))
            }
        }
    }

    /// Whether a stack answers.
    fn stack(&mut self, ns: NsId, dev: &str) -> Option<Heard> {
        let state = self.world.ns(ns)?;
        let answers = match self.target {
            IpAddr::V4(_) => self.answers4(state, dev),
            IpAddr::V6(_) => answers6(state, dev, self.target),
        };
        match answers {
            Ok(Verdict::Yes(evidence)) => {
                let mac = state.links().ok()?.by_name(dev)?.mac.as_deref().and_then(Mac::parse)?;
                Some(Heard::Answer { mac, ns, dev: dev.into(), evidence })
            }
            Ok(Verdict::No) => None,
            Ok(Verdict::Keeps(reason, evidence)) => {
                self.silent.push((reason, evidence));
                None
            }
            Err(missing) => {
                self.unknown.get_or_insert(missing.to_string());
                None
            }
        }
    }

    fn answers4(&self, state: &Node, dev: &str) -> Result<Verdict, Missing> {
        let links = state.links()?;
        let own = links.by_address(self.target);
        // Cheap, and right for nearly everyone who is asked.
        if own.is_none() && !proxies(state, dev, self.target)? {
            return Ok(Verdict::No);
        }
        let key = RouteKey { src: self.asker, iif: Some(dev), ..RouteKey::to(self.target) };
        let local = input(state, &key)?.iter().any(|w| w.outcome == RouteOutcome::Local);
        let evidence: Vec<Evidence> = own.map(|(link, a)| links.address_evidence(link, a)).into_iter().collect();
        if self.asker.is_some()
            && let Some(refusal) = source_check(state, &key)?
        {
            return Ok(Verdict::Keeps(format!("{dev} does not take the question: {}", refusal.reason), refusal.evidence));
        }
        if !local {
            return Ok(if proxies(state, dev, self.target)? { Verdict::Yes(evidence) } else { Verdict::No });
        }
        let ignore = conf::max(state, dev, "arp_ignore")?;
        let here = own.filter(|(link, _)| *link.name == *dev);
        let keeps = match ignore.value {
            0 => false,
            1 => here.is_none(),
            2 => !here.is_some_and(|(_, a)| self.asker.is_some_and(|asker| a.addr.contains(&asker))),
            3 => own.is_none_or(|(_, a)| &*a.scope == "host"),
            8 => true,
            _ => false,
        };
        if keeps {
            let reason = format!("arp_ignore {} keeps {dev} from answering", ignore.value);
            return Ok(Verdict::Keeps(reason, ignore.evidence().chain(evidence).collect()));
        }
        if let Some(asker) = self.asker
            && conf::either(state, dev, "arp_filter")?.on()
        {
            let back = output(state, &RouteKey { src: Some(self.target), ..RouteKey::to(asker) })?;
            if back.iter().all(|w| w.dev.as_deref() != Some(dev)) {
                let filter = conf::either(state, dev, "arp_filter")?;
                let reason = format!("arp_filter keeps {dev} from answering: the way back is by another device");
                return Ok(Verdict::Keeps(reason, filter.evidence().chain(evidence).collect()));
            }
        }
        Ok(Verdict::Yes(evidence))
    }
}

enum Verdict {
    Yes(Vec<Evidence>),
    /// It does not have the address.
    No,
    /// It has it, and keeps quiet.
    Keeps(String, Vec<Evidence>),
}

/// Answers for others: `proxy_arp` and a route by another device, or a proxy entry; only where it forwards.
fn proxies(state: &Node, dev: &str, target: IpAddr) -> Result<bool, Missing> {
    let entry = state.neighbours().is_ok_and(|all| all.iter().any(|n| n.proxy && n.dst == target && *n.dev == *dev));
    if !entry && !conf::either(state, dev, "proxy_arp")?.on() {
        return Ok(false);
    }
    if !conf::own(state, dev, "forwarding")?.on() {
        return Ok(false);
    }
    let ways = input(state, &RouteKey { iif: Some(dev), ..RouteKey::to(target) })?;
    Ok(ways.iter().any(|w| w.outcome == RouteOutcome::Forward && w.dev.as_deref() != Some(dev)))
}

/// `ndisc_recv_ns`: the address must be of this very device, and past its own check for duplicates.
fn answers6(state: &Node, dev: &str, target: IpAddr) -> Result<Verdict, Missing> {
    let links = state.links()?;
    let own = links.by_name(dev).and_then(|l| Some((l, l.addresses.iter().find(|a| a.addr.addr() == target)?)));
    if let Some((link, own)) = own {
        let evidence = vec![links.address_evidence(link, own)];
        let why = match (own.dad_failed, own.tentative) {
            (true, _) => "another node has the address (dadfailed)",
            (false, true) => "it has not checked the address yet (tentative)",
            (false, false) => return Ok(Verdict::Yes(evidence)),
        };
        return Ok(Verdict::Keeps(format!("{dev} does not answer: {why}"), evidence));
    }
    let entry = state.neighbours().is_ok_and(|all| all.iter().any(|n| n.proxy && n.dst == target && *n.dev == *dev));
    let on = |dev: &str, leaf: &str| state.sysctl_if_int("net.ipv6.conf", dev, leaf).is_ok_and(|f| f.value != 0);
    let proxy = entry && on(dev, "forwarding") && (on("all", "proxy_ndp") || on(dev, "proxy_ndp"));
    Ok(if proxy { Verdict::Yes(Vec::new()) } else { Verdict::No })
}
