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

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable};

    fn without_keys() -> Sketch {
        Sketch::healthy().edit(Capture::Sysctl, "net.bridge.bridge-nf-call-iptables = 1\n", "").edit(
            Capture::Sysctl,
            "net.bridge.bridge-nf-call-ip6tables = 1\n",
            "",
        )
    }

    fn modules(text: &str) -> Sketch {
        without_keys()
            .with(bundle::Key::node(Capture::Modules), text)
            .with(bundle::Key::node(Capture::ModulesBuiltin), "kernel/net/ipv4/tunnel4.ko\n")
    }

    #[test]
    fn fires_when_neither_loaded_nor_built_in() {
        let findings = found(check(&modules("bridge 294912 0 - Live 0x0\n").node()));
        assert_eq!(findings[0].severity, Severity::Error);
    }

    #[test]
    fn keeps_quiet_when_its_sysctls_prove_it() {
        clear(check(&Sketch::healthy().node()));
        clear(check(&Sketch::healthy().with(bundle::Key::node(Capture::Modules), "br_netfilter 36864 0 - Live 0x0\n").node()));
    }

    #[test]
    fn does_not_apply_without_a_bridge() {
        let node = modules("bridge 294912 0 - Live 0x0\n").edit(
            Capture::IpAddr,
            r#""info_kind":"bridge""#,
            r#""info_kind":"openvswitch""#,
        );
        not_applicable(check(&node.node()));
    }

    #[test]
    fn says_unknown_when_nothing_could_be_read() {
        let node = Sketch::healthy()
            .without(Capture::Sysctl, AbsentWhy::PermissionDenied)
            .without(Capture::Modules, AbsentWhy::PermissionDenied);
        assert!(check(&node.node()).is_err());
    }
}
