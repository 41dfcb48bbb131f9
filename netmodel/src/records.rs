//! What was understood of a capture, record by record, as JSON values: what `coldpath show --format json` prints.
//!
//! [`records`] is the one place that says which parser reads which capture. Records keep the field names of [`crate::parse`]; a field
//! `at` becomes `line`, and every other position becomes the text that stands there. Left out: the forms that only pasted input has.

mod iptables;
mod nft;
mod place;
#[cfg(test)]
mod tests;

use bundle::{Capture, Format, Key};
use serde::Serialize;
use serde_json::Value;

use crate::family::Family;
use crate::parse::iptables::TableKind;
use crate::parse::{
    Parsed, cmdline, cni, conntrack, conntrack_proc, conntrack_stats, counters, ethtool_features, ethtool_stats, flannel, hosts,
    ini, iproute_text::any, ipset, ipset_list, iptables_list, ipvs, ipvs_conn, ipvs_counters, ipvs_list, kernel_events,
    kube_proxy, kubelet_config, modules, modules_load, nsswitch, os_release, proc_dev, proc_sockets, resolv_conf, route_print,
    sockstat, softnet_stat, ss, sysctl, sysctl_d,
};
use crate::source::{Problem, Source, lines};
use crate::state::forms;

/// The records of one capture.
#[derive(Clone, Debug)]
pub struct Records {
    /// Whether a parser read the text. If not, the records are its lines: `{"line": N, "text": "…"}`.
    pub typed: bool,
    /// What was understood, in the text's order as far as the format has one.
    pub records: Vec<Value>,
    /// What was not.
    pub problems: Vec<Problem>,
}

/// Reads a capture, in whatever form it was pasted. One without a parser gives its lines. The key decides where the form depends on the file
/// (`firewall-config`, `networkd-config`).
#[must_use]
pub fn records(source: &Source) -> Records {
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
        Capture::IptablesNftSave | Capture::IptablesLegacySave => iptables::records(text, Family::V4),
        Capture::Ip6tablesNftSave | Capture::Ip6tablesLegacySave => iptables::records(text, Family::V6),
        Capture::NftRuleset => nft::records(text),
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
            let names = value.iter().map(|&at| Named { at, name: at }).collect::<Vec<_>>();
            typed(text, Parsed { value: names, problems })
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

fn ends_with(key: &Key, name: &str) -> bool {
    key.instance.as_deref().is_some_and(|path| path.ends_with(name))
}

/// Makes values of records. A record type that only holds one list is that list; nothing read is no record.
fn typed<T: Serialize>(text: &str, parsed: Parsed<T>) -> Records {
    let Parsed { value, problems } = parsed;
    let records = match place::value(text, &value) {
        Value::Null => Vec::new(),
        Value::Array(items) => items,
        Value::Object(mut fields) if fields.len() == 1 && fields.values().all(Value::is_array) => {
            match fields.values_mut().next().map(Value::take) {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
        other => vec![other],
    };
    Records { typed: true, records, problems }
}

/// A text that no parser reads: its lines.
fn raw(text: &str) -> Records {
    let line = |(at, line): (crate::At, &str)| serde_json::json!({ "line": at.line, "text": line });
    Records { typed: false, records: lines(text).map(line).collect(), problems: Vec::new() }
}

/// Sets with their members; the parser keeps those of all sets in one list.
fn sets(text: &str, parsed: Parsed<ipset::Ipsets>) -> Records {
    let Parsed { value, problems } = parsed;
    let one = |set: &ipset::Set| {
        let mut record = place::value(text, set);
        record["members"] = place::value(text, value.members_of(set));
        record
    };
    Records { typed: true, records: value.sets.iter().map(one).collect(), problems }
}

/// The rules, sets, services or routes of a capture printed back in their tool's own form, routes read from JSON as the text that `ip -d`
/// prints; `None` for captures that are none of these. Lines that were not understood stand there as comments with iptables and routes,
/// and are left out with ipset and ipvs; [`records`] tells them.
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
