//! Netfilter: what the base chains of legacy iptables, iptables-nft and nftables do with a packet at one hook.
//!
//! [`pass`] is what the walk asks at each hook, [`evaluate`] what a rule asks that wants to know of one hook only. Left out: what lies
//! between hooks (connection tracking, the translation that a nat chain asks for, routing), ebtables, arptables and eBPF.

mod connection;
mod dispatch;
mod engine;
pub mod hook;
mod lookups;
pub mod matching;
mod nft;
pub mod passage;
pub(crate) mod plan;
mod rulesets;
mod target;
mod way;

pub use hook::{Blocker, Decision, Hook, HookVerdict, Place, Table, evaluate, evaluate_with};
pub use matching::Lookups;
pub use passage::{Assumption, Event, Exit, Fate, HookPoint, LineRef, Lines, Passage, What, pass};

#[cfg(test)]
mod pass_tests;
#[cfg(test)]
mod tests;
