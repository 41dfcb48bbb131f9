//! What can be wrong: the rule trait, verdicts, findings, and the catalogue of rules.
//!
//! A rule asks a [`netmodel::Node`] questions; a question that the bundle cannot answer leaves the rule through `?` and becomes
//! [`Outcome::Unknown`]. There is no second list of a rule's inputs.

mod engine;
mod finding;
mod rule;

pub use engine::{RuleOutcome, evaluate};
pub use finding::{Confidence, Finding, Remedy, RemedyAction, Severity, When};
pub use rule::{CATALOGUE, Check, Outcome, Rule};
