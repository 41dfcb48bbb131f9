//! Who answers when a namespace asks on a link who has an address (ARP, neighbour discovery).
//!
//! Left out: `arp_ignore` and `arp_filter` of the one who is asked.

use std::net::IpAddr;

use crate::parse::ip_addr::{Link, LinkKind};
use crate::state::Node;
use crate::walk::device::{self, Mac, Peer};
use crate::walk::world::{NsId, World};

/// Who answers.
pub(super) enum Answers {
    /// Somebody who was captured, with this hardware address.
    Mac(Mac),
    /// If anybody, somebody outside of what was captured.
    Outside,
    /// Nobody: all of the link was captured.
    Nobody,
    /// The captures do not tell.
    Unknown(String),
}

/// Looks for the owner of an address in the namespaces that a device leads to.
pub(super) fn who_answers(world: &World<'_>, ns: NsId, dev: &str, addr: IpAddr) -> Answers {
    let Some(links) = world.ns(ns).and_then(|state| state.links().ok()) else {
        return Answers::Unknown("the links are not known".to_owned());
    };
    let Some(link) = links.by_name(dev) else { return Answers::Unknown(format!("the device {dev} is not in the capture")) };
    ask(world, ns, link, addr, 0)
}

fn ask(world: &World<'_>, ns: NsId, link: &Link, addr: IpAddr, depth: usize) -> Answers {
    let Some(links) = world.ns(ns).and_then(|state| state.links().ok()) else { return Answers::Outside };
    if depth > 8 {
        return Answers::Unknown("too many devices stand on one another".to_owned());
    }
    match &link.kind {
        LinkKind::Veth => match device::peer(world, ns, link) {
            Peer::Known(there, dev) => answers_there(world, there, &dev, addr, depth),
            Peer::Elsewhere => at_the_edge(world, ns, addr),
            Peer::Unknown(why) => Answers::Unknown(why),
        },
        LinkKind::Bridge(_) => by_ports(world, ns, &link.name, None, addr, depth),
        LinkKind::Vlan { .. } | LinkKind::Macvlan => match link.lower.as_deref().and_then(|name| links.by_name(name)) {
            Some(lower) if link.lower_netns.is_none() => ask(world, ns, lower, addr, depth + 1),
            _ => at_the_edge(world, ns, addr),
        },
        LinkKind::Bond => match links.ports_of(&link.name).next() {
            Some(slave) => ask(world, ns, slave, addr, depth + 1),
            None => Answers::Nobody,
        },
        LinkKind::Dummy => Answers::Nobody,
        _ => at_the_edge(world, ns, addr),
    }
}

/// The other nodes, or the outside.
fn at_the_edge(world: &World<'_>, ns: NsId, addr: IpAddr) -> Answers {
    let owner = world.namespaces().filter(|(id, _)| id.node != ns.node).find_map(|(_, state)| own(state, None, addr));
    owner.map_or(Answers::Outside, Answers::Mac)
}

/// The namespace at the other end of a pair: its own addresses, its bridge's other ports, or its proxy.
fn answers_there(world: &World<'_>, there: NsId, dev: &str, addr: IpAddr, depth: usize) -> Answers {
    let Some(state) = world.ns(there) else { return Answers::Outside };
    let Ok(links) = state.links() else { return Answers::Unknown("the links at the other end are not known".to_owned()) };
    let Some(link) = links.by_name(dev) else { return Answers::Unknown(format!("the device {dev} is not in the capture")) };
    if let Some(bridge) =
        link.master.as_deref().and_then(|name| links.by_name(name)).filter(|m| matches!(m.kind, LinkKind::Bridge(_)))
    {
        if let Some(mac) = own(state, Some(bridge), addr) {
            return Answers::Mac(mac);
        }
        return by_ports(world, there, &bridge.name, Some(dev), addr, depth);
    }
    if let Some(mac) = own(state, Some(link), addr) {
        return Answers::Mac(mac);
    }
    let prefix = if addr.is_ipv4() { ("net.ipv4.conf", "proxy_arp") } else { ("net.ipv6.conf", "proxy_ndp") };
    match state.sysctl_if_int(prefix.0, dev, prefix.1) {
        Ok(fact) if fact.value != 0 => link
            .mac
            .as_deref()
            .and_then(Mac::parse)
            .map_or(Answers::Unknown("the address of the proxy is not known".to_owned()), Answers::Mac),
        Ok(_) => Answers::Nobody,
        // Of a pod often no more than links and routes is captured; a pod is no proxy.
        Err(_) if there.pod.is_some() => Answers::Nobody,
        Err(missing) => Answers::Unknown(missing.to_string()),
    }
}

fn by_ports(world: &World<'_>, ns: NsId, bridge: &str, but: Option<&str>, addr: IpAddr, depth: usize) -> Answers {
    let Some(links) = world.ns(ns).and_then(|state| state.links().ok()) else { return Answers::Outside };
    let mut rest = Answers::Nobody;
    for port in links.ports_of(bridge).filter(|port| Some(&*port.name) != but) {
        match ask(world, ns, port, addr, depth + 1) {
            found @ Answers::Mac(_) => return found,
            Answers::Nobody => {}
            other => rest = other,
        }
    }
    rest
}

/// The hardware address under which a namespace answers for one of its addresses. With `arp_ignore` 0 it answers for each of them on any
/// device, with the address of the device that was asked (`arp_process()`, net/ipv4/arp.c); of IPv6 only on the device that has it
/// (`ndisc_recv_ns()`, net/ipv6/ndisc.c).
fn own(state: &Node, asked: Option<&Link>, addr: IpAddr) -> Option<Mac> {
    let links = state.links().ok()?;
    let (owner, _) = links.by_address(addr)?;
    if let (IpAddr::V6(_), Some(asked)) = (addr, asked)
        && !asked.addresses.iter().any(|a| a.addr.addr() == addr)
    {
        return None;
    }
    asked.unwrap_or(owner).mac.as_deref().and_then(Mac::parse)
}
