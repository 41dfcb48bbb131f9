//! `dns/resolver-loop`: pods are told to ask a resolver on their own loopback.

use std::net::IpAddr;

use bundle::{AbsentWhy, Capture, Content, Key};
use netmodel::parse::resolv_conf::{Nameserver, ResolvConf};
use netmodel::state::Doc;
use netmodel::state::kube::flag_values;
use netmodel::{Evidence, Missing, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::role;
use crate::rule::{Check, Rule, conclude};

pub(crate) const RULE: Rule = Rule {
    id: "dns/resolver-loop",
    title: "Pods inherit a resolver that is a loopback address",
    severity: Severity::Error,
    since: "0.1.0",
    page: r"
## What it checks
The resolv.conf that kubelet hands to pods with `dnsPolicy: Default` (its `resolvConf`, by default /etc/resolv.conf) names a loopback
address: 127.0.0.53 of systemd-resolved's stub, 127.0.0.1 of a local dnsmasq, ::1. Also a pod's own resolv.conf that does.

## Why it matters
Inside a pod's network namespace that address is the pod itself. CoreDNS, which runs with `dnsPolicy: Default` and forwards to
/etc/resolv.conf, asks itself: its `loop` plugin stops it, or queries circle until they time out. Names of the cluster may resolve while
all others fail.

## Evidence
The nameserver's line, and the line that says which file kubelet uses.

## Remedy
With systemd-resolved set `resolvConf: /run/systemd/resolve/resolv.conf` in kubelet's configuration (kubeadm does so by itself), else name
real upstream servers; then restart kubelet and the CoreDNS pods.

## When it can be wrong
CoreDNS may forward to fixed addresses instead of /etc/resolv.conf; pods on the host's network reach the host's stub. 127.0.0.11 is
Docker's own resolver, which answers inside its containers only; 169.254.20.10 of node-local DNS is not a loopback address.
",
    check,
};

const DEFAULT: &str = "/etc/resolv.conf";

fn check(node: &Node) -> Check {
    let (mut findings, unasked) = pods_with_loopback(node);
    let handed = match handed_to_pods(node) {
        Ok(handed) => handed,
        Err(missing) => return conclude(findings, Some(missing)),
    };
    if let Some((server, evidence)) = first_loopback(handed.file) {
        findings.push(
            Finding::new(
                Severity::Error,
                Confidence::Likely,
                format!("pods inherit the nameserver {server} from {}: inside a pod that is the pod itself", handed.path),
                "CoreDNS and every other pod with dnsPolicy: Default asks its own loopback. CoreDNS then forwards to itself: its loop plugin \
                 stops it, or names outside the cluster time out.",
            )
            .because(evidence)
            .because_all(handed.because)
            .remedy(Remedy::advice(
                When::Persistent,
                "set `resolvConf: /run/systemd/resolve/resolv.conf` (or a file with real upstream servers) in kubelet's configuration",
            ))
            .remedy(Remedy::now("systemctl restart kubelet && kubectl -n kube-system rollout restart deployment coredns"))
            .affects("names outside the cluster, for every pod that asks the cluster's DNS"),
        );
    }
    conclude(findings, unasked)
}

/// The file that kubelet hands to pods.
struct Handed<'n> {
    path: String,
    file: &'n Doc<ResolvConf>,
    because: Vec<Evidence>,
}

fn handed_to_pods(node: &Node) -> Result<Handed<'_>, Missing> {
    let said = said_to_kubelet(node);
    let (path, because) = match &said {
        Some((path, evidence)) => (path.as_str(), vec![evidence.clone()]),
        None => (DEFAULT, Vec::new()),
    };
    let file = match path {
        DEFAULT => node.resolv_conf()?,
        "/run/systemd/resolve/resolv.conf" => node.resolved_upstreams()?,
        other => {
            return Err(Missing::new(
                &Key::node(Capture::ResolvConf),
                other,
                "kubelet hands this file to pods; it was not captured",
            ));
        }
    };
    // With the default, only a file without loopback is proof: kubeadm passes systemd-resolved's file without writing it where we look.
    if said.is_none() && first_loopback(file).is_some() && !kubelet_was_seen(node) {
        return Err(Missing::new(
            &Key::node(Capture::KubeletConfig),
            "kubelet's resolvConf",
            format!("{DEFAULT} names a loopback address, and which file kubelet hands to pods is not known"),
        ));
    }
    Ok(Handed { path: path.to_owned(), file, because })
}

fn kubelet_was_seen(node: &Node) -> bool {
    !node.kubelet_configs().is_empty()
}

/// What kubelet was told: its flag, which wins, or its configuration.
fn said_to_kubelet(node: &Node) -> Option<(String, Evidence)> {
    if let Some(flag) = flag_values(node.kube_cmdlines(), "kubelet", "resolv-conf").last() {
        return Some((flag.value.to_owned(), flag.evidence()));
    }
    let config = node.kubelet_configs().iter().find_map(|doc| Some((doc, doc.resolv_conf.as_ref()?)));
    config.map(|(doc, (path, at))| (path.clone(), doc.source.evidence(*at)))
}

/// Pods whose own resolv.conf names a loopback address.
fn pods_with_loopback(node: &Node) -> (Vec<Finding>, Option<Missing>) {
    let (mut findings, mut unasked) = (Vec::new(), None);
    for pod in node.pods() {
        let file = match pod.resolv_conf() {
            Ok(file) => file,
            // A namespace without a process has no file, which is an answer.
            Err(missing) => {
                let none =
                    matches!(pod.bundle().get(&pod.key(Capture::ResolvConf)), Content::Absent(a) if a.why == AbsentWhy::NotFound);
                unasked = unasked.or((!none).then_some(missing));
                continue;
            }
        };
        let Some((server, evidence)) = first_loopback(file) else { continue };
        let pod = role::pod_name(pod);
        findings.push(
            Finding::new(
                Severity::Error,
                Confidence::Likely,
                format!("pod {pod} has the nameserver {server}, which is the pod itself"),
                "Unless a resolver runs inside the pod, it resolves no name.",
            )
            .because(evidence)
            .remedy(Remedy::advice(When::Persistent, "correct kubelet's resolvConf, then start the pod anew"))
            .affects(format!("pod {pod}")),
        );
    }
    (findings, unasked)
}

fn first_loopback(file: &Doc<ResolvConf>) -> Option<(IpAddr, Evidence)> {
    let server = file.nameservers.iter().find(|s| is_loopback(s))?;
    Some((server.addr, file.source.evidence(server.at)))
}

fn is_loopback(server: &Nameserver) -> bool {
    server.addr.is_loopback()
}

#[cfg(test)]
mod tests {
    use bundle::{AbsentWhy, Capture};

    use super::*;
    use crate::testing::{Sketch, clear, found, unknown};

    use bundle::Key as BundleKey;

    fn stub() -> Sketch {
        Sketch::healthy().edit(Capture::ResolvConf, "192.0.2.53", "127.0.0.53")
    }

    fn kubelet(sketch: Sketch, text: &str) -> Sketch {
        sketch.with(BundleKey::node_instance(Capture::KubeletConfig, "/var/lib/kubelet/config.yaml"), text)
    }

    #[test]
    fn fires_when_kubelet_hands_the_stub_to_pods() {
        for config in ["resolvConf: /etc/resolv.conf\n", "clusterDNS: [10.96.0.10]\n"] {
            let findings = found(check(&kubelet(stub(), config).node()));
            assert_eq!(findings[0].evidence[0].text, "nameserver 127.0.0.53");
        }
    }

    #[test]
    fn keeps_quiet_when_kubelet_hands_on_the_real_servers() {
        let node = kubelet(stub(), "resolvConf: /run/systemd/resolve/resolv.conf\n")
            .with(BundleKey::node_instance(Capture::ResolvedConf, "/run/systemd/resolve/resolv.conf"), "nameserver 192.0.2.53\n");
        clear(check(&node.node()));
        // Without a loopback address it does not matter which file it is.
        clear(check(&Sketch::healthy().node()));
        clear(check(&Sketch::healthy().edit(Capture::ResolvConf, "192.0.2.53", "169.254.20.10").node()));
    }

    #[test]
    fn the_flag_wins_over_the_configuration() {
        let node = kubelet(stub(), "resolvConf: /etc/resolv.conf\n").with(
            BundleKey::node_instance(Capture::KubeCmdline, "kubelet[812]"),
            "kubelet\n--resolv-conf=/etc/kubernetes/resolv.conf\n",
        );
        unknown(check(&node.node()), "node/resolv.conf");
    }

    #[test]
    fn says_unknown_when_nothing_tells_which_file_it_is() {
        unknown(check(&stub().node()), "node/kubelet-config");
        unknown(check(&Sketch::healthy().without(Capture::ResolvConf, AbsentWhy::NotFound).node()), "node/resolv.conf");
    }
}
