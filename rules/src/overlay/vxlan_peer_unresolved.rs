//! `overlay/vxlan-peer-unresolved`: the VXLAN device does not know behind which node a peer's end is.

use netmodel::parse::ip_addr::LinkKind;
use netmodel::{Evidence, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "overlay/vxlan-peer-unresolved",
    title: "A peer's VXLAN end has no neighbour or FDB entry",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
For each route to another node's pods through a VXLAN device that does not learn: the route's gateway has a neighbour entry with a hardware
address on the device, and that address has an FDB entry that leads to a node.

## Why it matters
With learning off, which is how flannel and Calico set it up, the entries are all that the device knows: without a neighbour entry the
packet has no hardware address, without an FDB entry the frame has no node to go to (`vxlan_xmit()`, drivers/net/vxlan/vxlan_core.c, drops
it). Pods of that one node are out of reach; the way back may work.

## Evidence
The route, the neighbour entry, and the FDB that lacks the address.

## Remedy
Restart the CNI's daemon, which writes the entries from the Node objects; or add the entry by hand.

## When it can be wrong
A device with a default destination (all-zero FDB entry, `remote` or `group`) needs no entry for each peer; it is not reported.
",
    check,
};

const ALL_ZERO: &str = "00:00:00:00:00:00";

fn check(node: &Node) -> Check {
    let network = node.pod_network()?;
    let overlay = match &network.overlay {
        Ok(shown) => &shown.value,
        Err(_) if role::no_pod_network(network) => return Ok(role::not_a_pod_node()),
        Err(missing) => return Err(missing.clone()),
    };
    let links = node.links()?;
    let Some(device) = overlay.dev() else {
        return Ok(Outcome::NotApplicable("there is no overlay device".to_owned()));
    };
    let device = role::link(links, device)?;
    let LinkKind::Vxlan(vxlan) = &device.kind else {
        return Ok(Outcome::NotApplicable(format!("{} is no VXLAN device", device.name)));
    };
    let (neighbours, fdb) = (node.neighbours()?, node.fdb()?);
    let default = fdb.iter().any(|e| *e.dev == *device.name && &*e.mac == ALL_ZERO && e.dst.is_some());
    if vxlan.learning != Some(false) || vxlan.remote.is_some() || vxlan.external || default {
        return Ok(Outcome::NotApplicable(format!("{} learns, or has a default destination", device.name)));
    }
    let mut findings = Vec::new();
    for peer in &network.peers.as_ref().map_err(Clone::clone)?.value {
        let Some(gateway) = peer.gateway else { continue };
        let neighbour = neighbours.iter().find(|n| *n.dev == *device.name && n.dst == gateway && n.lladdr.is_some());
        let (what, shown, absent) = match neighbour {
            None => {
                neighbours.complete()?;
                (format!("{gateway} has no neighbour entry on {}", device.name), None, &neighbours.source)
            }
            Some(neighbour) => {
                let mac = neighbour.lladdr.as_deref().unwrap_or_default();
                if fdb.iter().any(|e| *e.dev == *device.name && e.mac.eq_ignore_ascii_case(mac) && e.dst.is_some()) {
                    continue;
                }
                fdb.complete()?;
                let what = format!("{mac} of {gateway} has no FDB entry on {}", device.name);
                (what, Some(neighbours.source.evidence(neighbour.at)), &fdb.source)
            }
        };
        let lacks = Evidence { capture: absent.key.path(), line: 0, text: format!("nothing for {gateway} on {}", device.name) };
        findings.push(
            Finding::new(
                Severity::Error,
                Confidence::Certain,
                format!("pods of {} are out of reach: {what}", peer.pod_cidr),
                format!(
                    "{} does not learn, so it drops every packet for these pods. Other nodes, and what that node sends to this one, are not \
                     concerned.",
                    device.name
                ),
            )
            .because_all(peer.evidence.first().cloned())
            .because_all(shown)
            .because(lacks)
            .affects(format!("pods of {} from this node", peer.pod_cidr))
            .remedy(Remedy::advice(
                When::Now,
                "restart the CNI's pod on this node: it writes the entries from the Node objects (flannel: delete its pod)",
            )),
        );
    }
    Ok(Outcome::from_findings(findings))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable, unknown};

    #[test]
    fn fires_without_the_fdb_entry_and_without_the_neighbour() {
        let no_fdb = Sketch::healthy().edit(Capture::BridgeFdb, "02:00:00:00:02:00", "02:00:00:00:09:09");
        let findings = found(check(&no_fdb.node()));
        assert!(findings[0].title.contains("02:00:00:00:02:00 of 10.244.2.0 has no FDB entry"), "{}", findings[0].title);
        let no_neighbour = Sketch::healthy().edit(Capture::IpNeigh, r#""dst":"10.244.2.0""#, r#""dst":"10.244.9.0""#);
        assert!(found(check(&no_neighbour.node()))[0].title.contains("no neighbour entry"));
    }

    #[test]
    fn keeps_quiet_when_both_are_there() {
        clear(check(&Sketch::healthy().node()));
    }

    #[test]
    fn does_not_apply_to_a_device_that_learns_or_has_a_default() {
        not_applicable(check(&Sketch::healthy().edit(Capture::IpAddr, r#""learning":false"#, r#""learning":true"#).node()));
        let default =
            r#"[{"mac":"00:00:00:00:00:00","ifname":"flannel.1","dst":"192.0.2.12","flags":["self"],"state":"permanent"}]"#;
        not_applicable(check(&Sketch::healthy().with(bundle::Key::node(Capture::BridgeFdb), default).node()));
        not_applicable(check(&Sketch::host_gw().node()));
    }

    #[test]
    fn says_unknown_without_the_fdb() {
        unknown(check(&Sketch::healthy().without(Capture::BridgeFdb, AbsentWhy::ToolMissing).node()), "node/bridge-fdb.json");
    }
}
