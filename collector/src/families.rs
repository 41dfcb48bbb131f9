//! Where a node's configuration files are, capture by capture.
//!
//! A pattern is an absolute path whose parts may hold `*`. A file that cannot hold anything but secrets (kubeconfigs, connection
//! profiles, keys) matches none of them.

use std::fs;

use bundle::Capture;

use crate::root::Root;
use crate::sources::file::Filter;

/// Files of one family at most; a folder with more is not a configuration.
const FILES: usize = 256;

/// Files of a capture: of a family all that match, else the first.
pub(crate) struct Files {
    pub(crate) capture: Capture,
    pub(crate) filter: Filter,
    pub(crate) patterns: &'static [&'static str],
}

const fn files(capture: Capture, filter: Filter, patterns: &'static [&'static str]) -> Files {
    Files { capture, filter, patterns }
}

/// Every capture that is one or more configuration files.
pub(crate) const FILES_OF: &[Files] = &[
    files(Capture::ResolvConf, Filter::Redact, &["/etc/resolv.conf"]),
    files(
        Capture::ResolvedConf,
        Filter::Redact,
        &[
            "/run/systemd/resolve/resolv.conf",
            "/run/systemd/resolve/stub-resolv.conf",
            "/etc/systemd/resolved.conf",
            "/etc/systemd/resolved.conf.d/*.conf",
            "/run/systemd/resolved.conf.d/*.conf",
            "/usr/lib/systemd/resolved.conf.d/*.conf",
        ],
    ),
    files(Capture::Hosts, Filter::Redact, &["/etc/hosts"]),
    files(
        Capture::Nsswitch,
        Filter::Redact,
        &["/etc/nsswitch.conf", "/usr/etc/nsswitch.conf", "/usr/share/factory/etc/nsswitch.conf"],
    ),
    // The folders of sysctl.d(5), and what procps reads last.
    files(
        Capture::SysctlD,
        Filter::Redact,
        &[
            "/etc/sysctl.d/*.conf",
            "/run/sysctl.d/*.conf",
            "/usr/local/lib/sysctl.d/*.conf",
            "/usr/lib/sysctl.d/*.conf",
            "/lib/sysctl.d/*.conf",
            "/etc/sysctl.conf",
        ],
    ),
    files(
        Capture::ModulesLoadD,
        Filter::Redact,
        &[
            "/etc/modules-load.d/*.conf",
            "/run/modules-load.d/*.conf",
            "/usr/local/lib/modules-load.d/*.conf",
            "/usr/lib/modules-load.d/*.conf",
            "/lib/modules-load.d/*.conf",
            "/etc/modules",
        ],
    ),
    files(
        Capture::ModprobeD,
        Filter::Redact,
        &[
            "/etc/modprobe.d/*.conf",
            "/run/modprobe.d/*.conf",
            "/usr/local/lib/modprobe.d/*.conf",
            "/usr/lib/modprobe.d/*.conf",
            "/lib/modprobe.d/*.conf",
        ],
    ),
    files(
        Capture::CniConfig,
        Filter::Redact,
        &[
            "/etc/cni/net.d/*.conf",
            "/etc/cni/net.d/*.conflist",
            "/etc/cni/net.d/*.json",
            "/etc/cni/multus/net.d/*.conf",
            "/var/lib/rancher/k3s/agent/etc/cni/net.d/*.conflist",
            "/var/snap/microk8s/current/args/cni-network/*.conflist",
        ],
    ),
    files(Capture::FlannelSubnetEnv, Filter::Redact, &["/run/flannel/subnet.env"]),
    files(
        Capture::FlannelNetConf,
        Filter::Redact,
        &[
            "/etc/kube-flannel/net-conf.json",
            "/var/lib/rancher/k3s/agent/etc/flannel/net-conf.json",
            "/var/lib/kubelet/pods/*/volumes/kubernetes.io~configmap/flannel-cfg/net-conf.json",
        ],
    ),
    files(
        Capture::KubeletConfig,
        Filter::Kubelet,
        &[
            "/var/lib/kubelet/config.yaml",
            "/etc/kubernetes/kubelet/kubelet-config.json",
            "/etc/kubernetes/kubelet/config.json",
            "/etc/kubernetes/kubelet-config.yaml",
            "/etc/kubernetes/kubelet.conf.d/*.conf",
            "/home/kubernetes/kubelet-config.yaml",
        ],
    ),
    files(
        Capture::KubeProxyConfig,
        Filter::KubeProxy,
        &[
            "/var/lib/kube-proxy/config.conf",
            "/var/lib/kube-proxy/config.yaml",
            "/etc/kubernetes/kube-proxy-config.yaml",
            "/var/lib/kube-proxy-config/config",
            "/var/lib/kubelet/pods/*/volumes/kubernetes.io~configmap/kube-proxy/config.conf",
            "/var/lib/kubelet/pods/*/volumes/kubernetes.io~configmap/kube-proxy-config/config",
        ],
    ),
    files(
        Capture::StaticPodFlags,
        Filter::StaticPod,
        &[
            "/etc/kubernetes/manifests/*.yaml",
            "/etc/kubernetes/manifests/*.yml",
            "/etc/kubernetes/manifests/*.json",
            "/etc/kubernetes/manifests/*.manifest",
            "/var/lib/rancher/rke2/agent/pod-manifests/*.yaml",
        ],
    ),
    files(
        Capture::FirewallConfig,
        Filter::Redact,
        &[
            "/etc/firewalld/firewalld.conf",
            "/etc/firewalld/direct.xml",
            "/etc/firewalld/zones/*.xml",
            "/etc/firewalld/policies/*.xml",
            "/etc/firewalld/services/*.xml",
            "/etc/firewalld/ipsets/*.xml",
            "/etc/ufw/ufw.conf",
            "/etc/ufw/*.rules",
            "/etc/ufw/sysctl.conf",
            "/etc/default/ufw",
            "/etc/nftables.conf",
            "/etc/nftables.d/*",
            "/etc/nftables/*.nft",
            "/etc/sysconfig/nftables.conf",
            "/etc/sysconfig/iptables",
            "/etc/sysconfig/ip6tables",
            "/etc/iptables/rules.v4",
            "/etc/iptables/rules.v6",
            "/etc/systemd/system/*.wants/nftables.service",
            "/etc/systemd/system/*.wants/firewalld.service",
            "/etc/systemd/system/*.wants/ufw.service",
            "/etc/systemd/system/*.wants/iptables.service",
        ],
    ),
    files(
        Capture::NetworkManagerConfig,
        Filter::Redact,
        &[
            "/etc/NetworkManager/NetworkManager.conf",
            "/etc/NetworkManager/conf.d/*.conf",
            "/run/NetworkManager/conf.d/*.conf",
            "/usr/lib/NetworkManager/conf.d/*.conf",
        ],
    ),
    files(
        Capture::NetworkdConfig,
        Filter::Redact,
        &[
            "/etc/systemd/networkd.conf",
            "/etc/systemd/networkd.conf.d/*.conf",
            "/etc/systemd/network/*.network",
            "/etc/systemd/network/*.netdev",
            "/etc/systemd/network/*.link",
            "/etc/systemd/network/*.d/*.conf",
            "/run/systemd/network/*.network",
            "/run/systemd/network/*.netdev",
            "/run/systemd/network/*.link",
            "/usr/lib/systemd/network/*.network",
            "/usr/lib/systemd/network/*.netdev",
            "/usr/lib/systemd/network/*.link",
        ],
    ),
    files(Capture::OsRelease, Filter::Redact, &["/etc/os-release", "/usr/lib/os-release"]),
];

/// Where CNI plugins are installed.
pub(crate) const PLUGIN_DIRS: &[&str] = &[
    "/opt/cni/bin",
    "/usr/libexec/cni",
    "/usr/lib/cni",
    "/home/kubernetes/bin",
    "/var/lib/rancher/k3s/data/current/bin",
    "/var/lib/rancher/k3s/data/cni",
];

/// The files of the node that match a pattern, in order, and the folders that could not be listed.
pub(crate) fn expand(root: &Root, pattern: &str, refused: &mut Vec<String>) -> Vec<String> {
    let mut paths = vec![String::new()];
    for part in pattern.split('/').filter(|p| !p.is_empty()) {
        let Some((prefix, suffix)) = part.split_once('*') else {
            for path in &mut paths {
                path.push('/');
                path.push_str(part);
            }
            continue;
        };
        let mut found = Vec::new();
        for path in &paths {
            let dir = match root.resolve(path).and_then(fs::read_dir) {
                Ok(dir) => dir,
                Err(e) => {
                    if e.kind() == std::io::ErrorKind::PermissionDenied {
                        refused.push(path.clone());
                    }
                    continue;
                }
            };
            let mut names: Vec<String> = dir
                .filter_map(Result::ok)
                .filter_map(|e| e.file_name().into_string().ok())
                .filter(|n| n.len() >= prefix.len() + suffix.len() && n.starts_with(prefix) && n.ends_with(suffix))
                .collect();
            names.sort_unstable();
            found.extend(names.into_iter().take(FILES).map(|n| format!("{path}/{n}")));
        }
        paths = found;
    }
    // What cannot be looked at is tried all the same, so that its record says why.
    paths.retain(|p| !matches!(root.resolve(p), Err(e) if e.kind() == std::io::ErrorKind::NotFound));
    paths.retain(|p| root.resolve(p).map_or(true, |real| !real.is_dir()));
    paths.truncate(FILES);
    paths
}
