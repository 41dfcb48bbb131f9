//! The longest prefix of an IPv4 table: `fib_table_lookup` (net/ipv4/fib_trie.c).

use std::net::{IpAddr, Ipv4Addr};

use super::fib::{Fib, Flow, Found};
use super::{RouteOutcome, dsfield, hops};
use crate::family::Family;
use crate::parse::ip_route::{Route, RouteKind, Table};
use crate::source::Missing;

/// What a table holds for a packet; `None` where it holds nothing, or a `throw`.
pub(super) fn lookup<'n>(fib: &Fib<'n>, table: &Table, flow: &Flow<'_>) -> Result<Option<Found<'n>>, Missing> {
    // Prefixes of one address and several lengths share a leaf of the trie.
    let mut missed: Option<IpAddr> = None;
    for route in fib.routes.lookup(table, flow.dst) {
        if missed == Some(route.dst.network()) || !tos_matches(fib, route, flow)? || route.has_flag("dead") {
            continue;
        }
        let Some(outcome) = outcome(fib, route)? else { return Ok(None) };
        if !outcome.goes_on() {
            return Ok(Some(Found { route, outcome, hops: Vec::new(), selected: 0 }));
        }
        let hops = hops::of_route(fib.node, route)?;
        for (selected, hop) in hops.iter().enumerate() {
            if flow.oif.is_none_or(|oif| hop.dev() == Some(oif)) && hops::alive(fib.node, Family::V4, hop, flow.ignore_linkstate)?
            {
                return Ok(Some(Found { route, outcome, hops, selected }));
            }
        }
        // A route of a next-hop object that has none to give ends its leaf (`goto miss`).
        if route.nhid.is_some() {
            missed = Some(route.dst.network());
        }
    }
    Ok(None)
}

/// What a route's type makes of a packet (`fib_props` in net/ipv4/fib_semantics.c); `None` for `throw`.
pub(super) fn outcome(fib: &Fib<'_>, route: &Route) -> Result<Option<RouteOutcome>, Missing> {
    Ok(Some(match &route.kind {
        RouteKind::Throw => return Ok(None),
        RouteKind::Unicast => RouteOutcome::Forward,
        RouteKind::Local => RouteOutcome::Local,
        // IPv4 has no anycast of its own: what is of that type is sent as a link broadcast (`fib_props`, `__mkroute_output`).
        RouteKind::Anycast if fib.family == Family::V6 => RouteOutcome::Local,
        RouteKind::Broadcast | RouteKind::Anycast => RouteOutcome::Broadcast,
        RouteKind::Multicast => RouteOutcome::Multicast,
        RouteKind::Blackhole => RouteOutcome::Blackhole,
        RouteKind::Unreachable => RouteOutcome::Unreachable,
        RouteKind::Prohibit => RouteOutcome::Prohibit,
        RouteKind::Other(kind) => {
            let source = fib.routes.source();
            return Err(Missing::new(
                &source.key,
                format!("the route to {}", route.dst),
                format!("its type `{kind}` is not known"),
            ));
        }
    }))
}

/// A route with a type of service holds for packets that have it.
fn tos_matches(fib: &Fib<'_>, route: &Route, flow: &Flow<'_>) -> Result<bool, Missing> {
    let Some(wanted) = &route.tos else { return Ok(true) };
    let unknown = |why: &str| {
        let source = fib.routes.source();
        Missing::new(&source.key, format!("the route to {}", flow.dst), format!("{why}: {}", source.at(route.at)))
    };
    let wanted = dsfield::parse(wanted).ok_or_else(|| unknown("the name of its type of service is not known"))?;
    if wanted == 0 {
        return Ok(true);
    }
    let tos = flow.tos.ok_or_else(|| unknown("the packet's type of service is not known"))?;
    Ok(wanted == dsfield::masked4(tos))
}

/// 127.0.0.0/8.
pub(super) fn is_loopback(addr: Ipv4Addr) -> bool {
    addr.is_loopback()
}

/// `ipv4_is_zeronet`: 0.0.0.0/8 once, 0.0.0.0 alone since Linux 5.3.
pub(super) fn is_zeronet(addr: Ipv4Addr) -> bool {
    addr.is_unspecified()
}

/// `ipv4_is_local_multicast`: 224.0.0.0/24.
pub(super) fn is_local_multicast(addr: Ipv4Addr) -> bool {
    addr.octets()[..3] == [224, 0, 0]
}
