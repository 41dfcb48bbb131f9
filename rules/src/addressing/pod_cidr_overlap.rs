//! `addressing/pod-cidr-overlap`: a route of the host takes addresses of pods away.

use std::net::IpAddr;

use ipnet::IpNet;
use netmodel::parse::ip_addr::LinkKind;
use netmodel::parse::ip_route::{Route, RouteKind};
use netmodel::state::links::Links;
use netmodel::state::pod_network::PodNetwork;
use netmodel::state::policy::{RouteDecision, RouteOutcome, Selector};
use netmodel::state::routes::Routes;
use netmodel::{Family, Missing, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Rule, conclude};

pub(crate) const RULE: Rule = Rule {
    id: "addressing/pod-cidr-overlap",
    title: "A host route takes pod addresses away",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
Every unicast route that overlaps this node's pod CIDR or the pod CIDR of a node that this one has a route to, and that leads elsewhere.
For addresses of the overlap it asks who really gets the packet: policy rules in order, then the longest prefix, then the metric, as the
kernel does. Only when pods lose is it a fault: a host /8 that contains a pod /16 with a route of its own takes nothing (talos PR#7659).

## Why it matters
A more specific route wins over the CNI's: packets for those pods leave by the wrong device and are lost, or reach a machine that happens
to have that address. Typical causes are a VPN, docker0 or libvirt's bridge, a second interface, and a pod CIDR that was chosen from the
site's own range (kubeadm#3312, flannel#611).

## Evidence
The route that wins, and the one that should.

## Remedy
Renumber one of both. To reach the pods at once, remove the host's route – which cuts the host off from that network.

## When it can be wrong
Addresses of pods that do not exist cannot be told from those that do: if nobody uses the overlapping part, nothing is lost yet.
",
    check,
};

/// A CIDR of pods and the devices that packets for them rightly leave by.
struct Expected<'n> {
    cidr: IpNet,
    whose: String,
    devices: Vec<String>,
    route: Option<&'n Route>,
}

fn check(node: &Node) -> Check {
    let network = node.pod_network()?;
    let own = match &network.pod_cidr {
        Ok(shown) => &shown.value,
        Err(_) if role::no_pod_network(network) => return Ok(role::not_a_pod_node()),
        Err(missing) => return Err(missing.clone()),
    };
    let links = node.links()?;
    let mut findings = Vec::new();
    for family in [Family::V4, Family::V6] {
        let is_v4 = family == Family::V4;
        if !own.iter().any(|cidr| cidr.addr().is_ipv4() == is_v4) {
            continue;
        }
        let routes = node.routes(family)?;
        routes.complete()?;
        for expected in expectations(network, own, routes, is_v4) {
            for route in routes.iter().filter(|route| clashes(route, &expected, links)) {
                if let Some(finding) = judge(node, network, route, &expected)? {
                    findings.push(finding);
                }
            }
        }
    }
    conclude(findings, network.peers.as_ref().err().cloned())
}

/// This node's own CIDRs, and those of its peers.
fn expectations<'n>(network: &PodNetwork, own: &[IpNet], routes: &'n Routes, is_v4: bool) -> Vec<Expected<'n>> {
    let exact = |cidr: &IpNet| routes.iter().find(|r| r.kind == RouteKind::Unicast && r.dst.trunc() == cidr.trunc());
    let bridge = network.bridge.as_ref().ok().and_then(|b| b.value.clone());
    let mut all = Vec::new();
    for cidr in own.iter().filter(|c| c.addr().is_ipv4() == is_v4) {
        let devices = bridge.iter().cloned().collect();
        let route = exact(cidr).filter(|r| r.dev.as_deref() == bridge.as_deref());
        all.push(Expected { cidr: cidr.trunc(), whose: "this node's pods".to_owned(), devices, route });
    }
    for peer in network.peers.iter().flat_map(|p| &p.value).filter(|p| p.pod_cidr.addr().is_ipv4() == is_v4) {
        let route = routes
            .iter()
            .find(|r| r.kind == RouteKind::Unicast && r.dst.trunc() == peer.pod_cidr.trunc() && r.gateway == peer.gateway);
        let devices = route.and_then(|r| r.dev.as_deref()).map(str::to_owned).into_iter().collect();
        let whose = peer.node.map_or_else(|| "pods of another node".to_owned(), |node| format!("pods of node {node}"));
        all.push(Expected { cidr: peer.pod_cidr.trunc(), whose, devices, route });
    }
    all
}

/// Whether a route overlaps and leads elsewhere.
fn clashes(route: &Route, expected: &Expected<'_>, links: &Links) -> bool {
    let overlaps = expected.cidr.contains(&route.dst) || route.dst.contains(&expected.cidr);
    let Some(dev) = route.dev.as_deref() else { return false };
    let elsewhere = !expected.devices.iter().any(|d| d == dev);
    // CNIs without a bridge (Calico, ptp, ENI) route each pod to a device of its own.
    let one_pod = route.dst.prefix_len() == route.dst.max_prefix_len()
        && links.by_name(dev).is_some_and(|link| matches!(link.kind, LinkKind::Veth | LinkKind::Other(_)));
    overlaps && elsewhere && !one_pod && route.kind == RouteKind::Unicast && route.dst.prefix_len() > 0
}

/// Who gets the packets of the overlap; a finding if it is not the pods.
fn judge(node: &Node, network: &PodNetwork, route: &Route, expected: &Expected<'_>) -> Result<Option<Finding>, Missing> {
    let dev = route.dev.as_deref().unwrap_or_default();
    let overlap = if expected.cidr.contains(&route.dst) { route.dst.trunc() } else { expected.cidr };
    // The packet of a pod, and of the node itself where no pod is known.
    let iif = network.bridge.as_ref().ok().and_then(|b| b.value.as_deref());
    let Some((address, decision)) = winner(node, overlap, &Selector { iif, ..Selector::default() })? else { return Ok(None) };
    let stolen = match decision.outcome {
        RouteOutcome::Forward => decision.route.as_ref().is_some_and(|winner| winner.value.at == route.at),
        _ => false,
    };
    if !stolen {
        return Ok(None);
    }
    let rightly = expected.devices.first().map_or_else(String::new, |d| format!(" instead of {d}"));
    let mut finding = Finding::new(
        Severity::Error,
        Confidence::Certain,
        format!("{overlap} of {} ({}) is routed to {dev}{rightly}", expected.cidr, expected.whose),
        format!(
            "A packet to {address} leaves by {dev}: the route to {} wins over the pods'. Every pod with an address in {overlap} is out of \
             reach from this node, and Services fail whenever they choose one.",
            route.dst
        ),
    )
    .because_all(decision.evidence().into_iter().rev())
    .affects(format!("{} within {overlap}", expected.whose));
    if let Some(right) = expected.route {
        let family = if right.dst.addr().is_ipv4() { Family::V4 } else { Family::V6 };
        finding = finding.because(node.routes(family)?.evidence(right));
    }
    Ok(Some(
        finding
            .remedy(Remedy::now(format!(
                "ip route del {} dev {dev}    # cuts this node off from what is behind {dev}",
                route.dst
            )))
            .remedy(Remedy::advice(
                When::Persistent,
                format!("renumber the network behind {dev}, or choose pod CIDRs that no network of the site uses"),
            )),
    ))
}

/// The first address of a prefix that is not this node's own, and where it goes.
fn winner<'n>(node: &'n Node, prefix: IpNet, selector: &Selector<'_>) -> Result<Option<(IpAddr, RouteDecision<'n>)>, Missing> {
    // The first hosts may be the node's own addresses on that network; no interface has more than a few.
    for address in prefix.hosts().take(16) {
        let decision = node.route_lookup(address, selector)?;
        if !matches!(decision.outcome, RouteOutcome::Local | RouteOutcome::Broadcast | RouteOutcome::Multicast) {
            return Ok(Some((address, decision)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    const OTHERS: &str = r#"{"type":"unicast","dst":"10.244.2.0/24""#;

    fn with_route(dst: &str) -> Sketch {
        let route = format!(
            r#"{{"type":"unicast","dst":"{dst}","dev":"eth9","table":"main","protocol":"kernel","scope":"link","flags":[]}},{OTHERS}"#
        );
        Sketch::healthy().edit(Capture::IpRoute4, OTHERS, &route)
    }

    #[test]
    fn fires_for_a_more_specific_route_to_elsewhere() {
        let findings = found(check(&with_route("10.244.2.0/25").node()));
        assert_eq!(findings.len(), 1);
        assert!(findings[0].evidence[0].text.contains("10.244.2.0/25"), "{:?}", findings[0].evidence);
        assert!(findings[0].title.contains("eth9 instead of flannel.1"), "{}", findings[0].title);
    }

    #[test]
    fn fires_within_this_nodes_own_pods() {
        assert!(found(check(&with_route("10.244.1.128/25").node()))[0].title.contains("this node's pods"));
    }

    #[test]
    fn keeps_quiet_for_a_wide_route_and_for_one_beside() {
        clear(check(&with_route("10.0.0.0/8").node()));
        clear(check(&with_route("10.245.0.0/16").node()));
        clear(check(&Sketch::healthy().node()));
    }

    #[test]
    fn says_unknown_without_routes() {
        assert!(check(&Sketch::healthy().without(Capture::IpRoute4, AbsentWhy::TimedOut).node()).is_err());
    }

    #[test]
    fn does_not_apply_without_a_pod_network() {
        not_applicable(check(&Sketch::without_pods().node()));
        unknown(
            check(
                &Sketch::healthy()
                    .without(Capture::IpRule4, AbsentWhy::TimedOut)
                    .edit(
                        Capture::IpRoute4,
                        OTHERS,
                        &format!(r#"{{"type":"unicast","dst":"10.244.2.0/25","dev":"eth9","table":"main","flags":[]}},{OTHERS}"#),
                    )
                    .node(),
            ),
            "node/ip-rule4.json",
        );
    }
}
