//! `conntrack/table-nearly-full`: new connections are, or will soon be, dropped.

use netmodel::Node;

use crate::finding::{Confidence, Finding, Severity};
use crate::remedy;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "conntrack/table-nearly-full",
    title: "The connection tracking table is nearly full",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
`net.netfilter.nf_conntrack_count` against `net.netfilter.nf_conntrack_max`: from 75 % on it warns, from 90 % on it is an error. Lines
`nf_conntrack: table full, dropping packet` in the kernel's log and the `drop` and `early_drop` counters are named as evidence.

## Why it matters
When the table is full the kernel drops the first packet of each new flow (`__nf_conntrack_alloc()` in
net/netfilter/nf_conntrack_core.c): connections time out at random, DNS first. Established flows go on, which hides the cause.

## Evidence
Both sysctls' lines, the log's first line.

## Remedy
Raise `nf_conntrack_max` (about 300 bytes of kernel memory an entry); with kube-proxy set `conntrack.maxPerCore` and `conntrack.min`,
which write the same sysctl at its start. Then find out what fills the table: `conntrack -L | …` by destination.

## When it can be wrong
The count is that of one network namespace at one moment, while the maximum holds for each namespace on its own: a pod's own table may be
full though the node's is not.
",
    check,
};

const COUNT: &str = "net.netfilter.nf_conntrack_count";
const MAX: &str = "net.netfilter.nf_conntrack_max";

fn check(node: &Node) -> Check {
    if node.sysctl_absent(COUNT)?.is_none() {
        return Ok(Outcome::NotApplicable("nf_conntrack is not loaded".to_owned()));
    }
    let count = node.conntrack_count()?;
    let max = node.conntrack_max()?;
    // 0 means no limit (net/netfilter/nf_conntrack_core.c: `if (nf_conntrack_max && …)`).
    if max.value <= 0 || count.value.saturating_mul(100) < max.value.saturating_mul(75) {
        return Ok(Outcome::Clear);
    }
    let percent = count.value.saturating_mul(100) / max.value;
    let (severity, what) = if percent >= 100 {
        (Severity::Error, "The first packet of every new flow is dropped: connections time out at random, DNS first.")
    } else if percent >= 90 {
        (Severity::Error, "A small burst fills it; then the first packet of every new flow is dropped.")
    } else {
        (Severity::Warning, "Under more load the first packet of every new flow will be dropped.")
    };
    let mut finding = Finding::new(
        severity,
        Confidence::Certain,
        format!("connection tracking holds {} of {} entries ({percent} %)", count.value, max.value),
        format!("{what} Established connections go on, which hides the cause."),
    )
    .because(count.evidence())
    .because(max.evidence())
    .affects("new connections through or from this node");
    // The log is evidence where it was taken; without it the numbers are proof enough.
    if let Ok(log) = node.tables_full()
        && let Some(line) = log.first()
    {
        finding = finding.because(log.source.evidence(line.at));
    }
    // Twice what is there now, and never less than the kernel's own floor for a small machine.
    let wanted = max.value.saturating_mul(2).max(131_072);
    Ok(Outcome::Found(vec![remedy::sysctl(finding, MAX, &wanted.to_string())]))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    fn with_count(count: u32) -> netmodel::Node {
        Sketch::healthy().edit(Capture::Sysctl, "count = 10", &format!("count = {count}")).node()
    }

    #[test]
    fn fires_from_75_percent_on_and_is_an_error_from_90() {
        for (count, severity) in
            [(750, Severity::Warning), (899, Severity::Warning), (900, Severity::Error), (1001, Severity::Error)]
        {
            assert_eq!(found(check(&with_count(count)))[0].severity, severity, "{count}");
        }
    }

    #[test]
    fn keeps_quiet_below_and_where_there_is_no_limit() {
        clear(check(&with_count(749)));
        clear(check(&Sketch::healthy().edit(Capture::Sysctl, "max = 1000", "max = 0").node()));
    }

    #[test]
    fn does_not_apply_without_connection_tracking() {
        let node = Sketch::healthy().edit(Capture::Sysctl, "net.netfilter.nf_conntrack_count = 10\n", "");
        not_applicable(check(&node.node()));
    }

    #[test]
    fn says_unknown_without_sysctls() {
        unknown(check(&Sketch::healthy().without(Capture::Sysctl, AbsentWhy::TimedOut).node()), "node/sysctl.txt");
    }
}
