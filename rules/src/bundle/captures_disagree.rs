//! `bundle/captures-disagree`: two captures say different things about the same fact.

use netmodel::Node;

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "bundle/captures-disagree",
    title: "Captures of the node disagree",
    severity: Severity::Note,
    since: "0.1.0",
    page: r"
## What it checks
Facts that two captures show: tables, chains and policies of iptables-nft in `iptables-nft-save` and in nft's listing; legacy tables in
`iptables-legacy-save` and in the kernel's list of registered ones; index and MTU of links in `ip addr` and `ip link`; the source address of
connected routes and the addresses of links; the count of connections and their list; ipvs services of the tool and of the kernel; and what
several sources say of the pod network (CIDRs, CNI, proxy mode).

## Why it matters
A verdict rests on one of the two. Where they differ the other verdict may be the right one: the bundle was put together from captures of
different moments or nodes, a tool is of another version than the kernel's tables, or the node changed while it was collected.

## Evidence
What each of the two says.

## Remedy
Collect again, on one node, at one moment.

## When it can be wrong
Captures are taken moments apart. Counters, entries, rules and pods' links are not compared for that reason, but a chain that was made, or an
MTU that was set, between two captures is reported.
",
    check,
};

fn check(node: &Node) -> Check {
    let found: Vec<Finding> = node
        .disagreements()
        .into_iter()
        .map(|disagreement| {
            let mut finding = Finding::new(
                Severity::Note,
                Confidence::Likely,
                format!("captures disagree on {}", disagreement.what),
                "Verdicts rest on one of the two; where the other is right they may be wrong.",
            )
            .remedy(Remedy::advice(When::Now, "collect again, on one node, at one moment"));
            finding.evidence = disagreement.evidence;
            finding
        })
        .collect();
    Ok(if found.is_empty() { Outcome::Clear } else { Outcome::Found(found) })
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture, Key};

    use super::*;
    use crate::testing::{Sketch, clear, found};

    /// iptables-nft has no tables in the sketch's listing of nft; without its save nothing disagrees.
    fn agreeing() -> Sketch {
        Sketch::healthy().with(Key::node(Capture::IptablesNftSave), "")
    }

    #[test]
    fn fires_for_a_table_that_only_one_tool_shows() {
        let findings = found(check(&Sketch::healthy().node()));
        assert_eq!(findings[0].severity, Severity::Note);
        assert_eq!(findings[0].evidence[0].text, "*filter");
        assert!(findings[0].title.contains("iptables-nft-save shows it, nft does not"), "{}", findings[0].title);
    }

    #[test]
    fn keeps_quiet_when_they_agree_or_one_is_absent() {
        clear(check(&agreeing().node()));
        clear(check(&Sketch::healthy().without(Capture::NftRuleset, AbsentWhy::ToolMissing).node()));
    }
}
