//! `mtu/overlay-above-underlay`: an encapsulated packet is larger than the link that carries it.

use netmodel::{Evidence, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "mtu/overlay-above-underlay",
    title: "The overlay's MTU does not fit the underlay",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
The MTU of the overlay's device and of the bridge that pods hang on, against the MTU of the interface that carries the encapsulated
packets less what the encapsulation adds: VXLAN 50 bytes over IPv4 and 70 over IPv6, IPIP 20. Computed from this node's own devices, never
compared with 1500.

## Why it matters
A full-sized packet of a pod does not fit once it is wrapped. It is fragmented if nothing forbids that, and lost where fragments are
dropped or the peer's MTU is smaller: small requests work, large transfers hang. The kernel refuses such an MTU when it is set; it arises
when the underlay's MTU shrinks later.

## Evidence
The MTU of both devices. Segmentation offload on veth and physical devices can hide it: packets that the card cuts itself are small.

## Remedy
Lower the overlay's, the bridge's and the pods' MTU (in the CNI's configuration, then restart the pods), or raise the underlay's.

## When it can be wrong
Where the outer packet may be fragmented and fragments arrive, transfers are slow rather than broken: hence `likely`.
",
    check,
};

fn check(node: &Node) -> Check {
    let Some(overlay) = role::overlay(node)? else {
        return Ok(Outcome::NotApplicable("no overlay was found on this node".to_owned()));
    };
    let Some(overhead) = overlay.overhead else {
        return Ok(Outcome::NotApplicable(format!("the overhead of {} depends on more than its kind", overlay.kind)));
    };
    let links = node.links()?;
    let device = role::link(links, &overlay.device)?;
    let underlay = role::link(links, &overlay.underlay)?;
    let (device_mtu, underlay_mtu) = (role::mtu(links, device)?, role::mtu(links, underlay)?);
    let fits = underlay_mtu.saturating_sub(overhead);
    let mut too_large: Vec<(&str, u32, Evidence)> = Vec::new();
    if device_mtu > fits {
        too_large.push((&device.name, device_mtu, links.evidence(device, &["ifname", "mtu"])));
    }
    if let Some(bridge) = role::pod_bridge(node)? {
        let bridge = role::link(links, &bridge.name)?;
        // A smaller overlay device makes the kernel answer "fragmentation needed" before it wraps: a bridge above it alone is harmless.
        let bridge_mtu = role::mtu(links, bridge)?;
        if bridge_mtu > fits && device_mtu > fits {
            too_large.push((&bridge.name, bridge_mtu, links.evidence(bridge, &["ifname", "mtu"])));
        }
    }
    let Some((name, mtu, _)) = too_large.first() else { return Ok(Outcome::Clear) };
    let mut finding = Finding::new(
        Severity::Error,
        Confidence::Likely,
        format!(
            "{name} has MTU {mtu}, but {} (MTU {}) can carry {fits} bytes inside {}",
            underlay.name, underlay_mtu, overlay.kind
        ),
        format!(
            "Full-sized packets between pods on different nodes are {} bytes once {} has added its {overhead}: more than {} takes. Small \
             requests work; large transfers are fragmented, or hang where fragments are dropped.",
            mtu + overhead,
            overlay.kind,
            underlay.name
        ),
    )
    .affects("pod to pod on another node, large packets");
    finding.evidence = too_large.iter().map(|(_, _, evidence)| evidence.clone()).collect();
    finding = finding.because(links.evidence(underlay, &["ifname", "mtu"]));
    for (name, _, _) in &too_large {
        finding = finding.remedy(Remedy::now(format!("ip link set {name} mtu {fits}")));
    }
    finding = finding.remedy(Remedy::advice(
        When::Persistent,
        format!(
            "set MTU {fits} in the CNI's configuration and restart the pods, or raise the MTU of {} to {} on every node and every switch \
             between them",
            underlay.name,
            mtu + overhead
        ),
    ));
    Ok(Outcome::Found(vec![finding]))
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, not_applicable};

    const OVERLAY: &str = r#""ifname":"flannel.1","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1450"#;
    const UPLINK: &str = r#""ifname":"eth0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500"#;

    #[test]
    fn fires_when_the_underlay_shrank() {
        let findings = found(check(&Sketch::healthy().edit(Capture::IpAddr, UPLINK, &UPLINK.replace("1500", "1400")).node()));
        assert_eq!(findings[0].evidence.len(), 3, "overlay, bridge, underlay");
        assert!(findings[0].title.contains("1350"), "{}", findings[0].title);
    }

    #[test]
    fn keeps_quiet_at_the_exact_fit_and_with_jumbo_frames() {
        clear(check(&Sketch::healthy().node()));
        let jumbo = Sketch::healthy().edit(Capture::IpAddr, UPLINK, &UPLINK.replace("1500", "9000")).edit(
            Capture::IpAddr,
            OVERLAY,
            &OVERLAY.replace("1450", "8950"),
        );
        clear(check(&jumbo.node()));
        found(check(&Sketch::healthy().edit(Capture::IpAddr, OVERLAY, &OVERLAY.replace("1450", "1451")).node()));
    }

    #[test]
    fn counts_70_bytes_over_ipv6() {
        let v6 = Sketch::healthy().edit(
            Capture::IpAddr,
            r#""local":"192.0.2.11","link":"eth0""#,
            r#""local6":"2001:db8::11","link":"eth0""#,
        );
        assert!(found(check(&v6.node()))[0].title.contains("1430"));
    }

    #[test]
    fn does_not_apply_without_an_overlay() {
        not_applicable(check(&Sketch::host_gw().node()));
    }

    #[test]
    fn says_unknown_without_links() {
        let node = Sketch::healthy().without(Capture::IpAddr, AbsentWhy::TimedOut).without(Capture::IpLink, AbsentWhy::TimedOut);
        assert!(check(&node.node()).is_err());
    }
}
