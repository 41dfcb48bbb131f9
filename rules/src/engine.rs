//! Runs rules over a node: each on its own, so that one that panics costs only itself.

use std::panic::{AssertUnwindSafe, catch_unwind};

use netmodel::Node;

use crate::rule::{Outcome, Rule};

/// A rule and what it said.
#[derive(Clone, Debug)]
pub struct RuleOutcome {
    /// The rule.
    pub rule: &'static Rule,
    /// What it said.
    pub outcome: Outcome,
}

/// Evaluates rules over a node, in the order given.
#[must_use]
pub fn evaluate(node: &Node, rules: &[&'static Rule]) -> Vec<RuleOutcome> {
    rules.iter().map(|rule| RuleOutcome { rule, outcome: evaluate_one(node, rule) }).collect()
}

fn evaluate_one(node: &Node, rule: &Rule) -> Outcome {
    // A node's cells are written once and never half-written, so a panic leaves nothing inconsistent behind.
    match catch_unwind(AssertUnwindSafe(|| (rule.check)(node))) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(missing)) => Outcome::Unknown(missing),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
            Outcome::Failed(text.unwrap_or_else(|| "panicked".to_owned()))
        }
    }
}
