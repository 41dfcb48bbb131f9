//! `kube-proxy/service-rules-missing`: kube-proxy's rules are gone, or nothing leads to them.

use netmodel::parse::iptables::{TableKind, Target};
use netmodel::state::Doc;
use netmodel::state::netfilter::Backend;
use netmodel::state::pod_network::ProxyMode;
use netmodel::{Evidence, Family, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "kube-proxy/service-rules-missing",
    title: "kube-proxy's rules are gone, or nothing jumps to them",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
kube-proxy runs in iptables mode, by its configuration or by what it left: the nat table of one back end has the chain KUBE-SERVICES, and
PREROUTING and OUTPUT jump to it.

## Why it matters
Without the chain, or without the jumps, no ClusterIP and no NodePort is translated: pods and the node time out on every Service. Pod to pod
by address works. Somebody flushed the nat table (`iptables -F`, a firewall's restart, `kube-proxy --cleanup`), and kube-proxy is not there to
write it again.

## Evidence
What says that kube-proxy runs in iptables mode, and the table without the chain or the jump.

## Remedy
Restart kube-proxy; then find what flushed the table.

## When it can be wrong
A configuration that was left behind by a kube-proxy that something else has replaced (Cilium): then it is `likely` at most. A snapshot
between a firewall's flush and kube-proxy's next sync (30 s) shows the same.
",
    check,
};

const CHAIN: &str = "KUBE-SERVICES";

fn check(node: &Node) -> Check {
    let mode = node.pod_network()?.proxy_mode.as_ref().map_err(Clone::clone)?;
    if mode.value != ProxyMode::Iptables {
        return Ok(Outcome::NotApplicable(format!("kube-proxy runs in {} mode", role::mode_word(mode.value))));
    }
    let mut lacking: Vec<Evidence> = Vec::new();
    let mut with_chain = None;
    for backend in Backend::ALL {
        let doc = node.iptables(backend, Family::V4)?;
        doc.source.whole()?;
        let nat = doc.table(TableKind::Nat);
        match nat.and_then(|nat| doc.chain(&doc.source.text, nat, CHAIN)) {
            Some(_) => with_chain = Some(doc),
            None => lacking.push(Evidence { capture: doc.source.key.path(), line: 0, text: format!("no chain {CHAIN} in nat") }),
        }
    }
    let (title, what, evidence) = match with_chain {
        None => (format!("kube-proxy's chain {CHAIN} is gone"), "every ClusterIP and NodePort", lacking),
        Some(doc) => {
            let gone: Vec<&str> = ["PREROUTING", "OUTPUT"].into_iter().filter(|hook| !jumps(doc, hook)).collect();
            let what = match gone.as_slice() {
                [] => return Ok(Outcome::Clear),
                ["PREROUTING"] => "ClusterIPs and NodePorts for pods and from outside",
                ["OUTPUT"] => "ClusterIPs for the node itself",
                _ => "every ClusterIP and NodePort",
            };
            let place = gone.join(" and ");
            let lacks = Evidence { capture: doc.source.key.path(), line: 0, text: format!("no jump to {CHAIN} in nat {place}") };
            (format!("nothing in {place} jumps to kube-proxy's chain {CHAIN}"), what, vec![lacks])
        }
    };
    let cilium = matches!(&node.pod_network()?.cni, Ok(cni) if cni.value == netmodel::state::pod_network::Cni::Cilium);
    let confidence = if cilium { Confidence::Likely } else { Confidence::Certain };
    let finding = Finding::new(
        Severity::Error,
        confidence,
        title,
        format!("Not translated: {what}. Connections to pods by their own addresses work."),
    )
    .because_all(evidence)
    .because_all(mode.evidence.iter().cloned())
    .affects(what)
    .remedy(Remedy::now("kubectl -n kube-system delete pod -l k8s-app=kube-proxy --field-selector spec.nodeName=$(hostname)"))
    .remedy(Remedy::advice(When::Persistent, "find what flushes the nat table (a firewall's reload, a script with iptables -F)"));
    Ok(Outcome::Found(vec![finding]))
}

/// Whether a built-in chain of nat has a rule that jumps to kube-proxy's chain.
fn jumps(doc: &Doc<netmodel::parse::iptables::Ruleset>, hook: &str) -> bool {
    let text = &doc.source.text;
    let chain = doc.table(TableKind::Nat).and_then(|nat| doc.chain(text, nat, hook));
    chain.is_some_and(|chain| {
        doc.rules_of(chain).any(|(_, rule)| matches!(rule.target, Target::Jump(jump) if jump.name.of(text) == CHAIN))
    })
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    fn config(sketch: Sketch) -> Sketch {
        sketch.with(
            bundle::Key::node_instance(Capture::KubeProxyConfig, "/var/lib/kube-proxy/config.conf"),
            "kind: KubeProxyConfiguration\nmode: iptables\n",
        )
    }

    #[test]
    fn fires_when_the_chain_is_gone() {
        let findings = found(check(&config(Sketch::healthy().with(bundle::Key::node(Capture::IptablesNftSave), "")).node()));
        assert!(findings[0].evidence.iter().any(|e| e.text.contains("mode: iptables")), "{:?}", findings[0].evidence);
    }

    #[test]
    fn fires_when_one_jump_is_gone() {
        let node = Sketch::healthy().edit(Capture::IptablesNftSave, "[0:0] -A PREROUTING -j KUBE-SERVICES\n", "");
        assert!(found(check(&node.node()))[0].title.starts_with("nothing in PREROUTING jumps"));
    }

    #[test]
    fn keeps_quiet_when_either_back_end_has_both() {
        clear(check(&Sketch::healthy().node()));
        let rules = crate::testing::HEALTHY.iter().find(|(c, _)| *c == Capture::IptablesNftSave).expect("rules").1;
        let legacy = config(Sketch::healthy())
            .with(bundle::Key::node(Capture::IptablesNftSave), "")
            .with(bundle::Key::node(Capture::IptablesLegacySave), rules);
        clear(check(&legacy.node()));
    }

    #[test]
    fn does_not_apply_in_ipvs_mode() {
        not_applicable(check(&Sketch::ipvs("").node()));
    }

    #[test]
    fn says_unknown_when_a_back_end_was_not_read() {
        let node = Sketch::healthy().without(Capture::IptablesLegacySave, AbsentWhy::TimedOut).node();
        unknown(check(&node), "node/iptables-legacy-save.txt");
    }
}
