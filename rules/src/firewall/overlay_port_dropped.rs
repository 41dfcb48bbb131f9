//! `firewall/overlay-port-dropped`: the overlay's packets from or to another node are dropped on this one.

use std::net::IpAddr;

use bundle::{Capture, Key};
use netmodel::state::pod_network::{Overlay, Peer};
use netmodel::walk::{Dev, Hook, Packet};
use netmodel::{Family, Missing, Node};

use super::{Probe, counted, lift, send, whereabouts};
use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule, conclude};

pub(crate) const RULE: Rule = Rule {
    id: "firewall/overlay-port-dropped",
    title: "The overlay's packets are dropped",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
For each peer whose address is known from the FDB or the routes, the overlay's own packet (VXLAN or Geneve with the port of the device,
IPIP as protocol 4) is sent through PREROUTING and INPUT as it comes in from the peer, and through OUTPUT and POSTROUTING as it goes out.
All tables of both back ends of iptables and native nftables tables count, in the kernel's order of priority.

## Why it matters
The wrapped packet is for the node itself, so the node's own firewall decides about all traffic between pods of different nodes. Its source
port is a hash and its answers come from other ports, so connection tracking never calls it ESTABLISHED: a rule that accepts established
traffic does not help.

## Evidence
The line that drops, with its counters: when they count, it is active.

## Remedy
Delete the line or accept the port from the nodes' network before it, in the tool that owns the rules (firewalld, ufw, a script).

## When it can be wrong
A peer that this node only believes to be there. What the network between the nodes drops cannot be seen here.
",
    check,
};

fn check(node: &Node) -> Check {
    let network = node.pod_network()?;
    let overlay = match &network.overlay {
        Ok(shown) => &shown.value,
        Err(_) if role::no_pod_network(network) => return Ok(role::not_a_pod_node()),
        Err(missing) => return Err(missing.clone()),
    };
    let (what, packet): (String, fn(Packet, u16) -> Packet) = match overlay {
        Overlay::Vxlan { port: Some(port), .. } => (format!("VXLAN (udp/{port})"), Packet::udp),
        Overlay::Geneve { port: Some(port), .. } => (format!("Geneve (udp/{port})"), Packet::udp),
        Overlay::Ipip { .. } => ("IPIP (protocol 4)".to_owned(), |mut packet, _| {
            packet.protocol = Some(4);
            packet
        }),
        Overlay::HostGw => {
            return Ok(Outcome::NotApplicable("pod traffic is routed to the other nodes without an overlay".to_owned()));
        }
        other => {
            let what = format!("the port of {}", other.dev().unwrap_or("the overlay"));
            return Err(Missing::new(&node.links()?.source().key, what, "no capture that is read shows it"));
        }
    };
    let port = match overlay {
        Overlay::Vxlan { port, .. } | Overlay::Geneve { port, .. } => port.unwrap_or_default(),
        _ => 0,
    };
    let uplink = &network.uplink.as_ref().map_err(Clone::clone)?.value;
    let peers = &network.peers.as_ref().map_err(Clone::clone)?.value;
    let probes: Vec<Probe> = peers
        .iter()
        .filter_map(|peer| probes(peer, overlay, &uplink.dev, &uplink.addresses, |p| packet(p, port)))
        .flatten()
        .collect();
    // A peer whose node the FDB does not tell was not asked about.
    let unasked = peers.iter().find(|peer| peer.node.is_none()).map(|peer| {
        let what = format!("the node behind the pods of {}", peer.pod_cidr);
        Missing::new(&Key::node(Capture::BridgeFdb), what, "neither FDB nor route tells its address")
    });
    let Some(family) = probes.first().map(|p| p.hooks[0].1.family) else {
        return unasked.map_or_else(|| Ok(Outcome::NotApplicable("no other node is known to this one".to_owned())), Err);
    };
    let findings = send(node, &probes)?
        .into_iter()
        .map(|stopped| {
            let n = stopped.probes.len();
            let finding = Finding::new(
                Severity::Error,
                Confidence::Certain,
                format!("{what} is {} in {}", if stopped.rejected { "rejected" } else { "dropped" }, whereabouts(&stopped.place, family)),
                format!(
                    "This line stops {}{}. Nothing between pods of this node and those of other nodes arrives; traffic within the node \
                     and of the node itself works. {}",
                    stopped.probes[0],
                    if n > 1 { format!(" and {} more like it", n - 1) } else { String::new() },
                    counted(&stopped.place)
                ),
            )
            .because(stopped.place.evidence.clone())
            .because_all(stopped.trail.iter().map(|jump| jump.evidence.clone()))
            .affects("pod to pod on another node")
            .affects("Services with an endpoint on another node");
            let accept = match overlay {
                Overlay::Ipip { .. } => "-p 4".to_owned(),
                _ => format!("-p udp --dport {port}"),
            };
            lift(finding, &stopped.place, family, &[accept]).remedy(Remedy::advice(
                When::Persistent,
                format!("let what owns the rule (firewalld, ufw, a script) accept {what} from the nodes' network"),
            ))
        })
        .collect();
    conclude(findings, unasked)
}

/// The overlay's packet from a peer, and to it.
fn probes(
    peer: &Peer,
    overlay: &Overlay,
    uplink: &str,
    addresses: &[ipnet::IpNet],
    shape: impl Fn(Packet) -> Packet,
) -> Option<[Probe; 2]> {
    let there = peer.node?;
    let here: IpAddr = match overlay {
        Overlay::Vxlan { local: Some(local), .. } => *local,
        _ => addresses.iter().map(ipnet::IpNet::addr).find(|a| a.is_ipv4() == there.is_ipv4())?,
    };
    let packet = |src, dst| shape(Packet::new(Family::of(there)).between(src, dst));
    let (inward, outward) = (packet(there, here), packet(here, there));
    let dev = || Dev::named(uplink);
    Some([
        Probe {
            name: format!("the overlay's packet from node {there} to this one"),
            hooks: vec![(Hook::Prerouting, inward.clone().via(dev(), Dev::None)), (Hook::Input, inward.via(dev(), Dev::None))],
        },
        Probe {
            name: format!("the overlay's packet from this node to {there}"),
            hooks: vec![
                (Hook::Output, outward.clone().via(Dev::None, dev())),
                (Hook::Postrouting, outward.via(Dev::None, dev())),
            ],
        },
    ])
}

#[cfg(test)]
mod tests {
    use bundle::AbsentWhy;

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    fn input(rules: &str) -> Sketch {
        let chains = ":KUBE-SERVICES - [0:0]\nCOMMIT\n*nat";
        Sketch::healthy().edit(Capture::IptablesNftSave, chains, &chains.replace("COMMIT", &format!("{rules}COMMIT")))
    }

    #[test]
    fn fires_for_the_port_on_the_way_in_and_out() {
        let findings = found(check(&input("[23:2480] -A INPUT -p udp -m udp --dport 8472 -j DROP\n").node()));
        assert_eq!((findings[0].severity, findings[0].evidence[0].line), (Severity::Error, 6));
        assert!(findings[0].message.contains("It has stopped 23 packets"), "{}", findings[0].message);
        let out = found(check(&input("[0:0] -A OUTPUT -p udp -m multiport --dports 8000:9000 -j REJECT\n").node()));
        assert!(out[0].title.contains("rejected in filter OUTPUT"), "{}", out[0].title);
        assert!(out[0].message.contains("not counted a packet"), "{}", out[0].message);
    }

    #[test]
    fn an_accept_of_established_traffic_does_not_help() {
        let rules = "[9:9] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n[1:1] -A INPUT -i eth0 -j DROP\n";
        found(check(&input(rules).node()));
    }

    #[test]
    fn keeps_quiet_for_other_ports_other_sources_and_an_accept_before() {
        clear(check(&Sketch::healthy().node()));
        clear(check(&input("[0:0] -A INPUT -p udp -m udp --dport 4789 -j DROP\n").node()));
        clear(check(&input("[0:0] -A INPUT -s 203.0.113.0/24 -p udp -m udp --dport 8472 -j DROP\n").node()));
        clear(check(&input("[0:0] -A INPUT -s 192.0.2.0/24 -j ACCEPT\n[0:0] -A INPUT -p udp -j DROP\n").node()));
    }

    #[test]
    fn a_certain_drop_counts_though_other_rules_were_not_read() {
        let node = input("[23:2480] -A INPUT -p udp -m udp --dport 8472 -j DROP\n")
            .without(Capture::IptablesLegacySave, AbsentWhy::TimedOut);
        assert_eq!(found(check(&node.node())).len(), 1);
    }

    #[test]
    fn does_not_apply_without_an_overlay_or_a_peer() {
        not_applicable(check(&Sketch::host_gw().node()));
        not_applicable(check(&Sketch::without_pods().node()));
    }

    #[test]
    fn says_unknown_without_the_rules() {
        unknown(
            check(&Sketch::healthy().without(Capture::IptablesNftSave, AbsentWhy::TimedOut).node()),
            "node/iptables-nft-save.txt",
        );
        unknown(check(&Sketch::healthy().without(Capture::NftRuleset, AbsentWhy::ToolMissing).node()), "node/nft-ruleset.json");
    }
}
