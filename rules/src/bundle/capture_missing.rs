//! `bundle/capture-missing`: the collector tried to take something and did not get all of it.

use bundle::{AbsentWhy, Outcome as Taken, Record};
use netmodel::{Evidence, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "bundle/capture-missing",
    title: "A capture is absent or not whole",
    severity: Severity::Note,
    since: "0.1.0",
    page: r"
## What it checks
The manifest: captures that the collector could not take (tool missing, permission denied, timed out, failed, not reached, damaged), and
captures that are not whole (cut off at the size limit, timed out, the tool failed). What does not exist on the node (no such file,
module not loaded) and what was left out on request is not counted: that is an answer, not a gap.

## Why it matters
What was not read cannot be judged: the rules that need it say *unknown*, never *clear*. The end of the report names them.

## Evidence
The manifest's record: the reason, and what the tool wrote to stderr.

## Remedy
Run the collector as root, install the missing tool, raise `--timeout`, and collect again.

## When it can be wrong
Never about the bundle; it says nothing about the node.
",
    check,
};

fn check(node: &Node) -> Check {
    let bundle = node.bundle();
    if bundle.is_pasted() {
        return Ok(Outcome::NotApplicable("outputs were pasted: there is no record of what was tried".to_owned()));
    }
    let mut gaps: Vec<Evidence> = bundle.manifest().captures.iter().filter_map(gap).collect();
    gaps.extend(bundle.damage().iter().map(|d| Evidence { capture: bundle.name().to_owned(), line: 0, text: d.to_string() }));
    if gaps.is_empty() {
        return Ok(Outcome::Clear);
    }
    let mut finding = Finding::new(
        Severity::Note,
        Confidence::Certain,
        format!("{} {} absent or not whole", gaps.len(), if gaps.len() == 1 { "capture is" } else { "captures are" }),
        "Rules that need them say that they could not check; the end of the report names them.",
    )
    .remedy(Remedy::advice(
        When::Now,
        "collect again as root, with the tools that are named here installed, and a longer --timeout",
    ));
    finding.evidence = gaps;
    Ok(Outcome::Found(vec![finding]))
}

/// What is missing of a capture, if something is.
fn gap(record: &Record) -> Option<Evidence> {
    let text = match &record.outcome {
        Taken::Absent {
            why: AbsentWhy::NotFound | AbsentWhy::NotLoaded | AbsentWhy::NotSelected | AbsentWhy::NotInThisVersion,
            ..
        } => {
            return None;
        }
        Taken::Absent { why, detail } if detail.is_empty() => why.to_string(),
        Taken::Absent { why, detail } => format!("{why}: {detail}"),
        Taken::Taken { truncated: true, bytes, .. } => format!("cut off after {bytes} bytes"),
        Taken::Taken { timed_out: true, .. } => "timed out".to_owned(),
        Taken::Taken { exit: Some(bundle::Exit::Status(0)) | None, .. } => return None,
        Taken::Taken { exit: Some(exit), stderr, .. } => {
            let how = match exit {
                bundle::Exit::Status(status) => format!("exit status {status}"),
                bundle::Exit::Signal(signal) => format!("signal {signal}"),
            };
            format!("{how}: {}", stderr.lines().next().unwrap_or_default())
        }
    };
    let capture = record.key().map_or_else(|| record.capture.0.clone(), |key| key.path());
    Some(Evidence { capture, line: 0, text })
}

#[cfg(test)]
mod tests {
    use bundle::Capture;

    use super::*;
    use crate::testing::{Sketch, clear, found};

    #[test]
    fn fires_for_what_was_tried_and_failed() {
        for why in
            [AbsentWhy::ToolMissing, AbsentWhy::PermissionDenied, AbsentWhy::TimedOut, AbsentWhy::Failed, AbsentWhy::NotReached]
        {
            let findings = found(check(&Sketch::healthy().without(Capture::NftRuleset, why).node()));
            assert_eq!(findings[0].severity, Severity::Note);
            assert_eq!(findings[0].evidence[0].text, format!("{why}: for the test"));
            assert_eq!(findings[0].evidence[0].capture, "node/nft-ruleset.json");
        }
    }

    #[test]
    fn keeps_quiet_for_what_is_not_on_the_node() {
        clear(check(&Sketch::healthy().node()));
        for why in [AbsentWhy::NotFound, AbsentWhy::NotLoaded, AbsentWhy::NotSelected] {
            clear(check(&Sketch::healthy().without(Capture::NftRuleset, why).node()));
        }
    }
}
