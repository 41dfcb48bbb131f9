//! CNI configuration: `.conf` (one plugin) and `.conflist` (a chain).
//!
//! ```text
//! {"cniVersion": "0.4.0", "name": "cbr0", "plugins": [
//!   {"type": "bridge", "bridge": "cni0", "hairpinMode": true, "mtu": 1450,
//!    "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.1.0/24"}]]}},
//!   {"type": "portmap", "capabilities": {"portMappings": true}}]}
//! ```

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::flannel::Spanned;
use super::{Parsed, json};
use crate::source::{At, Problem};

/// A plugin of a chain.
#[derive(Clone, Debug, Serialize)]
pub struct Plugin {
    /// The object in the file.
    pub at: At,
    /// `type`: the name of the plugin's binary.
    pub kind: Spanned<String>,
    /// `bridge`: the bridge's name (bridge plugin; `cni0` by default).
    pub bridge: Option<Spanned<String>>,
    /// `mtu`.
    pub mtu: Option<Spanned<u32>>,
    /// `hairpinMode`.
    pub hairpin: Option<bool>,
    /// `isGateway` or `isDefaultGateway`.
    pub is_gateway: bool,
    /// `ipMasq`.
    pub ip_masq: bool,
    /// `ipam.type`.
    pub ipam: Option<Spanned<String>>,
    /// Subnets of the address management.
    pub subnets: Vec<Spanned<IpNet>>,
}

/// A network configuration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CniConfig {
    /// `name`.
    pub name: Option<Spanned<String>>,
    /// The plugins, in the chain's order; one for a `.conf`.
    pub plugins: Vec<Plugin>,
}

/// Reads a `.conf` or `.conflist`.
#[must_use]
pub fn parse(text: &str) -> Parsed<CniConfig> {
    let mut problems = Vec::new();
    let value = json::typed::<RawConfig<'_>>(text).map(|raw| {
        let mut places = json::Places::new(text, &mut problems);
        let plugins = match &raw.plugins {
            Some(plugins) => plugins.iter().map(|p| (places.line_of(p.get()), json::typed(p.get()))).collect(),
            // A `.conf` is its own only plugin.
            None => vec![(places.line_of(text.trim()), json::typed(text))],
        };
        let name = places.value(raw.name);
        let mut config = CniConfig { name, plugins: Vec::new() };
        for (at, plugin) in plugins {
            match plugin.and_then(|p: RawPlugin<'_>| p.read(at, &mut places)) {
                Ok(plugin) => config.plugins.push(plugin),
                Err(what) => places.problems.push(Problem { at, what }),
            }
        }
        config
    });
    Parsed {
        value: value.unwrap_or_else(|what| {
            problems.push(Problem { at: json::line_of(text, text), what });
            CniConfig::default()
        }),
        problems,
    }
}

#[derive(Deserialize)]
struct RawConfig<'t> {
    #[serde(borrow)]
    name: Option<&'t RawValue>,
    #[serde(borrow)]
    plugins: Option<Vec<&'t RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPlugin<'t> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'t RawValue>,
    #[serde(borrow)]
    bridge: Option<&'t RawValue>,
    #[serde(borrow)]
    mtu: Option<&'t RawValue>,
    #[serde(borrow)]
    hairpin_mode: Option<&'t RawValue>,
    #[serde(borrow)]
    is_gateway: Option<&'t RawValue>,
    #[serde(borrow)]
    is_default_gateway: Option<&'t RawValue>,
    #[serde(borrow)]
    ip_masq: Option<&'t RawValue>,
    #[serde(borrow)]
    ipam: Option<&'t RawValue>,
}

#[derive(Deserialize)]
struct RawIpam<'t> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'t RawValue>,
    #[serde(borrow)]
    subnet: Option<&'t RawValue>,
    #[serde(borrow, default)]
    ranges: Vec<Vec<RawRange<'t>>>,
}

#[derive(Deserialize)]
struct RawRange<'t> {
    #[serde(borrow)]
    subnet: Option<&'t RawValue>,
}

impl RawPlugin<'_> {
    fn read(&self, at: At, places: &mut json::Places<'_>) -> Result<Plugin, String> {
        let kind = places.value(self.kind).ok_or("a plugin without a type")?;
        let ipam = self.ipam.and_then(|raw| {
            // calico and others have an `ipam` of their own form: its type is enough.
            json::typed::<RawIpam<'_>>(raw.get()).ok()
        });
        let mut subnets: Vec<Spanned<IpNet>> = Vec::new();
        for raw in ipam.iter().flat_map(|i| i.subnet.into_iter().chain(i.ranges.iter().flatten().filter_map(|r| r.subnet))) {
            // "usePodCidr": the runtime fills it in.
            let word: Option<Spanned<String>> = places.value(Some(raw));
            subnets.extend(word.and_then(|(w, at)| Some((w.parse().ok()?, at))));
        }
        let flag = |raw: Option<&RawValue>| raw.map(|r| r.get() == "true");
        Ok(Plugin {
            at,
            kind,
            bridge: places.value(self.bridge),
            mtu: places.value(self.mtu),
            hairpin: flag(self.hairpin_mode),
            is_gateway: flag(self.is_gateway) == Some(true) || flag(self.is_default_gateway) == Some(true),
            ip_masq: flag(self.ip_masq) == Some(true),
            ipam: places.value(ipam.and_then(|i| i.kind)),
            subnets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_and_a_single_plugin() {
        let list = r#"{"name":"cbr0","plugins":[
            {"type":"bridge","bridge":"cni0","hairpinMode":true,"mtu":1450,"isDefaultGateway":true,
             "ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.1.0/24"}],[{"subnet":"fd00::/64"}]]}},
            {"no":"type"},{"type":"portmap"}]}"#;
        let got = parse(list);
        assert_eq!(got.value.plugins.iter().map(|p| p.kind.0.as_str()).collect::<Vec<_>>(), ["bridge", "portmap"]);
        let bridge = &got.value.plugins[0];
        assert_eq!((bridge.subnets.len(), bridge.subnets[0].1.line, bridge.hairpin), (2, 3, Some(true)));
        assert_eq!(got.problems[0].at.line, 4);
        let one = parse(r#"{"name":"x","type":"calico","mtu":0,"ipam":{"type":"calico-ipam","subnet":"usePodCidr"}}"#);
        assert_eq!((one.problems.len(), one.value.plugins[0].kind.0.as_str()), (0, "calico"));
        assert_eq!(parse("{\"plugins\": [").problems.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([{}\\[\\]:,\"]|\"(plugins|type|ipam|ranges|subnet)\":|\"x\"|\u{e9}){0,20}") {
            let _ = parse(&text);
        }
    }
}
