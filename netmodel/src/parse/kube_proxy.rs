//! kube-proxy's configuration file (`KubeProxyConfiguration`, YAML or JSON).
//!
//! ```text
//! apiVersion: kubeproxy.config.k8s.io/v1alpha1
//! kind: KubeProxyConfiguration
//! mode: "ipvs"
//! clusterCIDR: 10.244.0.0/16
//! ipvs:
//!   strictARP: true
//!   scheduler: rr
//! conntrack:
//!   maxPerCore: 32768
//! ```

use ipnet::IpNet;
use serde_json::Value;

use serde::Serialize;

use super::flannel::Spanned;
use super::{Parsed, json};
use crate::source::{At, Problem, lines};

/// What the file says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct KubeProxyConfig {
    /// `mode`; an empty one means the default of kube-proxy's version (iptables).
    pub mode: Option<Spanned<String>>,
    /// `clusterCIDR`, one a family.
    pub cluster_cidrs: Vec<Spanned<IpNet>>,
    /// `hostnameOverride`.
    pub hostname_override: Option<Spanned<String>>,
    /// `ipvs.strictARP`.
    pub strict_arp: Option<Spanned<bool>>,
    /// `ipvs.scheduler`.
    pub ipvs_scheduler: Option<Spanned<String>>,
    /// `iptables.masqueradeAll`, or the same of `nftables`.
    pub masquerade_all: Option<Spanned<bool>>,
    /// `detectLocalMode`.
    pub detect_local_mode: Option<Spanned<String>>,
    /// `conntrack.maxPerCore`.
    pub conntrack_max_per_core: Option<Spanned<i64>>,
    /// `conntrack.min`.
    pub conntrack_min: Option<Spanned<i64>>,
    /// `nodePortAddresses`, as written.
    pub node_port_addresses: Vec<Spanned<String>>,
}

/// Reads the file. Places are those of the first line (JSON on one line: the first member) with the key's name.
#[must_use]
pub fn parse(text: &str) -> Parsed<KubeProxyConfig> {
    let tree: Result<Value, String> = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|e| json::without_place(&e))
    } else {
        serde_saphyr::from_str(text).map_err(|e| e.to_string().lines().next().unwrap_or("not YAML").to_owned())
    };
    let mut out = Parsed::<KubeProxyConfig>::default();
    let tree = match tree {
        Ok(tree) if tree.is_object() => tree,
        Ok(_) => {
            out.problems.push(Problem { at: json::line_of(text, text), what: "not a map".to_owned() });
            return out;
        }
        Err(what) => {
            out.problems.push(Problem { at: json::line_of(text, text), what });
            return out;
        }
    };
    let mut reader = Reader { text, tree: &tree, problems: &mut out.problems };
    let cidrs: Option<Spanned<String>> = reader.value("/clusterCIDR");
    let nodeport: Option<Spanned<Vec<String>>> = reader.value("/nodePortAddresses");
    out.value = KubeProxyConfig {
        mode: reader.value("/mode"),
        cluster_cidrs: Vec::new(),
        hostname_override: reader.value("/hostnameOverride"),
        strict_arp: reader.value("/ipvs/strictARP"),
        ipvs_scheduler: reader.value("/ipvs/scheduler"),
        masquerade_all: reader.value("/iptables/masqueradeAll").or_else(|| reader.value("/nftables/masqueradeAll")),
        detect_local_mode: reader.value("/detectLocalMode"),
        conntrack_max_per_core: reader.value("/conntrack/maxPerCore"),
        conntrack_min: reader.value("/conntrack/min"),
        node_port_addresses: nodeport.map_or_else(Vec::new, |(all, at)| all.into_iter().map(|a| (a, at)).collect()),
    };
    if let Some((word, at)) = cidrs {
        for part in word.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            match part.parse() {
                Ok(net) => out.value.cluster_cidrs.push((net, at)),
                Err(_) => out.problems.push(Problem { at, what: format!("`{part}` is not a prefix") }),
            }
        }
    }
    out
}

struct Reader<'a> {
    text: &'a str,
    tree: &'a Value,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// The value at a path, with the line of its key. `null` is as if it were not there: that is how Go prints an empty list.
    fn value<T: serde::de::DeserializeOwned>(&mut self, path: &str) -> Option<Spanned<T>> {
        let value = self.tree.pointer(path).filter(|v| !v.is_null())?;
        let key = path.rsplit('/').next().unwrap_or(path);
        let at = self.place(key);
        match serde_json::from_value(value.clone()) {
            Ok(value) => Some((value, at)),
            Err(e) => {
                self.problems.push(Problem { at, what: format!("{key}: {}", json::without_place(&e)) });
                None
            }
        }
    }

    fn place(&self, key: &str) -> At {
        for (at, line) in lines(self.text) {
            let word = line.trim_start().trim_start_matches("- ");
            let word = word.strip_prefix('"').map_or(word, |w| w);
            if word.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with(':')) {
                return json::line_of(self.text, self.text.get(at.start as usize..at.end as usize).unwrap_or_default());
            }
        }
        // JSON on one line.
        json::member(self.text, key).map_or_else(|| json::line_of(self.text, self.text), |(_, m)| json::line_of(self.text, m))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16,fd00::/56\n\
                    conntrack:\n  maxPerCore: null\n  min: 131072\nipvs:\n  strictARP: true\nmode: \"ipvs\"\nnodePortAddresses: null\n";
        let json = r#"{"kind": "KubeProxyConfiguration", "mode": "ipvs", "clusterCIDR": "10.244.0.0/16,fd00::/56", "ipvs": {"strictARP": true}, "conntrack": {"maxPerCore": null, "min": 131072}, "clientConnection": {"kubeconfig": "x"}}"#;
        for (text, line) in [(yaml, 9), (json, 1)] {
            let got = parse(text);
            assert_eq!(got.problems, [], "{text}");
            let (mode, at) = got.value.mode.unwrap();
            assert_eq!((mode.as_str(), at.line), ("ipvs", line));
            assert!(text[at.start as usize..at.end as usize].contains("ipvs"));
            assert_eq!(got.value.cluster_cidrs.len(), 2);
            assert_eq!((got.value.strict_arp.unwrap().0, got.value.conntrack_min.unwrap().0), (true, 131_072));
        }
    }

    #[test]
    fn what_is_not_understood_is_a_problem() {
        assert_eq!(parse("mode: [\n").problems.len(), 1);
        assert_eq!(parse("just words").problems.len(), 1);
        let got = parse("mode: iptables\nclusterCIDR: nonsense\nipvs:\n  strictARP: maybe\n");
        assert_eq!((got.value.mode.unwrap().0.as_str(), got.problems.len()), ("iptables", 2));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([{}\\[\\]:,\"&*-]|mode: |clusterCIDR: |\n ?|x|\u{e9}){0,20}") {
            let _ = parse(&text);
        }
    }
}
