//! CIDRs of this node's pods, of all pods and of Services.

use bundle::{Capture, Key};
use ipnet::IpNet;

use super::{Conflict, Part, Said};
use crate::family::Family;
use crate::parse::ip_addr::LinkKind;
use crate::parse::ip_route::RouteKind;
use crate::source::{Evidence, Fact, Missing};
use crate::state::Node;
use crate::state::kube::flag_values;
use crate::state::links::Links;

type Nets = Said<Vec<IpNet>>;

/// A source's word: an empty list says nothing.
fn say(said: &mut Nets, nets: impl IntoIterator<Item = IpNet>, evidence: impl FnOnce() -> Evidence) {
    let mut nets: Vec<IpNet> = nets.into_iter().map(|n| n.trunc()).collect();
    nets.sort_unstable();
    nets.dedup();
    if !nets.is_empty() {
        said.0.push((nets, evidence()));
    }
}

/// Sources of one family each are compared within it only: a bridge may have an IPv4 address alone.
fn settle(said: &Nets, what: &str, missing: Missing, conflicts: &mut Vec<Conflict>) -> Part<Vec<IpNet>> {
    let mut parts: Vec<_> = Vec::new();
    for family in [Family::V4, Family::V6] {
        let of_family = said.0.iter().filter_map(|(nets, evidence)| {
            let nets: Vec<IpNet> = nets.iter().copied().filter(|n| Family::of(n.addr()) == family).collect();
            (!nets.is_empty()).then(|| (nets, evidence.clone()))
        });
        parts.extend(Said(of_family.collect()).settle(what, missing.clone(), conflicts).ok());
    }
    let mut parts = parts.into_iter();
    let mut all = parts.next().ok_or(missing)?;
    for part in parts {
        all.value.extend(part.value);
        all.evidence.extend(part.evidence);
        all.evidence.dedup();
    }
    Ok(all)
}

pub(super) fn pod_cidr(
    node: &Node,
    links: &Links,
    bridge: &Part<Option<String>>,
    conflicts: &mut Vec<Conflict>,
) -> Part<Vec<IpNet>> {
    let mut said = Said(Vec::new());
    if let Ok(env) = node.flannel_subnet_env() {
        for (net, at) in env.subnet.iter().chain(&env.subnet6) {
            say(&mut said, [*net], || env.source.evidence(*at));
        }
    }
    for doc in node.cni_configs() {
        for (net, at) in doc.plugins.iter().flat_map(|p| &p.subnets) {
            say(&mut said, [*net], || doc.source.evidence(*at));
        }
    }
    if let Ok(bridge) = bridge
        && let Some(link) = bridge.value.as_deref().and_then(|name| links.by_name(name))
        && matches!(link.kind, LinkKind::Bridge(_))
    {
        for address in link.addresses.iter().filter(|a| &*a.scope == "global") {
            say(&mut said, [address.addr], || links.address_evidence(link, address));
        }
    }
    // Calico keeps each of the node's blocks as a blackhole route, made by bird (or by Felix: protocol 80).
    if said.0.is_empty()
        && let Ok(routes) = node.routes(Family::V4)
    {
        let blocks: Vec<_> = routes
            .iter()
            .filter(|r| r.kind == RouteKind::Blackhole && matches!(r.protocol.as_deref(), Some("bird" | "80")))
            .collect();
        if let Some(first) = blocks.first() {
            say(&mut said, blocks.iter().map(|r| r.dst), || routes.evidence(first));
        }
    }
    let missing = Missing::new(
        &Key::node(Capture::FlannelSubnetEnv),
        "the CIDR of this node's pods",
        "neither subnet.env, the CNI configuration nor a pod bridge tells it",
    );
    settle(&said, "the CIDR of this node's pods", missing, conflicts)
}

pub(super) fn cluster_cidr(node: &Node, conflicts: &mut Vec<Conflict>) -> Part<Vec<IpNet>> {
    let mut said = Said(Vec::new());
    if let Ok(env) = node.flannel_subnet_env() {
        for nets in [&env.networks, &env.networks6] {
            if let Some((_, at)) = nets.first() {
                say(&mut said, nets.iter().map(|n| n.0), || env.source.evidence(*at));
            }
        }
    }
    if let Ok(conf) = node.flannel_net_conf() {
        for (net, at) in conf.network.iter().chain(&conf.network6) {
            say(&mut said, [*net], || conf.source.evidence(*at));
        }
    }
    for doc in node.kube_proxy_configs() {
        if let Some((_, at)) = doc.cluster_cidrs.first() {
            say(&mut said, doc.cluster_cidrs.iter().map(|c| c.0), || doc.source.evidence(*at));
        }
    }
    flags(node, "cluster-cidr", &mut said);
    let missing = Missing::new(
        &Key::node(Capture::KubeProxyConfig),
        "the CIDR of all pods",
        "no configuration or flag that was captured has it",
    );
    settle(&said, "the CIDR of all pods", missing, conflicts)
}

pub(super) fn service_cidr(node: &Node, conflicts: &mut Vec<Conflict>) -> Part<Vec<IpNet>> {
    let mut said = Said(Vec::new());
    flags(node, "service-cluster-ip-range", &mut said);
    // k3s.
    flags(node, "service-cidr", &mut said);
    let missing = Missing::new(
        &Key::node(Capture::StaticPodFlags),
        "the CIDR of Services",
        "no control plane component runs here, and no other one is told it",
    );
    settle(&said, "the CIDR of Services", missing, conflicts)
}

fn flags(node: &Node, flag: &str, said: &mut Nets) {
    let facts: Vec<Fact<'_, &str>> =
        [node.static_pod_flags(), node.kube_cmdlines()].into_iter().flat_map(|docs| flag_values(docs, "", flag)).collect();
    for fact in facts {
        say(said, fact.value.split(',').filter_map(|n| n.trim().parse().ok()), || fact.evidence());
    }
}
