//! What `ip -d` prints of a link's kind and of its being a port: `vxlan id 1 local … dstport 8472 nolearning`.
//!
//! ```text
//!     vxlan id 1 local 192.168.50.11 dev eth0 srcport 0 0 dstport 8472 nolearning ttl auto ageing 300 udpcsum
//!     bridge forward_delay 1500 hello_time 200 … stp_state 0 … vlan_filtering 0 … nf_call_iptables 0 nf_call_ip6tables 0
//!     ipip ipip remote any local 192.168.50.11 ttl inherit nopmtudisc
//!     bridge_slave state forwarding priority 32 cost 2 hairpin on … isolated off
//! ```
//!
//! Words that no record holds are passed over: each version of iproute2 prints more of them, some with a value and some without.

use std::net::IpAddr;

use super::super::ip_addr::{Bridge, BridgePortInfo, LinkKind, Tunnel, Vxlan};
use super::super::json::Names;
use super::words::Words;

/// The kinds that iproute2 knows (ip/iplink_*.c, ip/link_*.c): where everything stands on one line, a kind is told by its name alone.
pub(super) const KINDS: &[&str] = &[
    "amt",
    "bareudp",
    "batadv",
    "bond",
    "bridge",
    "can",
    "dsa",
    "dummy",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "gtp",
    "hsr",
    "ifb",
    "ip6erspan",
    "ip6gre",
    "ip6gretap",
    "ip6tnl",
    "ipip",
    "ipoib",
    "ipvlan",
    "ipvtap",
    "lowpan",
    "macsec",
    "macvlan",
    "macvtap",
    "netdevsim",
    "netkit",
    "nlmon",
    "rmnet",
    "sit",
    "team",
    "tun",
    "vcan",
    "veth",
    "virt_wifi",
    "vlan",
    "vrf",
    "vti",
    "vti6",
    "vxcan",
    "vxlan",
    "wireguard",
    "wwan",
    "xfrm",
];

/// A detail line as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Detail<'t> {
    kind: &'t str,
    id: Option<&'t str>,
    local: Option<&'t str>,
    remote: Option<&'t str>,
    group: Option<&'t str>,
    dev: Option<&'t str>,
    dstport: Option<&'t str>,
    nolearning: bool,
    df: Option<&'t str>,
    gbp: bool,
    external: bool,
    pmtudisc: Option<bool>,
    ikey: Option<&'t str>,
    okey: Option<&'t str>,
    fwmark: Option<&'t str>,
    table: Option<&'t str>,
    forward_delay: Option<&'t str>,
    stp_state: Option<&'t str>,
    vlan_filtering: Option<&'t str>,
    nf_call_iptables: Option<&'t str>,
    nf_call_ip6tables: Option<&'t str>,
    state: Option<&'t str>,
    hairpin: Option<&'t str>,
    isolated: Option<&'t str>,
}

impl<'t> Detail<'t> {
    /// The details of a kind, or of a port (`bridge_slave`).
    pub(super) fn of(kind: &'t str) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Takes a word, and its value where it has one that counts. The first value counts: behind the kind's own words iproute2 prints
    /// those of every link.
    pub(super) fn word(&mut self, word: &str, words: &mut Words<'t>) {
        let place = match word {
            "id" => &mut self.id,
            "local" => &mut self.local,
            "remote" => &mut self.remote,
            "group" => &mut self.group,
            "dev" => &mut self.dev,
            "dstport" => &mut self.dstport,
            "df" => &mut self.df,
            "ikey" => &mut self.ikey,
            "okey" => &mut self.okey,
            "fwmark" => &mut self.fwmark,
            // One word for both directions.
            "key" => {
                let value = words.next();
                (self.ikey, self.okey) = (self.ikey.or(value), self.okey.or(value));
                return;
            }
            "pmtudisc" | "nopmtudisc" => {
                self.pmtudisc.get_or_insert(word == "pmtudisc");
                return;
            }
            "table" => &mut self.table,
            "forward_delay" => &mut self.forward_delay,
            "stp_state" => &mut self.stp_state,
            "vlan_filtering" => &mut self.vlan_filtering,
            "nf_call_iptables" => &mut self.nf_call_iptables,
            "nf_call_ip6tables" => &mut self.nf_call_ip6tables,
            "state" => &mut self.state,
            "hairpin" => &mut self.hairpin,
            "isolated" => &mut self.isolated,
            "nolearning" => return self.nolearning = true,
            "gbp" => return self.gbp = true,
            "external" => return self.external = true,
            _ => return,
        };
        if let Some(value) = words.next() {
            place.get_or_insert(value);
        }
    }

    /// The kind, as the JSON form's reader makes it; problems where a value is not what it must be.
    pub(super) fn kind(&self, names: &mut Names, problems: &mut Vec<String>) -> LinkKind {
        let mut number = |key: &str, word: Option<&str>| -> Option<u32> {
            let word = word?;
            let number = word.parse().ok();
            if number.is_none() {
                problems.push(format!("`{key} {word}`: not a number"));
            }
            number
        };
        match self.kind {
            "veth" => LinkKind::Veth,
            "bond" => LinkKind::Bond,
            "dummy" => LinkKind::Dummy,
            "wireguard" => LinkKind::Wireguard,
            "tun" => LinkKind::Tun,
            "macvlan" | "macvtap" | "ipvlan" | "ipvtap" => LinkKind::Macvlan,
            "vxlan" => {
                let vni = number("id", self.id);
                let port = number("dstport", self.dstport).and_then(|p| u16::try_from(p).ok());
                LinkKind::Vxlan(Vxlan {
                    vni,
                    port,
                    local: self.address("local", self.local, problems),
                    remote: self.address("remote", self.remote, problems).or_else(|| self.address("group", self.group, problems)),
                    lower: self.dev.map(|d| names.get(d)),
                    // Only what differs from the default is printed.
                    learning: Some(!self.nolearning),
                    df: Some(names.get(self.df.unwrap_or("unset"))),
                    gbp: self.gbp,
                    external: self.external,
                })
            }
            "bridge" => {
                let mut on = |key: &str, word: Option<&str>| number(key, word).map(|n| n != 0);
                LinkKind::Bridge(Bridge {
                    nf_call_iptables: on("nf_call_iptables", self.nf_call_iptables),
                    nf_call_ip6tables: on("nf_call_ip6tables", self.nf_call_ip6tables),
                    vlan_filtering: on("vlan_filtering", self.vlan_filtering),
                    stp: on("stp_state", self.stp_state),
                    forward_delay: number("forward_delay", self.forward_delay),
                })
            }
            "vlan" => match number("id", self.id).and_then(|id| u16::try_from(id).ok()) {
                Some(id) => LinkKind::Vlan { id },
                None => LinkKind::Other(names.get(self.kind)),
            },
            "geneve" => {
                let vni = number("id", self.id);
                let port = number("dstport", self.dstport).and_then(|p| u16::try_from(p).ok());
                LinkKind::Geneve { vni, port, remote: self.address("remote", self.remote, problems) }
            }
            // A table may be printed by its name in rt_tables.
            "vrf" => LinkKind::Vrf { table: self.table.and_then(|t| t.parse().ok()) },
            "ipip" => LinkKind::Ipip(self.tunnel(names, problems)),
            "gre" | "gretap" | "ip6gre" | "ip6gretap" | "erspan" => LinkKind::Gre(self.tunnel(names, problems)),
            other => LinkKind::Other(names.get(other)),
        }
    }

    /// As a bridge's port; `None` for a port of something else.
    pub(super) fn port(&self, names: &mut Names) -> Option<BridgePortInfo> {
        (self.kind == "bridge_slave").then(|| BridgePortInfo {
            state: self.state.map(|s| names.get(s)),
            hairpin: self.hairpin.and_then(on),
            isolated: self.isolated.and_then(on),
        })
    }

    fn tunnel(&self, names: &mut Names, problems: &mut Vec<String>) -> Tunnel {
        Tunnel {
            local: self.address("local", self.local, problems),
            remote: self.address("remote", self.remote, problems),
            lower: self.dev.map(|d| names.get(d)),
            pmtudisc: self.pmtudisc,
            fwmark: self.fwmark.and_then(super::super::ip_addr::key),
            ikey: self.ikey.and_then(super::super::ip_addr::key),
            okey: self.okey.and_then(super::super::ip_addr::key),
            frames: self.kind.ends_with("tap") || self.kind == "erspan",
            external: self.external,
        }
    }

    fn address(&self, key: &str, word: Option<&str>, problems: &mut Vec<String>) -> Option<IpAddr> {
        let word = word.filter(|w| *w != "any")?;
        let addr = word.parse().ok();
        if addr.is_none() {
            problems.push(format!("`{} {key} {word}`: not an address", self.kind));
        }
        addr
    }
}

/// `on` or `off`, as `print_on_off` prints it.
pub(super) fn on(word: &str) -> Option<bool> {
    match word {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}
