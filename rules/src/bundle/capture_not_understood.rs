//! `bundle/capture-not-understood`: a part of a capture could not be read.

use netmodel::{Evidence, Node};

use crate::finding::{Confidence, Finding, Remedy, Severity, When};
use crate::rule::{Check, Outcome, Rule};

pub(crate) const RULE: Rule = Rule {
    id: "bundle/capture-not-understood",
    title: "A part of a capture was not understood",
    severity: Severity::Note,
    since: "0.1.0",
    page: r"
## What it checks
Lines or records that a parser could not read. The rest of the capture counts.

## Why it matters
What was not understood was not judged: a rule of the firewall that could not be read may be the one that drops the packet.

## Evidence
Each line with the parser's reason; at most twenty a capture.

## Remedy
Report the line (without addresses, if need be): a parser that is mended reads every bundle ever taken.

## When it can be wrong
Never about the capture; it says nothing about the node.
",
    check,
};

/// More lines of one capture than this tell nothing new.
const MOST: usize = 20;

fn check(node: &Node) -> Check {
    let mut evidence = Vec::new();
    let mut total = 0;
    for (source, problems) in node.problems() {
        total += problems.len();
        evidence.extend(problems.iter().take(MOST).map(|p| Evidence {
            capture: source.key.path(),
            line: p.at.line,
            text: format!("{}: {}", p.what, source.at(p.at)),
        }));
    }
    if total == 0 {
        return Ok(Outcome::Clear);
    }
    let mut finding = Finding::new(
        Severity::Note,
        Confidence::Certain,
        format!("{total} lines or records were not understood"),
        "The rest of their captures counts; what was not understood was not judged.",
    )
    .remedy(Remedy::advice(When::Now, "report the lines: a parser that is mended reads every bundle ever taken"));
    finding.evidence = evidence;
    Ok(Outcome::Found(vec![finding]))
}

#[cfg(test)]
mod tests {
    use bundle::{Capture, Key};

    use super::*;
    use crate::testing::{Sketch, clear, found};

    #[test]
    fn fires_for_a_line_that_no_parser_knows() {
        let findings = found(check(&Sketch::healthy().with(Key::node(Capture::IpsetSave), "make KUBE hash:ip\n").node()));
        assert_eq!((findings[0].evidence[0].line, findings[0].severity), (1, Severity::Note));
        assert!(findings[0].evidence[0].text.ends_with("make KUBE hash:ip"), "{:?}", findings[0].evidence);
    }

    #[test]
    fn shows_some_lines_and_counts_all() {
        let findings = found(check(&Sketch::healthy().with(Key::node(Capture::IpsetSave), &"bad\n".repeat(30)).node()));
        assert_eq!(findings[0].evidence.len(), MOST);
        assert!(findings[0].title.starts_with("30 lines"), "{}", findings[0].title);
    }

    #[test]
    fn keeps_quiet_when_everything_was_read() {
        clear(check(&Sketch::healthy().node()));
    }
}
