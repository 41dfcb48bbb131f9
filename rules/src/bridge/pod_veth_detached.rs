//! `bridge/pod-veth-detached`: a pod's cable ends on the host, but not in the bridge.

use netmodel::{Missing, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule, conclude};

pub(crate) const RULE: Rule = Rule {
    id: "bridge/pod-veth-detached",
    title: "A pod's veth is not on the bridge",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
For each pod whose namespace is in the bundle and whose address lies in this node's pod CIDR: the host's end of its veth (the index behind
`@if` of the pod's interface) is a port of the bridge that pods hang on, and is up.

## Why it matters
A pod whose veth is not in the bridge, or is down, reaches nobody and nobody reaches it, while all others work. NetworkManager that takes
over `veth*`, or an interrupted CNI call, does this.

## Evidence
The pod's interface with the index of its other end, and that device on the host.

## Remedy
Put the device back into the bridge, or delete the pod so that the CNI wires it anew.

## When it can be wrong
A second interface of a pod (Multus) with an address of the pod CIDR that is meant to be elsewhere.
",
    check,
};

fn check(node: &Node) -> Check {
    let Some(bridge) = role::pod_bridge(node)? else {
        return Ok(Outcome::NotApplicable("no pod hangs on a Linux bridge".to_owned()));
    };
    let links = node.links()?;
    let cidrs = node.pod_network()?.pod_cidr.as_ref().map_err(Clone::clone)?;
    if node.pods().is_empty() {
        if links.ports_of(&bridge.name).next().is_none() {
            return Ok(Outcome::NotApplicable("no pod runs on this node".to_owned()));
        }
        return Err(Missing::new(&links.source().key, "the pods' namespaces", "the bundle holds none, though pods run here"));
    }
    let (mut findings, mut unasked) = (Vec::new(), None);
    for pod in node.pods() {
        let inside = match pod.links() {
            Ok(inside) => inside,
            Err(missing) => {
                unasked.get_or_insert(missing);
                continue;
            }
        };
        for link in inside.iter().filter(|l| l.addresses.iter().any(|a| cidrs.value.iter().any(|c| c.contains(&a.addr.addr())))) {
            let Some(host_end) = link.lower_index.and_then(|index| links.by_index(index)) else { continue };
            // A form without flags (`ip -o addr`) shows no bridge either.
            let up = host_end.up.ok_or_else(|| {
                let what = format!("flags and bridge of {}", host_end.name);
                Missing::new(&links.source().key, what, "this form of the output does not show them")
            })?;
            let on_bridge = host_end.master.as_deref() == Some(&*bridge.name);
            if on_bridge && up {
                continue;
            }
            let name = role::pod_name(pod);
            let (what, command) = if on_bridge {
                ("is down".to_owned(), format!("ip link set {} up", host_end.name))
            } else {
                (format!("is not on {}", bridge.name), format!("ip link set {} master {}", host_end.name, bridge.name))
            };
            findings.push(
                Finding::new(
                    Severity::Error,
                    Confidence::Certain,
                    format!("{} of pod {name} {what}", host_end.name),
                    format!("Pod {name} reaches nobody and nobody reaches it; the other pods of this node are not concerned."),
                )
                .because(links.evidence(host_end, &["ifindex", "ifname", "flags", "master"]))
                .because(inside.evidence(link, &["link_index", "ifname", "local"]))
                .affects(format!("pod {name}"))
                .remedy(Remedy::now(command))
                .remedy(Remedy::advice(
                    When::Persistent,
                    "keep other tools off the CNI's devices (NetworkManager: unmanaged-devices=interface-name:veth*)",
                )),
            );
        }
    }
    conclude(findings, unasked)
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable};

    const POD: &str = r#"[{"ifindex":2,"link_index":5,"ifname":"eth0","flags":["UP","LOWER_UP"],"mtu":1450,"addr_info":[{"family":"inet","local":"10.244.1.2","prefixlen":24,"scope":"global"}]}]"#;

    #[test]
    fn fires_when_the_host_end_is_elsewhere_or_down() {
        let findings =
            found(check(&Sketch::healthy().pod(1, Capture::IpAddr, POD).edit(Capture::IpAddr, r#""master":"cni0","#, "").node()));
        assert!(findings[0].title.starts_with("veth1 of pod default/p1 is not on cni0"), "{}", findings[0].title);
        let veth = r#""ifname":"veth1","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"]"#;
        let down = Sketch::healthy().pod(1, Capture::IpAddr, POD).edit(
            Capture::IpAddr,
            veth,
            r#""ifname":"veth1","flags":["BROADCAST","MULTICAST"]"#,
        );
        assert_eq!(found(check(&down.node()))[0].remedy[0], Remedy::now("ip link set veth1 up"));
    }

    #[test]
    fn keeps_quiet_when_it_is_a_port_and_for_other_networks() {
        clear(check(&Sketch::healthy().pod(1, Capture::IpAddr, POD).node()));
        let other = POD.replace("10.244.1.2", "172.20.0.2").replace("\"link_index\":5", "\"link_index\":2");
        clear(check(&Sketch::healthy().pod(1, Capture::IpAddr, &other).node()));
    }

    #[test]
    fn does_not_apply_without_a_bridge() {
        not_applicable(check(&Sketch::without_pods().node()));
    }

    #[test]
    fn says_unknown_without_the_pods_namespaces() {
        assert!(check(&Sketch::healthy().node()).is_err());
        assert!(
            check(&Sketch::healthy().pod(1, Capture::IpAddr, POD).without(Capture::IpAddr, AbsentWhy::TimedOut).node()).is_err()
        );
    }
}
