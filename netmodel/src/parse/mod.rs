//! Text to records: one file a format, each opening with a real sample of its text.
//!
//! Every parser takes the text of a capture and gives records with positions, and the problems that it met: a line that is not
//! understood is a problem with its line, the rest counts. No input makes a parser panic. What records mean is `state`'s business.

pub mod bridge;
pub mod cmdline;
pub mod cni;
pub mod conntrack;
pub mod conntrack_stats;
pub mod flannel;
pub mod ip_addr;
pub mod ip_neigh;
pub mod ip_nexthop;
pub mod ip_route;
pub mod ip_rule;
pub mod ipset;
pub mod iptables;
pub mod iptables_list;
pub mod ipvs;
pub mod json;
pub mod kernel_log;
pub mod kube_proxy;
pub mod modules;
pub mod modules_load;
pub mod nft_json;
pub mod resolv_conf;
pub mod sysctl;
pub mod sysctl_d;

#[cfg(test)]
mod snapshots;

use crate::source::Problem;

/// What a parser gives.
#[derive(Clone, Debug, Default)]
pub struct Parsed<T> {
    /// What was understood.
    pub value: T,
    /// What was not.
    pub problems: Vec<Problem>,
}
