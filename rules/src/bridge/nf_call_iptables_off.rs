//! `bridge/nf-call-iptables-off`: frames between pods of one bridge bypass netfilter, so Service answers are never translated back.

use netmodel::{Family, Missing, Node};

use crate::finding::{Confidence, Finding, Severity};
use crate::remedy;
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "bridge/nf-call-iptables-off",
    title: "Bridged frames do not pass iptables",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
`net.bridge.bridge-nf-call-iptables` (for IPv6 pods `bridge-nf-call-ip6tables`) is 0, and so is the own flag of the bridge that pods hang
on, on a node that translates Services.

## Why it matters
A pod that calls a ClusterIP whose endpoint is on the same bridge gets its answer straight over the bridge. Without br_netfilter's call
the answer never passes connection tracking, keeps the endpoint's address as its source, and the client drops it. Everything that is
routed (other nodes, outside) works, so it looks like one flaky Service.

## Evidence
The sysctl's line. The kernel ORs the sysctl with the bridge's own flag (`br_nf_pre_routing()`, net/bridge/br_netfilter_hooks.c), so a
bridge that has its own flag set is not affected.

## Remedy
`sysctl -w net.bridge.bridge-nf-call-iptables=1`, and a file in /etc/sysctl.d together with br_netfilter in /etc/modules-load.d: a sysctl
that is applied before the module is loaded is lost.

## When it can be wrong
A CNI that isolates pods in other ways than a bridge with several pods, or Services that are translated by eBPF at the socket.
",
    check,
};

fn check(node: &Node) -> Check {
    let Some(pods) = role::pod_bridge(node)? else {
        return Ok(Outcome::NotApplicable("no pod hangs on a Linux bridge".to_owned()));
    };
    let mut findings = Vec::new();
    for family in [Family::V4, Family::V6] {
        if !pods.has(family) {
            continue;
        }
        let (key, own_flag) = match family {
            Family::V4 => ("net.bridge.bridge-nf-call-iptables", pods.nf_call_iptables),
            Family::V6 => ("net.bridge.bridge-nf-call-ip6tables", pods.nf_call_ip6tables),
        };
        if node.sysctl_absent(key)?.is_none() {
            return Ok(Outcome::NotApplicable(
                "br_netfilter is not loaded: bridge/br-netfilter-missing is about that".to_owned(),
            ));
        }
        let flag = node.sysctl_int(key)?;
        if flag.value != 0 || own_flag == Some(true) {
            continue;
        }
        // The kernel ORs both, so that the sysctl alone proves nothing.
        if own_flag.is_none() {
            let what = format!("the own flag of {} beside {key}", pods.name);
            return Err(Missing::new(&node.links()?.source().key, what, "the record does not say it"));
        }
        let finding = Finding::new(
            Severity::Error,
            Confidence::Certain,
            format!("{key} is 0 while pods share the bridge {}", pods.name),
            format!(
                "Answers between two pods on {} bypass connection tracking: a pod that calls a Service whose endpoint is on the same node \
                 gets an answer from the endpoint's address instead of the Service's and drops it. Traffic that is routed works.",
                pods.name
            ),
        )
        .because(flag.evidence())
        .because_all(pods.evidence.clone())
        .affects(format!("{family} pod to Service with an endpoint on the same node"));
        let finding = remedy::sysctl(finding, key, "1");
        findings.push(finding.remedy(remedy::module_at_boot("br_netfilter")));
    }
    Ok(Outcome::from_findings(findings))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    const ON: &str = "bridge-nf-call-iptables = 1";

    #[test]
    fn fires_where_pods_share_a_bridge() {
        let findings = found(check(&Sketch::healthy().edit(Capture::Sysctl, ON, "bridge-nf-call-iptables = 0").node()));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].evidence[0].text, "net.bridge.bridge-nf-call-iptables = 0");
    }

    #[test]
    fn keeps_quiet_when_the_bridge_has_its_own_flag() {
        let node = Sketch::healthy().edit(Capture::Sysctl, ON, "bridge-nf-call-iptables = 0").edit(
            Capture::IpAddr,
            r#""nf_call_iptables":0"#,
            r#""nf_call_iptables":1"#,
        );
        clear(check(&node.node()));
        // The pods have no IPv6 addresses.
        clear(check(&Sketch::healthy().edit(Capture::Sysctl, "ip6tables = 1", "ip6tables = 0").node()));
    }

    #[test]
    fn leaves_a_missing_module_to_its_own_rule() {
        let node = Sketch::healthy().edit(Capture::Sysctl, "net.bridge.bridge-nf-call-iptables = 1\n", "").edit(
            Capture::Sysctl,
            "net.bridge.bridge-nf-call-ip6tables = 1\n",
            "",
        );
        not_applicable(check(&node.node()));
    }

    #[test]
    fn says_unknown_without_sysctls() {
        unknown(check(&Sketch::healthy().without(Capture::Sysctl, AbsentWhy::TimedOut).node()), "node/sysctl.txt");
    }
}
