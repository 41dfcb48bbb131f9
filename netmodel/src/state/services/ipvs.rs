//! Services in ipvs mode: the virtual services, which have no names. kube-ipvs0 holds the addresses of Services, other devices those of
//! the node, at which a virtual service is a NodePort; kube-proxy's sets tell external addresses.

use bundle::{AbsentWhy, Capture, Content};

use super::{ServiceKind, ServicePort, Services};
use crate::parse::ipvs::{Proto, VirtualAddr};
use crate::state::Node;
use crate::state::ipsets::{SetPacket, Side};
use crate::walk::packet::{SCTP, TCP, UDP};

/// The device on which kube-proxy keeps the addresses of Services: every node has them, and none is reached by them.
pub(crate) const VIP_DEVICE: &str = "kube-ipvs0";

pub(super) fn read(node: &Node, services: &mut Services) {
    let table = match node.ipvs() {
        Ok(table) => table,
        Err(missing) => {
            let loaded =
                !matches!(node.bundle().get(&node.key(Capture::IpvsSave)), Content::Absent(a) if a.why == AbsentWhy::NotLoaded);
            services.gaps.extend(loaded.then_some(missing));
            return;
        }
    };
    for service in &table.services {
        let VirtualAddr::Addr { proto, addr, port } = service.virt else { continue };
        let protocol = match proto {
            Proto::Tcp => TCP,
            Proto::Udp => UDP,
            Proto::Sctp => SCTP,
        };
        let own = node.links().ok().and_then(|links| links.by_address(addr)).is_some_and(|(link, _)| &*link.name != VIP_DEVICE);
        let asked = SetPacket {
            src: None,
            dst: Some(addr),
            protocol: Some(protocol),
            sport: None,
            dport: Some(port),
            icmp: None,
            iif: None,
            oif: None,
            mark: None,
        };
        let within = |set: &str| node.ipset_match(set, &[Side::Dst, Side::Dst], &asked, false).unwrap_or(false);
        let kind = if own {
            ServiceKind::NodePort
        } else if within("KUBE-LOAD-BALANCER") || within("KUBE-6-LOAD-BALANCER") {
            ServiceKind::LoadBalancer
        } else if within("KUBE-EXTERNAL-IP") || within("KUBE-6-EXTERNAL-IP") {
            ServiceKind::ExternalIp
        } else {
            ServiceKind::ClusterIp
        };
        // A weight of 0 takes no new connection.
        let endpoints = service.destinations.iter().filter(|d| d.weight > 0).map(|d| (d.addr, d.port)).collect();
        let evidence = table.source.evidence(service.at);
        services.add(ServicePort { name: None, kind, addr: Some(addr), protocol, port, endpoints, evidence });
    }
}
