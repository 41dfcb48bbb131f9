//! `coldpath rules` and `coldpath explain`: the catalogue as a list, one rule's page, and docs/rules.md.

use std::fmt::Write as _;

use anstyle::Style;
use rules::Rule;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::Format;
use crate::exit::Stop;
use crate::report::json::{TOOL, ToolJson, pretty};
use crate::{catalogue, output};

const BOLD: Style = Style::new().bold();

/// The catalogue in JSON.
#[derive(Serialize, JsonSchema)]
struct RulesJson {
    schema: &'static str,
    tool: ToolJson,
    rules: Vec<RuleJson>,
}

#[derive(Serialize, JsonSchema)]
struct RuleJson {
    id: &'static str,
    title: &'static str,
    severity: &'static str,
    since: &'static str,
}

/// Lists the rules.
pub(crate) fn list(format: Format) -> Result<(), Stop> {
    let all = catalogue::all();
    let text = match format {
        Format::Text => table(&all),
        Format::Json => {
            let row = |r: &&Rule| RuleJson { id: r.id, title: r.title, severity: r.severity.word(), since: r.since };
            pretty(&RulesJson { schema: "coldpath.rules/1", tool: TOOL, rules: all.iter().map(row).collect() })
        }
    };
    output::write(&text, None)
}

fn table(rules: &[&'static Rule]) -> String {
    let width = rules.iter().map(|r| r.id.len()).max().unwrap_or_default().max("rule".len());
    let mut out = format!("{BOLD}{:width$}  severity  what is wrong{BOLD:#}\n", "rule");
    for rule in rules {
        writeln!(out, "{:width$}  {:8}  {}", rule.id, rule.severity.word(), rule.title)
            .expect("writing to a String does not fail");
    }
    out
}

/// Prints a rule's page.
pub(crate) fn explain(id: &str) -> Result<(), Stop> {
    output::write(&styled(&page(catalogue::by_id(id)?, 1)), None)
}

/// A rule's page as Markdown; `level` is the depth of its heading.
fn page(rule: &Rule, level: usize) -> String {
    let hashes = "#".repeat(level);
    let mut out = format!("{hashes} {}\n{}. Severity: {}. Since {}.\n\n", rule.id, rule.title, rule.severity.word(), rule.since);
    let mut code = false;
    for line in rule.page.trim().lines() {
        code ^= line.starts_with("```");
        // The page's own headings stand one below its title: they are written with two.
        if !code && line.starts_with("##") {
            out.push_str(&hashes[..level - 1]);
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Headings in bold; the rest of Markdown reads well as it is.
fn styled(page: &str) -> String {
    let mut out = String::new();
    let mut code = false;
    for line in page.lines() {
        code ^= line.starts_with("```");
        if !code && line.starts_with('#') {
            write!(out, "{BOLD}{}{BOLD:#}", line.trim_start_matches('#').trim_start())
                .expect("writing to a String does not fail");
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, FORWARD, MTU};

    #[test]
    fn docs_hold_every_page() {
        let all = catalogue::all();
        let mut doc = "# Rules\n\nGenerated from rules/src; `COLDPATH_BLESS=1 cargo test -p coldpath` writes it.\n".to_owned();
        for rule in all {
            doc.push('\n');
            doc.push_str(&page(rule, 2));
        }
        testing::compare_with_docs("rules.md", &doc);
    }

    #[test]
    fn a_page_and_the_table() {
        let plain = |text: &str| anstream::adapter::strip_str(text).to_string();
        assert_eq!(
            plain(&styled(&page(&FORWARD, 1))),
            "forwarding/ip-forward-off\na rule for tests. Severity: error. Since 0.1.0.\n\nWhat it checks\nNothing.\n"
        );
        assert!(page(&FORWARD, 2).contains("\n### What it checks\n"));
        assert_eq!(
            plain(&table(&[&FORWARD, &MTU])),
            "rule                        severity  what is wrong\n\
             forwarding/ip-forward-off   error     a rule for tests\n\
             mtu/overlay-above-underlay  warning   a rule for tests\n"
        );
    }
}
