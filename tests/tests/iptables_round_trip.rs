//! Rules of every match and target that the real tool takes: added, saved, parsed, printed from the records, restored in a fresh
//! namespace and saved again, which must give the same. Both back ends, IPv4 and IPv6.
//!
//! `iptables_round_trip/rules.txt` holds the rules. One that this kernel or this version of the tool refuses is listed on stderr with
//! the refusal and costs only itself; that every module is known by its typed form is asserted for those that are taken.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use coldpath_tests::lab::Lab;
use netmodel::Family;
use netmodel::parse::iptables::{self, MatchKind, Target};

const RULES: &str = include_str!("iptables_round_trip/rules.txt");

struct Rule {
    families: &'static str,
    table: &'static str,
    chain: &'static str,
    options: &'static str,
}

fn rules() -> Vec<Rule> {
    let lines = RULES.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.splitn(2, ' ');
            let (families, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().trim_start());
            let mut words = rest.splitn(3, ' ');
            let mut next = || words.next().unwrap_or_default();
            Rule { families, table: next(), chain: next(), options: next() }
        })
        .collect()
}

/// What the rules ask for outside iptables: sets.
fn prepare(lab: &Lab, namespace: &str, family: &str) {
    let family = if family == "4" { "inet" } else { "inet6" };
    let script = format!(
        "ipset create coldpath hash:ip family {family} counters skbinfo timeout 0; ipset create coldpath2 hash:net,port family {family}"
    );
    // Without ipset the rules with sets are refused, which is listed.
    lab.output(namespace, &["sh", "-c", &script]).expect("a shell can be run");
}

/// Adds the rules of a family; gives the number of those that were taken.
#[allow(clippy::print_stderr, reason = "a refused rule must be heard")]
fn add(lab: &Lab, namespace: &str, tool: &str, family: &str) -> usize {
    let rules: Vec<Rule> = rules().into_iter().filter(|r| r.families.contains(family)).collect();
    let mut script = format!("{tool} -N 'DOS~Pro-t_ect'\n");
    for (i, rule) in rules.iter().enumerate() {
        let Rule { table, chain, options, .. } = rule;
        writeln!(script, "said=$({tool} -t {table} -A {chain} {options} 2>&1) || echo \"{i} $said\" | head -n 1")
            .expect("a string");
    }
    let output = lab.output(namespace, &["sh", "-c", &script]).expect("a shell can be run");
    let refused = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in refused.lines() {
        let (number, why) = line.split_once(' ').unwrap_or((line, ""));
        let rule = number.parse::<usize>().ok().and_then(|i| rules.get(i));
        let Some(rule) = rule else { panic!("{tool}: {line}") };
        eprintln!("refused: {tool} -t {} -A {} {}: {why}", rule.table, rule.chain, rule.options);
    }
    rules.len() - refused.lines().count()
}

fn save(lab: &Lab, namespace: &str, tool: &str) -> String {
    let output = lab.output(namespace, &[&format!("{tool}-save"), "-c"]).expect("the tool can be run");
    assert!(output.status.success(), "{tool}-save: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the tool prints text")
}

/// The tables without comments, in an order of their own: that in which they were made is no part of the ruleset.
fn tables(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
    lines.join("\n").split("COMMIT").map(|table| table.trim().to_owned()).filter(|t| !t.is_empty()).collect()
}

/// Reads what the tool saved; everything must be typed.
fn read(tool: &str, text: &str, family: Family) -> String {
    let parsed = iptables::parse(text, family);
    assert_eq!(parsed.problems, [], "{tool}");
    let set = &parsed.value;
    for rule in &set.rules {
        let line = &text[rule.at.start as usize..rule.at.end as usize];
        assert!(rule.whole, "{tool}: {line}");
        for m in set.matches_of(rule) {
            assert!(!matches!(m.kind, MatchKind::Other { .. }), "{tool}: {line}");
        }
        assert!(!matches!(rule.target, Target::Other { .. }), "{tool}: {line}");
        if let Target::Jump(jump) | Target::Goto(jump) = rule.target {
            assert!(jump.chain.is_some(), "{tool}: {line}");
        }
    }
    assert!(set.to_save(text).to_string() == text, "{tool}: the records do not give the text back");
    let normal = set.to_normalized(text).to_string();
    for (printed, saved) in normal.lines().zip(text.lines()) {
        // The tool itself prints two blanks here.
        assert_eq!(printed, saved.replace("--nfacct-name  ", "--nfacct-name "), "{tool}");
    }
    assert_eq!(normal.lines().count(), text.lines().count(), "{tool}");
    normal
}

#[test]
fn rules_of_the_real_tool_come_back_as_they_were() {
    let Some(mut lab) = Lab::new() else { return };
    for back_end in ["legacy", "nft"] {
        for (number, family) in [("4", Family::V4), ("6", Family::V6)] {
            let tool = format!("{}-{back_end}", if number == "4" { "iptables" } else { "ip6tables" });
            let (first, second) = (format!("{back_end}{number}a"), format!("{back_end}{number}b"));
            for namespace in [&first, &second] {
                lab.add(namespace).expect("a namespace");
                if back_end == "nft" && !lab.has_nf_tables(namespace) {
                    return;
                }
                prepare(&lab, namespace, number);
            }
            let taken = add(&lab, &first, &tool, number);
            // A kernel without the modules would make this test pass by refusing everything.
            assert!(taken > 100, "{tool} took {taken} rules");

            let saved = save(&lab, &first, &tool);
            let printed = read(&tool, &saved, family);
            let dir = tempfile::tempdir().expect("a folder");
            let file = dir.path().join("rules");
            std::fs::write(&file, printed).expect("a file");
            let restore = format!("{tool}-restore -c < '{}'", file.display());
            lab.run(&second, &restore).expect("the tool takes what we print");
            assert_eq!(tables(&save(&lab, &second, &tool)), tables(&saved), "{tool}");
        }
    }
}
