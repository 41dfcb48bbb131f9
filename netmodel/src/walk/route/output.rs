//! Where a packet goes that a local socket sends: `ip_route_output_key_hash_rcu` (net/ipv4/route.c), `ip6_route_output_flags` and
//! `ip6_dst_lookup_tail` (net/ipv6/).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::address::{self, scope};
use super::fib::{Fib, Flow, Found, Hit};
use super::hops::{self, Hop};
use super::{RouteKey, RouteOutcome, Routed, conf, rule, settle, table4, table6};
use crate::family::Family;
use crate::parse::ip_route::{Route, RouteKind, Table};
use crate::source::Missing;
use crate::state::Node;

/// Where a packet goes that a local socket sends, and with which source. Several ways by design carry their shares; where a policy rule
/// asks for what is not known, each way carries what it assumes.
///
/// # Errors
/// [`Missing`] when rules, routes or addresses are absent, or one that decides is not understood.
pub fn output<'n>(node: &'n Node, key: &RouteKey<'_>) -> Result<Vec<Routed<'n>>, Missing> {
    match (key.dst, key.src) {
        (IpAddr::V4(dst), None) => output4(node, key, dst, None),
        (IpAddr::V4(dst), Some(IpAddr::V4(src))) => output4(node, key, dst, Some(src).filter(|src| !src.is_unspecified())),
        (IpAddr::V6(_), None) => output6(node, key, None),
        (IpAddr::V6(_), Some(IpAddr::V6(src))) => output6(node, key, Some(src).filter(|src| !src.is_unspecified())),
        (IpAddr::V4(_), Some(IpAddr::V6(_))) | (IpAddr::V6(_), Some(IpAddr::V4(_))) => {
            Ok(vec![Routed::because(RouteOutcome::NoRoute, "source and destination are of different families")])
        }
    }
}

/// The look-up of a packet that is made here.
pub(super) fn made_here<'a>(key: &RouteKey<'a>, src: Option<IpAddr>) -> Flow<'a> {
    Flow {
        dst: key.dst,
        src,
        iif: "lo",
        oif: key.oif,
        l3mdev: None,
        mark: key.mark,
        protocol: key.protocol,
        sport: key.sport,
        dport: key.dport,
        tos: key.tos,
        made_here: true,
        prefers: key.oif,
        strict: false,
        ignore_linkstate: false,
    }
}

fn output4<'n>(node: &'n Node, key: &RouteKey<'_>, dst: Ipv4Addr, src: Option<Ipv4Addr>) -> Result<Vec<Routed<'n>>, Missing> {
    let one = |routed| Ok(vec![routed]);
    let everywhere = dst.is_multicast() || dst.is_broadcast();
    if let Some(own) = src {
        if own.is_multicast() || own.is_broadcast() {
            return one(Routed::because(RouteOutcome::Blackhole, "the source is no host's address"));
        }
        // `__ip_dev_find(net, saddr, false)`.
        let Some(dev) = device_of(node, own)? else {
            return one(Routed::because(RouteOutcome::NoRoute, "the source is not an address of this namespace"));
        };
        if key.oif.is_none() && everywhere {
            return one(on_device(node, key, &dev, Some(own))?);
        }
    }
    let mut src = src;
    if let Some(oif) = key.oif {
        let link = node.link(oif)?;
        if link.is_none_or(|l| l.up == Some(false)) {
            return one(Routed::because(RouteOutcome::NoRoute, "the device that the socket is bound to is not there or down"));
        }
        if table4::is_local_multicast(dst) || dst.is_broadcast() || key.protocol == Some(2) {
            src = src.or(source4(node, oif, None, scope::LINK)?);
            return one(on_device(node, key, oif, src)?);
        }
        if src.is_none() && dst.is_multicast() {
            src = source4(node, oif, None, scope::UNIVERSE)?;
        } else if src.is_none() && dst.is_unspecified() {
            src = source4(node, oif, None, scope::HOST)?;
        }
    }
    if dst.is_unspecified() {
        let own = src.unwrap_or(Ipv4Addr::LOCALHOST);
        return one(Routed { dev: Some("lo".into()), prefsrc: Some(own.into()), ..Routed::end(RouteOutcome::Local) });
    }
    let fib = Fib::of(node, Family::V4)?;
    let flow = made_here(key, src.map(IpAddr::V4));
    let branches = fib.lookup4(&flow)?.into_iter().map(|hit| {
        let Some(found) = hit.found.as_ref().filter(|f| f.outcome.goes_on()) else {
            return match key.oif {
                // "Apparently, routing tables are wrong. Assume, that the destination is on link." (route.c)
                Some(oif) if dst.is_multicast() || rule::l3_master(node, oif).is_none() => {
                    let src = match src {
                        Some(src) => Some(src),
                        None => source4(node, oif, None, scope::LINK)?,
                    };
                    let way = on_device(node, key, oif, src)?;
                    Ok(vec![Routed { blockers: hit.blockers.clone(), ..way }])
                }
                _ => Ok(vec![fib.refused(&hit)]),
            };
        };
        let decided = |way: Routed<'n>| fib.decided(way, &hit);
        if found.outcome == RouteOutcome::Local {
            let own = src.map(IpAddr::V4).or(found.route.prefsrc).unwrap_or(key.dst);
            let dev = found.hop().and_then(Hop::dev).and_then(|dev| rule::l3_master(node, dev)).unwrap_or("lo");
            let way = Routed { dev: Some(dev.into()), prefsrc: Some(own), ..Routed::end(RouteOutcome::Local) };
            return Ok(vec![decided(way)]);
        }
        let mut ways = Vec::new();
        for (hop, share) in fib.ways4(found, &flow)? {
            let own = match src {
                Some(src) => Some(IpAddr::V4(src)),
                None => fib.prefsrc4(found, hop)?,
            };
            let way = Routed { prefsrc: own, share, ..fib.way(found, hop) };
            ways.push(decided(check_device(node, way, dst)?));
        }
        Ok(ways)
    });
    Ok(settle(branches.collect::<Result<_, _>>()?))
}

/// A way that no route is asked for: straight out of a device.
fn on_device<'n>(node: &'n Node, key: &RouteKey<'_>, dev: &str, src: Option<Ipv4Addr>) -> Result<Routed<'n>, Missing> {
    let IpAddr::V4(dst) = key.dst else { return Ok(Routed::end(RouteOutcome::NoRoute)) };
    let way = Routed {
        dev: Some(dev.into()),
        prefsrc: src.map(IpAddr::V4),
        ..Routed::because(RouteOutcome::Forward, "the socket is bound to the device, and no route says another way")
    };
    check_device(node, way, dst)
}

/// `__mkroute_output`: what the device and the addresses make of the way.
fn check_device<'n>(node: &'n Node, way: Routed<'n>, dst: Ipv4Addr) -> Result<Routed<'n>, Missing> {
    let dev = way.dev.clone().unwrap_or_default();
    if let Some(IpAddr::V4(src)) = way.prefsrc
        && table4::is_loopback(src)
        && &*dev != "lo"
        && !conf::either(node, &dev, "route_localnet")?.on()
    {
        let evidence = way.route;
        let refused = Routed::because(RouteOutcome::Blackhole, "a loopback address does not leave by another device");
        return Ok(Routed { route: evidence, ..refused });
    }
    Ok(if dst.is_broadcast() {
        Routed { outcome: RouteOutcome::Broadcast, gateway: None, ..way }
    } else if dst.is_multicast() {
        let routed = way.route.is_some_and(|r| r.value.dst.prefix_len() >= 4);
        Routed { outcome: RouteOutcome::Multicast, gateway: way.gateway.filter(|_| routed), ..way }
    } else if way.outcome == RouteOutcome::Broadcast {
        Routed { gateway: None, ..way }
    } else {
        way
    })
}

/// `__ip_dev_find`: the device of an own address; else that of the route in the table `local` that covers it.
fn device_of(node: &Node, addr: Ipv4Addr) -> Result<Option<Arc<str>>, Missing> {
    let links = node.links()?;
    if let Some((link, _)) = links.by_address(addr.into()) {
        return Ok(Some(Arc::clone(&link.name)));
    }
    links.complete()?;
    let fib = Fib::of(node, Family::V4)?;
    // While no rule was added `main` is in the same trie.
    let tables = [Table::LOCAL, Table::MAIN];
    let tables = &tables[..if fib.is_plain() { 2 } else { 1 }];
    let first = |table: &Table| fib.routes.lookup(table, addr.into()).into_iter().next();
    let longest = tables.iter().filter_map(first).rev().max_by_key(|r| r.dst.prefix_len());
    let local = longest.filter(|r| r.kind == RouteKind::Local);
    Ok(local.and_then(|r| r.dev.clone()))
}

fn source4(node: &Node, dev: &str, towards: Option<Ipv4Addr>, scope: u32) -> Result<Option<Ipv4Addr>, Missing> {
    Ok(address::select4(node, dev, towards, scope)?.and_then(|a| match a.value {
        IpAddr::V4(addr) => Some(addr),
        IpAddr::V6(_) => None,
    }))
}

fn output6<'n>(node: &'n Node, key: &RouteKey<'_>, src: Option<std::net::Ipv6Addr>) -> Result<Vec<Routed<'n>>, Missing> {
    let IpAddr::V6(dst) = key.dst else { return Ok(Vec::new()) };
    let fib = Fib::of(node, Family::V6)?;
    let flow = Flow { strict: key.oif.is_some() || needs_strict(dst), ..made_here(key, src.map(IpAddr::V6)) };
    let mut branches = Vec::new();
    for hit in fib.lookup(&flow)? {
        let mut ways = fib.ways_out6(&hit, &flow)?;
        for way in &mut ways {
            way.prefsrc = match (src, way.outcome.goes_on()) {
                (Some(src), _) => Some(src.into()),
                (None, true) => fib.prefsrc6(way, dst)?,
                (None, false) => None,
            };
        }
        // A first look-up that fails for want of a source is done again with the one that any device gives (`ip6_dst_lookup_tail`).
        if src.is_none() && ways.iter().any(|w| !w.outcome.goes_on()) {
            let chosen = address::select6(node, None, dst)?;
            if let Some(own) = chosen {
                let again = Flow { src: Some(own.value), ..flow };
                let hits = fib.lookup(&again)?;
                ways = Vec::new();
                for again_hit in hits {
                    let mut more = fib.ways_out6(&again_hit, &again)?;
                    more.iter_mut().for_each(|w| {
                        w.prefsrc = Some(own.value).filter(|_| w.outcome.goes_on());
                        w.blockers.splice(0..0, hit.blockers.iter().cloned());
                    });
                    ways.append(&mut more);
                }
            }
        }
        branches.push(ways);
    }
    Ok(settle(branches))
}

/// `rt6_need_strict`: these destinations mean nothing without their device.
pub(super) fn needs_strict(dst: std::net::Ipv6Addr) -> bool {
    dst.is_multicast() || dst.is_unicast_link_local() || dst.is_loopback()
}

impl<'n> Fib<'n> {
    /// A way over a hop of a route.
    pub(super) fn way(&self, found: &Found<'n>, hop: &Hop<'n>) -> Routed<'n> {
        let route = found.route;
        let onlink = hop.has("onlink") || route.has_flag("onlink");
        Routed {
            gateway: hop.gateway.filter(|gateway| onlink || !self.is_own(*gateway)),
            dev: hop.dev.cloned(),
            onlink,
            mtu: route.mtu,
            encap: route.encap.clone(),
            nexthop: hop.object.and_then(|o| Some(self.node.nexthops().ok()?.fact(o, o.at))),
            ..Routed::end(found.outcome)
        }
    }

    /// A router that is the node itself is none: its scope is the host's (`fib_check_nh_v4_gw`), and `rt_set_nexthop` passes it over.
    fn is_own(&self, gateway: IpAddr) -> bool {
        let local = |r: &&Route| r.kind == RouteKind::Local;
        gateway.is_ipv4() && self.routes.lookup(&Table::LOCAL, gateway).first().is_some_and(local)
    }

    /// With what decided.
    pub(super) fn decided(&self, way: Routed<'n>, hit: &Hit<'n>) -> Routed<'n> {
        Routed {
            rule: hit.rule.and_then(|r| self.rule_fact(r)),
            assumed: self.assumed(),
            route: way.route.or(hit.found.as_ref().map(|f| self.routes.fact(f.route))),
            blockers: hit.blockers.clone(),
            ..way
        }
    }

    pub(super) fn refused(&self, hit: &Hit<'n>) -> Routed<'n> {
        let because = if hit.rule.is_none() { Some("no policy rule gives a route") } else { None };
        self.decided(Routed { because, ..Routed::end(hit.outcome) }, hit)
    }

    /// All the usable ways of a route.
    pub(crate) fn hops(&self, found: &Found<'n>, flow: &Flow<'_>) -> Result<Vec<Hop<'n>>, Missing> {
        let mut out = Vec::new();
        for hop in &found.hops {
            let device = flow.oif.is_none_or(|oif| hop.dev() == Some(oif));
            if device && hops::alive(self.node, self.family, hop, flow.ignore_linkstate)? {
                out.push(*hop);
            }
        }
        Ok(out)
    }

    /// `fib_select_path`: with a bound device the hop that the look-up gave; else each of several takes its share.
    pub(super) fn ways4<'f>(&self, found: &'f Found<'n>, flow: &Flow<'_>) -> Result<Vec<(&'f Hop<'n>, f64)>, Missing> {
        let Some(selected) = found.hop() else { return Ok(Vec::new()) };
        if flow.oif.is_some() || found.hops.len() == 1 {
            return Ok(vec![(selected, 1.0)]);
        }
        let mut usable = Vec::new();
        for hop in &found.hops {
            if hops::alive(self.node, Family::V4, hop, false)? {
                usable.push((hop, hop.weight));
            }
        }
        // Of several the one whose own source is that of the packet is preferred, since Linux 6.16 (`fib_select_multipath`).
        if let (Some(IpAddr::V4(src)), true) = (flow.src.filter(|_| flow.made_here), prefers_source(self.node)) {
            let mut own = Vec::new();
            for &(hop, weight) in &usable {
                if found.route.nhid.is_none() && self.prefsrc_of_hop(found, hop)? == Some(src.into()) {
                    own.push((hop, weight));
                }
            }
            if !own.is_empty() {
                usable = own;
            }
        }
        Ok(shares(&usable))
    }

    /// `fib_result_prefsrc`: the route's own, else one of the device, in the prefix of the router where there is one.
    pub(super) fn prefsrc4(&self, found: &Found<'n>, hop: &Hop<'n>) -> Result<Option<IpAddr>, Missing> {
        match found.route.prefsrc {
            Some(own) => Ok(Some(own)),
            None => self.prefsrc_of_hop(found, hop),
        }
    }

    fn prefsrc_of_hop(&self, found: &Found<'n>, hop: &Hop<'n>) -> Result<Option<IpAddr>, Missing> {
        let Some(dev) = hop.dev() else { return Ok(None) };
        let route = found.route;
        let scope = route.scope.as_deref().map_or(Some(scope::UNIVERSE), scope::parse);
        let scope = scope.ok_or_else(|| {
            let source = self.routes.source();
            Missing::new(&source.key, "the source address", format!("the route's scope is not known: {}", source.at(route.at)))
        })?;
        let towards = match hop.gateway {
            Some(IpAddr::V4(gateway)) => Some(gateway),
            Some(IpAddr::V6(_)) | None => None,
        };
        Ok(address::select4(self.node, dev, towards, scope)?.map(|a| a.value))
    }

    /// `ip6_route_get_saddr`.
    pub(super) fn prefsrc6(&self, way: &Routed<'n>, dst: std::net::Ipv6Addr) -> Result<Option<IpAddr>, Missing> {
        if let Some(own) = way.route.and_then(|r| r.value.prefsrc) {
            return Ok(Some(own));
        }
        let dev = way.route.and_then(|r| r.value.dev.as_deref()).or(way.dev.as_deref());
        Ok(address::select6(self.node, dev, dst)?.map(|a| a.value))
    }

    pub(super) fn ways_out6(&self, hit: &Hit<'n>, flow: &Flow<'_>) -> Result<Vec<Routed<'n>>, Missing> {
        let Some(found) = hit.found.as_ref().filter(|f| f.outcome.goes_on()) else { return Ok(vec![self.refused(hit)]) };
        let ways = shares(&table6::ways(self, found, flow)?);
        let IpAddr::V6(dst) = flow.dst else { return Ok(Vec::new()) };
        let out = ways.into_iter().map(|(hop, share)| {
            let mut way = Routed { share, ..self.way(found, hop) };
            if way.outcome == RouteOutcome::Local && !needs_strict(dst) || dst.is_loopback() {
                // `ip6_rt_get_dev_rcu`: what is local goes by the loopback, or the VRF.
                let vrf = hop.dev().and_then(|dev| rule::l3_master(self.node, dev));
                way.dev = Some(vrf.unwrap_or("lo").into());
            } else if way.outcome == RouteOutcome::Local {
                way.dev = Some("lo".into());
            }
            if dst.is_multicast() && way.outcome == RouteOutcome::Forward {
                way.outcome = RouteOutcome::Multicast;
            }
            self.decided(way, hit)
        });
        Ok(out.collect())
    }
}

/// Linux 6.16 or later.
fn prefers_source(node: &Node) -> bool {
    let release = &node.bundle().manifest().node.kernel;
    let mut parts = release.split(['.', '-', '+']).map(|p| p.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (6, 16)
}

/// Weights as shares of one.
fn shares<'f, 'n>(ways: &[(&'f Hop<'n>, u32)]) -> Vec<(&'f Hop<'n>, f64)> {
    let total: f64 = ways.iter().map(|(_, weight)| f64::from(*weight)).sum();
    ways.iter().map(|&(hop, weight)| (hop, f64::from(weight) / total.max(1.0))).collect()
}
