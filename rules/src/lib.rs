//! What can be wrong: the rule trait, verdicts, findings, and the catalogue of rules.
//!
//! A rule asks a [`netmodel::Node`] questions; a question that the bundle cannot answer leaves the rule through `?` and becomes
//! [`Outcome::Unknown`]. There is no second list of a rule's inputs.

mod addressing;
mod bridge;
mod bundle;
mod catalogue;
mod cni;
mod conntrack;
mod dns;
mod engine;
mod finding;
mod firewall;
mod forwarding;
mod ipvs;
mod kube_proxy;
mod mtu;
mod overlay;
mod remedy;
mod role;
mod routing;
mod rule;
#[cfg(test)]
mod testing;

pub use catalogue::{CATALOGUE, by_id};
pub use engine::{RuleOutcome, evaluate};
pub use finding::{Confidence, Finding, Remedy, RemedyAction, Severity, When};
pub use rule::{Check, Outcome, Rule};
