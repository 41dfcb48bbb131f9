//! The Services that kube-proxy translates on this node, as its rules name them: iptables, ipvs and nftables mode.
//!
//! Which endpoint a packet gets, and whether it may, is `walk`'s business. Services of other implementations (eBPF) are not seen here.

mod iptables;
mod ipvs;
mod nft;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::Node;
use crate::source::{Evidence, Missing};

pub(crate) use ipvs::VIP_DEVICE;

/// By which kind of address a port of a Service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// The ClusterIP.
    ClusterIp,
    /// An external IP.
    ExternalIp,
    /// The address of a load balancer.
    LoadBalancer,
    /// A port of the node.
    NodePort,
}

/// A port of a Service at one of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Namespace, name and port's name, as kube-proxy writes them: `kube-system/kube-dns:dns`. ipvs has no names.
    pub name: Option<Arc<str>>,
    /// What kind of address it is.
    pub kind: ServiceKind,
    /// The address; `None` for a NodePort that any address of the node takes.
    pub addr: Option<IpAddr>,
    /// The protocol (IANA).
    pub protocol: u8,
    /// The port.
    pub port: u16,
    /// Where it leads: each endpoint once, sorted. Empty where it has none that this node would use.
    pub endpoints: Vec<(IpAddr, u16)>,
    /// What says so.
    pub evidence: Evidence,
}

impl ServicePort {
    /// Namespace and name without the port's name: `kube-system/kube-dns`.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        let name = self.name.as_deref()?;
        Some(name.split_once(':').map_or(name, |(service, _)| service))
    }
}

/// The Services of a node.
#[derive(Debug, Default)]
pub struct Services {
    ports: Vec<ServicePort>,
    by_addr: HashMap<(IpAddr, u8, u16), usize>,
    /// What was not captured, so that there may be more.
    pub gaps: Vec<Missing>,
}

impl Node {
    /// The Services that kube-proxy's rules name, sorted; with what was not captured and might name more.
    pub fn services(&self) -> &Services {
        self.cells.services.get_or_init(|| {
            let mut services = Services::default();
            iptables::read(self, &mut services);
            nft::read(self, &mut services);
            ipvs::read(self, &mut services);
            services.finish();
            services
        })
    }
}

impl Services {
    /// All ports of all Services: by kind, name, address, protocol and port.
    pub fn iter(&self) -> std::slice::Iter<'_, ServicePort> {
        self.ports.iter()
    }

    /// What an address, protocol and port leads to. NodePorts of any address are not found here.
    #[must_use]
    pub fn at(&self, addr: IpAddr, protocol: u8, port: u16) -> Option<&ServicePort> {
        self.by_addr.get(&(addr, protocol, port)).and_then(|&i| self.ports.get(i))
    }

    /// The ports at an address.
    pub fn of_addr(&self, addr: IpAddr) -> impl Iterator<Item = &ServicePort> {
        self.ports.iter().filter(move |p| p.addr == Some(addr))
    }

    /// The ports of a Service by its name: `kube-system/kube-dns:dns`, `kube-system/kube-dns`, or `kube-dns`.
    #[must_use]
    pub fn named<'s>(&'s self, name: &str) -> Vec<&'s ServicePort> {
        let is_named = |p: &&ServicePort| {
            p.name.as_deref() == Some(name)
                || p.service().is_some_and(|s| s == name || s.split_once('/').is_some_and(|(_, short)| short == name))
        };
        self.ports.iter().filter(is_named).collect()
    }

    /// Adds a port. What is known twice (rules for it in several tables) has the endpoints of both.
    fn add(&mut self, port: ServicePort) {
        let same = |p: &ServicePort| (p.kind, p.addr, p.protocol, p.port) == (port.kind, port.addr, port.protocol, port.port);
        let known = match port.addr {
            Some(addr) => self.by_addr.get(&(addr, port.protocol, port.port)).copied(),
            None => self.ports.iter().position(same),
        };
        match known.and_then(|i| self.ports.get_mut(i)) {
            Some(known) => {
                known.endpoints.extend(port.endpoints);
                known.name = known.name.take().or(port.name);
            }
            None => {
                if let Some(addr) = port.addr {
                    self.by_addr.insert((addr, port.protocol, port.port), self.ports.len());
                }
                self.ports.push(port);
            }
        }
    }

    fn finish(&mut self) {
        for port in &mut self.ports {
            port.endpoints.sort_unstable();
            port.endpoints.dedup();
        }
        self.ports
            .sort_by(|a, b| (a.kind, &a.name, a.addr, a.protocol, a.port).cmp(&(b.kind, &b.name, b.addr, b.protocol, b.port)));
        let keys = self.ports.iter().enumerate().filter_map(|(i, p)| Some(((p.addr?, p.protocol, p.port), i)));
        self.by_addr = keys.collect();
        self.gaps.sort_unstable();
        self.gaps.dedup();
    }
}

#[cfg(test)]
mod tests {
    use bundle::Capture;

    use super::*;
    use crate::state::testing::node;

    fn shown(node: &Node) -> Vec<String> {
        let endpoints = |p: &ServicePort| p.endpoints.iter().map(|(a, p)| format!("{a}:{p}")).collect::<Vec<_>>().join(" ");
        node.services()
            .iter()
            .map(|p| {
                let addr = p.addr.map_or_else(|| "*".to_owned(), |a| a.to_string());
                let name = p.name.as_deref().unwrap_or("?");
                format!("{:?} {name} {addr} {} {} -> {}", p.kind, p.protocol, p.port, endpoints(p))
            })
            .collect()
    }

    #[test]
    fn of_iptables_mode() {
        let save = r#"*filter
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "default/local:http has no local endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30081 -j DROP
-A KUBE-SERVICES -d 10.96.0.23/32 -p tcp -m comment --comment "default/noeps:http has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-EXT-A - [0:0]
:KUBE-SVC-A - [0:0]
:KUBE-SEP-A1 - [0:0]
:KUBE-SEP-A2 - [0:0]
-A KUBE-SERVICES -d 10.96.0.20/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-A
-A KUBE-SERVICES -d 198.51.100.5/32 -p tcp -m comment --comment "default/web:http loadbalancer IP" -m tcp --dport 80 -j KUBE-EXT-A
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -d 127.0.0.0/8 -p tcp -m comment --comment "default/web:http" -m tcp --dport 30080 -j KUBE-EXT-A
-A KUBE-NODEPORTS -p tcp -m comment --comment "default/web:http" -m tcp --dport 30080 -j KUBE-EXT-A
-A KUBE-EXT-A -j KUBE-SVC-A
-A KUBE-SVC-A -m statistic --mode random --probability 0.5 -j KUBE-SEP-A1
-A KUBE-SVC-A -j KUBE-SEP-A2
-A KUBE-SEP-A1 -p tcp -m tcp -j DNAT --to-destination 10.244.2.2:8080
-A KUBE-SEP-A2 -p tcp -m tcp -j DNAT --to-destination 10.244.1.2:8080
COMMIT
"#;
        let node = node(&[(Capture::IptablesNftSave, save)]);
        insta::assert_snapshot!(shown(&node).join("\n"), @r"
        ClusterIp default/noeps:http 10.96.0.23 6 80 -> 
        ClusterIp default/web:http 10.96.0.20 6 80 -> 10.244.1.2:8080 10.244.2.2:8080
        LoadBalancer default/web:http 198.51.100.5 6 80 -> 10.244.1.2:8080 10.244.2.2:8080
        NodePort default/local:http * 6 30081 -> 
        NodePort default/web:http * 6 30080 -> 10.244.1.2:8080 10.244.2.2:8080
        ");
        let named = |name: &str| node.services().named(name).len();
        assert_eq!((named("default/web:http"), named("default/web"), named("web"), named("we")), (3, 3, 3, 0));
        assert!(!node.services().gaps.is_empty(), "the legacy rules were not captured");
    }

    #[test]
    fn of_nftables_mode() {
        let text = r#"table ip kube-proxy {
	set cluster-ips {
		type ipv4_addr
		elements = { 10.96.0.20, 10.96.0.23 }
	}
	map no-endpoint-services {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.96.0.23 . tcp . 80 comment "default/noeps:http" : goto reject-chain }
	}
	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.96.0.20 . tcp . 80 : goto service-SUSTUHLJ-default/web/tcp/http,
			     10.96.0.25 . udp . 53 : goto service-H6U4RGLG-default/sticky/udp/,
			     192.168.50.200 . tcp . 80 : goto external-SUSTUHLJ-default/web/tcp/http }
	}
	map service-nodeports {
		type inet_proto . inet_service : verdict
		elements = { tcp . 30080 : goto external-SUSTUHLJ-default/web/tcp/http }
	}
	chain service-SUSTUHLJ-default/web/tcp/http {
		meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.244.1.2 . 8080, 1 : 10.244.2.2 . 8080 }
	}
	chain external-SUSTUHLJ-default/web/tcp/http {
		meta mark set meta mark | 0x00004000 comment "masquerade"
		goto service-SUSTUHLJ-default/web/tcp/http
	}
	chain endpoint-Z-default/sticky/udp/__10.244.1.2/5353 {
		meta l4proto udp dnat to 10.244.1.2:5353
	}
	chain service-H6U4RGLG-default/sticky/udp/ {
		numgen random mod 1 vmap { 0 : goto endpoint-Z-default/sticky/udp/__10.244.1.2/5353 }
	}
}
"#;
        let node = node(&[(Capture::NftRuleset, text)]);
        insta::assert_snapshot!(shown(&node).join("\n"), @r"
        ClusterIp default/noeps:http 10.96.0.23 6 80 -> 
        ClusterIp default/web:http 10.96.0.20 6 80 -> 10.244.1.2:8080 10.244.2.2:8080
        ExternalIp default/sticky 10.96.0.25 17 53 -> 10.244.1.2:5353
        ExternalIp default/web:http 192.168.50.200 6 80 -> 10.244.1.2:8080 10.244.2.2:8080
        NodePort default/web:http * 6 30080 -> 10.244.1.2:8080 10.244.2.2:8080
        ");
    }

    #[test]
    fn of_ipvs_mode() {
        let ipvs = "-A -t 10.96.0.20:80 -s rr\n-a -t 10.96.0.20:80 -r 10.244.1.2:8080 -m -w 1\n-A -t 192.168.50.11:30080 -s rr\n";
        let addr = r#"[{"ifindex":2,"ifname":"eth0","flags":["UP"],"addr_info":[{"local":"192.168.50.11","prefixlen":24,"scope":"global"}]},
            {"ifindex":9,"ifname":"kube-ipvs0","flags":[],"addr_info":[{"local":"10.96.0.20","prefixlen":32,"scope":"global"}]}]"#;
        let node = node(&[(Capture::IpvsSave, ipvs), (Capture::IpAddr, addr)]);
        insta::assert_snapshot!(shown(&node).join("\n"), @r"
        ClusterIp ? 10.96.0.20 6 80 -> 10.244.1.2:8080
        NodePort ? 192.168.50.11 6 30080 -> 
        ");
        assert!(node.services().at("10.96.0.20".parse().unwrap(), 6, 80).is_some());
    }
}
