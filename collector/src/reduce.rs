//! Reduces Kubernetes configuration and command lines to what bears on the network, by lists of what may stay.
//!
//! Lists of what must go are never complete: a new kubelet may have a new secret. So a flag or key that is not named here is left
//! out, and what is named never holds a key, a token, a certificate or the content of a kubeconfig.

use crate::redact::redact;

/// Programs whose command lines are read.
pub(crate) const PROGRAMS: &[&str] = &[
    "kubelet",
    "kube-proxy",
    "flanneld",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "hyperkube",
    "kube-router",
    "k3s",
    "k3s-server",
    "k3s-agent",
    "rke2",
    "k0s",
    "calico-node",
    "cilium-agent",
    "dockerd",
    "kubelite",
];

/// Flags that stay, without their dashes; one that ends in `*` stands for all that begin so.
const FLAGS: &[&str] = &[
    "advertise-address",
    "allocate-node-cidrs",
    "bind-address",
    "bip",
    "bridge",
    "cidr-allocator-type",
    "cloud-provider",
    "cluster-cidr",
    "cluster-dns",
    "cluster-domain",
    "cni-*",
    "config",
    "config-dir",
    "configure-cbr0",
    "conntrack-*",
    "container-runtime",
    "container-runtime-endpoint",
    "detect-local-mode",
    "disable",
    "disable-kube-proxy",
    "disable-network-policy",
    "egress-selector-mode",
    "enable-cni",
    "enable-overlay",
    "enable-pod-egress",
    "feature-gates",
    "fixed-cidr",
    "flannel-backend",
    "flannel-iface",
    "flannel-ipv6-masq",
    "hairpin-mode",
    "healthz-bind-address",
    "healthz-port",
    "hostname-override",
    "iface",
    "iface-can-reach",
    "iface-regex",
    "ip-forward",
    "ip-masq",
    "iptables",
    "iptables-*",
    "ip6tables",
    "ipv6",
    "ipvs-*",
    "kube-subnet-mgr",
    "make-iptables-util-chains",
    "masquerade-all",
    "max-pods",
    "metrics-bind-address",
    "mtu",
    "network-plugin",
    "network-plugin-mtu",
    "node-cidr-mask-size*",
    "node-external-ip",
    "node-ip",
    "node-name",
    "nodeport-addresses",
    "nodeport-bindon-all-ip",
    "non-masquerade-cidr",
    "overlay-type",
    "peer-router-ips",
    "pod-cidr",
    "pod-network-cidr",
    "port",
    "protect-kernel-defaults",
    "proxy-mode",
    "proxy-port-range",
    "public-ip",
    "read-only-port",
    "resolv-conf",
    "run-firewall",
    "run-router",
    "run-service-proxy",
    "secure-port",
    "service-cidr",
    "service-cluster-ip-range",
    "service-node-port-range",
    "subnet-file",
    "subnet-lease-renew-margin",
    "userland-proxy",
    "vxlan-port",
    "write-flannel-conf",
];

/// Top-level keys of KubeletConfiguration that stay.
pub(crate) const KUBELET_KEYS: &[&str] = &[
    "apiVersion",
    "kind",
    "address",
    "port",
    "readOnlyPort",
    "healthzBindAddress",
    "healthzPort",
    "clusterDNS",
    "clusterDomain",
    "resolvConf",
    "hairpinMode",
    "podCIDR",
    "maxPods",
    "podsPerCore",
    "makeIPTablesUtilChains",
    "iptablesMasqueradeBit",
    "iptablesDropBit",
    "protectKernelDefaults",
    "allowedUnsafeSysctls",
    "featureGates",
    "staticPodPath",
    "containerRuntimeEndpoint",
    "cgroupDriver",
];

/// Top-level keys of KubeProxyConfiguration that stay; `clientConnection` does not.
pub(crate) const KUBE_PROXY_KEYS: &[&str] = &[
    "apiVersion",
    "kind",
    "mode",
    "clusterCIDR",
    "iptables",
    "ipvs",
    "nftables",
    "conntrack",
    "bindAddress",
    "bindAddressHardFail",
    "healthzBindAddress",
    "metricsBindAddress",
    "nodePortAddresses",
    "detectLocal",
    "detectLocalMode",
    "hostnameOverride",
    "portRange",
    "udpIdleTimeout",
    "configSyncPeriod",
    "featureGates",
    "windowsRunAsService",
];

/// Options of the kernel's command line that stay: by the name before `=`, or a name's beginning before a dot.
const KERNEL: &[&str] = &[
    "ipv6.",
    "net.",
    "net.ifnames",
    "biosdevname",
    "ip",
    "sysctl.net.",
    "nf_conntrack.",
    "ip_vs.",
    "bridge.",
    "vxlan.",
    "ipv6.disable",
    "module_blacklist",
    "modprobe.blacklist",
    "hugepages",
    "isolcpus",
    "nohz_full",
    "mitigations",
    "systemd.unified_cgroup_hierarchy",
    "nomodule",
    "security",
    "selinux",
    "apparmor",
    "lockdown",
    "netdev_budget",
    "thash_entries",
    "uhash_entries",
    "rd.neednet",
];

fn flag_stays(name: &str) -> bool {
    FLAGS.iter().any(|f| f.strip_suffix('*').map_or(*f == name, |prefix| name.starts_with(prefix)))
}

/// A command line with the program and the flags that stay, as one line. `None` if the program is none of [`PROGRAMS`].
pub(crate) fn command_line(argv: &[String]) -> Option<String> {
    let base = |arg: &str| arg.rsplit('/').next().unwrap_or(arg).to_owned();
    let program = argv.first().map(|a| base(a))?;
    if !PROGRAMS.contains(&program.as_str()) {
        return None;
    }
    let mut line = quote(argv.first()?);
    // `k3s server`, `hyperkube kubelet`: the one word that says what it is.
    if let Some(sub) = argv.get(1).filter(|a| matches!(a.as_str(), "server" | "agent" | "controller" | "worker")) {
        line.push(' ');
        line.push_str(sub);
    } else if let Some(sub) = argv.get(1).filter(|a| program == "hyperkube" && PROGRAMS.contains(&a.as_str())) {
        line.push(' ');
        line.push_str(sub);
    }
    push_flags(argv.iter().skip(1).map(String::as_str), &mut line);
    Some(line)
}

fn push_flags<'a>(args: impl Iterator<Item = &'a str>, line: &mut String) {
    let mut args = args.peekable();
    while let Some(arg) = args.next() {
        let Some(flag) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')) else { continue };
        let name = flag.split_once('=').map_or(flag, |(name, _)| name);
        if !flag_stays(name) {
            continue;
        }
        line.push(' ');
        line.push_str(&quote(&redact(arg)));
        if !flag.contains('=')
            && let Some(value) = args.next_if(|next| !next.starts_with('-'))
        {
            line.push(' ');
            line.push_str(&quote(&redact(value)));
        }
    }
}

/// As a shell would need it, so that an argument with blanks in it stays one.
fn quote(arg: &str) -> String {
    if !arg.is_empty() && arg.chars().all(|c| c.is_ascii_alphanumeric() || "-_=./:,@+%*[]".contains(c)) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', "'\\''").replace(['\n', '\r'], " "))
    }
}

/// The command lines that a static pod's manifest (YAML or JSON) holds, reduced, one a line.
///
/// It looks for a program's name and the flags that follow it, not for the manifest's structure.
pub(crate) fn static_pod(text: &str) -> String {
    let words: Vec<&str> = text
        .lines()
        .filter(|l| !l.trim_start().starts_with('#'))
        .flat_map(|l| l.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']')))
        .map(|w| w.trim_end_matches(','))
        .filter(|w| !w.is_empty() && *w != "-")
        .collect();
    let is_program = |w: &str| PROGRAMS.contains(&w.rsplit('/').next().unwrap_or(w)) && !w.contains(':');
    let mut out = String::new();
    let mut i = 0;
    while let Some(word) = words.get(i) {
        i += 1;
        if !is_program(word) || !words.get(i).is_some_and(|w| w.starts_with('-')) {
            continue;
        }
        let len = words.iter().skip(i).take_while(|w| !is_program(w) && !w.ends_with(':')).count();
        let mut line = quote(word);
        push_flags(words.iter().skip(i).take(len).copied(), &mut line);
        out.push_str(&line);
        out.push('\n');
        i += len;
    }
    out
}

/// A YAML or JSON text reduced to these top-level keys. YAML keeps its lines as they were; JSON is written anew.
pub(crate) fn top_level(text: &str, keys: &[&str]) -> String {
    if text.trim_start().starts_with('{') {
        return match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
            Ok(mut map) => {
                map.retain(|key, _| keys.contains(&key.as_str()));
                redact(&format!("{:#}\n", serde_json::Value::Object(map)))
            }
            // A flow mapping, or damaged: what stands in it cannot be told apart, so nothing of it may leave.
            Err(_) => String::new(),
        };
    }
    let mut out = String::new();
    let mut keep = false;
    for line in text.lines() {
        let first = line.chars().next();
        match first {
            None => continue,
            Some(c) if c.is_whitespace() => {}
            // An item of a list that is not indented belongs to the key above it.
            Some('-') if !line.starts_with("---") => {}
            Some('#') => continue,
            Some(_) => {
                let name = line.split(':').next().unwrap_or(line).trim_matches(['"', '\'', ' ']);
                keep = keys.contains(&name);
                if line.trim_end() == "---" {
                    out.push_str("---\n");
                }
            }
        }
        if keep {
            out.push_str(line);
            out.push('\n');
        }
    }
    redact(&out)
}

/// The kernel's command line, reduced.
pub(crate) fn kernel_command_line(text: &str) -> String {
    let stays = |word: &&str| {
        let name = word.split_once('=').map_or(*word, |(name, _)| name);
        KERNEL.iter().any(|k| *k == name || (k.ends_with('.') && name.starts_with(k)))
    };
    let mut line = text.split_whitespace().filter(stays).collect::<Vec<_>>().join(" ");
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_command_line_keeps_what_is_listed_and_nothing_else() {
        let line =
            "/usr/bin/kubelet --bootstrap-kubeconfig=/x --node-ip 10.0.0.1 --token=hunter2 --cluster-dns=10.96.0.10 hunter2";
        assert_eq!(command_line(&argv(line)).unwrap(), "/usr/bin/kubelet --node-ip 10.0.0.1 --cluster-dns=10.96.0.10");
        assert_eq!(
            command_line(&argv("/opt/bin/flanneld -iface=eth1 -ip-masq")).unwrap(),
            "/opt/bin/flanneld -iface=eth1 -ip-masq"
        );
        assert_eq!(
            command_line(&argv("k3s server --token hunter2 --flannel-backend host-gw")).unwrap(),
            "k3s server --flannel-backend host-gw"
        );
        assert_eq!(command_line(&argv("/usr/bin/bash --node-ip=1")), None);
        assert_eq!(command_line(&[]), None);
    }

    #[test]
    fn a_static_pod_gives_its_flags() {
        let yaml = "spec:\n  containers:\n  - command:\n    - kube-apiserver\n    - --service-cluster-ip-range=10.96.0.0/16\n    # - --cluster-cidr=no\n    - --etcd-keyfile=/hunter2\n    image: registry/kube-apiserver:v1\n    env:\n    - name: TOKEN\n      value: hunter2\n";
        assert_eq!(static_pod(yaml), "kube-apiserver --service-cluster-ip-range=10.96.0.0/16\n");
        let json =
            r#"{"spec":{"containers":[{"command":["kube-controller-manager", "--cluster-cidr=10.244.0.0/16", "--x=hunter2"]}]}}"#;
        assert_eq!(static_pod(&json.replace("\":[", "\": [")), "kube-controller-manager --cluster-cidr=10.244.0.0/16\n");
        assert_eq!(static_pod("image: kube-proxy\n"), "");
    }

    #[test]
    fn only_the_listed_keys_of_a_configuration_stay() {
        let yaml = "apiVersion: v1\n# c\nclusterDNS:\n- 10.96.0.10\nauthentication:\n  x509:\n    clientCAFile: hunter2\nstaticPodURLHeader:\n  A: [hunter2]\nclusterDomain: cluster.local\n";
        assert_eq!(top_level(yaml, KUBELET_KEYS), "apiVersion: v1\nclusterDNS:\n- 10.96.0.10\nclusterDomain: cluster.local\n");
        let json = r#"{"mode":"ipvs","clientConnection":{"kubeconfig":"hunter2"}}"#;
        assert_eq!(top_level(json, KUBE_PROXY_KEYS), "{\n  \"mode\": \"ipvs\"\n}\n");
        assert_eq!(top_level("{mode: ipvs, token: hunter2}", KUBE_PROXY_KEYS), "");
    }

    #[test]
    fn the_kernels_command_line_keeps_its_network_options() {
        assert_eq!(
            kernel_command_line("root=/dev/sda1 ipv6.disable=1 luks.key=hunter2 net.ifnames=0\n"),
            "ipv6.disable=1 net.ifnames=0\n"
        );
    }
}
