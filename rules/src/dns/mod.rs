//! Name resolution of the node and of its pods.

pub(crate) mod cluster_dns_without_endpoints;
pub(crate) mod resolver_loop;
