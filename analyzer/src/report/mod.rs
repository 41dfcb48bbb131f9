//! What an analysis found out, ready to be reported: one small owned record a node, so that its bundle can be dropped.

pub(crate) mod json;
pub(crate) mod text;

use rules::{Finding, Outcome, Rule, RuleOutcome, Severity};

/// The whole of an analysis.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The nodes whose bundles could be read, in the order of the inputs.
    pub(crate) nodes: Vec<NodeReport>,
    /// The inputs that could not be read, in their order.
    pub(crate) unreadable: Vec<Unreadable>,
    /// How many rules of the catalogue `--select` and `--ignore` left out.
    pub(crate) left_out: usize,
}

/// An input that could not be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Its path, as given.
    pub(crate) bundle: String,
    /// Why.
    pub(crate) error: String,
    /// What the user can do.
    pub(crate) help: Option<String>,
}

/// What was found out about one node.
#[derive(Debug)]
pub(crate) struct NodeReport {
    /// Its name.
    pub(crate) node: String,
    /// The path of its bundle, as given.
    pub(crate) bundle: String,
    /// When the collection began.
    pub(crate) collected_at: time::OffsetDateTime,
    /// The node and its network in two lines.
    pub(crate) heading: [String; 2],
    /// What is wrong with the bundle itself.
    pub(crate) damage: Vec<String>,
    /// What each rule said, by id.
    pub(crate) outcomes: Vec<RuleOutcome>,
}

impl NodeReport {
    /// The findings: the worst first, then the surest, then by rule; those of one rule as it gave them.
    pub(crate) fn findings(&self) -> Vec<(&'static Rule, &Finding)> {
        let mut all: Vec<_> = self
            .outcomes
            .iter()
            .filter_map(|o| if let Outcome::Found(found) = &o.outcome { Some((o.rule, found)) } else { None })
            .flat_map(|(rule, found)| found.iter().map(move |f| (rule, f)))
            .collect();
        all.sort_by(|(a_rule, a), (b_rule, b)| {
            (b.severity, b.confidence).cmp(&(a.severity, a.confidence)).then_with(|| a_rule.id.cmp(b_rule.id))
        });
        all
    }

    /// How many findings have this severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.findings().iter().filter(|(_, f)| f.severity == severity).count()
    }

    /// How many rules did not come to an answer.
    pub(crate) fn not_checked(&self) -> usize {
        self.outcomes.iter().filter(|o| matches!(o.outcome, Outcome::Unknown(_) | Outcome::Failed(_))).count()
    }
}
