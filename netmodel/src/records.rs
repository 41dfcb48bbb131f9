//! What was understood of a capture, record by record, as JSON values: what `coldpath show --format json` prints.
//!
//! [`read`] is the one place that says which parser reads which capture. Its records become values one after another: a ruleset of a
//! million lines is never a value as a whole. Records keep the field names of [`crate::parse`]; a field
//! `at` becomes `line`, and every other position becomes the text that stands there. Left out: the forms that only pasted input has.

mod iptables;
mod nft;
mod place;
mod split;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use bundle::{Capture, Format, Key};
use serde::Serialize;
use serde_json::Value;

use crate::family::Family;
use crate::parse::iptables::TableKind;
use crate::parse::{
    Parsed, cmdline, cni, conntrack, conntrack_proc, conntrack_stats, counters, ethtool_features, ethtool_stats, firewalld,
    flannel, hosts, ini, iproute_text::any, ipset, ipset_list, iptables_list, ipvs, ipvs_conn, ipvs_counters, ipvs_list,
    kernel_events, kube_proxy, kubelet_config, modules, modules_load, nftables_conf, nsswitch, os_release, proc_dev,
    proc_sockets, resolv_conf, route_print, sockstat, softnet_stat, ss, sysctl, sysctl_d, ufw,
};
use crate::source::{Problem, Source, lines};
use crate::state::forms;

/// Takes one record after the other, until it breaks off.
pub type Sink<'f> = dyn FnMut(Value) -> ControlFlow<()> + 'f;

/// Gives records to a sink.
type Each<'s> = dyn Fn(&mut Sink<'_>) -> ControlFlow<()> + 's;

/// A capture that was read.
pub struct Read<'s> {
    /// Whether a parser read the text. If not, the records are its lines: `{"line": N, "text": "…"}`.
    pub typed: bool,
    /// What was not understood.
    pub problems: Vec<Problem>,
    each: Box<Each<'s>>,
}

impl Read<'_> {
    /// Gives what was understood to `sink`, in the text's order as far as the format has one.
    pub fn each(&self, sink: &mut Sink<'_>) {
        let _ = (self.each)(sink);
    }
}

impl std::fmt::Debug for Read<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Read").field("typed", &self.typed).field("problems", &self.problems).finish_non_exhaustive()
    }
}

/// Reads a capture, in whatever form it was pasted. One without a parser gives its lines. The key decides where the form depends on the file
/// (`firewall-config`, `networkd-config`).
#[must_use]
pub fn read(source: &Source) -> Read<'_> {
    let (key, text) = (&source.key, &*source.text);
    match key.capture {
        Capture::Sysctl => typed(text, sysctl::parse(text)),
        Capture::IpAddr | Capture::IpLink => typed(text, forms::links(source)),
        Capture::IpRoute4 => typed(text, forms::routes(source, Family::V4)),
        Capture::IpRoute6 => typed(text, forms::routes(source, Family::V6)),
        Capture::IpRule4 => typed(text, forms::rules(source, Family::V4)),
        Capture::IpRule6 => typed(text, forms::rules(source, Family::V6)),
        Capture::IpNeigh => typed(text, forms::neighbours(source)),
        Capture::IpNexthop => typed(text, forms::nexthops(source)),
        Capture::BridgeFdb => typed(text, forms::fdb(source)),
        Capture::BridgeLink => typed(text, forms::ports(source)),
        Capture::BridgeVlan => typed(text, any::vlans(text)),
        Capture::IptablesNftSave | Capture::IptablesLegacySave => iptables::read(text, Family::V4),
        Capture::Ip6tablesNftSave | Capture::Ip6tablesLegacySave => iptables::read(text, Family::V6),
        Capture::NftRuleset => nft::read(text),
        Capture::IpsetSave if source.format == Format::IpsetList => {
            let Parsed { value, problems } = ipset_list::parse(text);
            sets(text, Parsed { value: value.sets, problems })
        }
        Capture::IpsetSave => sets(text, ipset::parse(text)),
        Capture::IpvsSave if source.format == Format::IpvsadmList => typed(text, ipvs_list::parse(text)),
        Capture::IpvsSave => typed(text, ipvs::parse(text)),
        Capture::IpvsStats | Capture::ProcIpVs => typed(text, ipvs_list::parse(text)),
        Capture::IpvsTimeouts => typed(text, ipvs_counters::parse_timeouts(text)),
        Capture::ProcIpVsConn => typed(text, ipvs_conn::parse(text)),
        Capture::Conntrack => typed(text, conntrack::parse(text)),
        Capture::ConntrackStats => typed(text, conntrack_stats::parse(text)),
        Capture::ProcStatNfConntrack => typed(text, conntrack_proc::parse(text)),
        Capture::ProcNetSnmp | Capture::ProcNetNetstat => typed(text, counters::parse(text)),
        Capture::ProcNetSnmp6 => typed(text, counters::parse_snmp6(text)),
        Capture::ProcNetDev => typed(text, proc_dev::parse(text)),
        Capture::ProcNetSoftnetStat => typed(text, softnet_stat::parse(text)),
        Capture::ProcNetSockstat | Capture::ProcNetSockstat6 => typed(text, sockstat::parse(text)),
        Capture::ProcNetTcp | Capture::ProcNetTcp6 | Capture::ProcNetUdp | Capture::ProcNetUdp6 => {
            typed(text, proc_sockets::parse(text))
        }
        Capture::Listeners => typed(text, ss::parse(text)),
        Capture::EthtoolFeatures => typed(text, ethtool_features::parse(text)),
        Capture::EthtoolStats => typed(text, ethtool_stats::parse(text)),
        Capture::ResolvConf => typed(text, resolv_conf::parse(text)),
        // Two files of two forms: the resolv.conf that it writes, and its own configuration.
        Capture::ResolvedConf if ends_with(key, "resolv.conf") => typed(text, resolv_conf::parse(text)),
        Capture::ResolvedConf | Capture::NetworkManagerConfig | Capture::NetworkdConfig => typed(text, ini::parse(text)),
        Capture::Hosts => typed(text, hosts::parse(text)),
        Capture::Nsswitch => typed(text, nsswitch::parse(text)),
        Capture::SysctlD => typed(text, sysctl_d::parse(text)),
        Capture::ModulesLoadD => {
            let Parsed { value, problems } = modules_load::parse(text);
            let named = value.iter().map(|&at| Named { at, name: at }).collect::<Vec<_>>();
            typed(text, Parsed { value: named, problems })
        }
        Capture::Modules => typed(text, forms::modules(source)),
        Capture::ModulesBuiltin => typed(text, modules::parse_builtin(text)),
        Capture::CniConfig => typed(text, cni::parse(text)),
        Capture::FlannelSubnetEnv => typed(text, flannel::parse_subnet_env(text)),
        Capture::FlannelNetConf => typed(text, flannel::parse_net_conf(text)),
        Capture::KubeletConfig => typed(text, kubelet_config::parse(text)),
        Capture::KubeProxyConfig => typed(text, kube_proxy::parse(text)),
        Capture::KubeCmdline | Capture::StaticPodFlags => typed(text, cmdline::parse(text)),
        Capture::KernelLog => typed(text, kernel_events::parse(text)),
        Capture::FirewallConfig => firewall(key, text),
        Capture::IpTablesNames | Capture::Ip6TablesNames | Capture::CniPlugins => typed(text, names(text)),
        Capture::OsRelease => typed(text, os_release::parse(text)),
        Capture::Uptime => typed(text, os_release::parse_uptime(text)),
        _ => raw(text),
    }
}

/// A name on a line of its own.
#[derive(Serialize)]
struct Named {
    at: crate::At,
    name: crate::At,
}

/// Names, one a line.
fn names(text: &str) -> Parsed<Vec<Named>> {
    let named = lines(text).filter(|(_, line)| !line.trim().is_empty());
    let value = named.map(|(at, line)| Named { at, name: crate::source::position(text, line.trim(), at.line) }).collect();
    Parsed { value, problems: Vec::new() }
}

fn ends_with(key: &Key, name: &str) -> bool {
    key.instance.as_deref().is_some_and(|path| path.ends_with(name))
}

/// Configuration of firewalls: which one a file is of, its path tells. Zones of firewalld and units of systemd stay lines.
fn firewall<'t>(key: &Key, text: &'t str) -> Read<'t> {
    let path = key.instance.as_deref().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    match name {
        "iptables" | "rules.v4" | "before.rules" | "after.rules" | "user.rules" => iptables::read(text, Family::V4),
        "ip6tables" | "rules.v6" | "before6.rules" | "after6.rules" | "user6.rules" => iptables::read(text, Family::V6),
        "firewalld.conf" => typed(text, firewalld::parse(text)),
        "ufw" | "ufw.conf" => typed(text, ufw::parse_conf(text)),
        "sysctl.conf" => typed(text, sysctl_d::parse(text)),
        _ if path.contains("nftables") && !name.ends_with(".service") => typed(text, nftables_conf::parse(text)),
        _ => raw(text),
    }
}

/// Records of a parser's value. A record type that only holds one list is that list; nothing read is no record.
fn typed<'t, T: Serialize + 't>(text: &'t str, parsed: Parsed<T>) -> Read<'t> {
    let Parsed { value, problems } = parsed;
    Read { typed: true, problems, each: Box::new(move |sink| split::each(text, &value, sink)) }
}

/// A text that no parser reads: its lines.
fn raw(text: &str) -> Read<'_> {
    let each =
        |sink: &mut Sink<'_>| lines(text).try_for_each(|(at, line)| sink(serde_json::json!({ "line": at.line, "text": line })));
    Read { typed: false, problems: Vec::new(), each: Box::new(each) }
}

/// Sets with their members; the parser keeps those of all sets in one list.
fn sets(text: &str, parsed: Parsed<ipset::Ipsets>) -> Read<'_> {
    let Parsed { value, problems } = parsed;
    let each = move |sink: &mut Sink<'_>| {
        value.sets.iter().try_for_each(|set| {
            let mut record = place::value(text, set);
            record["members"] = place::value(text, value.members_of(set));
            sink(record)
        })
    };
    Read { typed: true, problems, each: Box::new(each) }
}

/// The rules, sets, services or routes of a capture printed back in their tool's own form, routes read from JSON as the text that `ip -d`
/// prints; `None` for captures that are none of these. Lines that were not understood stand there as comments with iptables and routes,
/// and are left out with ipset and ipvs; [`read`] tells them.
#[must_use]
pub fn normalized(source: &Source) -> Option<String> {
    let (key, text) = (&source.key, &*source.text);
    let rules = |family| iptables_list::parse_any(text, family, TableKind::Unknown).value.to_normalized(text).to_string();
    match key.capture {
        Capture::IptablesNftSave | Capture::IptablesLegacySave => Some(rules(Family::V4)),
        Capture::Ip6tablesNftSave | Capture::Ip6tablesLegacySave => Some(rules(Family::V6)),
        Capture::IpsetSave if source.format != Format::IpsetList => Some(ipset::parse(text).value.to_save(text)),
        Capture::IpvsSave if source.format == Format::IpvsadmList => {
            ipvs_list::parse(text).value.to_ipvs(text).map(|table| table.to_save())
        }
        Capture::IpvsSave => Some(ipvs::parse(text).value.to_save()),
        Capture::IpRoute4 => Some(route_print::to_text(text, &forms::routes(source, Family::V4))),
        Capture::IpRoute6 => Some(route_print::to_text(text, &forms::routes(source, Family::V6))),
        _ => None,
    }
}
