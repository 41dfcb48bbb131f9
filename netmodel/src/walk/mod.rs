//! A packet's way through the model. Today: what one netfilter hook does with a packet, by all tables of both back ends.

pub mod hook;
pub mod matching;
pub mod packet;
pub mod tri;

pub use hook::{Blocker, Decision, Hook, HookVerdict, Place, Table, evaluate};
pub use packet::{CtState, Dev, Packet};
pub use tri::Tri;
