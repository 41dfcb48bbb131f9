//! The route of an IPv6 table: `fib6_table_lookup` with `rt6_select`, `find_rr_leaf` and `rt6_score_route` (net/ipv6/route.c,
//! net/ipv6/ip6_fib.c).
//!
//! Unlike IPv4, a prefix whose routes are of no use does not end in the next metric only: all routes behind the first metric are compared
//! by their score at once, and a route of another device than the one asked for is only worse, not out, unless the look-up is strict.
//! Left out: routes that expire, whose time is not known to be over.

use std::net::IpAddr;

use super::fib::{Fib, Flow, Found};
use super::hops::{self, Hop};
use super::{RouteOutcome, table4};
use crate::family::Family;
use crate::parse::ip_route::{Route, Table};
use crate::source::Missing;

/// What a table holds for a packet; `None` where it holds nothing, or a `throw`.
pub(super) fn lookup<'n>(fib: &Fib<'n>, table: &Table, flow: &Flow<'_>) -> Result<Option<Found<'n>>, Missing> {
    // A host passes over routers that it knows not to answer (`RT6_LOOKUP_F_REACHABLE`), and takes them where there is nothing else.
    let covering = fib.routes.lookup(table, flow.dst);
    if covering.is_empty() {
        return Ok(None);
    }
    let any_failed = any_failed(fib);
    let host = any_failed && fib.node.sysctl_int("net.ipv6.conf.all.forwarding")?.value == 0;
    let nodes = nodes(&covering, flow.src);
    let tries: &[bool] = if host { &[true, false] } else { &[false] };
    for &reachable in tries {
        for node in &nodes {
            if let Some((route, hops, selected)) = select(fib, node, flow, reachable)? {
                let Some(outcome) = table4::outcome(fib, route)? else { return Ok(None) };
                return Ok(Some(Found { route, outcome, hops, selected }));
            }
        }
    }
    Ok(None)
}

/// The nodes of the tree that a look-up visits in order (`fib6_node_lookup`, `fib6_backtrack`): the longest destination, in it the
/// longest source.
fn nodes<'n>(covering: &[&'n Route], src: Option<IpAddr>) -> Vec<Vec<&'n Route>> {
    let mut out: Vec<Vec<&'n Route>> = Vec::new();
    for group in covering.chunk_by(|a, b| a.dst.prefix_len() == b.dst.prefix_len()) {
        let mut lengths: Vec<u8> = group.iter().map(|r| source_len(r)).collect();
        lengths.sort_unstable();
        lengths.dedup();
        for &len in lengths.iter().rev() {
            let of_len = group.iter().copied().filter(|r| source_len(r) == len);
            // Without a source the unspecified address is looked up, which no source prefix covers.
            let holds = |r: &&Route| len == 0 || r.src.is_some_and(|net| src.is_some_and(|src| net.contains(&src)));
            let node: Vec<_> = of_len.filter(holds).collect();
            if !node.is_empty() {
                out.push(node);
            }
        }
    }
    out
}

fn source_len(route: &Route) -> u8 {
    route.src.map_or(0, |net| net.prefix_len())
}

type Selected<'n> = (&'n Route, Vec<Hop<'n>>, usize);

/// `rt6_select`: among the routes of the first metric that with the best score; where none is usable, among all others.
fn select<'n>(fib: &Fib<'n>, node: &[&'n Route], flow: &Flow<'_>, reachable: bool) -> Result<Option<Selected<'n>>, Missing> {
    let Some(first) = node.first() else { return Ok(None) };
    let (same, rest) = node.split_at(node.iter().take_while(|r| r.metric == first.metric).count());
    let mut best = -1;
    for part in [same, rest] {
        let mut chosen = None;
        for &route in part {
            let hops = hops::of_route(fib.node, route)?;
            // Routes that refuse stand on the loopback, and match like others.
            for (i, hop) in hops.iter().enumerate() {
                if !hops::alive(fib.node, Family::V6, hop, flow.ignore_linkstate)? {
                    continue;
                }
                let Some(score) = score(fib, route, hop, flow, reachable) else { continue };
                if score > best {
                    best = score;
                    chosen = Some((route, i));
                    // Of a next-hop object the first that is usable counts (`rt6_nh_find_match`).
                    if route.nhid.is_some() {
                        break;
                    }
                }
            }
        }
        if let Some((route, i)) = chosen {
            return Ok(Some((route, hops::of_route(fib.node, route)?, i)));
        }
    }
    Ok(None)
}

/// `rt6_score_route`; `None` where the route is out.
pub(super) fn score(fib: &Fib<'_>, route: &Route, hop: &Hop<'_>, flow: &Flow<'_>, reachable: bool) -> Option<i32> {
    let dev = hop.dev();
    let device = if flow.prefers.is_none_or(|wanted| dev == Some(wanted)) { 2 } else { 0 };
    if device == 0 && flow.strict {
        return None;
    }
    // RFC 4191; what nothing was said of is medium. IPV6_DECODE_PREF.
    let preference = match route.attribute("pref") {
        Some("low") => 1,
        Some("high") => 3,
        _ => 2,
    };
    if reachable
        && let (Some(gateway), Some(dev)) = (hop.gateway, dev)
        && failed(fib, gateway, dev)
    {
        // `rt6_check_neigh`: RT6_NUD_FAIL_PROBE, which is below every score.
        return None;
    }
    Some(device | preference << 2)
}

/// A neighbour that did not answer.
fn failed(fib: &Fib<'_>, gateway: IpAddr, dev: &str) -> bool {
    let Ok(neighbours) = fib.node.neighbours() else { return false };
    neighbours.iter().any(|n| !n.proxy && n.dst == gateway && &*n.dev == dev && n.is("FAILED"))
}

fn any_failed(fib: &Fib<'_>) -> bool {
    fib.node.neighbours().is_ok_and(|all| all.iter().any(|n| n.is("FAILED") && n.dst.is_ipv6()))
}

/// The siblings among which a hash chooses (`fib6_select_path`), with their weights: those that are usable. A sibling that is out for its
/// device leaves its share to the one that was selected.
pub(super) fn ways<'f, 'n>(fib: &Fib<'n>, found: &'f Found<'n>, flow: &Flow<'_>) -> Result<Vec<(&'f Hop<'n>, u32)>, Missing> {
    let Some(selected) = found.hop() else { return Ok(Vec::new()) };
    if found.hops.len() == 1 || found.outcome != RouteOutcome::Forward {
        return Ok(vec![(selected, 1)]);
    }
    let mut ways: Vec<(&Hop<'n>, u32)> = Vec::new();
    for hop in &found.hops {
        if !hops::alive(fib.node, Family::V6, hop, flow.ignore_linkstate)? {
            continue;
        }
        let usable = found.route.nhid.is_some() || score(fib, found.route, hop, flow, false).is_some();
        let way = if usable { hop } else { selected };
        let same = |a: &Hop<'_>, b: &Hop<'_>| a.gateway == b.gateway && a.dev() == b.dev();
        match ways.iter_mut().find(|(w, _)| same(w, way)) {
            Some((_, weight)) => *weight += hop.weight,
            None => ways.push((way, hop.weight)),
        }
    }
    Ok(ways)
}
