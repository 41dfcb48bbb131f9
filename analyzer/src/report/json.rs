//! The JSON report, `coldpath.report/1`: an interface, published as docs/report.schema.json.
//!
//! Everything has a fixed order, so that the same bundle gives the same bytes.

use rules::{Finding, Outcome, Remedy, RemedyAction, Rule, RuleOutcome, When};
use schemars::JsonSchema;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::{NodeReport, Report};
use crate::sanitize;

/// The report of an analysis.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "coldpath.report/1")]
pub(crate) struct ReportJson<'r> {
    /// `coldpath.report/1`. The number changes when a reader of the older one would misread the newer.
    schema: &'static str,
    /// What wrote the report.
    tool: ToolJson,
    /// The nodes whose bundles could be read, in the order of the inputs.
    nodes: Vec<NodeJson<'r>>,
    /// The inputs that could not be read, in their order.
    unreadable: Vec<UnreadableJson<'r>>,
    /// Findings across nodes.
    fleet: Vec<FindingJson<'r>>,
}

/// What wrote a document.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ToolJson {
    /// Its name.
    name: &'static str,
    /// Its version.
    version: &'static str,
}

/// This program.
pub(crate) const TOOL: ToolJson = ToolJson { name: "coldpath", version: env!("CARGO_PKG_VERSION") };

/// A node.
#[derive(Debug, Serialize, JsonSchema)]
struct NodeJson<'r> {
    /// Its host name.
    node: &'r str,
    /// The path of its bundle, as given.
    bundle: &'r str,
    /// When its collection began, with the node's offset from UTC.
    #[schemars(extend("format" = "date-time"))]
    collected_at: String,
    /// What is wrong with the bundle itself, though it could be read.
    damage: &'r [String],
    /// What each rule said, by id.
    outcomes: Vec<OutcomeJson<'r>>,
    /// What is wrong: the worst first, then the surest, then by rule.
    findings: Vec<FindingJson<'r>>,
    /// What becomes of well-known traffic.
    flows: Vec<FlowJson>,
}

/// What a rule said.
#[derive(Debug, Serialize, JsonSchema)]
struct OutcomeJson<'r> {
    /// The rule's id.
    rule: &'r str,
    /// What it said. `unknown`: the bundle does not say enough; `failed`: a bug of coldpath.
    outcome: OutcomeWord,
    /// Why it does not apply, what is missing, or how it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// An outcome.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OutcomeWord {
    Found,
    Clear,
    NotApplicable,
    Unknown,
    Failed,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, JsonSchema)]
struct FindingJson<'r> {
    /// The rule's id.
    rule: &'r str,
    /// What it does to traffic.
    severity: Severity,
    /// How sure it is.
    confidence: Confidence,
    /// One line, with the observed values.
    title: &'r str,
    /// What follows from it, and why.
    message: &'r str,
    /// The lines that prove it, the deciding one first.
    evidence: Vec<EvidenceJson<'r>>,
    /// How to repair it.
    remedy: Vec<RemedyJson<'r>>,
    /// What suffers.
    affects: &'r [String],
}

/// What a fault does to traffic.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Severity {
    /// It is broken now.
    Error,
    /// It breaks under load, at the next reboot or reload, or for some peers.
    Warning,
    /// Worth knowing.
    Note,
}

/// How sure a finding is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Confidence {
    /// The bundle proves it.
    Certain,
    /// Something that the bundle does not show could make it false.
    Likely,
    /// It fits, and other causes fit as well.
    Possible,
}

/// A line that proves a finding.
#[derive(Debug, Serialize, JsonSchema)]
struct EvidenceJson<'r> {
    /// The capture's path in the bundle.
    capture: &'r str,
    /// The line's number, from 1; 0 where the capture's absence is the evidence.
    line: u32,
    /// The line's text, whole.
    text: &'r str,
}

/// One step of a repair.
#[derive(Debug, Serialize, JsonSchema)]
struct RemedyJson<'r> {
    /// For now, or for good.
    when: WhenWord,
    /// What to do.
    #[serde(flatten)]
    action: ActionJson<'r>,
}

/// Whether a remedy lasts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum WhenWord {
    /// At once, until the next reboot or reload.
    Now,
    /// From the next boot or reload on.
    Persistent,
}

/// What to do: run a command, write a file, or something that is neither.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum ActionJson<'r> {
    /// Run this as root.
    Command { command: &'r str },
    /// Write this file.
    File { file: &'r str, content: &'r str },
    /// In words.
    Advice { advice: &'r str },
}

/// What becomes of a well-known kind of traffic.
#[derive(Debug, Serialize, JsonSchema)]
struct FlowJson {
    /// Its name.
    name: String,
    /// What becomes of it.
    disposition: String,
    /// The line that decides.
    because: String,
}

/// An input that could not be read.
#[derive(Debug, Serialize, JsonSchema)]
struct UnreadableJson<'r> {
    /// Its path, as given.
    bundle: &'r str,
    /// Why.
    error: &'r str,
}

/// The report as JSON, indented, with a line end.
pub(crate) fn render(report: &Report) -> String {
    let json = ReportJson {
        schema: "coldpath.report/1",
        tool: TOOL,
        nodes: report.nodes.iter().map(node).collect(),
        unreadable: report.unreadable.iter().map(|u| UnreadableJson { bundle: &u.bundle, error: &u.error }).collect(),
        fleet: Vec::new(),
    };
    pretty(&json)
}

/// Any document as indented JSON that is safe to print, with a line end.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("a document of strings and numbers has a JSON form");
    sanitize::json(&text).into_owned() + "\n"
}

fn node(node: &NodeReport) -> NodeJson<'_> {
    NodeJson {
        node: &node.node,
        bundle: &node.bundle,
        // Years beyond 9999 have no RFC 3339 form; a manifest that was read cannot hold one.
        collected_at: node.collected_at.format(&Rfc3339).unwrap_or_else(|_| node.collected_at.to_string()),
        damage: &node.damage,
        outcomes: node.outcomes.iter().map(outcome).collect(),
        findings: node.findings().into_iter().map(|(rule, found)| finding(rule, found)).collect(),
        flows: Vec::new(),
    }
}

fn outcome(outcome: &RuleOutcome) -> OutcomeJson<'_> {
    let (word, reason) = match &outcome.outcome {
        Outcome::Found(_) => (OutcomeWord::Found, None),
        Outcome::Clear => (OutcomeWord::Clear, None),
        Outcome::NotApplicable(why) => (OutcomeWord::NotApplicable, Some(why.clone())),
        Outcome::Unknown(missing) => (OutcomeWord::Unknown, Some(format!("{missing} ({})", missing.capture))),
        Outcome::Failed(how) => (OutcomeWord::Failed, Some(how.clone())),
    };
    OutcomeJson { rule: outcome.rule.id, outcome: word, reason }
}

fn finding<'r>(rule: &'r Rule, finding: &'r Finding) -> FindingJson<'r> {
    FindingJson {
        rule: rule.id,
        severity: match finding.severity {
            rules::Severity::Error => Severity::Error,
            rules::Severity::Warning => Severity::Warning,
            rules::Severity::Note => Severity::Note,
        },
        confidence: match finding.confidence {
            rules::Confidence::Certain => Confidence::Certain,
            rules::Confidence::Likely => Confidence::Likely,
            rules::Confidence::Possible => Confidence::Possible,
        },
        title: &finding.title,
        message: &finding.message,
        evidence: finding.evidence.iter().map(|e| EvidenceJson { capture: &e.capture, line: e.line, text: &e.text }).collect(),
        remedy: finding.remedy.iter().map(remedy).collect(),
        affects: &finding.affects,
    }
}

fn remedy(remedy: &Remedy) -> RemedyJson<'_> {
    let when = match remedy.when {
        When::Now => WhenWord::Now,
        When::Persistent => WhenWord::Persistent,
    };
    let action = match &remedy.action {
        RemedyAction::Command(command) => ActionJson::Command { command },
        RemedyAction::File { path, content } => ActionJson::File { file: path, content },
        RemedyAction::Advice(advice) => ActionJson::Advice { advice },
    };
    RemedyJson { when, action }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_report_in_json() {
        insta::assert_snapshot!(render(&testing::full_report()));
    }

    #[test]
    fn the_same_bundle_gives_the_same_bytes() {
        assert_eq!(render(&testing::full_report()), render(&testing::full_report()));
    }

    #[test]
    fn the_schema_is_the_published_one() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<ReportJson<'_>>();
        testing::compare_with_docs("report.schema.json", &pretty(&schema));
    }
}
