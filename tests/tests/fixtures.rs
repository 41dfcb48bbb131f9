//! The fixtures: every base is silent, every case says what its folder says, and files, catalogue, docs and fixtures name the same rules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use coldpath_tests::{fixture, fixtures};
use netmodel::Node;
use rules::{CATALOGUE, Outcome, RuleOutcome, Severity, evaluate};

/// The rules that fire at warning or error.
fn loud(outcomes: &[RuleOutcome]) -> BTreeSet<String> {
    let loud = |o: &&RuleOutcome| matches!(&o.outcome, Outcome::Found(all) if all.iter().any(|f| f.severity > Severity::Note));
    outcomes.iter().filter(loud).map(|o| o.rule.id.to_owned()).collect()
}

fn outcome<'o>(outcomes: &'o [RuleOutcome], id: &str) -> &'o Outcome {
    &outcomes.iter().find(|o| o.rule.id == id).unwrap_or_else(|| panic!("{id} is not in the catalogue")).outcome
}

#[test]
fn every_base_gives_no_error_and_no_warning() -> Result<()> {
    let bases = fixture::bases()?;
    assert!(bases.len() >= 11, "{bases:?}");
    for name in bases {
        let outcomes = evaluate(&Node::new(fixture::base_bundle(&name)?), CATALOGUE);
        assert_eq!(loud(&outcomes), BTreeSet::new(), "{name}: {outcomes:#?}");
        let disagree = outcome(&outcomes, "bundle/captures-disagree");
        assert!(matches!(disagree, Outcome::Clear), "{name}: {disagree:#?}");
        for o in &outcomes {
            assert!(!matches!(o.outcome, Outcome::Failed(_)), "{name}: {o:?}");
        }
    }
    Ok(())
}

/// `(rule's id, kind of case, folder)` of every case.
fn cases() -> Result<Vec<(String, String, PathBuf)>> {
    let name = |p: &Path| p.file_name().expect("a folder has a name").to_string_lossy().into_owned();
    let mut cases = Vec::new();
    for family in fixture::folders(&fixtures().join("faults"))? {
        for rule in fixture::folders(&family)? {
            for kind in fixture::folders(&rule)? {
                for case in fixture::folders(&kind)? {
                    cases.push((format!("{}/{}", name(&family), name(&rule)), name(&kind), case));
                }
            }
        }
    }
    Ok(cases)
}

#[test]
fn every_case_says_what_its_folder_says() -> Result<()> {
    let mut failures = Vec::new();
    for (rule, kind, dir) in cases()? {
        let (case, bundle) = fixture::case(&dir)?;
        let outcomes = evaluate(&Node::new(bundle), CATALOGUE);
        let own = outcome(&outcomes, &rule);
        let note_only = outcomes.iter().find(|o| o.rule.id == rule).is_some_and(|o| o.rule.severity == Severity::Note);
        let (right, by_itself) = match kind.as_str() {
            "fires" => (matches!(own, Outcome::Found(_)), if note_only { vec![] } else { vec![rule.clone()] }),
            "quiet" => (matches!(own, Outcome::Clear | Outcome::NotApplicable(_)), vec![]),
            "unknown" => (matches!(own, Outcome::Unknown(_)), vec![]),
            other => panic!("{}: {other} is not a kind of case", dir.display()),
        };
        if !right {
            failures.push(format!("{}: {rule} says {own:#?}", dir.display()));
        }
        let expected: BTreeSet<String> = case.expect.unwrap_or(by_itself).into_iter().collect();
        let got = loud(&outcomes);
        if got != expected {
            failures.push(format!("{}: expected {expected:?}, got {got:?}", dir.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

#[test]
fn findings_read_well() -> Result<()> {
    for (rule, kind, dir) in cases()? {
        if kind != "fires" {
            continue;
        }
        let (_, bundle) = fixture::case(&dir)?;
        let outcomes = evaluate(&Node::new(bundle), CATALOGUE);
        let name = dir.strip_prefix(fixtures())?.to_string_lossy().replace(['/', '\\'], "__");
        insta::with_settings!({ snapshot_path => "snapshots/findings", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_debug_snapshot!(name, outcome(&outcomes, &rule));
        });
    }
    Ok(())
}

#[test]
fn files_catalogue_and_fixtures_name_the_same_rules() -> Result<()> {
    let catalogue: BTreeSet<String> = CATALOGUE.iter().map(|r| r.id.to_owned()).collect();
    let mut sorted: Vec<&str> = CATALOGUE.iter().map(|r| r.id).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, CATALOGUE.iter().map(|r| r.id).collect::<Vec<_>>(), "the catalogue is sorted by id");

    let mut files = BTreeSet::new();
    for family in fixture::folders(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/src"))? {
        let family_name = family.file_name().expect("a name").to_string_lossy().into_owned();
        for entry in std::fs::read_dir(&family)? {
            let file = entry?.path();
            let stem = file.file_stem().expect("a name").to_string_lossy().replace('_', "-");
            if stem != "mod" {
                files.insert(format!("{}/{stem}", family_name.replace('_', "-")));
            }
        }
    }
    assert_eq!(files, catalogue, "one file a rule, one rule a file");

    for kind in ["fires", "quiet", "unknown"] {
        let covered: BTreeSet<String> = cases()?.into_iter().filter(|(_, k, _)| k == kind).map(|(rule, _, _)| rule).collect();
        // The rules about the bundle never say unknown: they look at the manifest alone.
        let expected: BTreeSet<String> =
            catalogue.iter().filter(|id| kind != "unknown" || !id.starts_with("bundle/")).cloned().collect();
        assert_eq!(covered, expected, "each rule has a case that {kind}");
    }
    Ok(())
}
