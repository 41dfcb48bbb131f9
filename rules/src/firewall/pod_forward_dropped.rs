//! `firewall/pod-forward-dropped`: what the node passes on for its pods is dropped on the way through.

use std::net::IpAddr;

use ipnet::IpNet;
use netmodel::state::pod_network::PodNetwork;
use netmodel::state::policy::Selector;
use netmodel::walk::packet::TCP;
use netmodel::walk::{CtState, Dev, Hook, Packet};
use netmodel::{Family, Missing, Node};

use super::{Probe, counted, is_network_policy, lift, send, whereabouts};
use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Rule, conclude};

pub(crate) const RULE: Rule = Rule {
    id: "firewall/pod-forward-dropped",
    title: "Forwarded pod traffic is dropped",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
Packets of this node's pods are sent through PREROUTING, FORWARD and POSTROUTING: a new connection from a pod to a pod of each other node
and to the outside, a new connection from there to a pod, and its answer. All tables of both back ends of iptables and native nftables
tables count, in the kernel's order. Whether something drops them is decided by evaluating the chains: a policy of DROP is harmless while
something accepts the pods, and an ACCEPT is worthless behind a DROP, or when the other back end drops.

## Why it matters
Docker, firewalld and ufw set FORWARD to DROP; kube-proxy accepts only what it marked and what is established. Without an accept for the
pods' CIDR in both directions all new connections of pods are lost. A legacy table that drops is not shown by `iptables-save` of the nft
back end, and the reverse.

## Evidence
The rule or the policy that decides, with its counters, and the jumps that lead there.

## Remedy
Accept the pods' CIDR in both directions before the line that decides, or delete the line; then see that the CNI does so by itself
(flannel's FLANNEL-FWD, Calico's cali-FORWARD).

## When it can be wrong
What a network policy drops was meant to be dropped and is not reported. The pod's address may be one that no pod has: a rule for single
pods may then not be seen.
",
    check,
};

fn check(node: &Node) -> Check {
    let network = node.pod_network()?;
    let own = match &network.pod_cidr {
        Ok(own) => &own.value,
        Err(_) if role::no_pod_network(network) => return Ok(role::not_a_pod_node()),
        Err(missing) => return Err(missing.clone()),
    };
    let mut findings = Vec::new();
    for family in Family::ALL {
        let Some(cidr) = own.iter().find(|c| Family::of(c.addr()) == family) else { continue };
        let probes = probes(node, network, *cidr)?;
        for stopped in send(node, &probes)? {
            if is_network_policy(&stopped.place) {
                continue;
            }
            let word = if stopped.rejected { "rejected" } else { "dropped" };
            let line = if stopped.place.is_policy { "the policy of" } else { "a rule in" };
            let finding = Finding::new(
                Severity::Error,
                Confidence::Certain,
                format!("pod traffic is {word} by {line} {}", whereabouts(&stopped.place, family)),
                format!(
                    "{} {} Traffic that the node itself sends or gets, and pods on one bridge where bridged frames do not pass iptables, are \
                     not concerned.",
                    if stopped.place.is_policy {
                        "No rule of the chain accepts these packets, so its policy decides."
                    } else {
                        "The rule is met before, or in spite of, any that accepts these packets."
                    },
                    counted(&stopped.place)
                ),
            )
            .because(stopped.place.evidence.clone())
            .because_all(stopped.trail.iter().map(|jump| jump.evidence.clone()));
            let finding = stopped.probes.iter().fold(finding, |finding, probe| finding.affects(probe.clone()));
            let accepts = [format!("-s {cidr}"), format!("-d {cidr}")];
            findings.push(lift(finding, &stopped.place, family, &accepts).remedy(Remedy::advice(
                When::Persistent,
                "let the CNI accept its pods (flannel: --iptables-forward-rules), and let what owns the line (docker, firewalld, ufw) leave \
                 pod traffic alone",
            )));
        }
    }
    // Without them no packet to other nodes, or to the outside, was sent.
    conclude(findings, network.peers.as_ref().err().or(network.uplink.as_ref().err()).cloned())
}

/// Where a pod's packets go to, or come from.
struct There {
    address: IpAddr,
    dev: Dev,
    name: String,
    /// Whether new connections come from there as well.
    begins: bool,
}

/// The packets that must pass.
fn probes(node: &Node, network: &PodNetwork, cidr: IpNet) -> Result<Vec<Probe>, Missing> {
    let family = Family::of(cidr.addr());
    let bridge = network.bridge.as_ref().ok().and_then(|b| b.value.as_deref());
    let pod_dev = bridge.map_or(Dev::Unknown, Dev::named);
    let pod = a_pod(node, cidr);
    let mut places = Vec::new();
    for peer in network.peers.iter().flat_map(|p| &p.value).filter(|p| Family::of(p.pod_cidr.addr()) == family) {
        let Some(address) = peer.pod_cidr.hosts().nth(1) else { continue };
        let decision = node.route_lookup(address, &Selector { src: Some(pod), iif: bridge, ..Selector::default() })?;
        let dev = decision.dev().map_or(Dev::Unknown, Dev::named);
        places.push(There { address, dev, name: format!("pod {address} of another node"), begins: true });
    }
    if let Ok(uplink) = &network.uplink {
        // Addresses for documentation (RFC 5737, RFC 3849): nobody's, so no rule for a real address meets them.
        let address: IpAddr = match family {
            Family::V4 => IpAddr::from([198, 51, 100, 1]),
            Family::V6 => IpAddr::from([0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1]),
        };
        places.push(There { address, dev: Dev::named(&uplink.value.dev), name: "the outside".to_owned(), begins: false });
    }
    let mut probes = Vec::new();
    for There { address, dev, name, begins } in places {
        let out = Packet::new(family).between(pod, address).tcp(80);
        probes.push(Probe { name: format!("a new connection from pod {pod} to {name}"), hooks: forwarded(&out, &pod_dev, &dev) });
        let mut answer = Packet::new(family).between(address, pod);
        answer.protocol = Some(TCP);
        // Any port of the ephemeral range (ip_local_port_range).
        (answer.sport, answer.dport) = (Some(80), Some(40_000));
        answer.ct_state = Some(CtState::Established);
        probes.push(Probe { name: format!("its answer from {name}"), hooks: forwarded(&answer, &dev, &pod_dev) });
        if begins {
            let back = Packet::new(family).between(address, pod).tcp(80);
            probes.push(Probe {
                name: format!("a new connection from {name} to pod {pod}"),
                hooks: forwarded(&back, &dev, &pod_dev),
            });
        }
    }
    Ok(probes)
}

fn forwarded(packet: &Packet, iif: &Dev, oif: &Dev) -> Vec<(Hook, Packet)> {
    vec![
        (Hook::Prerouting, packet.clone().via(iif.clone(), Dev::None)),
        (Hook::Forward, packet.clone().via(iif.clone(), oif.clone())),
        (Hook::Postrouting, packet.clone().via(Dev::None, oif.clone())),
    ]
}

/// The address of a pod of this node, or one that a pod could have.
fn a_pod(node: &Node, cidr: IpNet) -> IpAddr {
    let own = |addr: IpAddr| node.links().is_ok_and(|links| links.by_address(addr).is_some());
    let neighbour = node.neighbours().ok().and_then(|n| n.iter().map(|n| n.dst).find(|dst| cidr.contains(dst) && !own(*dst)));
    neighbour.or_else(|| cidr.hosts().find(|host| !own(*host))).unwrap_or_else(|| cidr.addr())
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, unknown};

    fn forward(lines: &str) -> Sketch {
        Sketch::healthy().edit(Capture::IptablesNftSave, ":FORWARD ACCEPT [0:0]\n", lines)
    }

    /// The same, with rules behind the chains.
    fn rules(policy: &str, rules: &str) -> Sketch {
        forward(&format!(":FORWARD {policy} [5:300]\n")).edit(
            Capture::IptablesNftSave,
            ":KUBE-SERVICES - [0:0]\nCOMMIT\n*nat",
            &format!(":KUBE-SERVICES - [0:0]\n{rules}COMMIT\n*nat"),
        )
    }

    #[test]
    fn fires_for_a_policy_without_an_accept() {
        let findings = found(check(&rules("DROP", "").node()));
        assert_eq!(findings.len(), 1, "one cause, not one finding a packet");
        assert_eq!(findings[0].evidence[0].text, ":FORWARD DROP [5:300]");
    }

    #[test]
    fn fires_for_a_legacy_drop_that_the_other_back_end_does_not_show() {
        let node = Sketch::healthy().with(
            bundle::Key::node(Capture::IptablesLegacySave),
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[7:420] -A FORWARD -j DROP\nCOMMIT\n",
        );
        let findings = found(check(&node.node()));
        assert_eq!(findings[0].remedy[0], Remedy::now("iptables-legacy -t filter -D FORWARD -j DROP"));
    }

    #[test]
    fn keeps_quiet_while_something_accepts_both_directions() {
        clear(check(&Sketch::healthy().node()));
        let both = "[0:0] -A FORWARD -s 10.244.0.0/16 -j ACCEPT\n[0:0] -A FORWARD -d 10.244.0.0/16 -j ACCEPT\n";
        clear(check(&rules("DROP", both).node()));
        // One direction alone is not enough.
        found(check(&rules("DROP", "[0:0] -A FORWARD -d 10.244.1.0/24 -j ACCEPT\n").node()));
        // A comment is no jump.
        clear(check(&rules("ACCEPT", "[0:0] -A FORWARD -m comment --comment \"x -j DROP\"\n").node()));
    }

    #[test]
    fn leaves_network_policies_alone() {
        let policy = "[1:60] -A FORWARD -j KUBE-POD-FW-A\n[1:60] -A KUBE-POD-FW-A -d 10.244.1.0/24 -j REJECT\n";
        let node = rules("ACCEPT", policy).edit(
            Capture::IptablesNftSave,
            ":KUBE-SERVICES - [0:0]\n[1:60]",
            ":KUBE-SERVICES - [0:0]\n:KUBE-POD-FW-A - [0:0]\n[1:60]",
        );
        clear(check(&node.node()));
    }

    #[test]
    fn says_unknown_without_the_rules_and_where_a_match_cannot_be_decided() {
        unknown(
            check(&Sketch::healthy().without(Capture::IptablesLegacySave, AbsentWhy::TimedOut).node()),
            "node/iptables-legacy-save.txt",
        );
        let recent = "[0:0] -A FORWARD -m recent --rcheck --seconds 60 --name banned --rsource -j DROP\n";
        unknown(check(&rules("ACCEPT", recent).node()), "node/iptables-nft-save.txt");
    }
}
