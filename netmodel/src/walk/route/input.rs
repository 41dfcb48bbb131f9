//! Where a packet goes that came in: `ip_route_input_slow` (net/ipv4/route.c), `ip6_route_input` (net/ipv6/route.c).
//!
//! Only the route: what the source says is [`super::source_check`], whether the node forwards at all [`super::forwarding`].

use std::net::{IpAddr, Ipv4Addr};

use super::fib::{Fib, Flow};
use super::{RouteKey, RouteOutcome, Routed, conf, settle, source_check, table4};
use crate::family::Family;
use crate::source::Missing;
use crate::state::Node;

/// Where a packet goes that came in by `key.iif`. Source and destination must be known.
///
/// # Errors
/// [`Missing`] when rules or routes are absent, or one that decides is not understood.
pub fn input<'n>(node: &'n Node, key: &RouteKey<'_>) -> Result<Vec<Routed<'n>>, Missing> {
    let Some(iif) = key.iif else {
        return Err(Missing::new(&node.links()?.source().key, "the route", "the device that the packet came in by is not known"));
    };
    match key.dst {
        IpAddr::V4(dst) => input4(node, key, iif, dst),
        IpAddr::V6(dst) => {
            let fib = Fib::of(node, Family::V6)?;
            let flow = Flow { strict: super::output::needs_strict(dst), ..came_in(key, iif) };
            let branches = fib.lookup(&flow)?.iter().map(|hit| fib.ways_out6(hit, &flow)).collect::<Result<_, _>>()?;
            Ok(settle(branches))
        }
    }
}

/// The look-up of a packet that came in.
pub(super) fn came_in<'a>(key: &RouteKey<'a>, iif: &'a str) -> Flow<'a> {
    Flow {
        dst: key.dst,
        src: key.src,
        iif,
        oif: None,
        l3mdev: None,
        mark: key.mark,
        protocol: key.protocol,
        sport: key.sport,
        dport: key.dport,
        tos: key.tos,
        made_here: false,
        prefers: Some(iif),
        strict: false,
        ignore_linkstate: false,
    }
}

fn input4<'n>(node: &'n Node, key: &RouteKey<'_>, iif: &str, dst: Ipv4Addr) -> Result<Vec<Routed<'n>>, Missing> {
    let broadcast = || Routed::because(RouteOutcome::Broadcast, "the destination is the broadcast address");
    if let Some(IpAddr::V4(src)) = key.src
        && source_check::martian4(node, iif, src, dst)?.is_some()
    {
        return Ok(vec![Routed::because(RouteOutcome::Blackhole, "the source is martian")]);
    }
    let unspecified = matches!(key.src, Some(IpAddr::V4(src)) if src.is_unspecified());
    if dst.is_broadcast() || unspecified && dst.is_unspecified() {
        return Ok(vec![broadcast()]);
    }
    if dst.is_multicast() {
        // `ip_mc_validate_source`: delivered where a socket has joined; who has is not known.
        return Ok(vec![Routed::because(RouteOutcome::Multicast, "the destination is a multicast group")]);
    }
    if table4::is_zeronet(dst) {
        return Ok(vec![Routed::because(RouteOutcome::Blackhole, "the destination is martian")]);
    }
    if table4::is_loopback(dst) && iif != "lo" && !conf::either(node, iif, "route_localnet")?.on() {
        return Ok(vec![Routed::because(RouteOutcome::Blackhole, "the destination is a loopback address (martian)")]);
    }
    let fib = Fib::of(node, Family::V4)?;
    let flow = came_in(key, iif);
    let branches = fib.lookup4(&flow)?.into_iter().map(|hit| {
        let Some(found) = hit.found.as_ref().filter(|f| f.outcome.goes_on()) else { return Ok(vec![fib.refused(&hit)]) };
        let ways: Vec<_> = match found.outcome {
            RouteOutcome::Local => {
                let dev = found.hop().and_then(|h| h.dev.cloned());
                vec![Routed { dev, prefsrc: Some(key.dst), ..Routed::end(RouteOutcome::Local) }]
            }
            RouteOutcome::Broadcast if !conf::both(node, iif, "bc_forwarding").is_ok_and(|s| s.on()) => vec![broadcast()],
            // Only unicast is forwarded: another type of route makes the destination martian.
            RouteOutcome::Multicast => {
                vec![Routed::because(RouteOutcome::Blackhole, "the route is of a type that is not forwarded")]
            }
            _ => {
                let mut ways = Vec::new();
                for (hop, share) in fib.ways4(found, &flow)? {
                    let prefsrc = fib.prefsrc4(found, hop)?;
                    ways.push(Routed { share, prefsrc, ..fib.way(found, hop) });
                }
                ways
            }
        };
        Ok(ways.into_iter().map(|way| fib.decided(way, &hit)).collect())
    });
    Ok(settle(branches.collect::<Result<_, _>>()?))
}
