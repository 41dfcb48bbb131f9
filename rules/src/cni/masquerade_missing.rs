//! `cni/masquerade-missing`: pods leave the cluster with their own addresses, though the CNI says that they do not.

use std::net::IpAddr;

use netmodel::walk::{Decision, Dev, Hook, Packet, evaluate};
use netmodel::{Evidence, Family, Missing, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "cni/masquerade-missing",
    title: "Pods are not masqueraded towards the outside",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
flannel says `FLANNEL_IPMASQ=true`, and a new connection of a pod to an address outside the cluster, sent through POSTROUTING of both back
ends and of nftables, keeps the pod's address as its source.

## Why it matters
Nobody outside the cluster has a route to the pods' addresses: answers are lost, and pods reach nothing outside, the API server among it if
it is not a pod. Traffic within the cluster works.

## Evidence
flannel's line, and the POSTROUTING chain that translates nothing.

## Remedy
Restart flannel, which writes its rules again; then find what flushed them.

## When it can be wrong
A network whose routers know the pods' CIDR needs no masquerade: hence `likely`.
",
    check,
};

fn check(node: &Node) -> Check {
    let env = match node.flannel_subnet_env() {
        Ok(env) => env,
        Err(_) if !matches!(&node.pod_network()?.cni, Ok(c) if c.value == netmodel::state::pod_network::Cni::Flannel) => {
            return Ok(Outcome::NotApplicable("the CNI is not flannel".to_owned()));
        }
        Err(missing) => return Err(missing),
    };
    let Some((true, said)) = env.ipmasq else {
        return Ok(Outcome::NotApplicable("flannel is told not to masquerade".to_owned()));
    };
    let network = node.pod_network()?;
    let Some(pods) = role::pods_v4(node)? else { return Ok(role::not_a_pod_node()) };
    let uplink = &network.uplink.as_ref().map_err(Clone::clone)?.value;
    let Some(pod) = pods.cidrs.first().and_then(|cidr| cidr.hosts().nth(1)) else { return Ok(role::not_a_pod_node()) };
    // TEST-NET-2 (RFC 5737) is nobody's, so it is outside whatever the cluster's networks are.
    let outside = IpAddr::from([198, 51, 100, 1]);
    let packet = Packet::new(Family::V4).between(pod, outside).tcp(443).via(Dev::None, Dev::named(&uplink.dev));
    let verdict = evaluate(node, Hook::Postrouting, &packet)?;
    match verdict.decision {
        Decision::Drop | Decision::Reject { .. } => {
            return Ok(Outcome::NotApplicable("POSTROUTING stops the packet: the firewall's rules are about that".to_owned()));
        }
        Decision::Accept if verdict.packets.iter().all(|p| p.snat == Some(true)) => return Ok(Outcome::Clear),
        Decision::Accept if verdict.packets.iter().all(|p| p.snat == Some(false)) => {}
        Decision::Accept | Decision::Undecided => {
            let what = "whether a pod's packet to the outside is masqueraded";
            return Err(Missing::new(&env.source.key, what, "a rule on its way cannot be decided"));
        }
    }
    let ends: Vec<Evidence> =
        verdict.deciding.into_iter().map(|place| place.evidence).filter(|e| e.text.contains("POSTROUTING")).collect();
    let finding = Finding::new(
        Severity::Error,
        Confidence::Likely,
        format!("a pod's packets to the outside keep the address {pod}"),
        "flannel is told to masquerade them, and no rule does: answers from outside the cluster do not come back. Traffic within the cluster \
         works.",
    )
    .because(env.source.evidence(said))
    .because_all(ends)
    .affects("pod to outside the cluster")
    .remedy(Remedy::advice(When::Now, "restart flannel's pod on this node: it writes its rules again"))
    .remedy(Remedy::advice(When::Persistent, "find what flushes the nat table (a firewall's reload, a script with iptables -F)"));
    Ok(Outcome::Found(vec![finding]))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    fn with_rule(rule: &str) -> Sketch {
        let end = "[0:0] -A OUTPUT -j KUBE-SERVICES\n";
        Sketch::healthy()
            .edit(
                Capture::IptablesNftSave,
                ":KUBE-SERVICES - [0:0]\n[0:0]",
                ":POSTROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n[0:0]",
            )
            .edit(Capture::IptablesNftSave, end, &format!("{end}{rule}"))
    }

    #[test]
    fn fires_when_nothing_translates() {
        assert_eq!(found(check(&with_rule("").node()))[0].evidence[0].text, "FLANNEL_IPMASQ=true");
        // A rule for something else does not help.
        found(check(&with_rule("[0:0] -A POSTROUTING -s 10.244.0.0/16 -d 192.0.2.0/24 -j MASQUERADE\n").node()));
    }

    #[test]
    fn keeps_quiet_when_a_rule_does() {
        clear(check(&with_rule("[0:0] -A POSTROUTING -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully\n").node()));
    }

    #[test]
    fn does_not_apply_when_flannel_is_told_not_to_or_is_not_there() {
        not_applicable(check(&with_rule("").edit(Capture::FlannelSubnetEnv, "IPMASQ=true", "IPMASQ=false").node()));
        not_applicable(check(&Sketch::without_pods().node()));
    }

    #[test]
    fn says_unknown_when_a_rule_cannot_be_decided_or_was_not_read() {
        let rule = "[0:0] -A POSTROUTING -s 10.244.0.0/16 -m recent --rcheck --name x --rsource -j MASQUERADE\n";
        unknown(check(&with_rule(rule).node()), "node/flannel-subnet.env");
        unknown(
            check(&with_rule("").without(Capture::IptablesNftSave, AbsentWhy::TimedOut).node()),
            "node/iptables-nft-save.txt",
        );
    }
}
