//! ipvs, as kube-proxy uses it.

pub(crate) mod vs_conntrack_off;
