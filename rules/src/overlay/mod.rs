//! The tunnels between nodes.

pub(crate) mod vxlan_peer_unresolved;
