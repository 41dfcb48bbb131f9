//! Where a packet begins: at a socket of a namespace, or outside, and then by which device of which node it comes in.

use std::net::IpAddr;
use std::sync::Arc;

use super::error::EndpointError;
use super::find::{devices, find_node, find_owner, find_pod, no_device};
use super::resolve::Question;
use super::{Where, names};
use crate::family::Family;
use crate::parse::ip_neigh::Neighbour;
use crate::parse::ip_route::Table;
use crate::state::Node;
use crate::state::policy::Selector;
use crate::walk::trace::Origin;
use crate::walk::world::{NsId, World};

/// Where it begins.
pub(super) fn origin(
    world: &World<'_>,
    question: &Question,
    src: IpAddr,
    dst: IpAddr,
    notes: &mut Vec<String>,
) -> Result<Origin, EndpointError> {
    let device = question.iif.as_deref();
    match &question.from.place {
        Where::Device { owner, dev } => {
            notes.push(format!("{src} stands for whoever sends what comes in by {dev}"));
            Ok(Origin::Device(find_owner(world, owner)?.0, Arc::from(dev.as_str())))
        }
        Where::Pod(name) if device.is_none() => Ok(Origin::Socket(find_pod(world, name)?.0)),
        Where::Node(name) if device.is_none() => Ok(Origin::Socket(find_node(world, name)?.0)),
        Where::Address(_) if device.is_none() => {
            let owners: Vec<NsId> = names::owners(world, src).map(|(ns, _)| ns).collect();
            match owners[..] {
                [only] => Ok(Origin::Socket(only)),
                [] if src.is_loopback() => Err(EndpointError::Ambiguous {
                    kind: "namespace",
                    name: src.to_string(),
                    candidates: world.nodes().iter().map(|n| format!("node:{}", n.name())).collect(),
                }),
                [] => entry(world, src, dst, None, notes),
                _ => Err(EndpointError::Ambiguous {
                    kind: "namespace",
                    name: src.to_string(),
                    candidates: owners.iter().map(|ns| names::namespace(world, *ns)).collect(),
                }),
            }
        }
        place => {
            if *place == Where::External {
                notes.push(format!(
                    "{src} stands for any address outside: name another one if rules or routes of yours tell them apart"
                ));
            }
            entry(world, src, dst, device, notes)
        }
    }
}

/// On which node and by which device a packet from outside comes in.
fn entry(
    world: &World<'_>,
    src: IpAddr,
    dst: IpAddr,
    dev: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<Origin, EndpointError> {
    let has_dev = |node: &Node| dev.is_none_or(|dev| node.links().is_ok_and(|l| l.by_name(dev).is_some()));
    let numbered: Vec<(u32, &Node)> = (0u32..).zip(world.nodes().iter().copied()).collect();
    let mut of_dst: Vec<u32> = names::owners(world, dst).map(|(ns, _)| ns.node).collect();
    of_dst.dedup();
    let candidates: Vec<(u32, &Node)> = match of_dst[..] {
        [only] => numbered.iter().copied().filter(|(n, _)| *n == only).collect(),
        _ => numbered.iter().copied().filter(|(_, node)| has_dev(node)).collect(),
    };
    let [(number, node)] = candidates[..] else {
        if let (Some(dev), [(_, first), ..]) = (dev, &numbered[..])
            && candidates.is_empty()
        {
            return Err(no_device(dev, first));
        }
        let nodes = numbered.iter().map(|(_, n)| n.name().to_owned()).collect();
        return Err(EndpointError::Entry { src, to: dst.to_string(), nodes });
    };
    if let Some(dev) = dev {
        return if has_dev(node) { Ok(Origin::Device(NsId::node(number), Arc::from(dev))) } else { Err(no_device(dev, node)) };
    }
    let dev = way_back(node, src).map_err(|why| EndpointError::EntryDevice {
        node: node.name().to_owned(),
        src,
        why,
        devices: devices(node),
    })?;
    notes.push(format!(
        "{src} belongs to none of the nodes: its packet comes in to {} by {dev}, the way by which {0} would answer",
        node.name()
    ));
    Ok(Origin::Device(NsId::node(number), dev.into()))
}

/// The device by which a node sends to an address; of a bridge, the port at which the address was learned, where that is known.
///
/// # Errors
/// Why that is not known.
pub fn way_back(node: &Node, addr: IpAddr) -> Result<String, String> {
    let decision = node.route_lookup(addr, &Selector::default()).map_err(|missing| missing.to_string())?;
    let Some(dev) = decision.dev() else {
        return Err(format!("{} has no single route to {addr}", node.name()));
    };
    let neighbours = node.neighbours().ok();
    let mac = neighbours.and_then(|n| n.iter().find(|n| n.dst == addr && &*n.dev == dev)?.lladdr.clone());
    let learned = mac.and_then(|mac| {
        let fdb = node.fdb().ok()?;
        let entry = fdb.iter().find(|e| e.master.as_deref() == Some(dev) && e.mac.eq_ignore_ascii_case(&mac))?;
        Some(entry.dev.to_string())
    });
    Ok(learned.unwrap_or_else(|| dev.to_owned()))
}

/// An address that stands for any outside: for documentation (RFC 5737, RFC 3849), and under no route but the default one.
#[must_use]
pub fn outside(world: &World<'_>, family: Family) -> IpAddr {
    let candidates: &[&str] = match family {
        Family::V4 => &["192.0.2.1", "198.51.100.1", "203.0.113.1"],
        Family::V6 => &["2001:db8::1", "3fff::1"],
    };
    let parsed: Vec<IpAddr> = candidates.iter().filter_map(|text| text.parse().ok()).collect();
    let plain = |addr: &IpAddr| {
        world.nodes().iter().all(|node| {
            let routed = node.routes(family).ok().and_then(|r| r.lookup(&Table::MAIN, *addr).first().map(|r| r.dst.prefix_len()));
            routed.is_none_or(|len| len == 0) && node.services().of_addr(*addr).next().is_none()
        })
    };
    let first = parsed.first().copied().expect("both families have candidates that are addresses");
    parsed.into_iter().find(plain).unwrap_or(first)
}

/// Who sends what comes in by a device: a neighbour on it, else anyone outside.
pub(super) fn beyond(world: &World<'_>, state: &Node, dev: &str, family: Family) -> IpAddr {
    let neighbours = state.neighbours().ok();
    // A bridge's port has no neighbours of its own: those of the bridge whose hardware address was learned at the port.
    let macs: Vec<&str> =
        state.fdb().ok().into_iter().flat_map(|fdb| fdb.iter()).filter(|e| &*e.dev == dev).map(|e| &*e.mac).collect();
    let at = |n: &&Neighbour| {
        &*n.dev == dev || n.lladdr.as_deref().is_some_and(|mac| macs.iter().any(|m| m.eq_ignore_ascii_case(mac)))
    };
    let usable = |n: &&Neighbour| Family::of(n.dst) == family && !n.is("FAILED") && !n.is("NOARP");
    let known = neighbours.into_iter().flat_map(|n| n.iter()).filter(usable).find(at).map(|n| n.dst);
    known.unwrap_or_else(|| outside(world, family))
}
