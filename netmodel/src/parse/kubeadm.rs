//! kubeadm's configuration: the cluster's networks and the flags that it gives to components.
//!
//! ```text
//! apiVersion: kubeadm.k8s.io/v1beta3
//! kind: ClusterConfiguration
//! controlPlaneEndpoint: 192.168.50.10:6443
//! networking:
//!   dnsDomain: cluster.local
//!   podSubnet: 10.244.0.0/16,fd00:10:244::/56
//!   serviceSubnet: 10.96.0.0/12
//! ```
//!
//! Also `InitConfiguration` and `JoinConfiguration` in the same file, and the ConfigMap `kubeadm-config`. Left out: certificates, images, etcd.

use std::net::IpAddr;

use ipnet::IpNet;

use serde::Serialize;

use super::flannel::Spanned;
use super::kube_yaml::Reader;
use super::yaml::{self, Node};
use super::{Parsed, text::slice};

/// A flag that kubeadm passes on.
#[derive(Clone, Debug, Serialize)]
pub struct ExtraArg {
    /// The component (`apiServer`, `controllerManager`, `scheduler`, `kubelet`).
    pub component: &'static str,
    /// The flag without dashes.
    pub name: String,
    /// Its value.
    pub value: Spanned<String>,
}

/// What the file says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Kubeadm {
    /// `networking.podSubnet`, one a family.
    pub pod_subnets: Vec<Spanned<IpNet>>,
    /// `networking.serviceSubnet`, one a family.
    pub service_subnets: Vec<Spanned<IpNet>>,
    /// `networking.dnsDomain`.
    pub dns_domain: Option<Spanned<String>>,
    /// `controlPlaneEndpoint`.
    pub control_plane_endpoint: Option<Spanned<String>>,
    /// `kubernetesVersion`.
    pub kubernetes_version: Option<Spanned<String>>,
    /// `localAPIEndpoint.advertiseAddress`.
    pub advertise_address: Option<Spanned<IpAddr>>,
    /// `localAPIEndpoint.bindPort`.
    pub bind_port: Option<Spanned<u16>>,
    /// `nodeRegistration.name`.
    pub node_name: Option<Spanned<String>>,
    /// The flags, as a map (v1beta3) or as a list of names and values (v1beta4).
    pub extra_args: Vec<ExtraArg>,
}

/// Reads the file.
#[must_use]
pub fn parse(text: &str) -> Parsed<Kubeadm> {
    let documents = yaml::parse(text);
    let mut out = Parsed { value: Kubeadm::default(), problems: documents.problems };
    let mut roots = Vec::new();
    for root in documents.value {
        // `kubectl get configmap kubeadm-config -o yaml`
        let data = root.get("data").map_or(&[][..], Node::entries);
        if let Some((_, block)) = data.iter().find(|(key, _)| key == "ClusterConfiguration") {
            let inner = yaml::embedded(text, block);
            out.problems.extend(inner.problems);
            roots.extend(inner.value);
        } else {
            roots.push(root);
        }
    }
    for root in &roots {
        let kind = root.get("kind").and_then(Node::text).unwrap_or_default();
        let mut reader = Reader { text, root, problems: &mut out.problems };
        let value = &mut out.value;
        match kind.as_str() {
            "ClusterConfiguration" => {
                value.pod_subnets = reader.comma_list("networking.podSubnet");
                value.service_subnets = reader.comma_list("networking.serviceSubnet");
                value.dns_domain = reader.parsed("networking.dnsDomain");
                value.control_plane_endpoint = reader.parsed("controlPlaneEndpoint");
                value.kubernetes_version = reader.parsed("kubernetesVersion");
                for component in ["apiServer", "controllerManager", "scheduler"] {
                    extra_args(text, root.get(&format!("{component}.extraArgs")), component, &mut value.extra_args);
                }
            }
            "InitConfiguration" | "JoinConfiguration" => {
                let endpoint = if kind.starts_with('I') { "localAPIEndpoint" } else { "controlPlane.localAPIEndpoint" };
                value.advertise_address = reader.parsed(&format!("{endpoint}.advertiseAddress"));
                value.bind_port = reader.parsed(&format!("{endpoint}.bindPort"));
                value.node_name = reader.parsed("nodeRegistration.name");
                extra_args(text, root.get("nodeRegistration.kubeletExtraArgs"), "kubelet", &mut value.extra_args);
            }
            _ => {}
        }
    }
    out
}

fn extra_args(text: &str, node: Option<&Node>, component: &'static str, out: &mut Vec<ExtraArg>) {
    let Some(node) = node else { return };
    for (name, value) in node.entries() {
        let at = value.line(text);
        let value = value.text().unwrap_or_else(|| slice(text, value.at).to_owned());
        out.push(ExtraArg { component, name: name.clone(), value: (value, at) });
    }
    for item in node.items() {
        if let (Some(name), Some(value)) = (item.get("name").and_then(Node::text), item.get("value")) {
            let at = value.line(text);
            out.push(ExtraArg { component, name, value: (value.text().unwrap_or_default(), at) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};

    #[test]
    fn networks_and_flags_of_both_versions() {
        let text = fixture("kubeadm/dual-stack.yaml");
        let got = parse(&text);
        assert_eq!(problems(&text, &got), [""; 0]);
        let value = got.value;
        assert_eq!(
            value.pod_subnets.iter().map(|(n, _)| n.to_string()).collect::<Vec<_>>(),
            ["10.244.0.0/16", "fd00:10:244::/56"]
        );
        assert_eq!((value.service_subnets.len(), value.dns_domain.unwrap().1.line), (2, 14));
        assert_eq!(value.advertise_address.unwrap().0.to_string(), "192.168.50.10");
        let args: Vec<_> = value.extra_args.iter().map(|a| (a.component, a.name.as_str(), a.value.0.as_str())).collect();
        assert_eq!(
            args,
            [("kubelet", "node-ip", "192.168.50.10"), ("controllerManager", "node-cidr-mask-size", "24")],
            "kubelet's stands in the first document"
        );
    }

    #[test]
    fn the_config_map_holds_the_same() {
        let text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  ClusterConfiguration: |\n    kind: ClusterConfiguration\n    networking:\n      \
                    podSubnet: 10.244.0.0/16\nmetadata:\n  name: kubeadm-config\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let (net, at) = &got.value.pod_subnets[0];
        assert_eq!((net.to_string().as_str(), at.line, slice(text, *at)), ("10.244.0.0/16", 7, "podSubnet: 10.244.0.0/16"));
    }

    #[test]
    fn what_is_no_prefix_is_a_problem() {
        let got = parse("kind: ClusterConfiguration\nnetworking:\n  podSubnet: 10.244.0.0/16,oops\n  serviceSubnet: 10.96.0.0\n");
        assert_eq!((got.value.pod_subnets.len(), got.problems.len(), got.problems[0].at.line), (1, 2, 3));
    }

    #[test]
    fn snapshots_of_files() {
        snapshots("kubeadm", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(kind: ClusterConfiguration|networking:|  podSubnet: |---|\n|- |[0-9a-f.:/]{1,5}|\u{e9}){0,20}") {
            let _ = parse(&text);
        }
    }
}
