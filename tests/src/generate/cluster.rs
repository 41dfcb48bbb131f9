//! The Services of a cluster, as every back end of kube-proxy sees them.

use std::net::Ipv4Addr;

use super::Random;

/// One Service with one port and three endpoints.
#[derive(Clone, Debug)]
pub struct Service {
    /// `default/svc-00042:http`.
    pub name: String,
    /// The hash of its chains.
    pub hash: String,
    /// Its ClusterIP.
    pub address: Ipv4Addr,
    /// Its NodePort; one Service in ten has one.
    pub node_port: Option<u32>,
    /// The hash of the chain and the address of each endpoint.
    pub endpoints: [(String, Ipv4Addr); 3],
}

/// The Services of a cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// In the order of their chains' names, as iptables-save prints them.
    pub services: Vec<Service>,
}

impl Cluster {
    /// A cluster of `n` Services with three endpoints each.
    #[must_use]
    pub fn new(n: u32, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut services: Vec<Service> = (0..n)
            .map(|i| Service {
                name: format!("default/svc-{i:05}:http"),
                hash: random.hash(),
                // 10.96.0.0/12, past the addresses that a cluster gives by hand.
                address: Ipv4Addr::from(0x0a60_1000 + i),
                node_port: i.is_multiple_of(10).then(|| 30_000 + (i / 10) % 2_768),
                endpoints: std::array::from_fn(|_| (random.hash(), random.pod())),
            })
            .collect();
        services.sort_by(|a, b| a.hash.cmp(&b.hash));
        Self { services }
    }

    /// The chains of all endpoints, sorted.
    #[must_use]
    pub fn endpoints(&self) -> Vec<&(String, Ipv4Addr)> {
        let mut all: Vec<_> = self.services.iter().flat_map(|s| &s.endpoints).collect();
        all.sort();
        all
    }
}
