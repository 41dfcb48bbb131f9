//! What a tunnel device makes of a packet: the outer packet, which is then sent as one that is made in the underlay's namespace.
//!
//! `vxlan_xmit` (drivers/net/vxlan), `geneve_xmit_skb` (drivers/net/geneve.c), `ip_tunnel_xmit` (net/ipv4/ip_tunnel.c, for IPIP and GRE).
//! Left out: what WireGuard does, whose peers are not captured; FOU and GUE; IPsec.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::transmit::Outgoing;
use super::{Emission, Encapsulated, Mac, Tunnel};
use crate::family::Family;
use crate::parse::bridge::FdbEntry;
use crate::parse::ip_addr::{Link, LinkKind, Vxlan};
use crate::source::Evidence;
use crate::state::Node;
use crate::state::links::Links;
use crate::walk::packet::{Dev, Packet, UDP};
use crate::walk::world::{NsId, World};

/// The port that IANA gave to VXLAN; Linux asks for another one where none is set.
const GENEVE_PORT: u16 = 6081;
const ETHERNET: u16 = 14;

/// What a tunnel device makes of a packet; several outer packets where VXLAN sends it to each of its destinations.
pub(super) fn encapsulate(world: &World<'_>, ns: NsId, state: &Node, link: &Link, out: &Outgoing<'_>) -> Vec<Emission> {
    let links = match state.links() {
        Ok(links) => links,
        Err(missing) => return vec![Emission::Unknown { reason: missing.to_string(), evidence: None }],
    };
    let Some(underlay) = underlay(world, ns, link) else {
        let reason = format!("the namespace in which {} sends its packets was not captured", link.name);
        return vec![Emission::Unknown { reason, evidence: Some(links.evidence(link, &["link_netnsid"])) }];
    };
    let wrap = Wrap { ns: underlay, moved: underlay != ns, state, links, link, out };
    match &link.kind {
        LinkKind::Vxlan(settings) => wrap.vxlan(settings),
        LinkKind::Geneve { vni, port, remote } => vec![wrap.geneve(*vni, port.unwrap_or(GENEVE_PORT), *remote)],
        LinkKind::Ipip(tunnel) => vec![wrap.ip(tunnel, 0, Tunnel::Ip)],
        LinkKind::Gre(tunnel) => {
            let key = tunnel.okey;
            let header = 4 + if key.is_some() { 4 } else { 0 };
            let frames = tunnel.frames;
            vec![wrap.ip(tunnel, header + if frames { ETHERNET } else { 0 }, Tunnel::Gre { key, frames })]
        }
        _ => vec![Emission::Unknown {
            reason: format!("the peers of {} were not captured, so which of them gets the packet is not known", link.name),
            evidence: Some(links.evidence(link, &["info_kind"])),
        }],
    }
}

/// The namespace in which the tunnel was made, and sends: its own, or that of the machine.
fn underlay(world: &World<'_>, ns: NsId, link: &Link) -> Option<NsId> {
    if link.lower_netns.is_none() {
        return Some(ns);
    }
    let machine = NsId::node(ns.node);
    let lower = world.ns(machine)?.links().ok()?.by_index(link.lower_index?).is_some();
    (lower && machine != ns).then_some(machine)
}

struct Wrap<'n, 'a> {
    ns: NsId,
    /// The underlay is another namespace: the packet forgets its mark (`skb_scrub_packet`).
    moved: bool,
    state: &'n Node,
    links: &'n Links,
    link: &'n Link,
    out: &'a Outgoing<'a>,
}

impl<'n> Wrap<'n, '_> {
    fn own(&self, keys: &[&str]) -> Evidence {
        self.links.evidence(self.link, keys)
    }

    fn lost(&self, reason: String, evidence: Vec<Evidence>) -> Emission {
        Emission::Lost { reason, evidence }
    }

    /// `vxlan_xmit`: the entry of the address; else the default destinations, which stand under the address of zeros.
    fn vxlan(&self, settings: &Vxlan) -> Vec<Emission> {
        let Some(port) = settings.port else {
            return vec![self.unknown("its settings are not in the capture (`ip -d`)")];
        };
        if settings.external {
            return vec![self.by_key(|key| {
                let vni = u32::try_from(key.id).ok()?;
                Some((Tunnel::Vxlan { vni }, port, key.src.or(settings.local), key.dst))
            })];
        }
        let Some(vni) = settings.vni else { return vec![self.unknown("its VNI is not in the capture")] };
        let fdb = match self.state.fdb() {
            Ok(fdb) => fdb,
            Err(missing) => return vec![self.unknown(&missing.to_string())],
        };
        let Some(dst) = self.out.frame.dst else { return vec![self.unknown("the receiver's hardware address is not known")] };
        let of = |mac: Mac| {
            fdb.iter().filter(move |e| *e.dev == *self.link.name && e.dst.is_some() && Mac::parse(&e.mac) == Some(mac))
        };
        // A group address that was not learnt goes to all default destinations.
        let known: Vec<&FdbEntry> = of(dst).collect();
        let entries = if known.is_empty() { of(Mac::ZERO).collect() } else { known };
        if entries.is_empty() {
            if let Err(missing) = fdb.complete() {
                return vec![self.unknown(&missing.to_string())];
            }
            let reason = format!("{} has no entry for {dst} and no default destination", self.link.name);
            return vec![self.lost(reason, vec![self.own(&["id", "learning", "remote", "group"])])];
        }
        let one = |entry: &&FdbEntry| {
            let evidence = vec![fdb.source.evidence(entry.at), self.own(&["id", "local", "port"])];
            let remote = entry.dst.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            if remote.is_unspecified() {
                // `vxlan_xmit_one`: without a destination there is nothing to send to.
                return self.lost(format!("the entry of {dst} has no destination"), evidence);
            }
            let vni = entry.vni.unwrap_or(vni);
            let bound = entry.via.clone().or_else(|| settings.lower.clone());
            let local = settings.local.filter(|l| Family::of(*l) == Family::of(remote) && !l.is_unspecified());
            let df = self.df(settings.df.as_deref());
            let ends = Ends { src: local, dst: remote, port: Some(entry.port.unwrap_or(port)), bound };
            self.wrapped(Tunnel::Vxlan { vni }, ends, 16 + ETHERNET, df, evidence)
        };
        entries.iter().map(one).collect()
    }

    fn geneve(&self, vni: Option<u32>, port: u16, remote: Option<IpAddr>) -> Emission {
        let Some(vni) = vni.filter(|_| remote.is_some()) else {
            return self.by_key(|key| Some((Tunnel::Geneve { vni: u32::try_from(key.id).ok()? }, port, key.src, key.dst)));
        };
        let Some(dst) = remote else { return self.unknown("its remote end is not in the capture") };
        let ends = Ends { src: None, dst, port: Some(port), bound: None };
        let evidence = vec![self.own(&["id", "remote", "port"])];
        self.wrapped(Tunnel::Geneve { vni }, ends, 16 + ETHERNET, Some(false), evidence)
    }

    /// A device that takes its ends from the route of each packet (`skb_tunnel_info`).
    fn by_key(&self, ends: impl Fn(super::TunnelKey) -> Option<(Tunnel, u16, Option<IpAddr>, IpAddr)>) -> Emission {
        let evidence = vec![self.own(&["external", "port"])];
        let Some(key) = self.out.key else {
            // Set by tc, Open vSwitch or a program as well, which are not captured.
            return self.unknown("it takes the remote end from each packet, and the route says none");
        };
        let Some((tunnel, port, src, dst)) = ends(key) else {
            return self.unknown("the route's tunnel id is not a VNI");
        };
        let src = src.filter(|s| !s.is_unspecified());
        self.wrapped(tunnel, Ends { src, dst, port: Some(port), bound: None }, 16 + ETHERNET, None, evidence)
    }

    /// `ip_tunnel_xmit`: without a remote end the next hop is the other end (`tunl0` of Calico, NBMA).
    fn ip(&self, settings: &crate::parse::ip_addr::Tunnel, header: u16, tunnel: Tunnel) -> Emission {
        let evidence = vec![self.own(&["local", "remote", "external", "pmtudisc"])];
        let remote = settings.remote.filter(|r| !r.is_unspecified());
        let by_route = self.out.key.map(|k| k.dst);
        let dst = match (settings.external, remote) {
            (true, _) => by_route,
            (false, Some(remote)) => Some(remote),
            (false, None) => by_route.or(self.out.next_hop),
        };
        let Some(dst) = dst.filter(|d| !d.is_unspecified()) else {
            return self.unknown("neither the device nor the route tells the other end");
        };
        if remote.is_none() && dst.is_ipv6() && !settings.local.is_some_and(|l| l.is_ipv6()) {
            return self.unknown("the next hop is IPv6, from which the tunnel's IPv4 end does not follow");
        }
        let src = settings.local.filter(|l| !l.is_unspecified()).or(self.out.key.and_then(|k| k.src));
        let ends = Ends { src, dst, port: None, bound: settings.lower.clone() };
        // With path MTU discovery the outer packet may not be fragmented, nor may it where the inner one may not.
        let df = match settings.pmtudisc {
            Some(true) => Some(true),
            Some(false) => self.out.packet.df.map(|df| df && self.out.packet.family == Family::V4),
            None => None,
        };
        match self.wrapped(tunnel, ends, header, df, evidence) {
            Emission::Encapsulated(mut wrapped) => {
                wrapped.route_mark = Some(settings.fwmark.unwrap_or(0));
                wrapped.tells_too_big = settings.pmtudisc != Some(false);
                Emission::Encapsulated(wrapped)
            }
            other => other,
        }
    }

    /// `df` of VXLAN and Geneve: `inherit` is that of the inner packet.
    fn df(&self, word: Option<&str>) -> Option<bool> {
        match word {
            Some("unset") | None => Some(false),
            Some("set") => Some(true),
            Some("inherit") if self.out.packet.family == Family::V6 => Some(true),
            Some("inherit") => self.out.packet.df,
            Some(_) => None,
        }
    }

    fn wrapped(&self, protocol: Tunnel, ends: Ends, header: u16, df: Option<bool>, evidence: Vec<Evidence>) -> Emission {
        let inner = self.out.packet;
        let family = Family::of(ends.dst);
        let ip = if family == Family::V4 { 20 } else { 40 };
        let overhead = ip + header;
        let frames = matches!(protocol, Tunnel::Vxlan { .. } | Tunnel::Geneve { .. } | Tunnel::Gre { frames: true, .. });
        let mut outer = Packet::new(family);
        outer.src = ends.src;
        outer.dst = Some(ends.dst);
        outer.protocol = Some(match protocol {
            Tunnel::Vxlan { .. } | Tunnel::Geneve { .. } | Tunnel::Wireguard => UDP,
            Tunnel::Gre { .. } => 47,
            Tunnel::Ip if inner.family == Family::V4 => 4,
            Tunnel::Ip => 41,
        });
        // The source port is a hash of the inner flow.
        outer.dport = ends.port;
        outer.mark = if self.moved { Some(0) } else { inner.mark };
        outer.length = inner.length.and_then(|l| l.checked_add(overhead));
        outer.df = if family == Family::V6 { Some(true) } else { df };
        outer.iif = Dev::None;
        Emission::Encapsulated(Box::new(Encapsulated {
            ns: self.ns,
            tunnel: Arc::clone(&self.link.name),
            route_mark: outer.mark,
            protocol,
            outer,
            bound: ends.bound,
            overhead,
            tells_too_big: false,
            frame: frames.then_some(self.out.frame),
            evidence,
        }))
    }

    fn unknown(&self, why: &str) -> Emission {
        Emission::Unknown {
            reason: format!("where {} sends it is not known: {why}", self.link.name),
            evidence: Some(self.own(&["info_kind"])),
        }
    }
}

/// The outer ends.
struct Ends {
    src: Option<IpAddr>,
    dst: IpAddr,
    port: Option<u16>,
    bound: Option<Arc<str>>,
}
