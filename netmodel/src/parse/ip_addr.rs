//! `ip -d -j addr` and `ip -s -d -j link`: links with their kind, relations, addresses and statistics.
//!
//! ```text
//! [{"ifindex":3,"ifname":"flannel.1","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1450,"operstate":"UNKNOWN",
//!   "address":"2a:47:bf:d6:d5:5c","linkinfo":{"info_kind":"vxlan","info_data":{"id":1,"local":"192.168.50.11","link":"eth0",
//!   "port":8472,"learning":false,"df":"unset"}},"addr_info":[{"family":"inet","local":"10.244.1.0","prefixlen":32,
//!   "scope":"global","label":"flannel.1","valid_life_time":4294967295,"preferred_life_time":4294967295}]}]
//! ```
//!
//! Left out: queue and offload sizes, multicast settings of bridges. The raw object stays reachable through [`Link::at`].

mod record;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Parsed;
use super::json::{self, Element, Names};
use crate::source::{At, Problem, position};
pub use record::*;

/// Reads `ip -j addr` or `ip -j link`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Link>> {
    let mut parts = Vec::new();
    let mut parsed = json::read(text, |element, object, names| {
        let raw: RawLink<'_> = json::typed(object)?;
        Ok(raw.link(&mut Context { text, element, names, problems: &mut parts }))
    });
    parsed.problems.append(&mut parts);
    parsed.problems.sort_by_key(|p| p.at);
    parsed
}

/// What is needed to read parts of a link. A part that is not understood is a problem and does not cost the link.
struct Context<'a> {
    text: &'a str,
    element: Element<'a>,
    names: &'a mut Names,
    problems: &'a mut Vec<Problem>,
}

impl Context<'_> {
    fn name(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        text.map(|t| self.names.get(t))
    }

    /// The place of a part of the element; the element's own place where the part was read from a cleaned copy.
    fn within(&self, part: &str) -> At {
        let at = position(self.text, part, self.element.at.line);
        if at.start >= self.element.at.start && at.end <= self.element.at.end { at } else { self.element.at }
    }

    /// A part, typed; a problem if it is not what is expected.
    fn part<'t, T: Deserialize<'t>>(&mut self, raw: &'t RawValue) -> Option<T> {
        json::typed(raw.get()).map_err(|what| self.problem(raw, what)).ok()
    }

    fn problem(&mut self, raw: &RawValue, what: impl Into<String>) {
        let at = self.within(raw.get());
        self.problems.push(Problem { at, what: what.into() });
    }
}

#[derive(Deserialize)]
struct RawLink<'t> {
    ifindex: u32,
    #[serde(borrow)]
    ifname: Cow<'t, str>,
    #[serde(borrow, default)]
    altnames: Vec<Cow<'t, str>>,
    #[serde(borrow, default)]
    flags: Vec<Cow<'t, str>>,
    mtu: Option<u32>,
    #[serde(borrow)]
    operstate: Option<Cow<'t, str>>,
    #[serde(borrow)]
    link_type: Option<Cow<'t, str>>,
    #[serde(borrow)]
    address: Option<Cow<'t, str>>,
    #[serde(borrow)]
    group: Option<Cow<'t, str>>,
    #[serde(borrow)]
    master: Option<Cow<'t, str>>,
    #[serde(borrow)]
    link: Option<Cow<'t, str>>,
    link_index: Option<u32>,
    link_netnsid: Option<i32>,
    #[serde(borrow)]
    linkinfo: Option<RawInfo<'t>>,
    #[serde(borrow, default)]
    addr_info: Vec<&'t RawValue>,
    stats64: Option<RawStats>,
    stats: Option<RawStats>,
    #[serde(borrow)]
    xdp: Option<&'t RawValue>,
}

#[derive(Deserialize)]
struct RawInfo<'t> {
    #[serde(borrow)]
    info_kind: Option<Cow<'t, str>>,
    #[serde(borrow)]
    info_data: Option<&'t RawValue>,
    #[serde(borrow)]
    info_slave_kind: Option<Cow<'t, str>>,
    #[serde(borrow)]
    info_slave_data: Option<&'t RawValue>,
}

/// The members of `info_data` of all kinds that are used; numbers and words are kept as they come, since versions differ.
#[derive(Deserialize, Default)]
#[serde(default)]
struct RawData<'t> {
    id: Option<u32>,
    #[serde(borrow)]
    local: Option<Cow<'t, str>>,
    #[serde(borrow)]
    local6: Option<Cow<'t, str>>,
    #[serde(borrow)]
    remote: Option<Cow<'t, str>>,
    #[serde(borrow)]
    remote6: Option<Cow<'t, str>>,
    #[serde(borrow)]
    group: Option<Cow<'t, str>>,
    #[serde(borrow)]
    group6: Option<Cow<'t, str>>,
    #[serde(borrow)]
    link: Option<Cow<'t, str>>,
    port: Option<u16>,
    learning: Option<bool>,
    #[serde(borrow)]
    df: Option<Cow<'t, str>>,
    #[serde(borrow)]
    gbp: Option<&'t RawValue>,
    #[serde(borrow)]
    external: Option<&'t RawValue>,
    #[serde(borrow)]
    table: Option<&'t RawValue>,
    pmtudisc: Option<bool>,
    #[serde(borrow)]
    fwmark: Option<&'t RawValue>,
    #[serde(borrow)]
    ikey: Option<&'t RawValue>,
    #[serde(borrow)]
    okey: Option<&'t RawValue>,
    nf_call_iptables: Option<u8>,
    nf_call_ip6tables: Option<u8>,
    vlan_filtering: Option<u8>,
    stp_state: Option<u8>,
    forward_delay: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawSlave<'t> {
    #[serde(borrow)]
    state: Option<Cow<'t, str>>,
    hairpin: Option<bool>,
    isolated: Option<bool>,
}

#[derive(Deserialize)]
struct RawStats {
    rx: RawDirection,
    tx: RawDirection,
}

#[derive(Deserialize)]
struct RawDirection {
    bytes: u64,
    packets: u64,
    errors: u64,
    dropped: u64,
    #[serde(default)]
    carrier_errors: u64,
}

#[derive(Deserialize)]
struct RawAddress<'t> {
    #[serde(borrow)]
    local: Option<Cow<'t, str>>,
    #[serde(borrow)]
    address: Option<Cow<'t, str>>,
    prefixlen: u8,
    #[serde(borrow)]
    broadcast: Option<Cow<'t, str>>,
    #[serde(borrow)]
    scope: Option<Cow<'t, str>>,
    #[serde(borrow)]
    label: Option<Cow<'t, str>>,
    #[serde(default)]
    secondary: bool,
    #[serde(default)]
    temporary: bool,
    #[serde(default)]
    dadfailed: bool,
    #[serde(default)]
    tentative: bool,
    #[serde(default)]
    deprecated: bool,
    #[serde(default)]
    noprefixroute: bool,
}

impl RawLink<'_> {
    fn link(self, cx: &mut Context<'_>) -> Link {
        let has = |flag: &str| self.flags.iter().any(|f| f == flag);
        let info = self.linkinfo.as_ref();
        let kind = kind(info, self.link_type.as_deref(), cx);
        let slave = info.filter(|i| i.info_slave_kind.as_deref() == Some("bridge")).and_then(|i| i.info_slave_data);
        let slave: Option<RawSlave<'_>> = slave.and_then(|raw| cx.part(raw));
        let port = slave.map(|s| BridgePortInfo { state: cx.name(s.state.as_deref()), hairpin: s.hairpin, isolated: s.isolated });
        Link {
            at: cx.element.at,
            index: Some(self.ifindex),
            name: cx.names.get(&self.ifname),
            altnames: cx.names.all(&self.altnames),
            up: Some(has("UP")),
            lower_up: Some(has("LOWER_UP")),
            flags: cx.names.all(&self.flags),
            mtu: self.mtu,
            operstate: cx.name(self.operstate.as_deref()),
            mac: cx.name(self.address.as_deref()),
            kind,
            group: cx.name(self.group.as_deref()),
            master: cx.name(self.master.as_deref()),
            lower: cx.name(self.link.as_deref()),
            lower_index: self.link_index,
            lower_netns: self.link_netnsid,
            port,
            addresses: self.addr_info.iter().filter_map(|raw| address(raw, cx)).collect(),
            stats: self.stats64.or(self.stats).map(|s| LinkStats {
                rx_packets: s.rx.packets,
                rx_bytes: s.rx.bytes,
                rx_errors: s.rx.errors,
                rx_dropped: s.rx.dropped,
                tx_packets: s.tx.packets,
                tx_bytes: s.tx.bytes,
                tx_errors: s.tx.errors,
                tx_dropped: s.tx.dropped,
                carrier_errors: s.tx.carrier_errors,
            }),
            xdp: self.xdp.map(|raw| cx.within(raw.get())),
        }
    }
}

fn address(raw: &RawValue, cx: &mut Context<'_>) -> Option<Address> {
    // With filters (`ip addr show scope …`) old versions print empty objects here.
    if raw.get().trim_start_matches('{').trim() == "}" {
        return None;
    }
    let a: RawAddress<'_> = cx.part(raw)?;
    // Of a point-to-point address `local` is ours and `address` the peer's; of others only `local` is printed.
    let ours = a.local.as_deref().or(a.address.as_deref()).and_then(|t| t.parse().ok());
    let Some(addr) = ours.and_then(|ours| IpNet::new(ours, a.prefixlen).ok()) else {
        cx.problem(raw, "not an address with a prefix length");
        return None;
    };
    Some(Address {
        at: cx.within(raw.get()),
        addr,
        peer: a.local.as_ref().and(a.address.as_deref()).and_then(|p| p.parse().ok()),
        broadcast: a.broadcast.as_deref().and_then(|b| b.parse().ok()),
        scope: cx.names.get(a.scope.as_deref().unwrap_or_default()),
        label: cx.name(a.label.as_deref()),
        secondary: a.secondary || a.temporary,
        dad_failed: a.dadfailed,
        tentative: a.tentative,
        deprecated: a.deprecated,
        no_prefix_route: a.noprefixroute,
    })
}

fn kind(info: Option<&RawInfo<'_>>, link_type: Option<&str>, cx: &mut Context<'_>) -> LinkKind {
    let Some(word) = info.and_then(|i| i.info_kind.as_deref()) else {
        return match link_type {
            Some("loopback") => LinkKind::Loopback,
            Some("ether") | None => LinkKind::Physical,
            // Hardware of another kind, or a tunnel whose driver has no netlink name.
            Some(other) => LinkKind::Other(cx.names.get(other)),
        };
    };
    let raw = info.and_then(|i| i.info_data);
    match word {
        "veth" => LinkKind::Veth,
        "bond" => LinkKind::Bond,
        "dummy" => LinkKind::Dummy,
        "wireguard" => LinkKind::Wireguard,
        "tun" => LinkKind::Tun,
        "macvlan" | "macvtap" | "ipvlan" | "ipvtap" => LinkKind::Macvlan,
        "vxlan" | "bridge" | "vlan" | "ipip" | "gre" | "gretap" | "ip6gre" | "ip6gretap" | "erspan" | "geneve" | "vrf" => {
            // Without `-d` there are no details; with details that are not understood the kind is all that is known.
            match raw.map(|raw| cx.part(raw)) {
                None => detailed(word, &RawData::default(), cx),
                Some(Some(data)) => detailed(word, &data, cx),
                Some(None) => LinkKind::Other(cx.names.get(word)),
            }
        }
        other => LinkKind::Other(cx.names.get(other)),
    }
}

/// A key or a mark: a number, in hexadecimal, or as an address (`0.0.0.7`).
pub(super) fn key(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok().or_else(|| word.parse().ok().map(|a: std::net::Ipv4Addr| a.to_bits())),
    }
}

fn detailed(word: &str, data: &RawData<'_>, cx: &mut Context<'_>) -> LinkKind {
    // "any" is how iproute2 prints the unspecified address.
    let addr = |four: &Option<Cow<'_, str>>, six: &Option<Cow<'_, str>>| -> Option<IpAddr> {
        four.as_deref().or(six.as_deref()).and_then(|a| a.parse().ok())
    };
    let on = |raw: Option<&RawValue>| raw.is_some_and(|r| r.get() != "false");
    let number = |raw: Option<&RawValue>| key(raw?.get().trim_matches('"'));
    let lower = cx.name(data.link.as_deref());
    let tunnel = || Tunnel {
        local: addr(&data.local, &data.local6),
        remote: addr(&data.remote, &data.remote6),
        lower: lower.clone(),
        pmtudisc: data.pmtudisc,
        fwmark: number(data.fwmark),
        ikey: number(data.ikey),
        okey: number(data.okey),
        frames: word.ends_with("tap") || word == "erspan",
        external: on(data.external),
    };
    match word {
        "vxlan" => LinkKind::Vxlan(Vxlan {
            vni: data.id,
            port: data.port,
            local: addr(&data.local, &data.local6),
            remote: addr(&data.remote, &data.remote6).or_else(|| addr(&data.group, &data.group6)),
            lower: cx.name(data.link.as_deref()),
            learning: data.learning,
            df: cx.name(data.df.as_deref()),
            gbp: on(data.gbp),
            external: on(data.external),
        }),
        "bridge" => LinkKind::Bridge(Bridge {
            nf_call_iptables: data.nf_call_iptables.map(|v| v != 0),
            nf_call_ip6tables: data.nf_call_ip6tables.map(|v| v != 0),
            vlan_filtering: data.vlan_filtering.map(|v| v != 0),
            stp: data.stp_state.map(|v| v != 0),
            forward_delay: data.forward_delay,
        }),
        "vlan" => match data.id.and_then(|id| u16::try_from(id).ok()) {
            Some(id) => LinkKind::Vlan { id },
            None => LinkKind::Other(cx.names.get(word)),
        },
        "ipip" => LinkKind::Ipip(tunnel()),
        "geneve" => LinkKind::Geneve { vni: data.id, port: data.port, remote: addr(&data.remote, &data.remote6) },
        "vrf" => LinkKind::Vrf { table: data.table.and_then(|t| t.get().trim_matches('"').parse().ok()) },
        _ => LinkKind::Gre(tunnel()),
    }
}
