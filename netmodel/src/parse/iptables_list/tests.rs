use super::super::iptables::{Counters, Jump, Mark, NatTo, Rule, parse_specification};
use super::*;

const OLD: &str = include_str!("../../../../fixtures/captures/iptables-list/old-1.4.txt");
const OLD6: &str = include_str!("../../../../fixtures/captures/iptables-list/old-ip6.txt");
const PASTED: &str = include_str!("../../../../fixtures/captures/iptables-list/pasted-notes-and-elisions.txt");
const CUT: &str = include_str!("../../../../fixtures/captures/iptables-list/cut-and-renumbered.txt");
const GREPPED: &str = include_str!("../../../../fixtures/captures/iptables-list/grepped.txt");
const SPEC: &str = include_str!("../../../../fixtures/captures/iptables-s/pasted.txt");
const TWO: &str = include_str!("../../../../fixtures/captures/iptables-s/two-tables.txt");

/// The ruleset in a form that a person can compare with the text; spans as what stands there.
fn dump(text: &str, parsed: &Parsed<Ruleset>) -> String {
    use std::fmt::Write;
    let place = regex::Regex::new(r"Span \{ start: (\d+), end: (\d+) \}").unwrap();
    let resolve = |record: String| {
        let replaced = place.replace_all(&record, |found: &regex::Captures<'_>| {
            let [start, end] = [1, 2].map(|i| found[i].parse::<usize>().unwrap());
            format!("{:?}", &text[start..end])
        });
        replaced.into_owned()
    };
    let set = &parsed.value;
    let mut out = String::new();
    for (i, chain) in set.chains.iter().enumerate() {
        let table = &set.tables[chain.table.0 as usize];
        let (name, kind) = (chain.name.of(text), table.kind.name());
        let at = chain.at.line;
        writeln!(out, "{at}: {kind} {name} {:?} {:?} committed={}", chain.policy, chain.counters, table.committed).unwrap();
        for (_, rule) in set.rules_of(ChainId(u32::try_from(i).unwrap())) {
            let line = rule.at.line;
            writeln!(out, "  {line}: whole={} {:?}", rule.whole, rule.counters.map(|c| (c.packets, c.bytes, c.rounded))).unwrap();
            for m in set.matches_of(rule) {
                let not = if m.negated { "not " } else { "" };
                writeln!(out, "{}", resolve(format!("    {not}{:?} {:?}", m.span, m.kind))).unwrap();
            }
            writeln!(out, "{}", resolve(format!("    => {:?}", rule.target))).unwrap();
        }
    }
    for p in &parsed.problems {
        writeln!(out, "problem {}: {} `{}`", p.at.line, p.what, &text[p.at.start as usize..p.at.end as usize]).unwrap();
    }
    out
}

#[test]
fn what_is_read_of_pasted_texts() {
    insta::assert_snapshot!("old-1.4", dump(OLD, &parse(OLD, Family::V4, TableKind::Filter)));
    insta::assert_snapshot!("old-ip6", dump(OLD6, &parse(OLD6, Family::V6, TableKind::Unknown)));
    insta::assert_snapshot!("pasted", dump(PASTED, &parse_any(PASTED, Family::V4, TableKind::Unknown)));
    insta::assert_snapshot!("cut", dump(CUT, &parse(CUT, Family::V4, TableKind::Filter)));
    insta::assert_snapshot!("grepped", dump(GREPPED, &parse(GREPPED, Family::V4, TableKind::Nat)));
    insta::assert_snapshot!("spec", dump(SPEC, &parse_any(SPEC, Family::V4, TableKind::Unknown)));
    insta::assert_snapshot!("two", dump(TWO, &parse_any(TWO, Family::V4, TableKind::Filter)));
}

fn rule_of(parsed: &Parsed<Ruleset>, line: u32) -> &Rule {
    parsed.value.rules.iter().find(|r| r.at.line == line).unwrap()
}

fn kinds(parsed: &Parsed<Ruleset>, line: u32) -> Vec<MatchKind> {
    parsed.value.matches_of(rule_of(parsed, line)).iter().map(|m| m.kind).collect()
}

#[test]
fn a_listing_without_v_hides_interfaces_and_says_so() {
    let text = "Chain INPUT (policy DROP)\ntarget     prot opt source               destination\nACCEPT     all  --  anywhere             anywhere\n";
    let parsed = parse(text, Family::V4, TableKind::Filter);
    assert_eq!(parsed.problems, []);
    assert_eq!(kinds(&parsed, 3), [MatchKind::HiddenIfaces]);
    assert_eq!(rule_of(&parsed, 3).counters, None);

    let text = "Chain INPUT (policy DROP 0 packets, 0 bytes)\n pkts bytes target prot opt in out source destination\n 0 0 ACCEPT all -- any any anywhere anywhere\n";
    let parsed = parse(text, Family::V4, TableKind::Filter);
    assert_eq!(kinds(&parsed, 3), []);
    assert!(parsed.value.tables[0].committed);
}

#[test]
fn names_that_nobody_can_resolve_stay_text() {
    let parsed = parse(OLD, Family::V4, TableKind::Filter);
    let text = |k: &MatchKind| match k {
        MatchKind::Other { options, .. } => Some(options.of(OLD)),
        _ => None,
    };
    let kept: Vec<_> = kinds(&parsed, 6).iter().filter_map(text).collect();
    assert_eq!(kept, ["10-0-0-1.example", "localhost"]);
    assert_eq!(kinds(&parsed, 10).iter().filter_map(text).collect::<Vec<_>>(), ["dpt:kube-something"]);
    // A prefix in the old quotes is no jump.
    assert!(matches!(rule_of(&parsed, 8).target, Target::Log(_)));
    assert!(matches!(rule_of(&parsed, 9).target, Target::Goto(Jump { chain: Some(_), .. })));
}

#[test]
fn what_is_left_out_is_in_the_records() {
    let parsed = parse_any(PASTED, Family::V4, TableKind::Unknown);
    let set = &parsed.value;
    assert_eq!((set.tables[0].kind, set.tables[0].committed), (TableKind::Nat, false));
    let elided: Vec<_> = set.rules.iter().filter(|r| matches!(r.target, Target::Elided(_))).map(|r| r.at.line).collect();
    assert_eq!(elided, [11, 16]);
    // Notes behind a rule change nothing of it.
    assert!(rule_of(&parsed, 4).whole);
    assert!(matches!(rule_of(&parsed, 6).target, Target::Dnat(NatTo { addr: Some(_), ports: Some(_), .. })));
    // The comment has no end, so that what stood behind it is not known: no port is read out of it.
    assert!(!rule_of(&parsed, 10).whole);
    assert!(!kinds(&parsed, 10).iter().any(|k| matches!(k, MatchKind::Port(..))));
}

#[test]
fn numbers_and_references_tell_what_is_missing() {
    let parsed = parse(CUT, Family::V4, TableKind::Filter);
    let forward: Vec<_> = parsed.value.rules_of(ChainId(0)).map(|(_, r)| matches!(r.target, Target::Elided(_))).collect();
    assert_eq!(forward, [false, true, false]);
    assert!(parsed.problems.iter().any(|p| p.what.contains("as many as the chain says")));
    assert_eq!(parsed.value.tables.iter().map(|t| t.kind).collect::<Vec<_>>(), [TableKind::Filter, TableKind::Unknown]);
    // The second listing of FORWARD is of another table and has no rules of the first.
    assert_eq!(parsed.value.rules_of(ChainId(3)).count(), 0);
    // An unknown match hides nothing of a target whose text is plain.
    assert!(matches!(rule_of(&parsed, 9).target, Target::Dnat(_)));
    // A target whose text is missing is not one that does nothing.
    assert!(!rule_of(&parsed, 10).whole);
}

#[test]
fn elided_rules_of_a_specification_are_of_both_sides() {
    let parsed = parse_specification(SPEC, Family::V4, TableKind::Unknown);
    let set = &parsed.value;
    assert_eq!((set.tables[0].kind, set.tables[0].committed, set.listing), (TableKind::Nat, false, true));
    for (chain, want) in [("PREROUTING", 1), ("POSTROUTING", 1), ("KUBE-POSTROUTING", 1), ("KUBE-SERVICES", 1)] {
        let chain = set.chain(SPEC, TableId(0), chain).unwrap();
        let elided = set.rules_of(chain).filter(|(_, r)| matches!(r.target, Target::Elided(_))).count();
        assert_eq!(elided, want, "{chain:?}");
    }
    assert!(set.rules.iter().all(|r| r.whole || matches!(r.target, Target::Elided(_))), "notes are no part of a rule");
    let Target::Masquerade(nat) = set.rules[set.rules.len() - 3].target else { panic!() };
    assert!(nat.random_fully);
}

#[test]
fn a_second_policy_of_a_chain_begins_another_table() {
    let parsed = parse_any(TWO, Family::V4, TableKind::Filter);
    let set = &parsed.value;
    assert_eq!(
        set.tables.iter().map(|t| (t.kind, t.committed)).collect::<Vec<_>>(),
        [(TableKind::Filter, true), (TableKind::Unknown, true)]
    );
    assert_eq!(set.rules[0].counters, Some(Counters { packets: 5, bytes: 300, rounded: false }));
    assert_eq!(set.chains[0].counters.map(|c| c.packets), Some(618));
    assert!(matches!(set.rules[1].target, Target::None) && set.rules[1].whole);
    // `-s ! NET` is the old form of a negation.
    assert!(set.matches_of(&set.rules[2])[0].negated);
    assert!(!set.rules.last().unwrap().whole, "the text ends in it");
}

#[test]
fn marks_are_what_the_kernel_makes_of_them() {
    let of = |text: &str| {
        let text =
            format!("Chain OUTPUT (policy ACCEPT)\ntarget prot opt source destination\nMARK all -- anywhere anywhere {text}\n");
        match parse(&text, Family::V4, TableKind::Mangle).value.rules[0].target {
            Target::Mark(Mark { value, mask }) => Some((value, mask)),
            _ => None,
        }
    };
    assert_eq!(of("MARK or 0x4000"), Some((0x4000, 0x4000)));
    assert_eq!(of("MARK and 0xff"), Some((0, 0xffff_ff00)));
    assert_eq!(of("MARK xset 0x1/0xffff"), Some((1, 0xffff)));
    assert_eq!(of("MARK xor 0x4"), Some((4, 0)));
    assert_eq!(of("MARK set 0x1 and more"), None);
    assert_eq!(of(""), None);
}

proptest::proptest! {
    /// Whatever is cut out of a text or put into it, nothing panics, every place lies in the text, every rule in its chain.
    #[test]
    fn no_input_panics(cut in 0usize..2000, len in 0usize..200, junk in "[ -~\\n\\t\"\\\\é!…/*]{0,40}", which in 0usize..7) {
        let base = [OLD, OLD6, PASTED, CUT, GREPPED, SPEC, TWO][which];
        let keep = |n: usize| (0..=n.min(base.len())).rev().find(|&i| base.is_char_boundary(i)).unwrap_or(0);
        let text = format!("{}{junk}{}", &base[..keep(cut)], &base[keep(cut + len)..]);
        for parsed in [
            parse(&text, Family::V4, TableKind::Nat),
            parse(&text, Family::V6, TableKind::Unknown),
            parse_any(&text, Family::V4, TableKind::Filter),
            parse_specification(&text, Family::V6, TableKind::Filter),
        ] {
            let set = &parsed.value;
            for m in &set.matches {
                proptest::prop_assert!(text.get(m.span.start as usize..m.span.end as usize).is_some());
            }
            for p in &parsed.problems {
                proptest::prop_assert!(text.get(p.at.start as usize..p.at.end as usize).is_some());
            }
            let grouped: usize = (0..set.chains.len()).map(|i| set.rules_of(ChainId(u32::try_from(i).unwrap())).count()).sum();
            proptest::prop_assert_eq!(grouped, set.rules.len());
        }
    }
}
