//! Which CNI makes the pod network, and on which bridge.

use bundle::{AbsentWhy, Capture, Content, Key, Netns, Outcome};

use super::{Cni, Conflict, Part, Shown};
use crate::parse::ip_addr::LinkKind;
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::state::links::Links;

/// Traces of each CNI: names of devices and of plugins. A device is a trace of what was once there as well, a plugin of what is
/// configured.
const TRACES: &[(Cni, &[&str], &[&str])] = &[
    (Cni::Cilium, &["cilium_host", "cilium_net", "cilium_vxlan"], &["cilium-cni"]),
    (Cni::Calico, &["vxlan.calico", "wireguard.cali", "cali"], &["calico"]),
    (Cni::Weave, &["weave"], &["weave-net"]),
    (Cni::Flannel, &["flannel."], &["flannel"]),
    (Cni::KubeRouter, &["kube-bridge"], &[]),
];

pub(super) fn cni(node: &Node, links: &Links, conflicts: &mut Vec<Conflict>) -> Part<Cni> {
    let mut found: Vec<(Cni, Vec<Evidence>)> = Vec::new();
    for (cni, devices, plugins) in TRACES {
        let mut evidence = plugin_evidence(node, |kind| plugins.contains(&kind));
        if *cni == Cni::Flannel
            && let Ok(env) = node.flannel_subnet_env()
            && let Some((_, at)) = env.subnet
        {
            evidence.push(env.source.evidence(at));
        }
        let device = links.iter().find(|l| devices.iter().any(|d| l.name.starts_with(d)));
        evidence.extend(device.map(|l| links.evidence(l, &["info_kind"])));
        if !evidence.is_empty() {
            found.push((cni.clone(), evidence));
        }
    }
    if found.len() > 1 {
        let names: Vec<String> = found.iter().map(|(c, _)| format!("{c:?}")).collect();
        let evidence = found.iter().filter_map(|(_, e)| e.first().cloned()).collect();
        conflicts.push(Conflict { what: format!("traces of several CNIs: {}", names.join(", ")), evidence });
    }
    if let Some((value, evidence)) = found.into_iter().next() {
        return Ok(Shown { value, evidence });
    }
    let main = node.cni_configs().iter().find_map(|doc| {
        let plugin = doc.plugins.first()?;
        Some((plugin.kind.0.clone(), doc.source.evidence(plugin.kind.1)))
    });
    if let Some((kind, evidence)) = main {
        let value = if kind == "bridge" { Cni::Bridge } else { Cni::Other(kind) };
        return Ok(Shown { value, evidence: vec![evidence] });
    }
    none(node, links)
}

/// There is none only if the folder was looked at and all devices are known.
fn none(node: &Node, links: &Links) -> Part<Cni> {
    links.complete()?;
    let key = Key::node(Capture::CniConfig);
    let absent = node.bundle().records(Netns::Node, Capture::CniConfig).find_map(|r| match &r.outcome {
        Outcome::Absent { why: AbsentWhy::NotFound, detail } if r.instance.is_none() => Some(detail.clone()),
        _ => None,
    });
    match absent {
        Some(detail) => {
            let text = format!("no CNI configuration: {detail}");
            Ok(Shown { value: Cni::None, evidence: vec![Evidence { capture: key.path(), line: 0, text }] })
        }
        None => Err(match node.bundle().get(&key) {
            Content::Absent(absence) => Missing::absent(&key, &absence),
            Content::Text(_) => Missing::new(&key, "the CNI", "no configuration names a plugin"),
        }),
    }
}

fn plugin_evidence(node: &Node, wanted: impl Fn(&str) -> bool) -> Vec<Evidence> {
    let plugins = node.cni_configs().iter().flat_map(|doc| doc.plugins.iter().map(move |p| (doc, p)));
    plugins.filter(|(_, p)| wanted(&p.kind.0)).map(|(doc, p)| doc.source.evidence(p.kind.1)).collect()
}

/// Bridges that CNIs make by these names.
const BRIDGES: &[&str] = &["cni0", "kube-bridge", "cbr0", "weave"];

pub(super) fn bridge(node: &Node, links: &Links) -> Part<Option<String>> {
    let configured = node.cni_configs().iter().find_map(|doc| {
        let (name, at) = doc.plugins.iter().find_map(|p| p.bridge.clone())?;
        Some((name, doc.source.evidence(at)))
    });
    let is_bridge = |name: &str| links.by_name(name).filter(|l| matches!(l.kind, LinkKind::Bridge(_)));
    if let Some((name, evidence)) = configured {
        let link = is_bridge(&name).map(|l| links.evidence(l, &["info_kind"]));
        return Ok(Shown { value: Some(name), evidence: link.into_iter().chain([evidence]).collect() });
    }
    if let Some(link) = BRIDGES.iter().find_map(|name| is_bridge(name)) {
        return Ok(Shown { value: Some(link.name.to_string()), evidence: vec![links.evidence(link, &["info_kind"])] });
    }
    links.complete()?;
    Ok(Shown { value: None, evidence: Vec::new() })
}
