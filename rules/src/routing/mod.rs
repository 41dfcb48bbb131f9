//! Routes and policy rules.

pub(crate) mod pod_traffic_diverted;
