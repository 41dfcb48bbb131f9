//! ipvs, as kube-proxy uses it.

pub(crate) mod vip_not_local;
pub(crate) mod vs_conntrack_off;
