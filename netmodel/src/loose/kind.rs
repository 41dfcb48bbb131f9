//! The kinds of outputs that are told apart, and how each begins and goes on: one row a kind.
//!
//! `starts` looks at a line and at most three that follow it; `owns` at one line. Neither costs more than that line's length, so a file
//! is cut into sections in time linear in its size. What a line *means* is its parser's business.

mod config;
mod counters;
mod iproute;
mod machine;
mod netfilter;
mod nettools;

use bundle::{Capture, Format};

/// A kind of output.
pub(super) struct Kind {
    /// What prints it.
    pub name: &'static str,
    /// The capture that it becomes, the IPv4 one where there are two; `None` where this version has no use for it.
    pub capture: Option<Capture>,
    /// The form of its text.
    pub format: Format,
    /// Whether an output of this kind begins at the first of these lines.
    pub(super) starts: fn(&[&str]) -> bool,
    /// Whether a line belongs to it, once it has begun.
    pub(super) owns: fn(&str) -> bool,
    /// Whether a line, though it belongs to the kind, begins another output of it.
    pub(super) restarts: fn(&str) -> bool,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const fn kind(
    name: &'static str,
    capture: Option<Capture>,
    format: Format,
    starts: fn(&[&str]) -> bool,
    owns: fn(&str) -> bool,
    restarts: fn(&str) -> bool,
) -> Kind {
    Kind { name, capture, format, starts, owns, restarts }
}

fn never(_: &str) -> bool {
    false
}

fn first<'l>(lines: &[&'l str]) -> &'l str {
    lines.first().map_or("", |l| l.trim())
}

fn second<'l>(lines: &[&'l str]) -> &'l str {
    lines.get(1).map_or("", |l| l.trim())
}

macro_rules! starts {
    ($line:ident => $test:expr) => {
        |lines: &[&str]| {
            let $line = $crate::loose::kind::first(lines);
            $test
        }
    };
}

macro_rules! owns {
    ($line:ident => $test:expr) => {
        |line: &str| {
            let $line = line.trim();
            $test
        }
    };
}
use {owns, starts};

/// All kinds of text. Where two would take a line, the first one has it.
pub(super) fn text() -> impl Iterator<Item = &'static Kind> {
    let groups = [netfilter::KINDS, iproute::KINDS, nettools::KINDS, counters::KINDS, machine::KINDS, config::KINDS];
    groups.into_iter().flatten()
}

/// The kind with this name.
pub(super) fn named(name: &str) -> Option<&'static Kind> {
    text().chain(JSON).find(|k| k.name == name)
}

fn no_start(_: &[&str]) -> bool {
    false
}

const fn json(name: &'static str, capture: Option<Capture>, format: Format) -> Kind {
    kind(name, capture, format, no_start, never, never)
}

/// All kinds of JSON; which one a document is, its keys tell.
pub(super) static JSON: &[Kind] = &[
    json("nft -j list ruleset", Some(Capture::NftRuleset), Format::NftJson),
    json("ip -j addr", Some(Capture::IpAddr), Format::IprouteJson),
    json("ip -j link", Some(Capture::IpLink), Format::IprouteJson),
    json("ip -j route", Some(Capture::IpRoute4), Format::IprouteJson),
    json("ip -j rule", Some(Capture::IpRule4), Format::IprouteJson),
    json("ip -j neigh", Some(Capture::IpNeigh), Format::IprouteJson),
    json("ip -j nexthop", Some(Capture::IpNexthop), Format::IprouteJson),
    json("bridge -j fdb", Some(Capture::BridgeFdb), Format::IprouteJson),
    json("bridge -j link", Some(Capture::BridgeLink), Format::IprouteJson),
    json("bridge -j vlan", Some(Capture::BridgeVlan), Format::IprouteJson),
    json("tc -j qdisc", Some(Capture::TcQdisc), Format::IprouteJson),
    json("CNI configuration", Some(Capture::CniConfig), Format::ConfigFile),
    json("flannel's net-conf.json", Some(Capture::FlannelNetConf), Format::ConfigFile),
    json("kube-proxy configuration in JSON", Some(Capture::KubeProxyConfig), Format::ConfigFile),
    json("kubelet configuration in JSON", Some(Capture::KubeletConfig), Format::ConfigFile),
    json("a Kubernetes object in JSON", None, Format::Text),
    json("container log in JSON", None, Format::Text),
];
