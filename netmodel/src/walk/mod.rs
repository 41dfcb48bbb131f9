//! A packet's way through the model. Today: what one netfilter hook does with a packet, by all tables of both back ends.

mod engine;
pub mod hook;
mod lookups;
pub mod matching;
mod nft;
mod nft_nat;
mod nft_set;
mod nft_value;
pub mod packet;
mod rulesets;
mod target;
pub mod trace;
pub mod tri;
pub mod world;

pub use hook::{Blocker, Decision, Hook, HookVerdict, Place, Table, evaluate, evaluate_with};
pub use matching::Lookups;
pub use packet::{CtState, Dev, Direction, NatAddr, NatRequest, Packet};
pub use trace::{Arrival, Disposition, Origin, Path, PathBlocker, Probe, Stage, Step, Trace};
pub use tri::Tri;
pub use world::{NsId, World};

#[cfg(test)]
mod nft_tests;
#[cfg(test)]
mod tests;
