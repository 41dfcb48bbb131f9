//! Whether the node passes packets on.

pub(crate) mod ip_forward_lost_at_boot;
pub(crate) mod ip_forward_off;
pub(crate) mod rp_filter_strict_asymmetric;
