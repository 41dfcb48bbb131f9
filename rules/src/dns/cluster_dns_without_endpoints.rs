//! `dns/cluster-dns-without-endpoints`: the cluster's DNS Service refuses every question on this node.

use std::net::IpAddr;

use netmodel::parse::iptables::{MatchKind, Ruleset, TableKind, Target};
use netmodel::state::Doc;
use netmodel::state::netfilter::Backend;
use netmodel::state::pod_network::ProxyMode;
use netmodel::walk::{Decision, Dev, Hook, Packet, Place, evaluate};
use netmodel::{Family, Missing, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "dns/cluster-dns-without-endpoints",
    title: "The cluster's DNS Service has no endpoints on this node",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
kube-proxy in iptables mode writes a REJECT for a Service without endpoints, with the Service's name in its comment. Where such a rule is
about port 53 of a Service whose name says DNS, a question of a pod to that address is sent through FORWARD: the rule decides it.

## Why it matters
Pods resolve no name, so nearly everything fails, while connections to addresses work.

## Evidence
The rule with its comment and counters.

## Remedy
Look at the DNS pods: not running, not ready, or their selector matches nothing. If they are ready, this node's kube-proxy is stale: restart
it.

## When it can be wrong
A second DNS Service that nobody asks. Services without endpoints that are not DNS are normal and not reported.
",
    check,
};

fn check(node: &Node) -> Check {
    let network = node.pod_network()?;
    let mode = network.proxy_mode.as_ref().map_err(Clone::clone)?.value;
    if mode != ProxyMode::Iptables {
        return Ok(Outcome::NotApplicable(format!("kube-proxy runs in {} mode", role::mode_word(mode))));
    }
    let Some(pods) = role::pods_v4(node)? else { return Ok(role::not_a_pod_node()) };
    let pod = pods.cidrs.first().and_then(|cidr| cidr.hosts().nth(1));
    let mut findings: Vec<Finding> = Vec::new();
    for backend in Backend::ALL {
        let doc = node.iptables(backend, Family::V4)?;
        doc.source.whole()?;
        for (service, name, protocol) in refused_dns(doc) {
            let Some(place) = refused(node, pod, service, protocol)? else { continue };
            // One Service has a rule for each protocol: one cause.
            if let Some(known) = findings.iter_mut().find(|f| f.affects.iter().any(|a| *a == affects(service))) {
                known.evidence.push(place.evidence);
                continue;
            }
            findings.push(
                Finding::new(
                    Severity::Error,
                    Confidence::Certain,
                    format!("cluster DNS {service} ({name}) has no endpoints: every question is refused"),
                    "Pods of this node resolve no name. Connections to addresses work.",
                )
                .because(place.evidence)
                .affects(affects(service))
                .remedy(Remedy::now("kubectl -n kube-system get pods,endpointslices -l k8s-app=kube-dns -o wide"))
                .remedy(Remedy::advice(
                    When::Now,
                    "if the DNS pods are ready, this node's kube-proxy is stale: delete its pod, so that it starts anew",
                )),
            );
        }
    }
    Ok(Outcome::from_findings(findings))
}

fn affects(service: IpAddr) -> String {
    format!("names, for pods that ask {service}")
}

/// Services for DNS that kube-proxy says are without endpoints: address, name, protocol.
fn refused_dns(doc: &Doc<Ruleset>) -> Vec<(IpAddr, String, u8)> {
    let text = &doc.source.text;
    let mut found = Vec::new();
    let Some(filter) = doc.table(TableKind::Filter) else { return found };
    let chains = doc.chains_of(filter).filter(|(_, chain)| chain.name.of(text).starts_with("KUBE-"));
    for (_, rule) in chains.flat_map(|(id, _)| doc.rules_of(id)).filter(|(_, rule)| matches!(rule.target, Target::Reject(_))) {
        let name = doc.comments_of(text, rule).find_map(|c| c.strip_suffix(" has no endpoints"));
        let Some(name) = name.filter(|name| name.contains("dns")) else { continue };
        let (mut address, mut protocol) = (None, None);
        for condition in doc.matches_of(rule).iter().filter(|m| !m.negated) {
            match condition.kind {
                MatchKind::Destination(net) => address = net.prefix().filter(|n| n.prefix_len() == 32).map(|n| n.addr()),
                MatchKind::Protocol(number) => protocol = Some(number),
                _ => {}
            }
        }
        if let (Some(address), Some(protocol)) = (address, protocol) {
            found.push((address, name.to_owned(), protocol));
        }
    }
    found
}

/// The line that refuses a pod's question, if it is kube-proxy's.
fn refused(node: &Node, pod: Option<IpAddr>, service: IpAddr, protocol: u8) -> Result<Option<Place>, Missing> {
    let mut packet = Packet::new(Family::V4).udp(53);
    (packet.src, packet.dst, packet.protocol) = (pod, Some(service), Some(protocol));
    let verdict = evaluate(node, Hook::Forward, &packet.via(Dev::Unknown, Dev::Unknown))?;
    let rejects = matches!(verdict.decision, Decision::Reject { .. } | Decision::Undecided);
    Ok(verdict.deciding.into_iter().find(|place| rejects && place.evidence.text.contains("has no endpoints")))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    fn with_service(name: &str, port: u16) -> Sketch {
        let chains = ":KUBE-SERVICES - [0:0]\nCOMMIT\n*nat";
        let rules = format!(
            "[1:1] -A FORWARD -j KUBE-SERVICES\n[3:180] -A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m comment --comment \"{name} has no \
             endpoints\" -m udp --dport {port} -j REJECT --reject-with icmp-port-unreachable\nCOMMIT"
        );
        Sketch::healthy().edit(Capture::IptablesNftSave, chains, &chains.replace("COMMIT", &rules))
    }

    #[test]
    fn fires_for_the_dns_service() {
        let findings = found(check(&with_service("kube-system/kube-dns:dns", 53).node()));
        assert!(findings[0].title.starts_with("cluster DNS 10.96.0.10 (kube-system/kube-dns:dns)"), "{}", findings[0].title);
        assert_eq!(findings[0].evidence[0].line, 7);
    }

    #[test]
    fn keeps_quiet_for_other_services_and_other_ports() {
        clear(check(&with_service("default/web:http", 53).node()));
        clear(check(&with_service("kube-system/kube-dns:metrics", 9153).node()));
        clear(check(&Sketch::healthy().node()));
    }

    #[test]
    fn does_not_apply_in_ipvs_mode() {
        not_applicable(check(&Sketch::ipvs("").node()));
    }

    #[test]
    fn says_unknown_without_rules() {
        let node = with_service("kube-system/kube-dns:dns", 53).without(Capture::IptablesLegacySave, AbsentWhy::TimedOut).node();
        unknown(check(&node), "node/iptables-legacy-save.txt");
    }
}
