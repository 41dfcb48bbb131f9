//! The next hops of a route, and which of them the kernel would use now.

use std::net::IpAddr;
use std::sync::Arc;

use super::conf;
use crate::family::Family;
use crate::parse::ip_nexthop::NexthopObject;
use crate::parse::ip_route::Route;
use crate::source::Missing;
use crate::state::Node;

/// One way of a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop<'n> {
    /// The next router.
    pub gateway: Option<IpAddr>,
    /// The device.
    pub dev: Option<&'n Arc<str>>,
    /// Its share among several.
    pub weight: u32,
    /// As printed.
    pub flags: &'n [Arc<str>],
    /// The next-hop object that it is.
    pub object: Option<&'n NexthopObject>,
}

impl<'n> Hop<'n> {
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|f| &**f == flag)
    }

    pub(crate) fn dev(&self) -> Option<&'n str> {
        self.dev.map(|d| &**d)
    }
}

/// The ways of a route in its order: its own, or those of its next-hop object where the dump does not print them
/// (`net.ipv4.nexthop_compat_mode = 0`).
pub(crate) fn of_route<'n>(node: &'n Node, route: &'n Route) -> Result<Vec<Hop<'n>>, Missing> {
    if !route.nexthops.is_empty() {
        let hop = |h: &'n crate::parse::ip_route::Nexthop| Hop {
            gateway: h.gateway,
            dev: h.dev.as_ref(),
            weight: h.weight,
            flags: &h.flags,
            object: None,
        };
        return Ok(route.nexthops.iter().map(hop).collect());
    }
    let own = Hop { gateway: route.gateway, dev: route.dev.as_ref(), weight: 1, flags: &route.flags, object: None };
    match (&route.dev, route.nhid) {
        (Some(_), Some(id)) => Ok(vec![Hop { object: object(node, id).ok(), ..own }]),
        (None, Some(id)) => of_object(node, id),
        (_, None) => Ok(vec![own]),
    }
}

/// The members of a next-hop object with their weights: itself, or those of a group (groups do not nest).
fn of_object(node: &Node, id: u32) -> Result<Vec<Hop<'_>>, Missing> {
    let first = object(node, id)?;
    let single = [(id, 1)];
    let members = if first.group.is_empty() { &single[..] } else { &first.group };
    let hops = members.iter().map(|&(id, weight)| {
        let object = object(node, id)?;
        Ok(Hop { gateway: object.gateway, dev: object.dev.as_ref(), weight, flags: &object.flags, object: Some(object) })
    });
    hops.collect()
}

fn object(node: &Node, id: u32) -> Result<&NexthopObject, Missing> {
    let objects = node.nexthops()?;
    objects
        .iter()
        .find(|o| o.id == id)
        .ok_or_else(|| Missing::new(&objects.source.key, format!("next hop {id}"), "the capture does not have it"))
}

/// Whether a hop is there at all: `fib_lookup_good_nhc` (net/ipv4/fib_trie.c) and `find_match` (net/ipv6/route.c) without what they ask
/// of the device.
pub(crate) fn alive(node: &Node, family: Family, hop: &Hop<'_>, ignore_linkstate: bool) -> Result<bool, Missing> {
    if hop.has("dead") {
        return Ok(false);
    }
    if ignore_linkstate || !hop.has("linkdown") {
        return Ok(true);
    }
    let Some(dev) = hop.dev() else { return Ok(true) };
    let ignored = match family {
        Family::V4 => conf::either(node, dev, "ignore_routes_with_linkdown")?,
        Family::V6 => conf::own6(node, dev, "ignore_routes_with_linkdown")?,
    };
    Ok(!ignored.on())
}
