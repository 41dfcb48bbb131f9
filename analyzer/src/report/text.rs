//! The text report: what a person on call reads first.
//!
//! The node and its network, findings by severity with proof and repair, what could not be checked and why; the last line always
//! says what was not checked. Everything that stems from a bundle is made harmless here. Repairs stand at the left edge, explained
//! in comments, so that the block can be pasted into a root shell as it is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use bundle::Key;
use netmodel::Missing;
use rules::{Finding, Outcome, Remedy, RemedyAction, Rule, Severity, When};

use super::{NodeReport, Report, Unreadable};
use crate::layout::{BOLD, DIM, Layout, excerpt, paragraph, plural, say};
use crate::sanitize::{block, line};

/// How many lines of evidence a finding is shown with; the deciding one is the first.
const MOST_EVIDENCE: usize = 8;
/// The report as text, with ANSI styles.
pub(crate) fn render(report: &Report, layout: &Layout) -> String {
    let mut out = String::new();
    let many = report.nodes.len() + report.unreadable.len() > 1;
    for node in &report.nodes {
        section(&mut out, node, layout, many);
    }
    if many {
        table(&mut out, report);
    }
    last_line(&mut out, report);
    out
}

fn section(out: &mut String, node: &NodeReport, layout: &Layout, many: bool) {
    if many {
        say!(out, "{BOLD}=== {} ({}){BOLD:#}", line(&node.node), line(&node.bundle));
    }
    let [identity, network] = &node.heading;
    say!(out, "{BOLD}{identity}{BOLD:#}");
    say!(out, "{network}");
    for damage in &node.damage {
        let style = style(Severity::Warning);
        say!(out, "{style}damaged bundle:{style:#} {}", line(damage));
    }
    for note in &node.notes {
        say!(out, "{DIM}pasted:{DIM:#} {}", line(note));
    }
    let findings = node.findings();
    if !findings.is_empty() {
        say!(out, "{}", counts(node));
    }
    say!(out);
    for (rule, finding) in &findings {
        one_finding(out, rule, finding, layout);
    }
    if findings.is_empty() {
        say!(out, "{}", nothing_found(node));
        say!(out);
    }
    not_checked(out, node, layout);
    failed(out, node);
}

/// `2 errors, 1 note`
fn counts(node: &NodeReport) -> String {
    let count = |severity: Severity| match node.count(severity) {
        0 => None,
        some => Some(format!("{0}{1}{0:#}", style(severity), plural(some, severity.word()))),
    };
    [Severity::Error, Severity::Warning, Severity::Note].into_iter().filter_map(count).collect::<Vec<_>>().join(", ")
}

/// Says that nothing was found without claiming more than was looked at.
fn nothing_found(node: &NodeReport) -> String {
    let checked = node.outcomes.len() - node.not_checked();
    match (checked, node.not_checked()) {
        (0, _) => "Nothing was checked, so nothing was found.".to_owned(),
        (_, 0) if node.damage.is_empty() => "No fault found.".to_owned(),
        (_, 0) => "No fault found in what is left of the bundle.".to_owned(),
        (_, missing) => format!("No fault found by what could be checked; {} could not be.", plural(missing, "rule")),
    }
}

fn one_finding(out: &mut String, rule: &Rule, finding: &Finding, layout: &Layout) {
    let style = style(finding.severity);
    let title = line(&finding.title);
    say!(out, "{style}{}{style:#}{BOLD}: {title}{BOLD:#}", finding.severity.word());
    say!(out, "  {DIM}{}, {}{DIM:#}", rule.id, finding.confidence.word());
    paragraph(out, &line(&finding.message), "  ", layout);
    if !finding.affects.is_empty() {
        let affects = finding.affects.iter().map(|a| line(a).into_owned()).collect::<Vec<_>>().join("; ");
        paragraph(out, &format!("affects: {affects}"), "  ", layout);
    }
    let shown = if layout.verbose { usize::MAX } else { MOST_EVIDENCE };
    for evidence in finding.evidence.iter().take(shown) {
        say!(out, "  | {}", excerpt(evidence, layout));
    }
    if let Some(more @ 1..) = finding.evidence.len().checked_sub(shown) {
        say!(out, "  | {DIM}… and {more} more: --verbose and the JSON report have them all{DIM:#}");
    }
    say!(out);
    if !finding.remedy.is_empty() {
        for when in [When::Now, When::Persistent] {
            remedies(out, finding.remedy.iter().filter(|r| r.when == when), when, layout);
        }
        say!(out);
    }
}

fn remedies<'f>(out: &mut String, steps: impl Iterator<Item = &'f Remedy>, when: When, layout: &Layout) {
    let mut steps = steps.peekable();
    if steps.peek().is_none() {
        return;
    }
    let heading = match when {
        When::Now => "# repair now (until the next reboot or reload):",
        When::Persistent => "# repair for good:",
    };
    say!(out, "{DIM}{heading}{DIM:#}");
    for step in steps {
        match &step.action {
            RemedyAction::Command(command) => say!(out, "{}", block(command).trim_end()),
            RemedyAction::File { path, content } => heredoc(out, path, &block(content)),
            RemedyAction::Advice(advice) => paragraph(out, &line(advice), "# ", layout),
        }
    }
}

/// A file as a person can paste it. The delimiter is quoted, so the shell changes nothing of the content.
fn heredoc(out: &mut String, path: &str, content: &str) {
    let mut end = "EOF".to_owned();
    while content.lines().any(|l| l == end) {
        end.push('_');
    }
    say!(out, "cat > {} <<'{end}'", shell_word(&line(path)));
    out.push_str(content);
    if !content.is_empty() && !content.ends_with('\n') {
        say!(out);
    }
    say!(out, "{end}");
}

/// A word that the shell takes as it is: quoted if it holds anything but what paths are usually made of.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '@' | '+' | ':');
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// What could not be checked, by reason: one missing capture often silences several rules.
fn not_checked(out: &mut String, node: &NodeReport, layout: &Layout) {
    let reasons = reasons(node);
    if reasons.is_empty() {
        return;
    }
    say!(out, "{BOLD}could not be checked:{BOLD:#}");
    for (missing, rules) in reasons {
        paragraph(out, &line(&format!("{missing} ({})", missing.capture)), "  ", layout);
        paragraph(out, &format!("leaves open: {}", rules.join(", ")), "    ", layout);
    }
    say!(out);
}

fn reasons(node: &NodeReport) -> BTreeMap<&Missing, Vec<&'static str>> {
    let mut reasons: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for outcome in &node.outcomes {
        if let Outcome::Unknown(missing) = &outcome.outcome {
            reasons.entry(missing).or_default().push(outcome.rule.id);
        }
    }
    reasons
}

fn failed(out: &mut String, node: &NodeReport) {
    let mut failed = node
        .outcomes
        .iter()
        .filter_map(|o| match &o.outcome {
            Outcome::Failed(how) => Some((o.rule.id, how)),
            _ => None,
        })
        .peekable();
    if failed.peek().is_none() {
        return;
    }
    let style = style(Severity::Error);
    say!(out, "{style}coldpath itself failed here{style:#}: a bug of ours, it says nothing about the node. Please report it:");
    for (rule, how) in failed {
        say!(out, "  {rule}: {}", line(how));
    }
    say!(out);
}

/// One row an input, worst to be seen at a glance.
fn table(out: &mut String, report: &Report) {
    let name = |node: &NodeReport| line(&node.node).into_owned();
    let width = report.nodes.iter().map(|n| name(n).chars().count()).max().unwrap_or_default().max("node".len());
    say!(out, "{BOLD}=== all inputs{BOLD:#}");
    if !report.nodes.is_empty() {
        say!(out, "{BOLD}{:width$}  errors  warnings  notes  not checked  bundle{BOLD:#}", "node");
    }
    for node in &report.nodes {
        let cell = |severity: Severity, columns: usize| {
            let count = node.count(severity);
            let style = if count > 0 { style(severity) } else { Style::new() };
            format!("{style}{count:>columns$}{style:#}")
        };
        say!(
            out,
            "{:width$}  {}  {}  {}  {:>11}  {}{}",
            name(node),
            cell(Severity::Error, 6),
            cell(Severity::Warning, 8),
            cell(Severity::Note, 5),
            node.not_checked(),
            line(&node.bundle),
            if node.damage.is_empty() { "" } else { " (damaged)" },
        );
    }
    for Unreadable { error, .. } in &report.unreadable {
        let style = style(Severity::Error);
        say!(out, "{style}unreadable:{style:#} {}", line(error));
    }
    say!(out);
}

/// Always says what was not checked.
fn last_line(out: &mut String, report: &Report) {
    let rules: usize = report.nodes.iter().map(|n| n.outcomes.len()).sum();
    let missing: usize = report.nodes.iter().map(NodeReport::not_checked).sum();
    let elsewhere: usize =
        report.nodes.iter().flat_map(|n| &n.outcomes).filter(|o| matches!(o.outcome, Outcome::NotApplicable(_))).count();
    let mut text = format!("checked {} of {}", rules - missing, plural(rules, "rule"));
    if let [_, _, ..] = report.nodes.as_slice() {
        write!(text, " on {} nodes", report.nodes.len()).expect("writing to a String does not fail");
    }
    if elsewhere > 0 {
        write!(text, " ({elsewhere} {} not apply)", if elsewhere == 1 { "does" } else { "do" })
            .expect("writing to a String does not fail");
    }
    let mut gaps = Vec::new();
    if missing > 0 {
        gaps.push(match report.nodes.as_slice() {
            [node] => format!("{} ({})", plural(missing, "rule"), short_reasons(node)),
            nodes => {
                let open = nodes.iter().filter(|n| n.not_checked() > 0).count();
                format!("{} on {}", plural(missing, "rule"), plural(open, "node"))
            }
        });
    }
    if report.left_out > 0 {
        gaps.push(format!("{} left out by --select or --ignore", plural(report.left_out, "rule")));
    }
    let damaged = report.nodes.iter().filter(|n| !n.damage.is_empty()).count();
    if damaged > 0 {
        gaps.push(format!("what {} lost to damage", plural(damaged, "bundle")));
    }
    if !report.unreadable.is_empty() {
        gaps.push(format!("{} that could not be read", plural(report.unreadable.len(), "input")));
    }
    if rules == 0 {
        gaps.insert(0, "everything (no rule was run)".to_owned());
    }
    let gaps = if gaps.is_empty() { "nothing".to_owned() } else { gaps.join(", ") };
    say!(out, "{text}; not checked: {gaps}");
}

/// `nft-ruleset: tool missing; modules: permission denied`, at most three.
fn short_reasons(node: &NodeReport) -> String {
    let mut all: Vec<String> = reasons(node)
        .into_keys()
        .map(|missing| {
            let name =
                Key::from_path(&missing.capture).map_or_else(|_| missing.capture.clone(), |key| key.capture.name().to_owned());
            let why = missing.why.split(": ").next().unwrap_or_default();
            line(&format!("{name}: {why}")).into_owned()
        })
        .collect();
    all.dedup();
    let failed = node.outcomes.iter().filter(|o| matches!(o.outcome, Outcome::Failed(_))).count();
    if failed > 0 {
        all.push(format!("{failed} failed in coldpath"));
    }
    let more = all.len().saturating_sub(3);
    all.truncate(3);
    let listed = all.join("; ");
    if more > 0 { format!("{listed}; {more} more above") } else { listed }
}

fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Note => AnsiColor::Cyan,
    };
    color.on_default().bold()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, CLEAR, FORWARD, HOSTILE, MODULES};

    const LAYOUT: Layout = Layout { width: 100, verbose: false };

    fn plain(report: &Report, layout: &Layout) -> String {
        anstream::adapter::strip_str(&render(report, layout)).to_string()
    }

    #[test]
    fn one_node() {
        insta::assert_snapshot!(plain(&testing::full_report(), &LAYOUT));
    }

    #[test]
    fn several_nodes() {
        let mut report = testing::report(&[&CLEAR, &FORWARD]);
        report.nodes.extend(testing::report(&[&CLEAR]).nodes);
        report.nodes.extend(testing::report(&[&CLEAR, &MODULES]).nodes);
        report.nodes[1].damage.push("the bundle is cut off at byte 812".to_owned());
        let error = "cannot read b.zip: Permission denied (os error 13)".to_owned();
        report.unreadable.push(Unreadable { bundle: "b.zip".to_owned(), error, help: None });
        insta::assert_snapshot!(plain(&report, &LAYOUT));
    }

    #[test]
    fn nothing_found_claims_no_more_than_was_looked_at() {
        let text = |rules: &[&'static Rule]| plain(&testing::report(rules), &LAYOUT);
        assert!(text(&[&CLEAR]).contains("\nNo fault found.\n"));
        assert!(text(&[&CLEAR]).ends_with("checked 1 of 1 rule; not checked: nothing\n"));
        assert!(text(&[&CLEAR, &MODULES]).contains("No fault found by what could be checked; 1 rule could not be."));
        assert!(text(&[&MODULES]).contains("Nothing was checked, so nothing was found."));
        assert!(text(&[&MODULES]).ends_with("not checked: 1 rule (modules: permission denied)\n"), "{}", text(&[&MODULES]));
        let mut report = testing::report(&[&CLEAR]);
        report.left_out = 2;
        assert!(plain(&report, &LAYOUT).ends_with("not checked: 2 rules left out by --select or --ignore\n"));
    }

    #[test]
    fn what_a_bundle_says_reaches_no_terminal_as_an_escape() {
        let text = plain(&testing::report(&[&HOSTILE]), &LAYOUT);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(text.contains("\\u{1b}[2J"));
        assert!(text.contains("cat > '/etc/a b' <<'EOF_'\nEOF\nx\nEOF_\n"), "{text}");
    }
}
