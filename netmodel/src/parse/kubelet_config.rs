//! The kubelet's configuration file (`KubeletConfiguration`): what it tells of the network.
//!
//! ```text
//! apiVersion: kubelet.config.k8s.io/v1beta1
//! kind: KubeletConfiguration
//! clusterDNS:
//! - 10.96.0.10
//! clusterDomain: cluster.local
//! resolvConf: /run/systemd/resolve/resolv.conf
//! ```
//!
//! Left out: everything that concerns no packet. Flags of the command line override the file.

use std::net::IpAddr;

use ipnet::IpNet;

use serde::Serialize;

use super::flannel::Spanned;
use super::kube_yaml::Reader;
use super::{Parsed, yaml};

/// What the file says. `None`: the kubelet's default holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KubeletConfig {
    /// `clusterDNS`: what pods get as name server.
    pub cluster_dns: Vec<Spanned<IpAddr>>,
    /// `clusterDomain`.
    pub cluster_domain: Option<Spanned<String>>,
    /// `resolvConf`: the file that pods' resolv.conf is made from (`/etc/resolv.conf` by default).
    pub resolv_conf: Option<Spanned<String>>,
    /// `podCIDR`: only of a kubelet without an API server.
    pub pod_cidr: Option<Spanned<IpNet>>,
    /// `hairpinMode` (`promiscuous-bridge` by default, `hairpin-veth`, `none`).
    pub hairpin_mode: Option<Spanned<String>>,
    /// `makeIPTablesUtilChains` (true by default): KUBE-FIREWALL and the hint chain.
    pub make_iptables_util_chains: Option<Spanned<bool>>,
    /// `iptablesMasqueradeBit` (14 by default; before 1.28).
    pub masquerade_bit: Option<Spanned<i64>>,
    /// `address`: where the kubelet listens.
    pub address: Option<Spanned<IpAddr>>,
    /// `port` (10250).
    pub port: Option<Spanned<i64>>,
    /// `healthzPort` (10248).
    pub healthz_port: Option<Spanned<i64>>,
    /// `maxPods` (110).
    pub max_pods: Option<Spanned<i64>>,
    /// `staticPodPath`.
    pub static_pod_path: Option<Spanned<String>>,
}

/// Reads the file.
#[must_use]
pub fn parse(text: &str) -> Parsed<KubeletConfig> {
    let mut documents = yaml::parse(text);
    let mut out = Parsed { value: KubeletConfig::default(), problems: std::mem::take(&mut documents.problems) };
    // A drop-in may leave the kind out.
    let kind = |d: &&yaml::Node| d.get("kind").and_then(yaml::Node::text).is_none_or(|k| k == "KubeletConfiguration");
    let Some(root) = documents.value.iter().find(kind) else { return out };
    let mut reader = Reader { text, root, problems: &mut out.problems };
    out.value = KubeletConfig {
        cluster_dns: reader.list("clusterDNS"),
        cluster_domain: reader.parsed("clusterDomain"),
        resolv_conf: reader.parsed("resolvConf"),
        pod_cidr: reader.parsed("podCIDR"),
        hairpin_mode: reader.parsed("hairpinMode"),
        make_iptables_util_chains: reader.parsed("makeIPTablesUtilChains"),
        masquerade_bit: reader.parsed("iptablesMasqueradeBit"),
        address: reader.parsed("address"),
        port: reader.parsed("port"),
        healthz_port: reader.parsed("healthzPort"),
        max_pods: reader.parsed("maxPods"),
        static_pod_path: reader.parsed("staticPodPath"),
    };
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};

    #[test]
    fn the_network_of_a_kubelet() {
        let text = fixture("kubelet-config/kubeadm.yaml");
        let got = parse(&text);
        assert_eq!(problems(&text, &got), [""; 0]);
        let config = got.value;
        assert_eq!(
            config.cluster_dns.iter().map(|(a, at)| (a.to_string(), at.line)).collect::<Vec<_>>(),
            [("10.96.0.10".to_owned(), 16)]
        );
        assert_eq!(config.resolv_conf.unwrap().0, "/run/systemd/resolve/resolv.conf");
        assert!(config.make_iptables_util_chains.is_none() && config.pod_cidr.is_none());
    }

    #[test]
    fn json_and_values_that_are_not_what_they_should_be() {
        let text = r#"{"kind": "KubeletConfiguration", "podCIDR": "10.244.1.0/24", "makeIPTablesUtilChains": false, "clusterDNS": ["10.96.0.10", "nonsense"], "port": "x"}"#;
        let got = parse(text);
        assert_eq!(got.problems.len(), 2, "{:?}", got.problems);
        assert!(!got.value.make_iptables_util_chains.unwrap().0);
        assert_eq!((got.value.cluster_dns.len(), got.value.pod_cidr.unwrap().0.prefix_len()), (1, 24));
        assert!(parse("kind: Pod\nclusterDomain: x\n").value.cluster_domain.is_none());
    }

    #[test]
    fn snapshots_of_files() {
        snapshots("kubelet-config", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(kind: |KubeletConfiguration|clusterDNS:|port: |\n|- |[0-9a-f.:]{1,5}|\u{e9}){0,20}") {
            let _ = parse(&text);
        }
    }
}
