//! Addresses and prefixes that clash.

pub(crate) mod pod_cidr_overlap;
