//! `routing/pod-traffic-diverted`: a policy rule sends pods' packets past the CNI's routes.

use std::net::IpAddr;

use ipnet::IpNet;
use netmodel::parse::ip_route::RouteKind;
use netmodel::state::policy::{RouteOutcome, Selector};
use netmodel::{Family, Missing, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Rule, conclude};

pub(crate) const RULE: Rule = Rule {
    id: "routing/pod-traffic-diverted",
    title: "A policy rule takes pod traffic away from the CNI's routes",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
A packet for this node's pods, and for the pods of each other node that the main table has a route to, is looked up as the kernel does it:
policy rules in order, each with its table. The fault is there when another table answers first, with a default route or with an end
(blackhole, unreachable, prohibit), although the main table has the CNI's own route.

## Why it matters
VPN tools add a rule before `main` that sends everything into their tunnel (wg-quick: `not fwmark 0xca6c lookup 51820`). They are harmless
together with their second rule, `lookup main suppress_prefixlength 0`, which lets every route but the default win; without it all pod
traffic goes into the tunnel.

## Evidence
The rule, the route of its table, and the CNI's route that is passed over.

## Remedy
A rule for the pods' network before it, or the VPN's missing rule.

## When it can be wrong
Rules that depend on marks that only a firewall sets are looked up with mark 0.
",
    check,
};

fn check(node: &Node) -> Check {
    let network = node.pod_network()?;
    let own = match &network.pod_cidr {
        Ok(own) => &own.value,
        Err(_) if role::no_pod_network(network) => return Ok(role::not_a_pod_node()),
        Err(missing) => return Err(missing.clone()),
    };
    let peers = network.peers.iter().flat_map(|p| &p.value).map(|p| p.pod_cidr);
    let mut findings: Vec<(netmodel::At, Finding)> = Vec::new();
    for cidr in own.iter().copied().chain(peers) {
        if let Some((by, finding)) = diverted(node, cidr)? {
            // One rule diverts many prefixes: one cause.
            match findings.iter_mut().find(|(at, _)| *at == by) {
                Some((_, known)) => known.affects.push(format!("pods of {cidr}")),
                None => findings.push((by, finding.affects(format!("pods of {cidr}")))),
            }
        }
    }
    conclude(findings.into_iter().map(|(_, finding)| finding).collect(), network.peers.as_ref().err().cloned())
}

/// Whether packets for a prefix are diverted; and by which rule.
fn diverted(node: &Node, cidr: IpNet) -> Result<Option<(netmodel::At, Finding)>, Missing> {
    let family = Family::of(cidr.addr());
    let routes = node.routes(family)?;
    let Some(cni) = routes.iter().find(|r| r.kind == RouteKind::Unicast && r.dst.trunc() == cidr.trunc()) else {
        return Ok(None);
    };
    let local = |address: &IpAddr| node.links().is_ok_and(|links| links.by_address(*address).is_some());
    let Some(address) = cidr.hosts().take(16).find(|a| !local(a)) else { return Ok(None) };
    let decision = node.route_lookup(address, &Selector::default())?;
    let Some(rule) = &decision.rule else { return Ok(None) };
    let ends = matches!(decision.outcome, RouteOutcome::Blackhole | RouteOutcome::Unreachable | RouteOutcome::Prohibit);
    let stolen = match &decision.route {
        // A more specific route in the same table is addressing/pod-cidr-overlap.
        Some(route) => route.value.table != cni.table && route.value.dst.prefix_len() == 0,
        None => ends,
    };
    if !stolen {
        return Ok(None);
    }
    let priority = rule.value.priority;
    let to = decision.dev().map_or_else(|| format!("its end ({:?})", decision.outcome), |dev| format!("to {dev}"));
    let cni_dev = cni.dev.as_deref().unwrap_or("the CNI's device");
    let finding = Finding::new(
        Severity::Error,
        Confidence::Certain,
        format!("policy rule {priority} sends pod traffic {to} instead of {cni_dev}"),
        format!(
            "A packet to {address} is answered by a table that is asked before the one with the CNI's routes. This node does not reach the \
             pods named here."
        ),
    )
    .because_all(decision.evidence())
    .because(routes.evidence(cni))
    .remedy(Remedy::now(format!(
        "ip rule add priority {} lookup main suppress_prefixlength 0    # every route of main but the default wins",
        priority.saturating_sub(1)
    )))
    .remedy(Remedy::advice(When::Persistent, "let the tool that adds the rule (a VPN's up script) add that rule as well"));
    Ok(Some((rule.at, finding)))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    const MAIN: &str = r#"{"priority":32766,"#;

    fn with_vpn(rules: &str) -> Sketch {
        let default = r#"{"type":"unicast","dst":"default","gateway":"192.0.2.1""#;
        let vpn =
            format!(r#"{{"type":"unicast","dst":"default","dev":"wg0","table":"51820","scope":"link","flags":[]}},{default}"#);
        Sketch::healthy().edit(Capture::IpRoute4, default, &vpn).edit(Capture::IpRule4, MAIN, &format!("{rules}{MAIN}"))
    }

    const RULE_VPN: &str = r#"{"not":null,"priority":100,"src":"all","fwmark":"0xca6c","table":"51820"},"#;

    #[test]
    fn fires_for_a_vpn_rule_before_main_once_for_all_prefixes() {
        let findings = found(check(&with_vpn(RULE_VPN).node()));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].affects, ["pods of 10.244.1.0/24", "pods of 10.244.2.0/24"]);
        assert!(findings[0].evidence[0].text.contains("0xca6c"), "{:?}", findings[0].evidence);
    }

    #[test]
    fn keeps_quiet_with_the_vpns_other_rule_and_without_a_vpn() {
        let both = format!(r#"{{"priority":99,"src":"all","table":"main","suppress_prefixlen":0}},{RULE_VPN}"#);
        clear(check(&with_vpn(&both).node()));
        clear(check(&Sketch::healthy().node()));
    }

    #[test]
    fn does_not_apply_without_pods() {
        not_applicable(check(&Sketch::without_pods().node()));
    }

    #[test]
    fn says_unknown_without_the_rules() {
        unknown(check(&Sketch::healthy().without(Capture::IpRule4, AbsentWhy::TimedOut).node()), "node/ip-rule4.json");
    }
}
