//! Routes and policy rules.

pub(crate) mod peer_route_missing;
pub(crate) mod pod_traffic_diverted;
