//! The Linux bridge that pods hang on, and br_netfilter.

pub(crate) mod br_netfilter_missing;
pub(crate) mod nf_call_iptables_off;
pub(crate) mod pod_veth_detached;
