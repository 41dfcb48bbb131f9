//! Services in iptables mode: the rules of KUBE-SERVICES and KUBE-NODEPORTS, with the name in their comment.
//!
//! ```text
//! -A KUBE-SERVICES -d 10.96.0.20/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-A
//! -A KUBE-NODEPORTS -p tcp -m comment --comment "default/web:http" -m tcp --dport 30080 -j KUBE-EXT-A
//! -A KUBE-SERVICES -d 10.96.0.23/32 -p tcp -m comment --comment "default/noeps:http has no endpoints" -m tcp --dport 80 -j REJECT
//! ```

use std::net::IpAddr;

use super::{ServiceKind, ServicePort, Services};
use crate::family::Family;
use crate::parse::iptables::{ChainId, End, MatchKind, Rule, Ruleset, TableKind, Target};
use crate::state::netfilter::Backend;
use crate::state::{Doc, Node};

/// KUBE-EXT jumps to KUBE-SVC, that to KUBE-SEP; older versions have KUBE-FW and KUBE-XLB before.
const MAX_DEPTH: usize = 6;

pub(super) fn read(node: &Node, services: &mut Services) {
    for backend in Backend::ALL {
        for family in Family::ALL {
            match node.iptables(backend, family) {
                Ok(doc) => ruleset(doc, services),
                Err(missing) => services.gaps.push(missing),
            }
        }
    }
}

fn ruleset(doc: &Doc<Ruleset>, services: &mut Services) {
    let text = &doc.source.text;
    for table in [TableKind::Nat, TableKind::Filter] {
        let Some(id) = doc.table(table) else { continue };
        for name in ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS"] {
            let Some(chain) = doc.chain(text, id, name) else { continue };
            for (_, rule) in doc.rules_of(chain) {
                if let Some(port) = service(doc, rule, name == "KUBE-NODEPORTS") {
                    services.add(port);
                }
            }
        }
    }
}

fn service(doc: &Doc<Ruleset>, rule: &Rule, nodeports: bool) -> Option<ServicePort> {
    let comment = doc.comments_of(&doc.source.text, rule).next()?;
    let (mut addr, mut protocol, mut port, mut local) = (None, None, None, nodeports);
    for condition in doc.matches_of(rule).iter().filter(|m| !m.negated) {
        match condition.kind {
            MatchKind::Destination(net) => {
                // Not the rule for NodePorts on 127.0.0.0/8: the one behind it is for all addresses.
                let net = net.prefix().filter(|n| n.prefix_len() == n.max_prefix_len())?;
                addr = Some(net.addr());
            }
            MatchKind::Protocol(number) => protocol = Some(number),
            MatchKind::Port(End::Dst, range) if range.first == range.last => port = Some(range.first),
            MatchKind::AddrType { .. } => local = true,
            _ => {}
        }
    }
    let (name, kind) = named(comment, addr.is_none() && local)?;
    let mut endpoints = Vec::new();
    if let Target::Jump(jump) | Target::Goto(jump) = rule.target
        && let Some(chain) = jump.chain
    {
        targets(doc, chain, &mut endpoints, 0);
    }
    let evidence = doc.source.evidence(rule.at);
    Some(ServicePort { name: Some(name.into()), kind, addr, protocol: protocol?, port: port?, endpoints, evidence })
}

/// The name and the kind that a comment tells: `default/web:http cluster IP`.
fn named(comment: &str, node_port: bool) -> Option<(&str, ServiceKind)> {
    let (name, what) = comment.split_once(' ').unwrap_or((comment, ""));
    name.split_once('/').filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())?;
    let kind = match what {
        _ if node_port => ServiceKind::NodePort,
        "external IP" => ServiceKind::ExternalIp,
        "loadbalancer IP" => ServiceKind::LoadBalancer,
        "has no local endpoints" => ServiceKind::ExternalIp,
        _ => ServiceKind::ClusterIp,
    };
    Some((name, kind))
}

/// Where the rules of a chain, and of those that it jumps to, translate to.
fn targets(doc: &Doc<Ruleset>, chain: ChainId, endpoints: &mut Vec<(IpAddr, u16)>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    for (_, rule) in doc.rules_of(chain) {
        match rule.target {
            Target::Dnat(to) => {
                if let (Some((addr, _)), Some(ports)) = (to.addr, to.ports) {
                    endpoints.push((addr, ports.first));
                }
            }
            Target::Jump(jump) | Target::Goto(jump) => {
                if let Some(next) = jump.chain {
                    targets(doc, next, endpoints, depth + 1);
                }
            }
            _ => {}
        }
    }
}
