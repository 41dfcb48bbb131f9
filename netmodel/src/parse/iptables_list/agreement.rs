//! Holds what is read of a listing against what iptables-save said of the same rules in the same moment.
//!
//! Each fixture is one namespace: `$ COMMAND` and its output, several times. The real tools wrote all of it.

use std::collections::BTreeSet;

use crate::family::Family;
use crate::parse::iptables::{self, Chain, Counters, Match, MatchKind, NatTo, Rule, Ruleset, Span, TableKind, Target};

/// One command and what it printed.
struct Section<'t> {
    command: Vec<&'t str>,
    text: &'t str,
}

impl Section<'_> {
    fn has(&self, option: &str) -> bool {
        self.command.contains(&option)
    }

    fn table(&self) -> TableKind {
        let at = self.command.iter().position(|w| *w == "-t");
        TableKind::of(at.map_or("filter", |i| self.command[i + 1]))
    }
}

fn sections(text: &str) -> Vec<Section<'_>> {
    text.split("$ ip")
        .skip(1)
        .map(|part| {
            let (command, text) = part.split_once('\n').unwrap();
            // The blank line before the next command is the fixture's, not the tool's.
            let text = text.strip_suffix("\n\n").map_or(text, |t| &text[..=t.len()]);
            Section { command: command.split_ascii_whitespace().collect(), text }
        })
        .collect()
}

/// A ruleset and its text.
struct Side<'t> {
    text: &'t str,
    set: &'t Ruleset,
}

impl<'t> Side<'t> {
    fn of(&self, span: Span) -> &'t str {
        span.of(self.text)
    }

    fn chains(&self) -> Vec<(&'t str, &'t Chain, Vec<&'t Rule>)> {
        let chains = self.set.chains.iter().enumerate();
        let rules = |i| self.set.rules_of(iptables::ChainId(u32::try_from(i).unwrap())).map(|(_, r)| r).collect();
        let mut all: Vec<_> = chains.map(|(i, c)| (self.of(c.name), c, rules(i))).collect();
        all.sort_by_key(|(name, ..)| *name);
        all
    }

    /// A condition without its place; `None` where only its text is kept.
    fn fact(&self, m: &Match) -> Option<String> {
        let kind = match m.kind {
            MatchKind::Other { .. } | MatchKind::HiddenIfaces => return None,
            MatchKind::Comment(text) => {
                let text = self.of(text);
                // iptables-save escapes; a listing does not.
                let unescaped = regex::Regex::new(r"\\(.)").unwrap().replace_all(text, "$1").into_owned();
                format!("Comment {}", if self.text.contains("COMMIT") { &unescaped } else { text })
            }
            MatchKind::InIface(i) => format!("In {} {}", self.of(i.name), i.wildcard),
            MatchKind::OutIface(i) => format!("Out {} {}", self.of(i.name), i.wildcard),
            MatchKind::PhysdevIn(i) => format!("PhysdevIn {} {}", self.of(i.name), i.wildcard),
            MatchKind::PhysdevOut(i) => format!("PhysdevOut {} {}", self.of(i.name), i.wildcard),
            MatchKind::MultiPort { end, first, last } => format!("MultiPort {end:?} {:?}", self.set.ports_of(first, last)),
            MatchKind::Set { name, dirs, options } => format!("Set {} {} {options}", self.of(name), self.of(dirs)),
            MatchKind::Ext(ext) => {
                let options = self.set.options_of(ext).iter();
                let mut asked: Vec<_> = options
                    .map(|o| format!("{}{}", if o.negated { "! " } else { "" }, o.display(self.text, &self.set.items)))
                    .collect();
                asked.sort_unstable();
                format!("{} {}", ext.module(), asked.join(" "))
            }
            kind => format!("{kind:?}"),
        };
        Some(format!("{}{kind}", if m.negated { "! " } else { "" }))
    }

    /// What a rule does, without its place; options that are kept as text count by the target's name only.
    fn does(&self, target: &Target) -> String {
        let nat = |name, n: &NatTo| format!("{name} {:?} {:?} {} {} {}", n.addr, n.ports, n.random, n.random_fully, n.persistent);
        match target {
            Target::Jump(jump) => format!("jump {} {}", self.of(jump.name), jump.chain.is_some()),
            Target::Goto(jump) => format!("goto {} {}", self.of(jump.name), jump.chain.is_some()),
            Target::Reject(with) => format!("REJECT {}", self.of(*with)),
            Target::Dnat(n) => nat("DNAT", n),
            Target::Snat(n) => nat("SNAT", n),
            Target::Masquerade(n) => nat("MASQUERADE", n),
            Target::Redirect(n) => nat("REDIRECT", n),
            Target::Continues { name, .. } | Target::Other { name, .. } => format!("target {}", self.of(*name)),
            other => {
                let text = format!("{other:?}");
                match text.find("Span") {
                    Some(at) => text[..at].to_owned(),
                    None => text,
                }
            }
        }
    }
}

/// Counters agree; rounded ones to half of their last digit.
fn counted(list: Option<Counters>, save: Option<Counters>) -> bool {
    let (Some(list), Some(save)) = (list, save) else { return list.is_none() };
    let near = |a: u64, b: u64| {
        let unit =
            [1_000_000_000_000, 1_000_000_000, 1_000_000, 1_000, 1].into_iter().find(|u| a.is_multiple_of(*u)).unwrap_or(1);
        // Each step of the tool rounds again, so that the halves add up.
        a == b || (list.rounded && a > 0 && a.abs_diff(b) <= unit * 5556 / 10_000 + 1)
    };
    near(list.packets, save.packets) && near(list.bytes, save.bytes)
}

/// Compares one listing; gives the texts of which nothing is known but that they are there.
fn compare(name: &str, section: &Section<'_>, save: &Side<'_>, family: Family) -> BTreeSet<String> {
    let what = format!("{name}: {}", section.command.join(" "));
    let parsed = super::parse(section.text, family, section.table());
    let list = Side { text: section.text, set: &parsed.value };
    let mut kept = BTreeSet::new();
    let harmless = ["a comment without an end, or with two"];
    let problems: Vec<_> = parsed.problems.iter().filter(|p| !harmless.contains(&p.what.as_str())).collect();
    assert!(problems.is_empty(), "{what}: {problems:?}");
    assert!(list.set.tables.iter().all(|t| t.committed && t.kind == section.table()), "{what}");
    // nft's save leaves out a table's built-in chains that nobody has used; the listing shows them.
    let names: Vec<_> = save.chains().iter().map(|c| c.0).collect();
    let chains: Vec<_> = list.chains().into_iter().filter(|c| names.contains(&c.0) || !c.2.is_empty()).collect();
    assert_eq!(chains.iter().map(|c| c.0).collect::<Vec<_>>(), names, "{what}");
    for ((chain, record, rules), (_, saved, saved_rules)) in chains.iter().zip(save.chains()) {
        assert_eq!(record.policy, saved.policy, "{what}: {chain}");
        assert!(counted(record.counters, saved.counters), "{what}: {chain}");
        assert_eq!(rules.len(), saved_rules.len(), "{what}: {chain}");
        for (rule, saved) in rules.iter().zip(saved_rules) {
            let line = &list.text[rule.at.start as usize..rule.at.end as usize];
            let says = format!("{what}\n{line}\n{}", &save.text[saved.at.start as usize..saved.at.end as usize]);
            assert_eq!(rule.counters.is_some(), section.has("-v"), "{says}");
            assert!(counted(rule.counters, saved.counters), "{says}");
            assert_eq!(list.does(&rule.target), save.does(&saved.target), "{says}");

            let mut missing: Vec<String> = save.set.matches_of(saved).iter().filter_map(|m| save.fact(m)).collect();
            let verbatim = save.set.matches_of(saved).len() - missing.len();
            let conditions = list.set.matches_of(rule);
            for fact in conditions.iter().filter_map(|m| list.fact(m)) {
                // Nothing is read that iptables-save does not say.
                let at = missing.iter().position(|m| *m == fact);
                let Some(at) = at else { panic!("{says}\nread {fact}, said {missing:?}") };
                missing.swap_remove(at);
            }
            let hidden = conditions.iter().any(|m| matches!(m.kind, MatchKind::HiddenIfaces));
            assert_eq!(hidden, !section.has("-v"), "{says}");
            if hidden {
                missing.retain(|m| !["In ", "Out "].iter().any(|i| m.trim_start_matches("! ").starts_with(i)));
            }
            let mut known = rule.whole;
            for m in conditions {
                if let MatchKind::Other { options, .. } = m.kind {
                    known = false;
                    kept.insert(list.of(options).to_owned());
                }
            }
            // What is not said is said to be unknown.
            assert!(!known || (missing.is_empty() && verbatim == 0), "{says}\nnot read: {missing:?}");
        }
    }
    kept
}

#[test]
fn a_listing_says_what_save_says_and_nothing_more() {
    insta::glob!("../../../../fixtures/captures/iptables-list", "*-{nft,legacy}.txt", check);
}

fn check(path: &std::path::Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut kept = BTreeSet::new();
    let mut listings = 0;
    let all = sections(&text);
    for section in all.iter().filter(|s| s.has("-L")) {
        let family = if section.command[0].starts_with('6') { Family::V6 } else { Family::V4 };
        let save = all.iter().find(|s| s.command[0].ends_with("-save") && s.table() == section.table()).unwrap();
        let parsed = iptables::parse(save.text, family);
        kept.extend(compare(&name, section, &Side { text: save.text, set: &parsed.value }, family));
        listings += 1;
    }
    assert!(listings >= 2, "{name}");
    let kept: Vec<_> = kept.into_iter().collect();
    insta::with_settings!({ snapshot_suffix => "", omit_expression => true }, {
        insta::assert_snapshot!(format!("kept-as-text-{name}"), kept.join("\n"));
    });
}

/// `-S` and `-S -v` give the records of iptables-save.
#[test]
fn a_specification_gives_the_records_of_save() {
    for name in ["small4-nft", "small4-legacy", "small6-nft", "small6-legacy"] {
        let path = format!("{}/../fixtures/captures/iptables-list/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let family = if name.contains('6') { Family::V6 } else { Family::V4 };
        let all = sections(&text);
        let save = iptables::parse(all[0].text, family);
        let save = Side { text: all[0].text, set: &save.value };
        for section in all.iter().filter(|s| s.has("-S")) {
            let parsed = iptables::parse_specification(section.text, family, TableKind::Filter);
            assert_eq!(parsed.problems, [], "{name}");
            let list = Side { text: section.text, set: &parsed.value };
            assert!(list.set.tables[0].committed && list.set.tables[0].kind == TableKind::Filter);
            for ((chain, record, rules), (saved_name, saved, saved_rules)) in list.chains().into_iter().zip(save.chains()) {
                assert_eq!((chain, record.policy, rules.len()), (saved_name, saved.policy, saved_rules.len()));
                for (rule, saved) in rules.into_iter().zip(saved_rules) {
                    let facts =
                        |side: &Side<'_>, rule| -> Vec<_> { side.set.matches_of(rule).iter().map(|m| side.fact(m)).collect() };
                    assert_eq!(facts(&list, rule), facts(&save, saved));
                    assert_eq!(list.does(&rule.target), save.does(&saved.target));
                    assert_eq!(rule.counters, saved.counters.filter(|_| section.has("-v")));
                    assert!(rule.whole);
                }
            }
        }
    }
}
