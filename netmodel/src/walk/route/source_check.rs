//! Whether a packet that came in may have its source: martian addresses and the reverse path (`ip_route_input_slow`,
//! `fib_validate_source` in net/ipv4/), and what IPv6 asks instead (`ip6_rcv_core`, `ip6_forward`).
//!
//! In IPv4 all of it comes behind PREROUTING, in IPv6 what concerns a source that no host can have comes before it.

use std::net::{IpAddr, Ipv4Addr};

use super::conf::{self, Setting};
use super::fib::{Fib, Flow, Found, Hit};
use super::hops::Hop;
use super::{Refusal, RouteKey, RouteOutcome, address, rule, table4};
use crate::family::Family;
use crate::parse::ip_route::{RouteKind, Table};
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::walk::trace::Disposition;

/// Why a packet with this source is dropped that came in by `key.iif` and would go out by `key.oif` (`None`: would be delivered here);
/// `None` where it is taken.
///
/// # Errors
/// [`Missing`] when a sysctl, rule, route or address that decides is not known.
pub fn source_check(node: &Node, key: &RouteKey<'_>) -> Result<Option<Refusal>, Missing> {
    let (Some(iif), Some(src)) = (key.iif, key.src) else {
        return Err(Missing::new(&node.links()?.source().key, "the check of the source", "source or device are not known"));
    };
    match (src, key.dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => check4(node, key, iif, src, dst),
        (IpAddr::V6(src), IpAddr::V6(dst)) => Ok(check6(key, iif, src, dst)),
        _ => Ok(Some(martian("source and destination are of different families".to_owned(), Vec::new()))),
    }
}

fn martian(reason: String, evidence: Vec<Evidence>) -> Refusal {
    Refusal { disposition: Disposition::Dropped, reason, evidence, answer: None }
}

fn check4(node: &Node, key: &RouteKey<'_>, iif: &str, src: Ipv4Addr, dst: Ipv4Addr) -> Result<Option<Refusal>, Missing> {
    if let Some(refusal) = martian4(node, iif, src, dst)? {
        return Ok(Some(refusal));
    }
    // What comes by the loopback was made here and keeps its route; what has no source may only ask everyone.
    if iif == "lo" || table4::is_zeronet(src) {
        return Ok(None);
    }
    validate(node, key, iif, src, dst)
}

/// Sources that `ip_route_input_slow` refuses before it looks for a route.
pub(super) fn martian4(node: &Node, iif: &str, src: Ipv4Addr, dst: Ipv4Addr) -> Result<Option<Refusal>, Missing> {
    let refuse = |reason: String, evidence: Vec<Evidence>| Ok(Some(martian(reason, evidence)));
    if src.is_multicast() || src.is_broadcast() {
        return refuse(format!("the source {src} is no host's address (martian source)"), Vec::new());
    }
    if table4::is_zeronet(src) {
        return if dst.is_broadcast() || dst.is_unspecified() || dst.is_multicast() {
            Ok(None)
        } else {
            refuse(format!("the source {src} is no host's address (martian source)"), Vec::new())
        };
    }
    if table4::is_loopback(src) && !table4::is_loopback(dst) && iif != "lo" {
        let localnet = conf::either(node, iif, "route_localnet")?;
        if !localnet.on() {
            let reason = format!("the source {src} is a loopback address, which does not come in by {iif} (martian source)");
            return refuse(reason, localnet.evidence().collect());
        }
    }
    Ok(None)
}

/// `fib_validate_source`.
fn validate(node: &Node, key: &RouteKey<'_>, iif: &str, src: Ipv4Addr, dst: Ipv4Addr) -> Result<Option<Refusal>, Missing> {
    let filter = conf::max(node, iif, "rp_filter")?;
    if !filter.on() && (key.oif != Some(iif) || !conf::either(node, iif, "send_redirects")?.on()) {
        if conf::either(node, iif, "accept_local")?.on() {
            return Ok(None);
        }
        if !custom(node)? {
            // `inet_lookup_ifaddr_rcu`: an own address of any device.
            return match node.links()?.by_address(src.into()) {
                None => node.links()?.complete().map(|()| None),
                Some((link, own)) => {
                    let evidence = vec![node.links()?.address_evidence(link, own)];
                    Ok(Some(own_source(src, iif, evidence)))
                }
            };
        }
    }
    let fib = Fib::of(node, Family::V4)?;
    let mark = if key.mark == Some(0) {
        Some(0)
    } else if conf::either(node, iif, "src_valid_mark")?.on() {
        key.mark
    } else {
        Some(0)
    };
    let broadcast = dst.is_broadcast() || broadcast_here(&fib, dst);
    let flow = Flow {
        dst: src.into(),
        src: Some(if broadcast { Ipv4Addr::UNSPECIFIED.into() } else { dst.into() }),
        // The packet's answer comes in where the packet goes out.
        iif: key.oif.unwrap_or("lo"),
        oif: None,
        l3mdev: rule::l3_master(node, iif),
        mark,
        protocol: key.protocol,
        sport: key.dport,
        dport: key.sport,
        tos: key.tos,
        made_here: false,
        prefers: None,
        strict: false,
        ignore_linkstate: false,
    };
    let mut verdicts = Vec::new();
    for hit in fib.lookup4(&flow)? {
        verdicts.push(full(&fib, &hit, iif, src, &filter)?);
    }
    let same = verdicts.windows(2).all(|two| two[0].is_some() == two[1].is_some());
    if same {
        return Ok(verdicts.pop().flatten());
    }
    Err(Missing::new(&fib.key(), "the check of the source", "a policy rule on the way back asks for what is not known"))
}

/// `__fib_validate_source` behind its first look-up.
fn full(fib: &Fib<'_>, hit: &Hit<'_>, iif: &str, src: Ipv4Addr, filter: &Setting<'_>) -> Result<Option<Refusal>, Missing> {
    let node = fib.node;
    let back = || hit.found.iter().map(|f| fib.routes.evidence(f.route)).chain(hit.rule.and_then(|r| fib.evidence(r)));
    let filtered = |why: String| {
        let kind = if filter.value == 1 { "strict" } else { "loose" };
        let evidence = filter.evidence().chain(back()).collect();
        Ok(Some(martian(format!("the reverse path filter ({kind}) drops it: {why}"), evidence)))
    };
    let found: &Found<'_> = match &hit.found {
        Some(found) if found.outcome.goes_on() => found,
        _ if filter.on() => return filtered(format!("there is no route back to {src}")),
        _ => return Ok(None),
    };
    match found.outcome {
        RouteOutcome::Forward => {}
        RouteOutcome::Local if conf::either(node, iif, "accept_local")?.on() => {}
        RouteOutcome::Local => return Ok(Some(own_source(src, iif, back().collect()))),
        _ => {
            return Ok(Some(martian(
                format!("the source {src} is a broadcast or multicast address (martian source)"),
                back().collect(),
            )));
        }
    }
    // `fib_info_nh_uses_dev`: any of its ways; a device whose VRF the route's device is counts as well.
    let vrf = rule::l3_master(node, iif);
    let uses = |hop: &Hop<'_>| hop.dev().is_some_and(|dev| dev == iif || Some(dev) == vrf);
    if found.hops.iter().any(uses) {
        return Ok(None);
    }
    let link = node.link(iif)?;
    let no_address = link.is_some_and(|l| address::own(l, Family::V4).next().is_none());
    let other = found.hop().and_then(Hop::dev).unwrap_or("another device").to_owned();
    if no_address && filter.on() || filter.value == 1 {
        return filtered(format!("the way back to {src} is by {other}, not by {iif}"));
    }
    // Loose: any route at all will do.
    Ok(None)
}

fn own_source(src: Ipv4Addr, iif: &str, evidence: Vec<Evidence>) -> Refusal {
    martian(
        format!("the source {src} is an address of this namespace itself, yet the packet came in by {iif} (martian source)"),
        evidence,
    )
}

/// The destination is a broadcast address of a device: delivered here, and the reverse path is asked without it (`brd_input`).
fn broadcast_here(fib: &Fib<'_>, dst: Ipv4Addr) -> bool {
    let routes = fib.routes.lookup(&Table::LOCAL, dst.into());
    routes.first().is_some_and(|r| r.kind == RouteKind::Broadcast)
}

/// `fib4_has_custom_rules`, `fib_has_custom_local_routes`: others than the kernel's own. Both stay set when they are removed, which is
/// not told.
fn custom(node: &Node) -> Result<bool, Missing> {
    let fib = Fib::of(node, Family::V4)?;
    let local = |r: &crate::parse::ip_route::Route| r.kind == RouteKind::Local && r.protocol.as_deref() != Some("kernel");
    Ok(!fib.is_plain() || fib.routes.iter().any(local))
}

/// IPv6 has no reverse path filter of its own (iptables' rpfilter and nft's fib do it).
fn check6(key: &RouteKey<'_>, iif: &str, src: std::net::Ipv6Addr, dst: std::net::Ipv6Addr) -> Option<Refusal> {
    let drop = |reason: String| Some(martian(reason, Vec::new()));
    if src.is_multicast() || src.to_ipv4_mapped().is_some() {
        return drop(format!("the source {src} is no host's address"));
    }
    if iif != "lo" && (src.is_loopback() || dst.is_loopback()) {
        return drop(format!("a loopback address does not come in by {iif}"));
    }
    key.oif?;
    // `ip6_forward`.
    if src.is_unspecified() {
        return drop("a packet without a source is not forwarded".to_owned());
    }
    src.is_unicast_link_local().then(|| Refusal {
        disposition: Disposition::Rejected,
        reason: format!("the source {src} is of the link's scope and is not forwarded"),
        evidence: Vec::new(),
        // Destination unreachable, beyond scope of source address (ICMPV6_NOT_NEIGHBOUR).
        answer: Some(super::IcmpAnswer { kind: 1, code: 2 }),
    })
}
