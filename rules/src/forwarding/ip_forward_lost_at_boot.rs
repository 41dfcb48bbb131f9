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
        return Ok(role::not_a_pod_node());
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

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    fn with_files(files: &[(&str, &str)]) -> netmodel::Node {
        let mut sketch = Sketch::healthy();
        for (path, text) in files {
            sketch = sketch.with(bundle::Key::node_instance(Capture::SysctlD, *path), text);
        }
        sketch.node()
    }

    #[test]
    fn fires_when_the_file_that_sorts_last_says_0() {
        let node = with_files(&[
            ("/etc/sysctl.d/90-k8s.conf", "net.ipv4.ip_forward = 1\n"),
            ("/usr/lib/sysctl.d/99-hardening.conf", "# off\nnet.ipv4.ip_forward = 0\n"),
        ]);
        let findings = found(check(&node));
        assert_eq!((findings[0].evidence[0].line, findings[0].severity), (2, Severity::Warning));
        assert!(findings[0].title.contains("/usr/lib/sysctl.d/99-hardening.conf"), "{}", findings[0].title);
    }

    #[test]
    fn keeps_quiet_when_a_later_file_says_1_or_none_says_anything() {
        clear(check(&with_files(&[
            ("/etc/sysctl.d/99-zz.conf", "net.ipv4.ip_forward = 1\n"),
            ("/usr/lib/sysctl.d/99-hardening.conf", "net.ipv4.ip_forward = 0\n"),
        ])));
        clear(check(&with_files(&[("/etc/sysctl.d/10-x.conf", "kernel.sysrq = 0\n")])));
    }

    #[test]
    fn does_not_apply_when_it_is_off_already() {
        not_applicable(check(&Sketch::healthy().edit(Capture::Sysctl, "ip_forward = 1", "ip_forward = 0").node()));
    }

    #[test]
    fn says_unknown_when_the_files_were_not_read() {
        let node = Sketch::healthy().without(Capture::SysctlD, AbsentWhy::PermissionDenied).node();
        unknown(check(&node), "node/sysctl-d");
    }
}
