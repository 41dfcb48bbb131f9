//! systemd-networkd: `networkd.conf`, `*.network`, `*.netdev`.
//!
//! ```text
//! # networkd.conf
//! [Network]
//! ManageForeignRoutes=no
//! ManageForeignRoutingPolicyRules=no
//! ```
//! ```text
//! # 10-cni.network
//! [Match]
//! Name=cali* flannel.* cni0
//! [Link]
//! Unmanaged=yes
//! ```
//!
//! By default networkd removes routes and rules that it did not make, when it starts and when a link comes up; both switches are
//! systemd's (since 243 and 249). Left out: addresses and routes that `.network` files configure.

use serde::Serialize;

use super::flannel::Spanned;
use super::text::slice;
use super::{Parsed, glob, ini};
use crate::source::At;

/// What a `networkd.conf` or a drop-in of it says; `None`: not set there (the default is yes for all three).
#[derive(Clone, Debug, Default, Serialize)]
pub struct NetworkdConf {
    /// `ManageForeignRoutes`.
    pub manage_foreign_routes: Option<Spanned<bool>>,
    /// `ManageForeignRoutingPolicyRules`.
    pub manage_foreign_rules: Option<Spanned<bool>>,
    /// `ManageForeignNextHops` (since 256).
    pub manage_foreign_nexthops: Option<Spanned<bool>>,
}

/// Reads `networkd.conf`.
#[must_use]
pub fn parse_conf(text: &str) -> Parsed<NetworkdConf> {
    let file = ini::parse(text);
    let switch = |key: &str| file.value.switch(text, "Network", key);
    let value = NetworkdConf {
        manage_foreign_routes: switch("ManageForeignRoutes"),
        manage_foreign_rules: switch("ManageForeignRoutingPolicyRules"),
        manage_foreign_nexthops: switch("ManageForeignNextHops"),
    };
    Parsed { value, problems: file.problems }
}

/// What a `.network` file says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NetworkFile {
    /// The settings of `[Match] Name`, each a list of patterns; all of them hold.
    pub names: Vec<At>,
    /// Whether `[Match]` asks for something else too (a MAC address, a driver, a kind).
    pub more_conditions: bool,
    /// `[Link] Unmanaged`.
    pub unmanaged: Option<Spanned<bool>>,
    /// `[Network] KeepConfiguration` (`yes`, `static`, `dhcp`, `no`), as written.
    pub keep_configuration: Option<Spanned<String>>,
    /// `[Network] IPv4Forwarding`, or `IPForward` of older versions, as written: networkd sets the sysctl.
    pub ip_forward: Option<Spanned<String>>,
    /// `[Link] MTUBytes`, as written.
    pub mtu: Option<Spanned<String>>,
}

impl NetworkFile {
    /// Whether the file is for a device of that name; `None` where more than the name decides. `text` is what was parsed.
    #[must_use]
    pub fn matches(&self, text: &str, device: &str) -> Option<bool> {
        let words: Vec<&str> = self.names.iter().flat_map(|&at| slice(text, at).split_ascii_whitespace()).collect();
        // systemd.network(5): a `!` before the first pattern negates the whole list.
        let by_name = match words.first() {
            None => true,
            Some(first) => {
                let negated = first.starts_with('!');
                let hit = words.iter().any(|w| glob::matches(w.trim_start_matches('!'), device));
                hit != negated
            }
        };
        match (by_name, self.more_conditions) {
            (false, _) => Some(false),
            (true, false) => Some(!words.is_empty()),
            (true, true) => None,
        }
    }
}

/// Reads a `.network` file.
#[must_use]
pub fn parse_network(text: &str) -> Parsed<NetworkFile> {
    let file = ini::parse(text);
    let word = |section, key| file.value.get(text, section, key).map(|s| (slice(text, s.value).to_owned(), s.at));
    let in_match = |s: &&ini::Setting| s.section.is_some_and(|at| slice(text, at) == "Match");
    let mut names: Vec<At> = Vec::new();
    for s in file.value.all(text, "Match", "Name") {
        // An empty value clears what stands before it.
        if slice(text, s.value).is_empty() { names.clear() } else { names.push(s.value) }
    }
    let value = NetworkFile {
        names,
        more_conditions: file.value.settings.iter().filter(in_match).any(|s| slice(text, s.key) != "Name"),
        unmanaged: file.value.switch(text, "Link", "Unmanaged"),
        keep_configuration: word("Network", "KeepConfiguration"),
        ip_forward: word("Network", "IPv4Forwarding").or_else(|| word("Network", "IPForward")),
        mtu: word("Link", "MTUBytes"),
    };
    Parsed { value, problems: file.problems }
}

/// What a `.netdev` file says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NetdevFile {
    /// `Name`.
    pub name: Option<Spanned<String>>,
    /// `Kind` (`bridge`, `vxlan`, `wireguard`, …).
    pub kind: Option<Spanned<String>>,
    /// `MTUBytes`, as written.
    pub mtu: Option<Spanned<String>>,
}

/// Reads a `.netdev` file.
#[must_use]
pub fn parse_netdev(text: &str) -> Parsed<NetdevFile> {
    let file = ini::parse(text);
    let word = |key| file.value.get(text, "NetDev", key).map(|s| (slice(text, s.value).to_owned(), s.at));
    Parsed { value: NetdevFile { name: word("Name"), kind: word("Kind"), mtu: word("MTUBytes") }, problems: file.problems }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_of_networkd() {
        let text = "[Network]\nManageForeignRoutes=no\n#ManageForeignRoutingPolicyRules=no\n[DHCPv4]\nManageForeignNextHops=no\n";
        let got = parse_conf(text).value;
        assert_eq!(got.manage_foreign_routes.map(|(on, at)| (on, at.line)), Some((false, 2)));
        assert!(got.manage_foreign_rules.is_none() && got.manage_foreign_nexthops.is_none(), "another section");
    }

    #[test]
    fn network_files_match_by_name() {
        let text = "[Match]\nName=cali* flannel.*\n[Link]\nUnmanaged=yes\nMTUBytes=1450\n[Network]\nKeepConfiguration=static\nIPForward=ipv4\n";
        let got = parse_network(text).value;
        assert_eq!((got.matches(text, "cali0"), got.matches(text, "eth0")), (Some(true), Some(false)));
        assert_eq!(got.unmanaged.map(|(on, _)| on), Some(true));
        assert_eq!((got.keep_configuration.unwrap().0.as_str(), got.ip_forward.unwrap().0.as_str()), ("static", "ipv4"));
        let negated = "[Match]\nName=!veth* cali*\n";
        let got = parse_network(negated).value;
        assert_eq!((got.matches(negated, "cali0"), got.matches(negated, "eth0")), (Some(false), Some(true)));
    }

    #[test]
    fn more_than_the_name_is_unknown() {
        let text = "[Match]\nName=en*\nDriver=virtio_net\n";
        let got = parse_network(text).value;
        assert_eq!((got.matches(text, "ens3"), got.matches(text, "cni0")), (None, Some(false)));
        assert_eq!(parse_network("[Match]\n").value.matches("[Match]\n", "eth0"), Some(false), "an empty match matches nothing");
        let netdev = "[NetDev]\nName=br0\nKind=bridge\n";
        assert_eq!(parse_netdev(netdev).value.kind.unwrap().0, "bridge");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(\\[Match\\]\n|\\[Network\\]\n|Name=|!|[a-z*]{1,4}| |\n|\u{e9}){0,20}") {
            let _ = (parse_conf(&text), parse_network(&text).value.matches(&text, "cni0"), parse_netdev(&text));
        }
    }
}
