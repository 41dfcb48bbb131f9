//! A packet's way through the model.

mod connection;
pub mod device;
pub mod endpoint;
pub mod flows;
pub mod netfilter;
pub mod packet;
pub mod route;
pub mod trace;
pub mod tri;
mod walker;
pub mod world;

pub use netfilter::{
    Assumption, Blocker, Decision, Event, Exit, Fate, Hook, HookPoint, HookVerdict, LineRef, Lines, Lookups, Passage, Place,
    Table, What, evaluate, evaluate_with, hook, matching, pass,
};
pub use packet::{CtState, Dev, Direction, NatAddr, NatRequest, Packet};
pub use trace::{Arrival, Disposition, Origin, Path, PathBlocker, Probe, Stage, Step, Trace};
pub use tri::Tri;
pub use walker::{trace, verdict};
pub use world::{NsId, World};
