//! Text to records: one file a format, each opening with a real sample of its text.
//!
//! Every parser takes the text of a capture and gives records with positions, and the problems that it met: a line that is not
//! understood is a problem with its line, the rest counts. No input makes a parser panic. What records mean is `state`'s business.

pub mod arp;
pub mod bridge;
pub mod cmdline;
pub mod cni;
pub mod component_flags;
pub mod conntrack;
pub mod conntrack_expect;
pub mod conntrack_proc;
pub mod conntrack_stats;
pub mod counters;
pub mod ethtool_features;
pub mod ethtool_settings;
pub mod ethtool_stats;
pub mod fib_trie;
pub mod firewall_log;
pub mod firewalld;
pub mod flannel;
pub mod glob;
pub mod hosts;
pub mod if_inet6;
pub mod ifconfig;
pub mod ini;
pub mod ip_addr;
pub mod ip_neigh;
pub mod ip_nexthop;
pub mod ip_route;
pub mod ip_rule;
pub mod iproute_text;
pub mod ipset;
pub mod ipset_list;
pub mod ipset_options;
mod ipset_print;
pub mod iptables;
pub mod iptables_list;
pub mod ipvs;
pub mod ipvs_conn;
pub mod ipvs_counters;
pub mod ipvs_endpoint;
pub mod ipvs_list;
mod ipvs_print;
pub mod json;
pub mod kernel_events;
pub mod kernel_log;
pub mod kube_proxy;
pub mod kubeadm;
pub mod kubelet_config;
pub mod modules;
pub mod modules_load;
mod names;
pub mod network_manager;
pub mod networkd;
pub mod nft;
pub mod nftables_conf;
pub mod nsswitch;
pub mod os_release;
pub mod proc_dev;
pub mod proc_ipv6_route;
pub mod proc_route;
pub mod proc_sockets;
pub mod resolv_conf;
pub mod resolved;
mod route_attributes;
pub mod route_n;
pub mod route_print;
pub mod sockstat;
pub mod softnet_stat;
pub mod ss;
pub mod sysctl;
pub mod sysctl_d;
pub mod sysctl_system;
pub mod text;
pub mod ufw;
pub mod yaml;

mod kube_yaml;
mod log_prefix;
#[cfg(test)]
mod quirks;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod testing;

use crate::source::Problem;

/// What a parser gives.
#[derive(Clone, Debug, Default)]
pub struct Parsed<T> {
    /// What was understood.
    pub value: T,
    /// What was not.
    pub problems: Vec<Problem>,
}
