//! Which tunnel device takes an outer packet that was delivered to its namespace: `vxlan_rcv`, `geneve_udp_encap_recv`,
//! `ip_tunnel_lookup` (net/ipv4/ip_tunnel.c).

use std::net::IpAddr;
use std::sync::Arc;

use super::Tunnel;
use crate::family::Family;
use crate::parse::ip_addr::{Link, LinkKind, Tunnel as Ends};
use crate::source::Evidence;
use crate::state::links::Links;
use crate::walk::packet::Packet;
use crate::walk::world::{NsId, World};

/// What becomes of an outer packet.
#[derive(Clone, Debug)]
pub enum Decapsulated {
    /// This tunnel device takes it: the inner packet comes in by it, its frame as in [`super::receive`].
    By {
        /// The namespace of the device.
        ns: NsId,
        /// The device.
        dev: Arc<str>,
        /// The lines that say so.
        evidence: Vec<Evidence>,
    },
    /// No tunnel device takes it.
    Refused {
        /// Why, in lower case.
        reason: String,
        /// The lines of what almost took it.
        evidence: Vec<Evidence>,
        /// No socket has the port: the sender is told so. Else it is dropped silently.
        port_unreachable: bool,
    },
    /// It is not known.
    Unknown {
        /// Why, in lower case.
        reason: String,
        /// The line, if there is one.
        evidence: Option<Evidence>,
    },
}

/// Which tunnel device takes an outer packet that was delivered here, having come by `dev`.
#[must_use]
pub fn decapsulate(world: &World<'_>, ns: NsId, outer: &Packet, protocol: &Tunnel, dev: &str) -> Decapsulated {
    let links = match world.ns(ns).map(|state| state.links()) {
        None => return unknown("the namespace is not known".to_owned(), None),
        Some(Err(missing)) => return unknown(missing.to_string(), None),
        Some(Ok(links)) => links,
    };
    // A device that was moved into a pod's namespace still receives in that in which it was made.
    let moved = world.namespaces().filter(|(id, _)| id.node == ns.node && *id != ns).flat_map(|(id, state)| {
        let links = state.links().ok();
        links.into_iter().flat_map(move |links| links.iter().filter(|l| l.lower_netns.is_some()).map(move |l| (id, links, l)))
    });
    let own = links.iter().filter(|l| l.lower_netns.is_none()).map(|l| (ns, links, l));
    let tunnels: Vec<Candidate<'_>> = own.chain(moved).map(|(ns, links, link)| Candidate { ns, links, link }).collect();
    let found = match protocol {
        Tunnel::Vxlan { vni } => by_udp(&tunnels, outer, *vni, dev, "VXLAN"),
        Tunnel::Geneve { vni } => by_udp(&tunnels, outer, *vni, dev, "Geneve"),
        Tunnel::Ip => by_ends(&tunnels, outer, None, dev),
        Tunnel::Gre { key, .. } => by_ends(&tunnels, outer, Some(*key), dev),
        Tunnel::Wireguard => return unknown("the peers and ports of WireGuard devices were not captured".to_owned(), None),
    };
    match (found, links.complete()) {
        (Decapsulated::Refused { .. }, Err(missing)) => unknown(missing.to_string(), None),
        (found, _) => found,
    }
}

fn unknown(reason: String, evidence: Option<Evidence>) -> Decapsulated {
    Decapsulated::Unknown { reason, evidence }
}

struct Candidate<'n> {
    ns: NsId,
    links: &'n Links,
    link: &'n Link,
}

impl Candidate<'_> {
    fn evidence(&self) -> Evidence {
        self.links.evidence(self.link, &["id", "local", "remote", "port", "external"])
    }

    fn takes(&self) -> Decapsulated {
        if self.link.up == Some(false) {
            let evidence = vec![self.links.evidence(self.link, &["flags"])];
            return Decapsulated::Refused {
                reason: format!("{} is set down", self.link.name),
                evidence,
                port_unreachable: false,
            };
        }
        Decapsulated::By { ns: self.ns, dev: Arc::clone(&self.link.name), evidence: vec![self.evidence()] }
    }

    /// Port, VNI (`None` for one that takes all), whether it is external, and the device that its socket is bound to.
    fn udp(&self, family: Family) -> Option<(u16, Option<u32>, bool)> {
        match &self.link.kind {
            LinkKind::Vxlan(v) => {
                // A device whose ends are of one family has a socket of that family alone; collect metadata has both.
                let other = v.local.or(v.remote).is_some_and(|end| Family::of(end) != family);
                (!other || v.external).then_some((v.port?, v.vni.filter(|_| !v.external), v.external))
            }
            LinkKind::Geneve { vni, port, remote } => {
                Some((port.unwrap_or(6081), vni.filter(|_| remote.is_some()), remote.is_none()))
            }
            _ => None,
        }
    }
}

fn by_udp(tunnels: &[Candidate<'_>], outer: &Packet, vni: u32, dev: &str, what: &str) -> Decapsulated {
    let of_kind =
        |c: &&Candidate<'_>| matches!((&c.link.kind, what), (LinkKind::Vxlan(_), "VXLAN") | (LinkKind::Geneve { .. }, "Geneve"));
    let Some(port) = outer.dport else { return unknown("the outer port is not known".to_owned(), None) };
    // `udp_sock_create`: the socket is there while a device that uses it is up.
    let listening: Vec<_> =
        tunnels.iter().filter(of_kind).filter(|c| c.udp(outer.family).is_some_and(|(own, ..)| own == port)).collect();
    if listening.iter().all(|c| c.link.up == Some(false)) {
        let evidence: Vec<_> = tunnels.iter().filter(of_kind).map(Candidate::evidence).collect();
        let reason = match listening.first() {
            Some(down) => format!("{} is set down, so nothing listens on port {port}", down.link.name),
            None => format!("no {what} device here listens on port {port}"),
        };
        return Decapsulated::Refused { reason, evidence, port_unreachable: true };
    }
    let vni_of = |c: &&&Candidate<'_>| c.udp(outer.family).is_some_and(|(_, own, external)| external || own == Some(vni));
    // Devices bound to a lower device take what came by it only (`vxlan_vs_find_vni`).
    let bound = |c: &&&Candidate<'_>| match &c.link.kind {
        LinkKind::Vxlan(v) if v.remote.is_some_and(is_link_local) => v.lower.as_deref().is_none_or(|l| l == dev),
        _ => true,
    };
    match listening.iter().filter(vni_of).find(bound) {
        Some(found) => found.takes(),
        None => Decapsulated::Refused {
            reason: format!("no {what} device here has the VNI {vni} (port {port})"),
            evidence: listening.iter().map(|c| c.evidence()).collect(),
            port_unreachable: false,
        },
    }
}

fn is_link_local(addr: IpAddr) -> bool {
    matches!(addr, IpAddr::V6(addr) if addr.is_unicast_link_local())
}

/// `ip_tunnel_lookup`: local and remote end, then the remote alone, then the local alone, then neither (the fallback device).
fn by_ends(tunnels: &[Candidate<'_>], outer: &Packet, key: Option<Option<u32>>, dev: &str) -> Decapsulated {
    let (Some(src), Some(dst)) = (outer.src, outer.dst) else {
        return unknown("the outer addresses are not known".to_owned(), None);
    };
    fn ends<'c>(c: &'c Candidate<'_>, gre: bool) -> Option<&'c Ends> {
        match &c.link.kind {
            LinkKind::Ipip(ends) if !gre => Some(ends),
            LinkKind::Gre(ends) if gre => Some(ends),
            _ => None,
        }
    }
    let rank = |own: &Ends| {
        let (local, remote) = (own.local.filter(|a| !a.is_unspecified()), own.remote.filter(|a| !a.is_unspecified()));
        let bound = own.lower.as_deref().is_none_or(|l| l == dev);
        let keys = key.is_none_or(|key| own.ikey == key || own.external);
        let fits = local.is_none_or(|l| l == dst) && remote.is_none_or(|r| r == src) && keys && bound;
        fits.then_some((remote.is_some(), local.is_some(), own.lower.is_some()))
    };
    let mine: Vec<(&Candidate<'_>, &Ends)> = tunnels.iter().filter_map(|c| Some((c, ends(c, key.is_some())?))).collect();
    let up = mine.iter().filter(|(c, _)| c.link.up != Some(false));
    match up.filter_map(|(c, own)| Some((rank(own)?, *c))).max_by_key(|(rank, _)| *rank) {
        Some((_, found)) => found.takes(),
        None => Decapsulated::Refused {
            reason: format!("no tunnel here is between {dst} and {src}"),
            evidence: mine.iter().map(|(c, _)| c.evidence()).collect(),
            // `tunnel4_rcv`: without a handler the sender is told "port unreachable".
            port_unreachable: true,
        },
    }
}
