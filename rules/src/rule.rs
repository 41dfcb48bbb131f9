//! What a rule is, and the catalogue of all rules.

use netmodel::{Missing, Node};

use crate::finding::{Finding, Severity};

/// What a rule says of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The fault is there, once or several times.
    Found(Vec<Finding>),
    /// The fault is not there.
    Clear,
    /// The rule is about something that this node does not have or do; says what.
    NotApplicable(String),
    /// The bundle does not say enough.
    Unknown(Missing),
    /// The rule itself failed: our bug, never the node's fault.
    Failed(String),
}

impl Outcome {
    /// [`Outcome::Clear`] where nothing was found.
    #[must_use]
    pub fn from_findings(findings: Vec<Finding>) -> Self {
        if findings.is_empty() { Self::Clear } else { Self::Found(findings) }
    }

    /// The word for it in reports and JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Clear => "clear",
            Self::NotApplicable(_) => "not-applicable",
            Self::Unknown(_) => "unknown",
            Self::Failed(_) => "failed",
        }
    }
}

/// What a check comes to: what it found; else what it could not ask, as unknown; and only when it could ask everything, clear.
pub(crate) fn conclude(findings: Vec<Finding>, unasked: Option<Missing>) -> Check {
    match unasked {
        Some(missing) if findings.is_empty() => Err(missing),
        _ => Ok(Outcome::from_findings(findings)),
    }
}

/// What a rule's check gives: `Err` becomes [`Outcome::Unknown`].
pub type Check = Result<Outcome, Missing>;

/// A rule: its page, its metadata and its check, all from one file.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// `family/name`, which is also the path of its file; never reused.
    pub id: &'static str,
    /// The bad state in one line, without a node's values.
    pub title: &'static str,
    /// The worst severity that it gives.
    pub severity: Severity,
    /// The version in which it appeared.
    pub since: &'static str,
    /// Its page, in Markdown: what it checks, why it matters, evidence, remedy, when it can be wrong.
    pub page: &'static str,
    /// Its check.
    pub check: fn(&Node) -> Check,
}
