//! Pods, nodes, Services and devices by the names that people give: in full, without the namespace, or the beginning.

use super::error::EndpointError;
use super::names;
use crate::state::Node;
use crate::state::services::ServicePort;
use crate::walk::world::{NsId, World};

/// A thing with a name, chosen by it: the same name, the same without its namespace, or the beginning of one.
fn choose<T: Copy>(kind: &'static str, name: &str, all: &[(String, T)]) -> Result<T, EndpointError> {
    let short = |full: &str| full.rsplit_once('/').map_or(full, |(_, short)| short).to_owned();
    let ways: [&dyn Fn(&str) -> bool; 3] = [&|full| full == name, &|full| short(full) == name, &|full| {
        !name.is_empty() && (full.starts_with(name) || short(full).starts_with(name))
    }];
    for fits in ways {
        let found: Vec<&(String, T)> = all.iter().filter(|(full, _)| fits(full)).collect();
        match found[..] {
            [] => {}
            [(_, only)] => return Ok(*only),
            _ => {
                let candidates = found.iter().map(|(full, _)| full.clone()).collect();
                return Err(EndpointError::Ambiguous { kind, name: name.to_owned(), candidates });
            }
        }
    }
    let mut known: Vec<String> = all.iter().map(|(full, _)| full.clone()).collect();
    known.sort_unstable();
    known.dedup();
    Err(EndpointError::NoSuch { kind, name: name.to_owned(), known })
}

pub(super) fn find_pod<'n>(world: &World<'n>, name: &str) -> Result<(NsId, &'n Node), EndpointError> {
    let pods = world.namespaces().filter(|(ns, _)| ns.pod.is_some());
    let all: Vec<(String, (NsId, &Node))> =
        pods.filter_map(|(ns, state)| Some((names::pod_name(state)?.to_owned(), (ns, state)))).collect();
    choose("pod", name, &all)
}

pub(super) fn find_node<'n>(world: &World<'n>, name: &str) -> Result<(NsId, &'n Node), EndpointError> {
    let all: Vec<(String, (NsId, &Node))> =
        (0u32..).zip(world.nodes()).map(|(n, node)| (node.name().to_owned(), (NsId::node(n), *node))).collect();
    choose("node", name, &all)
}

pub(super) fn find_owner<'n>(world: &World<'n>, owner: &str) -> Result<(NsId, &'n Node), EndpointError> {
    match owner.strip_prefix("pod:") {
        Some(pod) => find_pod(world, pod),
        None => find_node(world, owner),
    }
}

/// The ports of a Service at addresses of its own: ClusterIPs first, as they are sorted.
pub(super) fn find_service<'n>(world: &World<'n>, name: &str) -> Result<Vec<&'n ServicePort>, EndpointError> {
    let mut found: Vec<&ServicePort> = Vec::new();
    for node in world.nodes() {
        for port in node.services().named(name) {
            if port.addr.is_some() && !found.iter().any(|p| (p.addr, p.protocol, p.port) == (port.addr, port.protocol, port.port))
            {
                found.push(port);
            }
        }
    }
    let mut services: Vec<&str> = found.iter().filter_map(|p| p.service()).collect();
    services.sort_unstable();
    services.dedup();
    match services[..] {
        [_] => Ok(found),
        [] => {
            let all = world.nodes().iter().flat_map(|n| n.services().iter());
            let mut known: Vec<String> = all.filter_map(|p| p.service()).map(ToOwned::to_owned).collect();
            known.sort_unstable();
            known.dedup();
            Err(EndpointError::NoSuch { kind: "Service", name: name.to_owned(), known })
        }
        _ => Err(EndpointError::Ambiguous {
            kind: "Service",
            name: name.to_owned(),
            candidates: services.into_iter().map(ToOwned::to_owned).collect(),
        }),
    }
}

pub(super) fn no_device(dev: &str, state: &Node) -> EndpointError {
    EndpointError::NoSuch { kind: "device", name: dev.to_owned(), known: devices(state) }
}

pub(super) fn devices(state: &Node) -> Vec<String> {
    state.links().map(|l| l.iter().map(|l| l.name.to_string()).collect()).unwrap_or_default()
}
