//! What kube-proxy writes: Services as rules.

pub(crate) mod service_rules_missing;
