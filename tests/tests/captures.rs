//! The captures of real nodes beside the repository (`../shared/captures`), where they are there: everything reads without a problem,
//! and rules, sets, services and routes that are printed back are the same word for word.
//!
//! They are too large to commit; `fixtures/bases` holds a part of them, on which the same is held in `netmodel`. Where they are
//! missing the test says so and passes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use coldpath_tests::{files_below, fixtures};
use netmodel::Family::{V4, V6};
use netmodel::parse::iproute_text::{Asked, any};
use netmodel::parse::iptables::TableKind;
use netmodel::parse::{self, Parsed, route_print};
use netmodel::{Family, Problem};

/// A file's reader: what is not understood, and the text printed back where the format has a printer.
type Read = fn(&str) -> (Vec<Problem>, Option<String>);

fn only<T>(parsed: Parsed<T>) -> (Vec<Problem>, Option<String>) {
    (parsed.problems, None)
}

fn routes(text: &str, family: Family) -> (Vec<Problem>, Option<String>) {
    let parsed = any::routes(text, family, &Asked::default());
    // What JSON says is held against the text of the same node below.
    let printed = (!any::is_json(text)).then(|| route_print::to_text(text, &parsed));
    (parsed.problems, printed)
}

fn save(text: &str, family: Family) -> (Vec<Problem>, Option<String>) {
    let parsed = parse::iptables_list::parse_any(text, family, TableKind::Unknown);
    let printed = parsed.value.to_normalized(text).to_string();
    (parsed.problems, Some(printed))
}

/// The reader of a file of the lab, by its name; `None` for one that is not known here.
fn reader(name: &str) -> Option<Read> {
    Some(match name {
        "ip_addr" | "ip_-d_addr" | "ip_-d_-j_addr" | "ip_link" | "ip_-d_link" | "ip_-s_link" | "ip_-d_-j_link"
        | "ip_-s_-d_-j_link" => |t| only(any::links(t)),
        "ip_route_show"
        | "ip_-d_route_show"
        | "ip_route_show_table_all"
        | "ip_-d_route_show_table_all"
        | "ip_route_show_table_local"
        | "ip_-d_route_show_table_local"
        | "ip_-d_-j_route_show"
        | "ip_-d_-j_route_table_all"
        | "ip_-d_-j_route_show_table_all"
        | "ip_-d_-j_route_show_table_local" => |t| routes(t, V4),
        "ip_-6_route_table_all" | "ip_-6_-d_-j_route_table_all" => |t| routes(t, V6),
        "ip_rule" | "ip_-d_rule" | "ip_-d_-j_rule" => |t| only(any::rules(t, V4)),
        "ip_-6_rule" | "ip_-6_-j_rule" => |t| only(any::rules(t, V6)),
        "ip_neigh" | "ip_-d_neigh" | "ip_-d_-j_neigh" | "ip_-j_neigh" | "ip_-6_-d_-j_neigh" => {
            |t| only(any::neighbours(t, &Asked::default()))
        }
        "ip_nexthop" | "ip_-d_nexthop" | "ip_-d_-j_nexthop" => |t| only(any::nexthops(t)),
        "bridge_fdb" | "bridge_-d_-j_fdb" => |t| only(any::fdb_entries(t, &Asked::default())),
        "bridge_link" | "bridge_-d_-j_link" => |t| only(any::ports(t)),
        "bridge_vlan" => |t| only(any::vlans(t)),
        "iptables-save" | "iptables-nft-save_-c" | "iptables-legacy-save_-c" => |t| save(t, V4),
        "ip6tables-nft-save_-c" | "ip6tables-legacy-save_-c" => |t| save(t, V6),
        "nft_list_ruleset" | "nft_-n_-a_list_ruleset" | "nft_-j_list_ruleset" => |t| only(parse::nft::parse(t)),
        "ipset_save" => |t| {
            let parsed = parse::ipset::parse(t);
            let printed = parsed.value.to_save(t);
            (parsed.problems, Some(printed))
        },
        "ipset_list" => |t| only(parse::ipset_list::parse(t)),
        "ipvsadm_-Sn" => |t| {
            let parsed = parse::ipvs::parse(t);
            let printed = parsed.value.to_save();
            (parsed.problems, Some(printed))
        },
        "ipvsadm_-Ln" | "ipvsadm_-Ln_stats" | "proc_net_ip_vs" => |t| only(parse::ipvs_list::parse(t)),
        "ipvsadm_-Lcn" | "proc_net_ip_vs_conn" => |t| only(parse::ipvs_conn::parse(t)),
        "ipvsadm_timeout" => |t| only(parse::ipvs_counters::parse_timeouts(t)),
        "proc_net_ip_vs_stats" => |t| only(parse::ipvs_counters::parse_stats(t)),
        "conntrack_-L" | "conntrack_-L_ext" | "proc_net_nf_conntrack" => |t| only(parse::conntrack::parse(t)),
        "conntrack_-L_expect" => |t| only(parse::conntrack_expect::parse(t)),
        "conntrack_-S" => |t| only(parse::conntrack_stats::parse(t)),
        "conntrack_-C" => |t| only(parse::conntrack_proc::parse_count(t)),
        "proc_net_stat_nf_conntrack" => |t| only(parse::conntrack_proc::parse(t)),
        "proc_net_snmp" | "proc_net_netstat" => |t| only(parse::counters::parse(t)),
        "proc_net_snmp6" => |t| only(parse::counters::parse_snmp6(t)),
        "proc_net_dev" => |t| only(parse::proc_dev::parse(t)),
        "proc_net_softnet_stat" => |t| only(parse::softnet_stat::parse(t)),
        "proc_net_sockstat" => |t| only(parse::sockstat::parse(t)),
        "proc_net_tcp" | "proc_net_tcp6" | "proc_net_udp" | "proc_net_udp6" => |t| only(parse::proc_sockets::parse(t)),
        "proc_net_arp" => |t| only(parse::arp::parse(t)),
        "proc_net_route" => |t| only(parse::proc_route::parse(t)),
        "proc_net_ipv6_route" => |t| only(parse::proc_ipv6_route::parse(t)),
        "proc_net_if_inet6" => |t| only(parse::if_inet6::parse(t)),
        "proc_net_fib_trie" => |t| only(parse::fib_trie::parse(t)),
        "proc_sys_net" => |t| only(parse::sysctl::parse(t)),
        "proc_modules" => |t| only(parse::modules::parse_loaded(t)),
        "modules_builtin" => |t| only(parse::modules::parse_builtin(t)),
        "ss_-tulpn" | "ss_-tan" => |t| only(parse::ss::parse(t)),
        "resolv.conf" => |t| only(parse::resolv_conf::parse(t)),
        "hosts" => |t| only(parse::hosts::parse(t)),
        "nsswitch.conf" => |t| only(parse::nsswitch::parse(t)),
        "os-release" => |t| only(parse::os_release::parse(t)),
        "dmesg.txt" => |t| only(parse::kernel_events::parse(t)),
        name if name.starts_with("ethtool_-k_") => |t| only(parse::ethtool_features::parse(t)),
        name if name.starts_with("ethtool_-S_") => |t| only(parse::ethtool_stats::parse(t)),
        name if name.ends_with("subnet.env") => |t| only(parse::flannel::parse_subnet_env(t)),
        name if name.ends_with("net-conf.json") => |t| only(parse::flannel::parse_net_conf(t)),
        name if name.ends_with("conflist.json") => |t| only(parse::cni::parse(t)),
        name if name.contains("-kp-") => |t| only(parse::kube_proxy::parse(t)),
        _ => return None,
    })
}

/// Files that no parser reads, and why.
fn not_read(name: &str) -> Option<&'static str> {
    Some(match name {
        "truth.txt" | "commands.txt" | "date" | "hostname" | "uname" | "README.md" => "about the lab, not the node's network",
        "nodes.json" | "services.json" | "endpointslices.json" => "objects of the Kubernetes API: no capture of a node",
        "ip-version" | "iptables-version" | "nft-version" => "a version, shown as its line",
        "proc_config" | "proc_cmdline" | "proc_filesystems" | "proc_meminfo" => "no list of the format asks for it",
        "nft_list_tables" => "the ruleset says it",
        "ipset_-o_xml_list" => "ipset save and list say it",
        "sys_class_net" => "the lab's own listing; ip -d link says it",
        "tc_qdisc" | "tc_filter" | "tc_-j_qdisc" => "no parser yet: queueing disciplines and filters are shown as lines",
        "ip_maddr" | "proc_net_dev_mcast" | "proc_net_igmp" => "no parser: multicast groups",
        "ip_netconf" => "no parser: sysctl says it",
        "ip_tunnel" => "no parser: ip -d link says it",
        "ip_vrf" | "ip_xfrm_policy" | "wg_show" => "no parser: empty in all captures",
        "ss_-s" => "no parser: sockstat says it",
        "proc_net_raw" | "proc_net_protocols" => "no parser: nothing asks for raw sockets or protocols",
        "proc_net_fib_triestat" | "proc_net_stat_rt_cache" => "no parser: statistics that nothing asks for",
        "proc_net_ip_vs_app" => "no parser: helpers of ipvs (ftp)",
        name if name.starts_with("proc_net_netfilter_") => "no parser: consumers of nflog and nfqueue",
        name if name.starts_with("proc_net_ip_tables_") || name.starts_with("proc_net_ip6_tables_") => "names, one a line",
        name if name.starts_with("proc_ip_tables_") || name.starts_with("proc_ip6_tables_") => "names, one a line",
        _ => return None,
    })
}

fn words(text: &str) -> Vec<String> {
    text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|l| !l.is_empty()).collect()
}

/// Where two texts differ first.
fn difference(left: &str, right: &str) -> Option<String> {
    let (left, right) = (words(left), words(right));
    if left == right {
        return None;
    }
    let at = left.iter().zip(&right).position(|(l, r)| l != r).unwrap_or(left.len().min(right.len()));
    Some(format!("{:?} | {:?}", left.get(at), right.get(at)))
}

/// The captures, if they are here.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn captures() -> Result<Option<Vec<PathBuf>>> {
    let folder = fixtures().join("../../shared/captures");
    if !folder.is_dir() {
        eprintln!("NOT RUN: {} is not there, so no whole capture of a real node was read", folder.display());
        return Ok(None);
    }
    Ok(Some(files_below(&folder)?))
}

fn name_of(path: &Path) -> Result<&str> {
    path.file_name().and_then(|n| n.to_str()).context("a file has a name")
}

#[test]
fn captures_of_real_nodes_read_without_a_problem_and_print_back() -> Result<()> {
    let Some(files) = captures()? else { return Ok(()) };
    let mut failures = Vec::new();
    let mut unknown = BTreeSet::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for path in &files {
        let name = name_of(path)?;
        if name.ends_with(".err") || not_read(name).is_some() {
            continue;
        }
        let Some(read) = reader(name) else {
            unknown.insert(name.to_owned());
            continue;
        };
        let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        let (problems, printed) = read(&text);
        *seen.entry("read").or_default() += 1;
        if let Some(problem) = problems.first() {
            let line = text.lines().nth(problem.at.line as usize - 1).unwrap_or_default();
            failures.push(format!("{}:{}: {} ({line:.100})", path.display(), problem.at.line, problem.what));
        }
        if let Some(printed) = printed {
            *seen.entry("printed").or_default() += 1;
            if let Some(difference) = difference(&printed, &text) {
                failures.push(format!("{}: printed differently: {difference}", path.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "neither read nor listed as not read: {unknown:?}");
    assert!(failures.is_empty(), "{} of {seen:?}:\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

/// Routes of `ip -j` printed as text are those that `ip -d` printed a moment later.
#[test]
fn routes_of_json_are_printed_as_the_tool_prints_them() -> Result<()> {
    let Some(files) = captures()? else { return Ok(()) };
    let mut compared = 0;
    for json in files.iter().filter(|f| f.ends_with("ip_-d_-j_route_show_table_all")) {
        let text = fs::read_to_string(json.with_file_name("ip_-d_route_show_table_all"))?;
        let json_text = fs::read_to_string(json)?;
        let printed = route_print::to_text(&json_text, &any::routes(&json_text, V4, &Asked::default()));
        assert_eq!(difference(&printed, &text), None, "{}", json.display());
        compared += 1;
    }
    assert!(compared > 0);
    Ok(())
}
