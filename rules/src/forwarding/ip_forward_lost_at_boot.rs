//! `forwarding/ip-forward-lost-at-boot`: forwarding is on, and the next boot or `sysctl --system` switches it off.

use netmodel::Node;
use netmodel::state::persist::BootValue;

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::remedy;
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "forwarding/ip-forward-lost-at-boot",
    title: "IPv4 forwarding is on now, but a file switches it off at boot",
    severity: Severity::Warning,
    since: "0.1.0",
    page: r"
## What it checks
`net.ipv4.ip_forward` is 1 now, and the file that wins when sysctl.d is replayed says 0. The replay is that of systemd-sysctl (all folders
sorted by base name, a base name in /etc masking the same in /run, /usr/local/lib and /usr/lib) and of procps' `sysctl --system`, which
reads /etc/sysctl.conf last as well.

## Why it matters
Something switched forwarding on after boot: a person, docker, a CNI. The next reboot, or the next `sysctl --system` (package updates and
security scans run it), takes it away, and the node loses all routed pod traffic hours or weeks after the change that caused it.

## Evidence
The winning line with its file, the losing lines, and the sysctl as it is now.

## Remedy
A file that sorts behind all others, or mend the line that wins.

## When it can be wrong
A CNI plugin or docker may switch it on again at its start; then the outage lasts until that moment. When no file sets it at all the rule
says nothing: the kernel's default is 0, but the plugins that need forwarding set it themselves.

## Seen in
kURL#2174, origin#9931.
",
    check,
};

const KEY: &str = "net.ipv4.ip_forward";

fn check(node: &Node) -> Check {
    let now = node.sysctl_int(KEY)?;
    if now.value == 0 {
        return Ok(Outcome::NotApplicable("forwarding is off already: forwarding/ip-forward-off is about that".to_owned()));
    }
    let Some(pods) = role::pods_v4(node)? else {
        return Ok(Outcome::NotApplicable("no IPv4 pod network was found on this node".to_owned()));
    };
    let boot = node.sysctl_at_boot(KEY)?;
    let off = |winner: &Option<BootValue>| winner.as_ref().filter(|w| w.value.trim() == "0").cloned();
    let (systemd, procps) = (off(&boot.systemd.winner), off(&boot.procps.winner));
    let (winner, replay, who, confidence) = match (systemd, procps) {
        (Some(winner), Some(_)) => (winner, &boot.systemd, "at the next boot and at each `sysctl --system`", Confidence::Certain),
        (Some(winner), None) => (winner, &boot.systemd, "at the next boot (systemd-sysctl)", Confidence::Likely),
        (None, Some(winner)) => (winner, &boot.procps, "at the next `sysctl --system`", Confidence::Likely),
        (None, None) => return Ok(Outcome::Clear),
    };
    let mut finding = Finding::new(
        Severity::Warning,
        confidence,
        format!("{KEY} is {} now, but {} sets it to 0", now.value, winner.file),
        format!("Forwarding will be switched off {who}; then pods on this node reach nothing beyond their own bridge."),
    )
    .because(winner.evidence)
    .affects(pods.describe());
    for loser in &replay.losers {
        finding = finding.because(loser.evidence.clone());
    }
    finding = finding.because(now.evidence());
    let finding = finding.remedy(Remedy::advice(When::Persistent, format!("correct or remove the line in {}", winner.file)));
    Ok(Outcome::Found(vec![finding.remedy(remedy::sysctl_at_boot(KEY, "1"))]))
}
