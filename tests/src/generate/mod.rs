//! Captures of nodes that are too large to keep as files: made from a seed, in the form of the real tools, the same bytes each time.
//!
//! Only the standard library is used here: the benches of `netmodel` and the fuzz targets' seeds take these files by their path,
//! since `netmodel` must not depend on this crate. Left out: oddities; those are fixtures.

mod cluster;
mod conntrack;
mod ipset;
mod iptables;
mod nft;
mod random;
mod routes;

pub use cluster::{Cluster, Service};
pub use conntrack::conntrack;
pub use ipset::ipset;
pub use iptables::iptables_save;
pub use nft::{nft_of_iptables, nft_of_kube_proxy};
pub use random::Random;
pub use routes::{routes_json, routes_text};

/// The seed that benches and tests use where none is meant in particular.
pub const SEED: u64 = 0x636f_6c64_7061_7468;
