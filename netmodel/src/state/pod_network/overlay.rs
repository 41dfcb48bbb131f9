//! How packets reach pods of other nodes: the overlay, the device below it, and the peers.

use std::net::IpAddr;

use bundle::{Capture, Key};
use ipnet::IpNet;

use super::{Conflict, Overlay, Part, Peer, Shown, Uplink};
use crate::family::Family;
use crate::parse::ip_addr::{Link, LinkKind};
use crate::parse::ip_route::{Route, RouteKind, Table};
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::state::links::Links;

/// Overlay devices by the names that CNIs give them. A device of another name may be anybody's VPN.
const DEVICES: &[&str] =
    &["flannel", "vxlan.calico", "cilium_", "tunl0", "wireguard.cali", "vxlan-", "genev_sys", "antrea", "kube-"];

pub(super) fn overlay(node: &Node, links: &Links, cluster: &Part<Vec<IpNet>>, conflicts: &mut Vec<Conflict>) -> Part<Overlay> {
    let devices: Vec<(&Link, Overlay)> = links
        .iter()
        .filter(|l| DEVICES.iter().any(|d| l.name.starts_with(d)))
        // tunl0 exists as soon as the module is loaded: without an address nobody uses it.
        .filter(|l| &*l.name != "tunl0" || !l.addresses.is_empty())
        .filter_map(|l| Some((l, device(l)?)))
        .collect();
    if devices.len() > 1 {
        let evidence = devices.iter().map(|(l, _)| links.evidence(l, &["info_kind"])).collect();
        conflicts.push(Conflict { what: "several overlay devices".to_owned(), evidence });
    }
    let backend = node.flannel_net_conf().ok().and_then(|conf| {
        let (kind, at) = conf.backend.as_ref()?;
        Some((kind.as_str(), conf.source.evidence(*at)))
    });
    if let Some((link, overlay)) = devices.into_iter().next() {
        let evidence = links.evidence(link, &["mtu", "info_kind", "id", "local", "link", "port"]);
        if let Some(("host-gw", conf)) = backend {
            let what = "flannel is set to host-gw, and an overlay device is there".to_owned();
            conflicts.push(Conflict { what, evidence: vec![conf, evidence.clone()] });
        }
        return Ok(Shown { value: overlay, evidence: vec![evidence] });
    }
    let routes: Vec<Evidence> = peer_routes(node, None, cluster).into_iter().map(|(_, e)| e).collect();
    match backend {
        Some(("host-gw", conf)) => Ok(Shown { value: Overlay::HostGw, evidence: std::iter::once(conf).chain(routes).collect() }),
        None if !routes.is_empty() && links.complete().is_ok() => Ok(Shown { value: Overlay::HostGw, evidence: routes }),
        Some((kind, _)) => Err(Missing::new(
            &links.source().key,
            "the overlay",
            format!("flannel's back end is `{kind}`, and no device of it is there"),
        )),
        None => Err(Missing::new(
            &links.source().key,
            "the overlay",
            "no device of a known overlay, and no route to another node's pods",
        )),
    }
}

fn device(link: &Link) -> Option<Overlay> {
    let (dev, mtu) = (link.name.to_string(), link.mtu);
    Some(match &link.kind {
        LinkKind::Vxlan(v) => Overlay::Vxlan {
            dev,
            vni: v.vni,
            port: v.port,
            local: v.local,
            lower: v.lower.as_ref().or(link.lower.as_ref()).map(ToString::to_string),
            mtu,
        },
        LinkKind::Ipip(_) => Overlay::Ipip { dev, mtu },
        LinkKind::Wireguard => Overlay::Wireguard { dev, mtu },
        LinkKind::Geneve { port, .. } => Overlay::Geneve { dev, port: *port, mtu },
        _ => return None,
    })
}

/// The overlay's lower device; else the one with its outer address; else that of the default route.
pub(super) fn uplink(node: &Node, links: &Links, overlay: &Part<Overlay>) -> Part<Uplink> {
    let overlay = overlay.as_ref().ok();
    let mut evidence = Vec::new();
    let mut found = None;
    if let Some(Shown { value: Overlay::Vxlan { lower, local, .. }, evidence: shown }) = overlay {
        let by_name = lower.as_deref().and_then(|name| links.by_name(name));
        found = by_name.or_else(|| local.and_then(|addr| links.by_address(addr)).map(|(l, _)| l));
        if found.is_some() {
            evidence.extend(shown.iter().cloned());
        }
    }
    if found.is_none() {
        let routes = node.routes(Family::V4)?;
        let default = routes.table(&Table::MAIN).filter(|r| r.dst.prefix_len() == 0 && r.kind == RouteKind::Unicast);
        if let Some(route) = default.min_by_key(|r| r.metric) {
            found = route.dev.as_deref().and_then(|name| links.by_name(name));
            evidence.push(routes.evidence(route));
        }
    }
    let link = found.ok_or_else(|| {
        Missing::new(
            &Key::node(Capture::IpRoute4),
            "the uplink",
            "there is neither a default route nor an overlay that names its device",
        )
    })?;
    evidence.insert(0, links.evidence(link, &["mtu", "local"]));
    let addresses = link.addresses.iter().filter(|a| &*a.scope == "global").map(|a| a.addr).collect();
    Ok(Shown { value: Uplink { dev: link.name.to_string(), mtu: link.mtu, addresses }, evidence })
}

/// Routes to other nodes' pods: through the overlay's device, or (host-gw) within the pods' CIDR by way of another machine.
fn peer_routes<'n>(node: &'n Node, dev: Option<&str>, cluster: &Part<Vec<IpNet>>) -> Vec<(&'n Route, Evidence)> {
    let mut out = Vec::new();
    for family in [Family::V4, Family::V6] {
        let Ok(routes) = node.routes(family) else { continue };
        for route in routes.iter() {
            let of_overlay = match (dev, cluster) {
                (Some(dev), _) => route.dev.as_deref() == Some(dev),
                (None, Ok(cluster)) => {
                    cluster.value.iter().any(|c| c.contains(&route.dst) && c.prefix_len() < route.dst.prefix_len())
                }
                (None, Err(_)) => false,
            };
            if of_overlay && route.kind == RouteKind::Unicast && route.gateway.is_some() && route.dst.prefix_len() > 0 {
                out.push((route, routes.evidence(route)));
            }
        }
    }
    out
}

pub(super) fn peers(node: &Node, overlay: &Part<Overlay>, cluster: &Part<Vec<IpNet>>) -> Part<Vec<Peer>> {
    let overlay = &overlay.as_ref().map_err(Clone::clone)?.value;
    node.routes(Family::V4)?.complete()?;
    let peers: Vec<Peer> = peer_routes(node, overlay.dev(), cluster)
        .into_iter()
        .map(|(route, evidence)| {
            let mut peer = Peer { pod_cidr: route.dst, gateway: route.gateway, node: None, evidence: vec![evidence] };
            match (overlay, route.gateway, overlay.dev()) {
                (Overlay::HostGw | Overlay::Ipip { .. }, gateway, _) => peer.node = gateway,
                (Overlay::Vxlan { .. } | Overlay::Geneve { .. }, Some(gateway), Some(dev)) => {
                    peer.node = through_fdb(node, gateway, dev, &mut peer.evidence);
                }
                _ => {}
            }
            peer
        })
        .collect();
    let evidence = peers.iter().filter_map(|p| p.evidence.first().cloned()).collect();
    Ok(Shown { value: peers, evidence })
}

/// The gateway's hardware address, and behind which node the device's forwarding database has it.
fn through_fdb(node: &Node, gateway: IpAddr, dev: &str, evidence: &mut Vec<Evidence>) -> Option<IpAddr> {
    let neighbours = node.neighbours().ok()?;
    let neighbour = neighbours.iter().find(|n| n.dst == gateway && &*n.dev == dev)?;
    evidence.push(neighbours.source.evidence(neighbour.at));
    let mac = neighbour.lladdr.as_deref()?;
    let fdb = node.fdb().ok()?;
    let entry = fdb.iter().find(|e| &*e.dev == dev && e.mac.eq_ignore_ascii_case(mac) && e.dst.is_some())?;
    evidence.push(fdb.source.evidence(entry.at));
    entry.dst
}
