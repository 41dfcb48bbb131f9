//! A node and its pod network in two lines: what a person must know before any finding means something.
//!
//! What is not known is said, with the reason; nothing is guessed here.

use std::fmt::Display;

use bundle::Manifest;
use netmodel::state::pod_network::{Cni, Overlay, Part, PodNetwork, ProxyMode, Uplink};
use netmodel::{Missing, Node};

use crate::sanitize::line;

/// The two lines: the node, and its network. They hold text from the bundle, made harmless.
pub(crate) fn lines(node: &Node) -> [String; 2] {
    let network = match node.pod_network() {
        Ok(network) => describe(network),
        Err(missing) => format!("pod network unknown: {}", missing.why),
    };
    [line(&identity(node.bundle().manifest())).into_owned(), line(&network).into_owned()]
}

/// The node, and when and how its snapshot was taken. Not made harmless.
pub(crate) fn identity(manifest: &Manifest) -> String {
    let id = &manifest.node;
    let mut text = format!("{}: kernel {} {}, collected {}", id.name, id.kernel, id.arch, time(manifest));
    if !manifest.collector.root {
        text.push_str(", without root");
    }
    if let Some(why) = &manifest.cut_short {
        text.push_str(", cut short: ");
        text.push_str(why);
    }
    text
}

/// The start of the collection in the node's own time, with its offset: what a person compares with the node's logs.
fn time(manifest: &Manifest) -> String {
    let at = manifest.started_at;
    let (hours, minutes, _) = at.offset().as_hms();
    let sign = if at.offset().is_negative() { '-' } else { '+' };
    format!(
        "{} {:02}:{:02}:{:02} {sign}{:02}:{:02}",
        at.date(),
        at.hour(),
        at.minute(),
        at.second(),
        hours.unsigned_abs(),
        minutes.unsigned_abs()
    )
}

fn describe(network: &PodNetwork) -> String {
    let mut unknown: Vec<(&str, &Missing)> = Vec::new();
    let mut known: Vec<String> = Vec::new();
    part("CNI", &network.cni, cni, &mut known, &mut unknown);
    part("pod CIDR", &network.pod_cidr, |cidrs| format!("pods {}", list(cidrs)), &mut known, &mut unknown);
    part("uplink", &network.uplink, uplink, &mut known, &mut unknown);
    part("overlay", &network.overlay, overlay, &mut known, &mut unknown);
    part("proxy mode", &network.proxy_mode, |mode| proxy(*mode).to_owned(), &mut known, &mut unknown);
    known.extend(network.conflicts.iter().map(|c| format!("sources disagree on {}", c.what)));
    // Parts that are unknown for one reason share its sentence.
    while let Some((_, first)) = unknown.first().copied() {
        let names: Vec<_> =
            unknown.iter().filter(|(_, m)| m.why == first.why && m.capture == first.capture).map(|(n, _)| *n).collect();
        known.push(format!("{} unknown ({})", names.join(", "), first.why));
        unknown.retain(|(_, m)| m.why != first.why || m.capture != first.capture);
    }
    known.join(", ")
}

fn part<'n, T>(
    name: &'static str,
    part: &'n Part<T>,
    show: impl FnOnce(&T) -> String,
    known: &mut Vec<String>,
    unknown: &mut Vec<(&'static str, &'n Missing)>,
) {
    match part {
        Ok(shown) => known.push(show(&shown.value)),
        Err(missing) => unknown.push((name, missing)),
    }
}

fn cni(cni: &Cni) -> String {
    match cni {
        Cni::Flannel => "flannel".to_owned(),
        Cni::Calico => "Calico".to_owned(),
        Cni::Cilium => "Cilium".to_owned(),
        Cni::Weave => "Weave Net".to_owned(),
        Cni::KubeRouter => "kube-router".to_owned(),
        Cni::Bridge => "bridge CNI".to_owned(),
        Cni::Other(name) => format!("CNI {name}"),
        Cni::None => "no CNI".to_owned(),
        other => format!("{other:?}"),
    }
}

fn uplink(uplink: &Uplink) -> String {
    let mut text = format!("uplink {}", uplink.dev);
    if !uplink.addresses.is_empty() {
        text.push(' ');
        text.push_str(&list(&uplink.addresses));
    }
    text + &mtu(uplink.mtu)
}

fn overlay(overlay: &Overlay) -> String {
    match overlay {
        Overlay::Vxlan { dev, vni, port, mtu: size, .. } => {
            let vni = vni.map(|v| format!(" VNI {v}")).unwrap_or_default();
            let port = port.map(|p| format!(" UDP {p}")).unwrap_or_default();
            format!("VXLAN {dev}{vni}{port}{}", mtu(*size))
        }
        Overlay::Ipip { dev, mtu: size } => format!("IPIP {dev}{}", mtu(*size)),
        Overlay::Wireguard { dev, mtu: size } => format!("WireGuard {dev}{}", mtu(*size)),
        Overlay::Geneve { dev, port, mtu: size } => {
            format!("Geneve {dev}{}{}", port.map(|p| format!(" UDP {p}")).unwrap_or_default(), mtu(*size))
        }
        Overlay::HostGw => "no overlay (routed)".to_owned(),
        other => format!("{other:?}"),
    }
}

fn proxy(mode: ProxyMode) -> &'static str {
    match mode {
        ProxyMode::Iptables => "kube-proxy iptables",
        ProxyMode::Ipvs => "kube-proxy ipvs",
        ProxyMode::Nftables => "kube-proxy nftables",
        ProxyMode::None => "no kube-proxy",
        _ => "another proxy",
    }
}

fn mtu(mtu: Option<u32>) -> String {
    mtu.map(|m| format!(" MTU {m}")).unwrap_or_default()
}

fn list(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
