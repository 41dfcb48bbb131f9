//! Name resolution of the node and of its pods.

pub(crate) mod resolver_loop;
