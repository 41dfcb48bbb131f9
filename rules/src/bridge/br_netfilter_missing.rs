//! `bridge/br-netfilter-missing`: the module that lets bridged frames pass netfilter is not there.

use netmodel::Node;
use netmodel::state::modules::ModuleState;

use crate::finding::{Confidence, Finding, Severity};
use crate::remedy;
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "bridge/br-netfilter-missing",
    title: "br_netfilter is not loaded",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
Pods hang on a Linux bridge, and br_netfilter is neither loaded nor built into the kernel: there are no `net.bridge.bridge-nf-call-*`
sysctls.

## Why it matters
As with `bridge/nf-call-iptables-off`: answers between two pods of one bridge bypass connection tracking, and Services with an endpoint on
the client's own node fail. `sysctl --system` cannot help, since the keys do not exist.

## Evidence
/proc/modules has no such line, and `sysctl -a` no such key.

## Remedy
`modprobe br_netfilter` now, and a file in /etc/modules-load.d for the next boot.

## When it can be wrong
Services that are translated by eBPF at the socket do not need it.
",
    check,
};

fn check(node: &Node) -> Check {
    let Some(pods) = role::pod_bridge(node)? else {
        return Ok(Outcome::NotApplicable("no pod hangs on a Linux bridge".to_owned()));
    };
    let proof = match node.module_state("br_netfilter")? {
        ModuleState::Absent(proof) => proof,
        ModuleState::Loaded(_) | ModuleState::Builtin(_) => return Ok(Outcome::Clear),
    };
    let finding = Finding::new(
        Severity::Error,
        Confidence::Certain,
        format!("br_netfilter is not loaded while pods share the bridge {}", pods.name),
        format!(
            "Answers between two pods on {} bypass connection tracking: a pod that calls a Service whose endpoint is on the same node times \
             out. The sysctls that would switch it on do not exist until the module is loaded.",
            pods.name
        ),
    )
    .because(proof)
    .because_all(pods.evidence)
    .affects("pod to Service with an endpoint on the same node");
    Ok(Outcome::Found(vec![remedy::module(finding, "br_netfilter")]))
}
