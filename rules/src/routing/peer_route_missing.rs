//! `routing/peer-route-missing`: the overlay knows a node, and no route leads to its pods.

use netmodel::parse::ip_addr::LinkKind;
use netmodel::parse::ip_route::RouteKind;
use netmodel::state::policy::Selector;
use netmodel::{Evidence, Family, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "routing/peer-route-missing",
    title: "A node is known to the overlay, but its pods have no route",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
A VXLAN device of a CNI has a permanent neighbour entry for each other node's end, with an address out of that node's pod CIDR (flannel: its
first address). The fault is there when a packet to such an address would not leave by the device.

## Why it matters
flannel writes neighbour entry, FDB entry and route together. With the route gone, packets for that node's pods follow the default route out
of the cluster and are lost, while everything else about the overlay looks right.

## Evidence
The neighbour entry, and the route that takes the packet instead.

## Remedy
Restart the CNI's pod on this node, which writes the route again; or add it by hand.

## When it can be wrong
A node that just left the cluster, whose route was removed a moment before its neighbour entry: hence `likely`. What the pod CIDR of a node is
whose entries are all gone cannot be told from this node's bundle alone.
",
    check,
};

fn check(node: &Node) -> Check {
    let network = node.pod_network()?;
    let overlay = match &network.overlay {
        Ok(shown) => &shown.value,
        Err(_) if role::no_pod_network(network) => return Ok(role::not_a_pod_node()),
        Err(missing) => return Err(missing.clone()),
    };
    let Some(device) = overlay.dev() else {
        return Ok(Outcome::NotApplicable("there is no overlay device".to_owned()));
    };
    let device = role::link(node.links()?, device)?;
    if !matches!(device.kind, LinkKind::Vxlan(_)) {
        return Ok(Outcome::NotApplicable(format!("{} is no VXLAN device", device.name)));
    }
    let cluster = network.cluster_cidr.iter().flat_map(|c| &c.value).copied().collect::<Vec<_>>();
    let neighbours = node.neighbours()?;
    let mut findings = Vec::new();
    for entry in neighbours.iter().filter(|n| *n.dev == *device.name && n.is("PERMANENT")) {
        // Another overlay's ends may have addresses that pods have nothing to do with.
        if !cluster.iter().any(|c| c.contains(&entry.dst)) {
            continue;
        }
        // A route that is there and loses to another is the business of addressing/pod-cidr-overlap and routing/pod-traffic-diverted.
        let routes = node.routes(Family::of(entry.dst))?;
        if routes
            .iter()
            .any(|r| r.dev.as_deref() == Some(&*device.name) && r.kind == RouteKind::Unicast && r.dst.contains(&entry.dst))
        {
            continue;
        }
        routes.complete()?;
        let decision = node.route_lookup(entry.dst, &Selector::default())?;
        let instead: Vec<Evidence> = decision.route.iter().map(netmodel::Fact::evidence).collect();
        let to = decision.dev().map_or_else(|| "nowhere".to_owned(), |dev| format!("to {dev}"));
        findings.push(
            Finding::new(
                Severity::Error,
                Confidence::Likely,
                format!("pods of the node with {} on {} have no route: their packets go {to}", entry.dst, device.name),
                "The overlay has the entries for that node, but the route that would lead to them is gone. Pods of that node are out of reach \
                 from this one.",
            )
            .because(neighbours.source.evidence(entry.at))
            .because_all(instead)
            .affects(format!("pods of the node whose overlay address is {}", entry.dst))
            .remedy(Remedy::advice(When::Now, "restart the CNI's pod on this node: it writes the route again"))
            .remedy(Remedy::advice(
                When::Persistent,
                "keep systemd-networkd and NetworkManager off routes that they did not make (ManageForeignRoutes=no, unmanaged-devices)",
            )),
        );
    }
    Ok(Outcome::from_findings(findings))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    const ROUTE: &str = r#"{"type":"unicast","dst":"10.244.2.0/24","gateway":"10.244.2.0","dev":"flannel.1","table":"main","protocol":"boot","scope":"global","flags":["onlink"]},"#;

    #[test]
    fn fires_when_the_route_is_gone() {
        let findings = found(check(&Sketch::healthy().edit(Capture::IpRoute4, ROUTE, "").node()));
        assert!(findings[0].title.contains("go to eth0"), "{}", findings[0].title);
        assert!(findings[0].evidence[0].text.contains("10.244.2.0"));
    }

    #[test]
    fn keeps_quiet_with_the_route_and_for_ends_outside_the_pods_networks() {
        clear(check(&Sketch::healthy().node()));
        let other = Sketch::healthy().edit(Capture::IpRoute4, ROUTE, "").edit(
            Capture::IpNeigh,
            r#""dst":"10.244.2.0""#,
            r#""dst":"172.30.0.9""#,
        );
        clear(check(&other.node()));
    }

    #[test]
    fn does_not_apply_without_vxlan() {
        not_applicable(check(&Sketch::host_gw().node()));
    }

    #[test]
    fn says_unknown_without_neighbours() {
        unknown(check(&Sketch::healthy().without(Capture::IpNeigh, AbsentWhy::TimedOut).node()), "node/ip-neigh.json");
    }
}
