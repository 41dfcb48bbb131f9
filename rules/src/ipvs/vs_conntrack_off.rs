//! `ipvs/vs-conntrack-off`: ipvs hides its connections from connection tracking, so they are never masqueraded.

use netmodel::Node;

use crate::finding::{Confidence, Finding, Severity};
use crate::remedy;
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "ipvs/vs-conntrack-off",
    title: "ipvs connections are not tracked",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
`net.ipv4.vs.conntrack` is 0 on a node whose kube-proxy runs in ipvs mode.

## Why it matters
ipvs then takes its connections out of connection tracking (`ip_vs_notrack()`, net/netfilter/ipvs/ip_vs_xmit.c), so no rule of the nat
table is applied to them: what needs masquerade – the node's own connections to a ClusterIP, NodePorts with a remote endpoint, a pod that
reaches itself through its Service – leaves with a source address to which the answer does not come back. Pod to ClusterIP with another
endpoint still works, so only some traffic fails.

## Evidence
The sysctl's line and a virtual service.

## Remedy
`sysctl -w net.ipv4.vs.conntrack=1`. kube-proxy sets it at each start: something reset it since.

## When it can be wrong
A load balancer that uses ipvs by itself, without kube-proxy, may want it off.
",
    check,
};

const KEY: &str = "net.ipv4.vs.conntrack";

fn check(node: &Node) -> Check {
    if let Err(why) = role::ipvs_mode(node)? {
        return Ok(Outcome::NotApplicable(why));
    }
    let conntrack = node.sysctl_int(KEY)?;
    if conntrack.value != 0 {
        return Ok(Outcome::Clear);
    }
    let mut finding = Finding::new(
        Severity::Error,
        Confidence::Certain,
        format!("{KEY} is 0 while kube-proxy runs in ipvs mode"),
        "Connections through ipvs are not tracked, so nothing masquerades them: the node's own connections to ClusterIPs, NodePorts whose \
         endpoint is on another node, and pods that reach themselves through their Service time out. Other pod to ClusterIP traffic works.",
    )
    .because(conntrack.evidence())
    .affects("node to ClusterIP with a remote endpoint")
    .affects("outside to NodePort with a remote endpoint")
    .affects("pod to itself through its Service");
    let ipvs = node.ipvs()?;
    if let Some(service) = ipvs.services.first() {
        finding = finding.because(ipvs.source.evidence(service.at));
    }
    Ok(Outcome::Found(vec![remedy::sysctl(finding, KEY, "1")]))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    #[test]
    fn fires_in_ipvs_mode() {
        let findings = found(check(&Sketch::ipvs("net.ipv4.vs.conntrack = 0\n").node()));
        assert_eq!(findings[0].evidence[0].text, "net.ipv4.vs.conntrack = 0");
        assert_eq!(findings[0].evidence[1].text, "-A -t 10.96.0.10:53 -s rr");
    }

    #[test]
    fn keeps_quiet_when_it_is_on() {
        clear(check(&Sketch::ipvs("net.ipv4.vs.conntrack = 1\n").node()));
    }

    #[test]
    fn does_not_apply_in_iptables_mode() {
        let node = Sketch::healthy().edit(Capture::Sysctl, "ip_forward = 1\n", "ip_forward = 1\nnet.ipv4.vs.conntrack = 0\n");
        not_applicable(check(&node.node()));
    }

    #[test]
    fn says_unknown_when_the_key_is_not_there() {
        unknown(check(&Sketch::ipvs("").node()), "node/sysctl.txt");
        assert!(check(&Sketch::ipvs("").without(Capture::Sysctl, AbsentWhy::TimedOut).node()).is_err());
    }
}
