//! `forwarding/ip-forward-off`: the node routes no packet from one interface to another.

use netmodel::Node;

use crate::finding::{Confidence, Finding, Severity};
use crate::remedy;
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "forwarding/ip-forward-off",
    title: "IPv4 forwarding is off",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
`net.ipv4.ip_forward` is 0 on a node that carries IPv4 pods.

## Why it matters
The kernel drops every packet that is not for the node itself (`ip_forward()` is never reached: `ip_route_input_slow()` gives
`EHOSTUNREACH` when the ingress device does not forward). Pods reach nothing beyond their own bridge: no pod on another node, no
Service whose endpoint is elsewhere, nothing outside. Bridged traffic between two pods of one node and what the node itself sends
still work, so the node looks healthy from a shell.

## Evidence
The sysctl's line, for example `net.ipv4.ip_forward = 0`.

## Remedy
`sysctl -w net.ipv4.ip_forward=1`, and a file in /etc/sysctl.d so that it survives a reboot.

## When it can be wrong
A node whose pods are reached by eBPF redirection alone (Cilium with host routing by BPF) passes pod packets without the kernel's
forwarding; the finding is then `likely`.

## Seen in
Security scans that reset the sysctl (kURL#2174, origin#9931).
",
    check,
};

const KEY: &str = "net.ipv4.ip_forward";

fn check(node: &Node) -> Check {
    let forward = node.sysctl_int(KEY)?;
    if forward.value != 0 {
        return Ok(Outcome::Clear);
    }
    let Some(pods) = role::pods_v4(node)? else {
        return Ok(role::not_a_pod_node());
    };
    let confidence = if pods.bypasses_forwarding { Confidence::Likely } else { Confidence::Certain };
    let finding = Finding::new(
        Severity::Error,
        confidence,
        format!("{KEY} is {}: this node forwards no IPv4 packet", forward.value),
        "Pods on this node reach nothing beyond their own bridge: no pod on another node, no Service with an endpoint elsewhere, nothing \
         outside the cluster. Pods on the same bridge and the node's own connections still work.",
    )
    .because(forward.evidence())
    .affects(pods.describe());
    Ok(Outcome::Found(vec![remedy::sysctl(finding, KEY, "1")]))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    #[test]
    fn fires_where_pods_need_it() {
        let node = Sketch::healthy().edit(Capture::Sysctl, "ip_forward = 1", "ip_forward = 0").node();
        let findings = found(check(&node));
        assert_eq!(findings[0].evidence[0].text, "net.ipv4.ip_forward = 0");
        assert_eq!((findings[0].severity, findings[0].confidence), (Severity::Error, Confidence::Certain));
    }

    #[test]
    fn keeps_quiet_when_it_is_on_and_when_only_one_interface_is_off() {
        clear(check(&Sketch::healthy().node()));
        clear(check(
            &Sketch::healthy().edit(Capture::Sysctl, "ip_forward = 1", "ip_forward = 1\nnet.ipv4.conf.lo.forwarding = 0").node(),
        ));
    }

    #[test]
    fn does_not_apply_without_pods() {
        let node = Sketch::healthy()
            .edit(Capture::Sysctl, "ip_forward = 1", "ip_forward = 0")
            .edit(Capture::IpAddr, r#""master":"cni0","#, "")
            .edit(Capture::IpAddr, "bridge", "dummy")
            .without(Capture::FlannelSubnetEnv, AbsentWhy::NotFound);
        // A VXLAN device and a route over it still show an overlay of pods.
        assert!(!matches!(check(&node.node()), Ok(Outcome::Clear)));
        let bare = Sketch::without_pods().edit(Capture::Sysctl, "ip_forward = 1", "ip_forward = 0");
        not_applicable(check(&bare.node()));
    }

    #[test]
    fn says_unknown_without_sysctls() {
        unknown(check(&Sketch::healthy().without(Capture::Sysctl, AbsentWhy::PermissionDenied).node()), "node/sysctl.txt");
    }
}
