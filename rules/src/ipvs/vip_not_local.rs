//! `ipvs/vip-not-local`: ipvs has a virtual service whose address is not one of the node.

use std::collections::BTreeMap;
use std::net::IpAddr;

use netmodel::parse::ip_route::{RouteKind, Table};
use netmodel::parse::ipvs::{VirtualAddr, VirtualService};
use netmodel::{Evidence, Family, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule, conclude};

pub(crate) const RULE: Rule = Rule {
    id: "ipvs/vip-not-local",
    title: "A virtual service's address is not on the node",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
In ipvs mode: each virtual service's address is a local one (table `local`), as kube-proxy makes it by adding the address to kube-ipvs0.

## Why it matters
ipvs looks at packets in LOCAL_IN (net/netfilter/ipvs/ip_vs_core.c): a packet to an address that is not local is forwarded instead, by the
default route out of the cluster, and the Service times out for pods. `ipvsadm -Ln` looks right all the while.

## Evidence
The virtual service's line, and the addresses of kube-ipvs0, which lack it.

## Remedy
Restart kube-proxy, which adds the address; or `ip addr add`.

## When it can be wrong
ipvs services that something else than kube-proxy made, reached by a firewall mark.
",
    check,
};

fn check(node: &Node) -> Check {
    if let Err(why) = role::ipvs_mode(node)? {
        return Ok(Outcome::NotApplicable(why));
    }
    let ipvs = node.ipvs()?;
    let mut by_address: BTreeMap<IpAddr, Vec<&VirtualService>> = BTreeMap::new();
    for service in &ipvs.services {
        if let VirtualAddr::Addr { addr, .. } = service.virt {
            by_address.entry(addr).or_default().push(service);
        }
    }
    let links = node.links()?;
    let mut findings = Vec::new();
    for (address, services) in by_address {
        let routes = node.routes(Family::of(address))?;
        let local = routes.lookup(&Table::LOCAL, address).first().is_some_and(|r| r.kind == RouteKind::Local);
        if local || links.by_address(address).is_some() {
            continue;
        }
        routes.complete()?;
        let lacks =
            Evidence { capture: links.source().key.path(), line: 0, text: format!("no device has the address {address}") };
        findings.push(
            Finding::new(
                Severity::Error,
                Confidence::Certain,
                format!("{address} is an ipvs service, but no address of this node"),
                "Packets of pods to it are forwarded by the routes, out of the cluster, and never reach ipvs: the Service times out for pods \
                 of this node.",
            )
            .because_all(services.iter().map(|s| ipvs.source.evidence(s.at)))
            .because(lacks)
            .affects(format!("pod to Service {address}"))
            .remedy(Remedy::now(format!("ip addr add {address}/{} dev kube-ipvs0", if address.is_ipv4() { 32 } else { 128 })))
            .remedy(Remedy::advice(When::Persistent, "see that kube-proxy runs: it adds the address by itself")),
        );
    }
    conclude(findings, ipvs.complete().err())
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    #[test]
    fn fires_for_an_address_that_no_device_has() {
        let findings = found(check(&Sketch::ipvs("").node()));
        assert_eq!(findings[0].remedy[0], Remedy::now("ip addr add 10.96.0.10/32 dev kube-ipvs0"));
    }

    #[test]
    fn keeps_quiet_when_the_table_local_has_it() {
        let first = r#"[{"type":"unicast","dst":"default""#;
        let local = r#"[{"type":"local","dst":"10.96.0.10","dev":"kube-ipvs0","table":"local","scope":"host","flags":[]},"#;
        clear(check(&Sketch::ipvs("").edit(Capture::IpRoute4, first, &format!("{local}{}", &first[1..])).node()));
    }

    #[test]
    fn does_not_apply_in_iptables_mode() {
        not_applicable(check(&Sketch::healthy().node()));
    }

    #[test]
    fn says_unknown_without_routes() {
        unknown(check(&Sketch::ipvs("").without(Capture::IpRoute4, AbsentWhy::TimedOut).node()), "node/ip-route4.json");
    }
}
