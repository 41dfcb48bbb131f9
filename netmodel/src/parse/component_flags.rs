//! Flags of Kubernetes' components: from command lines on one line each, as `ps` prints them, and from manifests of static pods.
//!
//! ```text
//! root  1234  1.2  0.9 ?  Ssl  10:00  1:23 /usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --node-ip 192.168.50.11
//! ```
//! ```text
//! kind: Pod
//! spec:
//!   containers:
//!   - command:
//!     - kube-controller-manager
//!     - --cluster-cidr=10.244.0.0/16
//! ```
//!
//! The records are those of [`super::cmdline`], which reads one argument a line. Left out: shells (`sh -c 'kubelet …'`).

use serde::Serialize;

use super::cmdline::{Cmdline, Flag};
use super::text::{slice, unquoted};
use super::yaml::{self, Node};
use super::{Parsed, flannel::Spanned};
use crate::source::{At, Problem, lines, position};

/// Programs whose flags say something of the network.
const COMPONENTS: [&str; 14] = [
    "kubelet",
    "kube-proxy",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "cloud-controller-manager",
    "flanneld",
    "kube-router",
    "k3s",
    "rke2",
    "k0s",
    "hyperkube",
    "cilium-agent",
    "dockerd",
];

/// A container of a static pod.
#[derive(Clone, Debug, Serialize)]
pub struct Container {
    /// Its name.
    pub name: Option<Spanned<String>>,
    /// Its image.
    pub image: Option<Spanned<String>>,
    /// Whether the pod has the node's network namespace.
    pub host_network: bool,
    /// Its `command` and `args`.
    pub cmdline: Cmdline,
}

/// Reads lines of `ps` or command lines; lines without a known component are passed over, as `ps` shows every process.
#[must_use]
pub fn parse_lines(text: &str) -> Parsed<Vec<Cmdline>> {
    let mut out = Parsed::<Vec<Cmdline>>::default();
    for (at, line) in lines(text) {
        // /proc/PID/cmdline separates arguments by NUL.
        let words: Vec<&str> = line.split(|c: char| c.is_ascii_whitespace() || c == '\0').filter(|w| !w.is_empty()).collect();
        let base = |w: &str| w.rsplit('/').next().is_some_and(|name| COMPONENTS.contains(&name));
        // `grep kubelet` is no kubelet, nor is a flag's value.
        let Some(program) = words.iter().position(|w| base(w)) else { continue };
        let searched =
            program > 0 && matches!(words[program - 1].rsplit('/').next(), Some("grep" | "pgrep" | "-C" | "journalctl" | "-u"));
        if searched || words[..program].iter().any(|w| w.starts_with("--")) {
            continue;
        }
        let arguments = words.iter().map(|w| (position(text, w, at.line), *w));
        out.value.push(cmdline(text, arguments.skip(program)));
    }
    out
}

/// Reads manifests of pods, of deployments and the like.
#[must_use]
pub fn parse_manifest(text: &str) -> Parsed<Vec<Container>> {
    let documents = yaml::parse(text);
    let mut out = Parsed { value: Vec::new(), problems: documents.problems };
    for document in &documents.value {
        let Some(spec) = document.get("spec.template.spec").or_else(|| document.get("spec")) else { continue };
        let host_network = spec.get("hostNetwork").is_some_and(|n| n.value == yaml::Value::Bool(true));
        for list in ["initContainers", "containers"] {
            for container in spec.get(list).map_or(&[][..], Node::items) {
                let value = |key: &str| container.get(key).and_then(|n| Some((n.text()?, n.line(text))));
                let arguments = ["command", "args"].iter().flat_map(|key| container.get(key).map_or(&[][..], Node::items));
                let mut verbatim = Vec::new();
                for item in arguments {
                    let written = slice(text, item.at);
                    let inner = unquoted(written);
                    // A folded or escaped scalar does not stand in the text as it is.
                    if item.text().is_some_and(|t| t == inner) {
                        verbatim.push((position(text, inner, item.at.line), inner));
                    } else {
                        out.problems
                            .push(Problem { at: item.at, what: "an argument that is not written as it is meant".to_owned() });
                    }
                }
                let cmdline = cmdline(text, verbatim.into_iter());
                out.value.push(Container { name: value("name"), image: value("image"), host_network, cmdline });
            }
        }
    }
    out
}

fn cmdline<'t>(text: &'t str, arguments: impl Iterator<Item = (At, &'t str)>) -> Cmdline {
    let mut out = Cmdline::default();
    let mut open = false;
    for (at, word) in arguments {
        let name = word.trim_start_matches('-');
        let dashes = word.len() - name.len();
        match (dashes, out.flags.last_mut()) {
            (1 | 2, _) if !name.is_empty() => {
                let (name, value) = match name.split_once('=') {
                    Some((name, value)) => (name, Some(position(text, unquoted(value), at.line))),
                    None => (name, None),
                };
                open = value.is_none();
                out.flags.push(Flag { at, name: position(text, name, at.line), value });
            }
            (0, Some(flag)) if open => {
                open = false;
                (flag.value, flag.at.end) = (Some(at), at.end);
            }
            (0, None) if out.program.is_none() => out.program = Some(at),
            // Subcommands (`k3s server`) and positional arguments.
            _ => open = false,
        }
    }
    out
}

/// The prefixes of a flag that holds a list of them (`--cluster-cidr`, `--service-cluster-ip-range`), with its place.
///
/// # Errors
/// The place and the word that is no prefix.
pub fn prefixes(text: &str, cmdline: &Cmdline, flag: &str) -> Result<Vec<Spanned<ipnet::IpNet>>, (At, String)> {
    let Some(flag) = cmdline.flag(text, flag) else { return Ok(Vec::new()) };
    let value = flag.value.map_or("", |at| slice(text, at));
    let parse = |word: &str| word.trim().parse().map(|net| (net, flag.at)).map_err(|_| (flag.at, word.to_owned()));
    value.split(',').filter(|w| !w.trim().is_empty()).map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};

    fn value<'t>(text: &'t str, cmdline: &Cmdline, flag: &str) -> Option<&'t str> {
        cmdline.flag(text, flag).and_then(|f| f.value).map(|at| slice(text, at))
    }

    #[test]
    fn lines_of_ps() {
        let text = "root  1  0.0  0.1 ?  Ss  10:00 0:01 /sbin/init\nroot 12 /usr/bin/kubelet --config=/var/lib/kubelet/config.yaml --node-ip 192.168.50.11 --v 2\n\
                    root 13 grep --color=auto kubelet\nroot 15 kube-controller-manager --allocate-node-cidrs=true --cluster-cidr=10.244.0.0/16,fd00::/56\n\
                    /opt/bin/flanneld --ip-masq --kube-subnet-mgr\n99 k3s server --flannel-backend host-gw\n";
        let got = parse_lines(text);
        let [kubelet, manager, flannel, k3s] = &got.value[..] else { panic!("{got:?}") };
        assert_eq!(kubelet.program.map(|p| slice(text, p)), Some("/usr/bin/kubelet"));
        assert_eq!((value(text, kubelet, "node-ip"), value(text, kubelet, "v")), (Some("192.168.50.11"), Some("2")));
        assert_eq!(prefixes(text, manager, "cluster-cidr").unwrap().len(), 2);
        assert!(flannel.flag(text, "ip-masq").is_some_and(|f| f.value.is_none()));
        assert_eq!(value(text, k3s, "flannel-backend"), Some("host-gw"));
        assert!(prefixes(text, kubelet, "node-ip").is_err());
    }

    #[test]
    fn manifests_of_static_pods() {
        let text = fixture("manifest/kube-controller-manager.yaml");
        let got = parse_manifest(&text);
        assert_eq!(problems(&text, &got), [""; 0]);
        let [container] = &got.value[..] else { panic!("{got:?}") };
        assert!(container.host_network);
        assert_eq!(container.name.as_ref().map(|(n, _)| n.as_str()), Some("kube-controller-manager"));
        let cidrs = prefixes(&text, &container.cmdline, "cluster-cidr").unwrap();
        assert_eq!((cidrs[0].0.to_string(), cidrs[0].1.line), ("10.244.0.0/16".to_owned(), 17));
        assert_eq!(value(&text, &container.cmdline, "service-cluster-ip-range"), Some("10.96.0.0/12"));
    }

    #[test]
    fn json_and_deployments() {
        let text = r#"{"kind": "DaemonSet", "spec": {"template": {"spec": {"containers": [{"name": "p", "command": ["/opt/bin/flanneld"], "args": ["--ip-masq", "--iface", "eth1"]}]}}}}"#;
        let got = parse_manifest(text);
        assert_eq!(value(text, &got.value[0].cmdline, "iface"), Some("eth1"));
        assert!(!got.value[0].host_network);
        assert_eq!(parse_manifest("spec:\n  containers:\n  - args: [\"--a=\\u0041\"]\n").problems.len(), 1);
    }

    #[test]
    fn snapshots_of_manifests() {
        snapshots("manifest", parse_manifest);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(kubelet|--[a-z]{0,3}|=|\"|spec:|\n  containers:|\n  - args:|\n    - | |\n|\u{e9}){0,30}") {
            let _ = (parse_lines(&text), parse_manifest(&text));
        }
    }
}
