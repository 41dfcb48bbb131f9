//! flannel's `subnet.env` and `net-conf.json`: what it leased for this node, and the whole network.
//!
//! ```text
//! FLANNEL_NETWORK=10.244.0.0/16
//! FLANNEL_SUBNET=10.244.1.1/24
//! FLANNEL_MTU=1450
//! FLANNEL_IPMASQ=true
//! ```
//! ```text
//! {"Network": "10.244.0.0/16", "Backend": {"Type": "vxlan", "VNI": 1, "Port": 8472}}
//! ```

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Parsed, json};
use crate::source::{At, Problem, lines};

/// A value and where it stands.
pub type Spanned<T> = (T, At);

/// What subnet.env says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SubnetEnv {
    /// `FLANNEL_NETWORK`: the networks of all pods (IPv4; several when flannel has several).
    pub networks: Vec<Spanned<IpNet>>,
    /// `FLANNEL_SUBNET`: this node's lease, with the bridge's address as host part.
    pub subnet: Option<Spanned<IpNet>>,
    /// `FLANNEL_IPV6_NETWORK`.
    pub networks6: Vec<Spanned<IpNet>>,
    /// `FLANNEL_IPV6_SUBNET`.
    pub subnet6: Option<Spanned<IpNet>>,
    /// `FLANNEL_MTU`.
    pub mtu: Option<Spanned<u32>>,
    /// `FLANNEL_IPMASQ`: flannel masquerades what leaves the pod network.
    pub ipmasq: Option<Spanned<bool>>,
}

/// What net-conf.json says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NetConf {
    /// `Network`.
    pub network: Option<Spanned<IpNet>>,
    /// `IPv6Network`.
    pub network6: Option<Spanned<IpNet>>,
    /// `Backend.Type` (`vxlan`, `host-gw`, `wireguard`, `udp`, …).
    pub backend: Option<Spanned<String>>,
    /// `Backend.VNI`.
    pub vni: Option<Spanned<u32>>,
    /// `Backend.Port`.
    pub port: Option<Spanned<u16>>,
    /// `Backend.DirectRouting`: peers on the same subnet are routed without encapsulation.
    pub direct_routing: Option<Spanned<bool>>,
}

/// Reads subnet.env.
#[must_use]
pub fn parse_subnet_env(text: &str) -> Parsed<SubnetEnv> {
    let mut out = Parsed::<SubnetEnv>::default();
    for (at, line) in lines(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            out.problems.push(Problem { at, what: "not `NAME=value`".to_owned() });
            continue;
        };
        let value = value.trim_matches(['"', '\'']);
        let env = &mut out.value;
        let read = match key.trim_start_matches("export ") {
            "FLANNEL_NETWORK" => nets(value).map(|n| env.networks = n.into_iter().map(|n| (n, at)).collect()),
            "FLANNEL_IPV6_NETWORK" => nets(value).map(|n| env.networks6 = n.into_iter().map(|n| (n, at)).collect()),
            "FLANNEL_SUBNET" => value.parse().ok().map(|n| env.subnet = Some((n, at))),
            "FLANNEL_IPV6_SUBNET" => value.parse().ok().map(|n| env.subnet6 = Some((n, at))),
            "FLANNEL_MTU" => value.parse().ok().map(|n| env.mtu = Some((n, at))),
            "FLANNEL_IPMASQ" => value.parse().ok().map(|n| env.ipmasq = Some((n, at))),
            _ => Some(()),
        };
        if read.is_none() {
            out.problems.push(Problem { at, what: format!("`{value}` is not a value of {key}") });
        }
    }
    out
}

/// flannel joins several networks with a comma.
fn nets(value: &str) -> Option<Vec<IpNet>> {
    value.split(',').map(|n| n.trim().parse().ok()).collect()
}

/// Reads net-conf.json.
#[must_use]
pub fn parse_net_conf(text: &str) -> Parsed<NetConf> {
    let mut problems = Vec::new();
    let value = json::typed::<RawConf<'_>>(text).map(|raw| raw.read(&mut json::Places::new(text, &mut problems)));
    Parsed {
        value: value.unwrap_or_else(|what| {
            problems.push(Problem { at: json::line_of(text, text), what });
            NetConf::default()
        }),
        problems,
    }
}

#[derive(Deserialize)]
struct RawConf<'t> {
    #[serde(borrow, rename = "Network")]
    network: Option<&'t RawValue>,
    #[serde(borrow, rename = "IPv6Network")]
    network6: Option<&'t RawValue>,
    #[serde(borrow, rename = "Backend", default)]
    backend: RawBackend<'t>,
}

#[derive(Deserialize, Default)]
struct RawBackend<'t> {
    #[serde(borrow, rename = "Type")]
    kind: Option<&'t RawValue>,
    #[serde(borrow, rename = "VNI")]
    vni: Option<&'t RawValue>,
    #[serde(borrow, rename = "Port")]
    port: Option<&'t RawValue>,
    #[serde(borrow, rename = "DirectRouting")]
    direct_routing: Option<&'t RawValue>,
}

impl RawConf<'_> {
    fn read(&self, places: &mut json::Places<'_>) -> NetConf {
        NetConf {
            network: places.value(self.network),
            network6: places.value(self.network6),
            backend: places.value(self.backend.kind),
            vni: places.value(self.backend.vni),
            port: places.value(self.backend.port),
            direct_routing: places.value(self.backend.direct_routing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnet_env_with_a_bad_line() {
        let got = parse_subnet_env(
            "FLANNEL_NETWORK=10.244.0.0/16,10.245.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_MTU=many\nFLANNEL_IPMASQ=true\n",
        );
        assert_eq!(got.value.networks.len(), 2);
        assert_eq!(got.value.subnet.unwrap().0.to_string(), "10.244.1.1/24");
        assert_eq!((got.value.mtu, got.problems[0].at.line), (None, 3));
    }

    #[test]
    fn net_conf_with_a_bad_value() {
        let text = "{\"Network\": \"10.244.0.0/16\",\n \"Backend\": {\"Type\": \"vxlan\", \"VNI\": 1, \"Port\": \"x\"}}";
        let got = parse_net_conf(text);
        assert_eq!(got.value.backend.unwrap().0, "vxlan");
        assert_eq!((got.value.vni.unwrap().1.line, got.value.port, got.problems.len()), (2, None, 1));
        assert_eq!(parse_net_conf("{").problems.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(FLANNEL_(NETWORK|SUBNET|MTU)=|[0-9./,]{1,8}|\n|[{}\":]|\"Network\"|\u{e9}){0,20}") {
            let _ = (parse_subnet_env(&text), parse_net_conf(&text));
        }
    }
}
