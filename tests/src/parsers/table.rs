//! Every parser, by the family of its grammar: a fuzz target gives each input to all parsers of a family.

use netmodel::Family;
use netmodel::parse::iproute_text::{self, Asked};
use netmodel::parse::iptables::TableKind;
use netmodel::parse::{self, Parsed};

use super::{Parser, check, loose};

macro_rules! parsers {
    ($($family:literal { $($name:literal [$($captures:literal),*] [$($nodes:literal),*] $parse:expr;)* })*) => {
        &[$($(Parser {
            name: $name,
            family: $family,
            captures: &[$($captures),*],
            nodes: &[$($nodes),*],
            hold: |text| check(text, &$parse(text)),
        },)*)* Parser {
            name: "loose",
            family: "loose",
            captures: &["loose", "iptables-list", "iptables-s", "ip-addr-text", "ip-route-text", "ipset-list", "ipvs-list", "kernel-log"],
            nodes: &[],
            hold: |text| loose::hold(text.as_bytes()),
        }]
    };
}

/// Every parser: name, folders of its captures, files of it in the bases, the function; and, last, the recognition of loose outputs.
pub const PARSERS: &[Parser] = parsers! {
    "iptables" {
        "iptables" ["iptables-save"] ["tables-nft-save.txt", "tables-legacy-save.txt"] |text| parse::iptables::parse(text, Family::V4);
        "iptables6" ["iptables-save"] ["ip6tables-nft-save.txt", "ip6tables-legacy-save.txt"] |text| parse::iptables::parse(text, Family::V6);
        "iptables_s" ["iptables-s"] [] |text| parse::iptables::parse_specification(text, Family::V4, TableKind::Filter);
        "iptables_list" ["iptables-list"] [] |text| parse::iptables_list::parse(text, Family::V4, TableKind::Unknown);
        "iptables_list6" ["iptables-list"] [] |text| parse::iptables_list::parse(text, Family::V6, TableKind::Filter);
    }
    "nft_text" {
        "nft_text" ["nft-text"] [] parse::nft::text::parse;
    }
    "nft_json" {
        "nft_json" ["nft-json"] ["nft-ruleset.json"] parse::nft::json::parse;
    }
    "iproute_json" {
        "bridge_fdb" ["bridge-fdb"] ["bridge-fdb.json"] parse::bridge::parse_fdb;
        "bridge_link" ["bridge-link"] ["bridge-link.json"] parse::bridge::parse_link;
        "bridge_vlan" [] ["bridge-vlan.json"] iproute_text::bridge_vlan::parse_json;
        "ip_addr" ["ip-addr", "ip-link"] ["ip-addr.json", "ip-link.json"] parse::ip_addr::parse;
        "ip_neigh" ["ip-neigh"] ["ip-neigh.json"] parse::ip_neigh::parse;
        "ip_nexthop" ["ip-nexthop"] ["ip-nexthop.json"] parse::ip_nexthop::parse;
        "ip_route" ["ip-route"] ["ip-route4.json", "ip-route6.json"] |text| parse::ip_route::parse(text, Family::V4);
        "ip_route6" ["ip-route"] ["ip-route6.json"] |text| parse::ip_route::parse(text, Family::V6);
        "ip_rule" ["ip-rule"] ["ip-rule4.json", "ip-rule6.json"] |text| parse::ip_rule::parse(text, Family::V4);
        "ip_rule6" ["ip-rule"] ["ip-rule6.json"] |text| parse::ip_rule::parse(text, Family::V6);
    }
    "iproute_text" {
        "arp" ["proc-net-arp"] [] parse::arp::parse;
        "bridge_fdb_text" ["bridge-fdb-text"] [] |text| iproute_text::fdb::parse(text, &Asked::default());
        "bridge_link_text" ["bridge-link-text"] [] iproute_text::bridge_link::parse;
        "bridge_vlan_text" [] [] iproute_text::bridge_vlan::parse;
        "ifconfig" ["ifconfig"] [] parse::ifconfig::parse;
        "ip_addr_text" ["ip-addr-text"] [] iproute_text::addr::parse;
        "ip_neigh_text" ["ip-neigh-text"] [] |text| iproute_text::neigh::parse(text, &Asked::default());
        "ip_nexthop_text" ["ip-nexthop-text"] [] iproute_text::nexthop::parse;
        "ip_route_text" ["ip-route-text"] [] |text| iproute_text::route::parse(text, Family::V4, &Asked::default());
        "ip_route6_text" ["ip-route-text"] [] |text| iproute_text::route::parse(text, Family::V6, &Asked::default());
        "ip_rule_text" ["ip-rule-text"] [] |text| iproute_text::rule::parse(text, Family::V4);
        "ip_rule6_text" ["ip-rule-text"] [] |text| iproute_text::rule::parse(text, Family::V6);
        "route_n" ["route-n"] [] parse::route_n::parse;
    }
    "tables" {
        "conntrack" ["conntrack"] ["conntrack.txt"] parse::conntrack::parse;
        "conntrack_expect" ["conntrack-expect"] [] parse::conntrack_expect::parse;
        "conntrack_stats" ["conntrack-stats"] ["conntrack-stats.txt"] parse::conntrack_stats::parse;
        "ipset" ["ipset", "ipset-save"] ["ipset-save.txt"] parse::ipset::parse;
        "ipset_list" ["ipset-list"] [] parse::ipset_list::parse;
        "ipvs" ["ipvs", "ipvs-rules"] ["ipvs-save.txt"] parse::ipvs::parse;
        "ipvs_list" ["ipvs-list"] ["/ip_vs.txt"] parse::ipvs_list::parse;
        "ipvs_stats" ["ipvs-stats"] ["ipvs-stats.txt"] parse::ipvs_counters::parse_stats;
        "ipvs_timeouts" [] ["ipvs-timeouts.txt"] parse::ipvs_counters::parse_timeouts;
    }
    "proc" {
        "conntrack_count" [] [] parse::conntrack_proc::parse_count;
        "conntrack_proc" ["conntrack-proc-stat"] ["stat-nf_conntrack.txt"] parse::conntrack_proc::parse;
        "counters" ["proc-snmp"] ["/snmp.txt", "/netstat.txt"] parse::counters::parse;
        "ethtool_features" ["ethtool-features"] ["ethtool-features/"] parse::ethtool_features::parse;
        "ethtool_settings" ["ethtool-settings"] [] parse::ethtool_settings::parse;
        "ethtool_stats" ["ethtool-stats"] ["ethtool-stats/"] parse::ethtool_stats::parse;
        "fib_trie" ["proc-net-fib_trie"] [] parse::fib_trie::parse;
        "if_inet6" ["proc-net-if_inet6"] [] parse::if_inet6::parse;
        "ipvs_conn" ["ipvs-conn"] ["ip_vs_conn.txt"] parse::ipvs_conn::parse;
        "kernel_events" ["kernel-events", "kernel-log"] [] parse::kernel_events::parse;
        "kernel_log" ["kernel-log"] [] parse::kernel_log::parse;
        "modules_builtin" ["modules-builtin"] [] parse::modules::parse_builtin;
        "modules_loaded" ["modules"] ["modules.txt"] parse::modules::parse_loaded;
        "modules_lsmod" ["modules"] [] parse::modules::parse_lsmod;
        "proc_dev" ["proc-dev"] ["/dev.txt"] parse::proc_dev::parse;
        "proc_ipv6_route" ["proc-net-ipv6_route"] [] parse::proc_ipv6_route::parse;
        "proc_route" ["proc-net-route"] [] parse::proc_route::parse;
        "proc_sockets" ["proc-sockets"] ["/tcp.txt", "/udp.txt", "/tcp6.txt", "/udp6.txt"] parse::proc_sockets::parse;
        "snmp6" ["proc-snmp6"] ["snmp6.txt"] parse::counters::parse_snmp6;
        "sockstat" ["proc-sockstat"] ["sockstat.txt"] parse::sockstat::parse;
        "softnet_stat" ["proc-softnet"] ["softnet_stat.txt"] parse::softnet_stat::parse;
        "ss" ["ss"] ["listeners.txt"] parse::ss::parse;
        "sysctl" ["sysctl"] ["sysctl.txt"] sysctl;
        "sysctl_d" ["sysctl-d"] [] parse::sysctl_d::parse;
        "sysctl_system" ["sysctl-system"] [] parse::sysctl_system::parse;
        "uptime" [] [] parse::os_release::parse_uptime;
    }
    "config" {
        "cmdline" ["cmdline"] ["kube-cmdline/"] parse::cmdline::parse;
        "cni" ["cni"] ["cni-config/"] parse::cni::parse;
        "component_flags" ["cmdline"] ["kube-cmdline/", "static-pod-flags/"] parse::component_flags::parse_lines;
        "component_manifest" ["manifest"] [] parse::component_flags::parse_manifest;
        "firewalld" ["ini"] [] parse::firewalld::parse;
        "flannel_net_conf" ["net-conf"] ["flannel-net-conf.json"] parse::flannel::parse_net_conf;
        "flannel_subnet_env" ["subnet-env"] ["flannel-subnet.env"] parse::flannel::parse_subnet_env;
        "hosts" ["hosts"] ["/hosts"] parse::hosts::parse;
        "ini" ["ini"] [] parse::ini::parse;
        "kube_proxy" ["kube-proxy"] ["kube-proxy-config/"] parse::kube_proxy::parse;
        "kubeadm" ["kubeadm"] [] parse::kubeadm::parse;
        "kubelet_config" ["kubelet-config"] [] parse::kubelet_config::parse;
        "modules_load" ["modules-load"] [] parse::modules_load::parse;
        "network_manager" ["ini"] [] parse::network_manager::parse;
        "networkd_conf" ["ini"] [] parse::networkd::parse_conf;
        "networkd_netdev" ["ini"] [] parse::networkd::parse_netdev;
        "networkd_network" ["ini"] [] parse::networkd::parse_network;
        "nftables_conf" ["ini"] [] parse::nftables_conf::parse;
        "nsswitch" ["nsswitch"] ["nsswitch.conf"] parse::nsswitch::parse;
        "os_release" ["os-release"] ["os-release"] parse::os_release::parse;
        "resolv_conf" ["resolv-conf"] ["resolv.conf"] parse::resolv_conf::parse;
        "resolved" ["resolvectl"] [] parse::resolved::parse;
        "ufw_conf" ["ini"] [] parse::ufw::parse_conf;
        "ufw_status" ["ufw-status"] [] parse::ufw::parse_status;
        "yaml" ["kubeadm", "kube-proxy", "kubelet-config", "manifest"] [] parse::yaml::parse;
    }
};

/// Every key of `sysctl -a` is found again, in either form.
fn sysctl(text: &str) -> Parsed<parse::sysctl::Sysctls> {
    let parsed = parse::sysctl::parse(text);
    for entry in parsed.value.entries() {
        let key = &text[entry.key.start as usize..entry.key.end as usize];
        assert!(parsed.value.get(text, key).is_some(), "`{key}` is not found again");
    }
    parsed
}
