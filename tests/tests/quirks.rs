//! `docs/quirks.md` is true: every line of the list of quirks that concerns a format has a fixture that exists and a test that exists.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use coldpath_tests::fixtures;

/// The last line of the list that concerns a format.
const LAST: u32 = 32;

#[test]
fn every_quirk_has_its_fixture_and_its_test() -> Result<()> {
    let root = fixtures().join("..");
    let table = std::fs::read_to_string(root.join("docs/quirks.md"))?;
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for row in table.lines().filter(|l| l.starts_with("| ") && !l.starts_with("| line")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [line, _, fixture, test] = cells[..] else { anyhow::bail!("not four cells: {row}") };
        seen.insert(line.parse::<u32>().with_context(|| row.to_owned())?);
        if fixture != "–" && !fixtures().join("captures").join(fixture).exists() {
            wrong.push(format!("no fixture {fixture}"));
        }
        let (file, name) = test.split_once(' ').unwrap_or((test, ""));
        let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        if source.is_empty() || !name.is_empty() && !source.contains(&format!("fn {name}(")) {
            wrong.push(format!("no test {test}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(seen, (1..=LAST).collect::<BTreeSet<_>>());
    Ok(())
}
