//! Services in nftables mode: the elements of kube-proxy's maps, and its chains, whose names say the Service.
//!
//! ```text
//! map service-ips { elements = { 10.96.0.20 . tcp . 80 : goto service-SUSTUHLJ-default/web/tcp/http } }
//! map service-nodeports { elements = { tcp . 30080 : goto external-SUSTUHLJ-default/web/tcp/http } }
//! map no-endpoint-services { elements = { 10.96.0.23 . tcp . 80 comment "default/noeps:http" : goto reject-chain } }
//! ```

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::{ServiceKind, ServicePort, Services};
use crate::parse::nft::{ChainId, Elem, Expr, NatKind, NftFamily, Ruleset, Set, Stmt, TableId, Value, Verdict};
use crate::state::{Doc, Node};
use crate::walk::packet::protocol_name;

/// external-… goes to service-…, that to endpoint-….
const MAX_DEPTH: usize = 6;

pub(super) fn read(node: &Node, services: &mut Services) {
    let doc = match node.nft() {
        Ok(doc) => doc,
        Err(missing) => {
            services.gaps.push(missing);
            return;
        }
    };
    for family in [NftFamily::Ip, NftFamily::Ip6] {
        let Some(table) = doc.table(family, "kube-proxy") else { continue };
        let cluster_ips: HashSet<IpAddr> = doc
            .set(table, &"cluster-ips".into())
            .map(|set| set.elems.iter().filter_map(|e| address(&e.key)).collect())
            .unwrap_or_default();
        for map in ["service-ips", "no-endpoint-services", "service-nodeports", "no-endpoint-nodeports"] {
            let Some(set) = doc.set(table, &map.into()) else { continue };
            for elem in &set.elems {
                if let Some(port) = service(doc, table, set, elem, &cluster_ips) {
                    services.add(port);
                }
            }
        }
    }
}

fn service(doc: &Doc<Ruleset>, table: TableId, set: &Set, elem: &Elem, cluster_ips: &HashSet<IpAddr>) -> Option<ServicePort> {
    let Expr::Concat(parts) = &elem.key else { return None };
    let (addr, rest) = match &parts[..] {
        [first, rest @ ..] if rest.len() == 2 => (Some(address(first)?), rest),
        rest => (None, rest),
    };
    let [protocol, port] = rest else { return None };
    let (protocol, port) = (u8::try_from(number(protocol)?).ok()?, u16::try_from(number(port)?).ok()?);
    let chain = match &elem.data {
        Some(Expr::Verdict(Verdict::Goto(name) | Verdict::Jump(name))) => Some(name),
        _ => None,
    };
    let name = elem.comment().map(Arc::from).or_else(|| chain.and_then(|name| named(name)));
    let kind = match addr {
        None => ServiceKind::NodePort,
        Some(addr) if cluster_ips.contains(&addr) => ServiceKind::ClusterIp,
        Some(_) => ServiceKind::ExternalIp,
    };
    let mut endpoints = Vec::new();
    if let Some(chain) = chain.and_then(|name| doc.chain(table, name)) {
        targets(doc, table, chain, &mut endpoints, 0);
    }
    let at = if elem.at.line == 0 { set.at } else { elem.at };
    // In JSON the element's place is the whole set: show what it says, not the thousands beside it.
    let shown = doc.text(at);
    let evidence = if shown.len() > 400 {
        let key = addr.map(|a| format!("{a} . ")).unwrap_or_default();
        let goto = chain.map_or("drop", |name| name);
        doc.source.evidence_text(at, format!("map {} {{ {key}{} . {port} : {goto} }}", set.name, protocol_name(protocol)))
    } else {
        doc.source.evidence(at)
    };
    Some(ServicePort { name, kind, addr, protocol, port, endpoints, evidence })
}

/// `service-SUSTUHLJ-default/web/tcp/http`: namespace, name, protocol, the port's name, which may be empty.
fn named(chain: &str) -> Option<Arc<str>> {
    let (_, rest) = chain.split_once('-')?;
    let (_, rest) = rest.split_once('-')?;
    let mut parts = rest.split('/');
    let (namespace, name, _protocol) = (parts.next()?, parts.next()?, parts.next()?);
    Some(match parts.next().filter(|port| !port.is_empty()) {
        Some(port) => format!("{namespace}/{name}:{port}").into(),
        None => format!("{namespace}/{name}").into(),
    })
}

fn address(expr: &Expr) -> Option<IpAddr> {
    match expr {
        Expr::Value(Value::Addr(addr)) => Some(*addr),
        Expr::Value(Value::Prefix(net)) if net.prefix_len() == net.max_prefix_len() => Some(net.addr()),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::Value(Value::Number(number)) => Some(*number),
        _ => None,
    }
}

/// Where the rules of a chain, and of those that it goes to, translate to.
fn targets(doc: &Ruleset, table: TableId, chain: ChainId, endpoints: &mut Vec<(IpAddr, u16)>, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    let follow = |verdict: &Verdict, endpoints: &mut Vec<(IpAddr, u16)>| {
        if let Verdict::Goto(name) | Verdict::Jump(name) = verdict
            && let Some(next) = doc.chain(table, name)
        {
            targets(doc, table, next, endpoints, depth + 1);
        }
    };
    for (_, rule) in doc.rules_of(chain) {
        for stmt in doc.stmts(rule) {
            match stmt {
                Stmt::Verdict(verdict) => follow(verdict, endpoints),
                Stmt::Vmap(lookup) => {
                    let Expr::Set(elems) = &lookup.data else { continue };
                    for elem in elems {
                        if let Some(Expr::Verdict(verdict)) = &elem.data {
                            follow(verdict, endpoints);
                        }
                    }
                }
                Stmt::Nat(nat) if nat.kind == NatKind::Dnat => match (&nat.addr, &nat.port) {
                    (Some(Expr::Map(lookup)), _) => {
                        let Expr::Set(elems) = &lookup.data else { continue };
                        endpoints.extend(elems.iter().filter_map(|e| pair(e.data.as_ref()?)));
                    }
                    (Some(addr), Some(port)) => {
                        let port = number(port).and_then(|p| u16::try_from(p).ok());
                        endpoints.extend(address(addr).zip(port));
                    }
                    (Some(addr), None) => endpoints.extend(pair(addr)),
                    (None, _) => {}
                },
                _ => {}
            }
        }
    }
}

/// `10.244.1.2 . 8080`
fn pair(expr: &Expr) -> Option<(IpAddr, u16)> {
    let Expr::Concat(parts) = expr else { return None };
    let [addr, port] = &parts[..] else { return None };
    Some((address(addr)?, u16::try_from(number(port)?).ok()?))
}
