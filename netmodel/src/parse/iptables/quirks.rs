//! What real dumps do, form by form: the fixtures `quirk-NN-*.txt` are asserted for what they mean.

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../fixtures/captures/iptables-save/quirk-", $name, ".txt"))
    };
}

fn read(text: &str) -> Parsed<Ruleset> {
    let parsed = parse(text, Family::V4);
    assert!(parsed.value.to_save(text).to_string() == text, "the records do not give the text back");
    parsed
}

fn clean(text: &str) -> Ruleset {
    let parsed = read(text);
    assert_eq!(parsed.problems, []);
    parsed.value
}

fn problems(parsed: &Parsed<Ruleset>) -> Vec<(u32, &str)> {
    parsed.problems.iter().map(|p| (p.at.line, p.what.as_str())).collect()
}

fn kinds(set: &Ruleset, rule: usize) -> Vec<(bool, MatchKind)> {
    set.matches_of(&set.rules[rule]).iter().map(|m| (m.negated, m.kind)).collect()
}

#[test]
fn q2_headers_of_every_tool_and_none_at_all() {
    let set = clean(fixture!("02-headers"));
    assert_eq!(set.generated.unwrap().line, 1, "the first one");
    let tables: Vec<_> = set.tables.iter().map(|t| (t.kind, t.commit.is_some())).collect();
    let kinds = [TableKind::Raw, TableKind::Mangle, TableKind::Nat, TableKind::Filter, TableKind::Security];
    assert_eq!(tables, kinds.map(|kind| (kind, true)), "a header takes nothing from the table behind it");
    let policies: Vec<_> = set.chains.iter().map(|c| c.policy).collect();
    assert_eq!(policies, [Policy::Accept, Policy::Accept, Policy::Accept, Policy::Drop, Policy::Accept]);
    assert_eq!(set.rules.len(), 2);
}

#[test]
fn q3_warnings_of_the_other_back_end_are_seen_with_and_without_the_hash() {
    let set = clean(fixture!("03-warnings"));
    assert_eq!(set.legacy_warning.unwrap().line, 1);
    assert_eq!(set.generated.unwrap().line, 2);
    let below = fixture!("03-warnings").split_once('\n').unwrap().1;
    assert_eq!(clean(below).legacy_warning.unwrap().line, 7);
}

#[test]
fn q4_counters_stand_at_policies_and_perhaps_at_rules() {
    let set = clean(fixture!("04-counters"));
    let count = |packets, bytes| Some(Counters { packets, bytes, rounded: false });
    assert_eq!(set.chains.iter().map(|c| c.counters).collect::<Vec<_>>(), [count(u64::MAX, 9), count(12, 720), count(0, 0)]);
    assert_eq!(set.rules.iter().map(|r| r.counters).collect::<Vec<_>>(), [count(7, 420), None, count(0, 0)]);
}

#[test]
fn q5_grepped_texts_have_rules_but_no_table_and_elisions_are_no_rules() {
    let text = fixture!("05-grepped");
    let parsed = read(text);
    let set = &parsed.value;
    assert_eq!((set.tables.len(), set.tables[0].kind, set.tables[0].committed), (1, TableKind::Unknown, false));
    // The marks of what was left out are records of their own, since any rules may have stood there.
    assert_eq!(set.rules.iter().filter(|r| !matches!(r.target, Target::Elided(_))).count(), 3);
    // Chains that have rules are found; what they do at their end is not known.
    let Target::Jump(jump) = set.rules[0].target else { panic!() };
    assert_eq!(set.chains[jump.chain.unwrap().0 as usize].policy, Policy::Unknown);
    let elided: Vec<u32> = parsed.problems.iter().filter(|p| p.what == "lines are left out here").map(|p| p.at.line).collect();
    assert_eq!(elided, [3, 5, 6, 7, 8]);
}

#[test]
fn q6_cut_texts_are_not_taken_for_whole() {
    let parsed = read(fixture!("06-cut"));
    let set = &parsed.value;
    assert_eq!(
        set.tables.iter().map(|t| (t.kind, t.committed)).collect::<Vec<_>>(),
        [(TableKind::Unknown, true), (TableKind::Filter, false), (TableKind::Nat, false)]
    );
    assert_eq!(set.rules.iter().map(|r| r.whole).collect::<Vec<_>>(), [true, true, false]);
    assert!(problems(&parsed).contains(&(7, "a table begins before the COMMIT of the one before")));
    assert!(problems(&parsed).contains(&(1, "no line of iptables-save")));
}

#[test]
fn q8_line_ends_of_windows_and_letters_of_all_scripts() {
    let text = fixture!("08-crlf");
    let set = clean(text);
    assert_eq!(set.comments_of(text, &set.rules[0]).collect::<Vec<_>>(), ["défense – 测试"]);
    assert!(set.tables[0].committed && set.rules[0].target == Target::Accept);
}

#[test]
fn q9_notes_between_and_behind_rules() {
    let parsed = read(fixture!("09-notes"));
    assert_eq!(problems(&parsed), [(5, "a note behind the rule")]);
    assert_eq!(
        parsed.value.rules.iter().map(|r| (r.whole, r.target)).collect::<Vec<_>>(),
        [(true, Target::Accept), (true, Target::Accept)]
    );
}

#[test]
fn q10_quotes_comments_and_odd_chain_names() {
    let text = fixture!("10-quoting");
    let set = clean(text);
    let comments: Vec<_> = set.comments_of(text, &set.rules[0]).collect();
    assert_eq!(comments, ["cali:wUHhoiAYhphO9Mso", r#"pod\'s \"own\" -j DROP"#]);
    let Target::Jump(jump) = set.rules[0].target else { panic!() };
    assert_eq!(jump.name.of(text), "cali-FORWARD");
    let prefix = |rule: usize| match set.target_options(&set.rules[rule])[0].value {
        Value::Text(span) => span.of(text),
        other => panic!("{other:?}"),
    };
    assert_eq!((prefix(1), prefix(2)), ("!#*~%&/()=?", r#"a \"b\" -j "#));
    let Target::Goto(jump) = set.rules[3].target else { panic!() };
    assert_eq!(set.chains[jump.chain.unwrap().0 as usize].name.of(text), "DOS~Pro-t_ect");
}

#[test]
fn q11_names_of_sets_need_no_quotes() {
    let text = fixture!("11-names");
    let set = clean(text);
    let names: Vec<_> = set
        .matches
        .iter()
        .map(|m| match m.kind {
            MatchKind::Set { name, dirs, options: false } => (m.negated, name.of(text), dirs.of(text)),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        names,
        [
            (true, "weave-;rGqyMIl1HN^cfDki~Z$3]6!N", "src"),
            (false, "weave-P.B|!ZhkAr5q=XZ?3}tMBA+0", "dst"),
            (false, "inet6:KUBE-SRC-AAAAAAAAAAAA", "src"),
            (false, "KUBE-6-CLUSTER-IP", "dst,dst"),
            (false, "cali40s:Xw#[{&", "src"),
        ]
    );
}

#[test]
fn q12_negation_before_the_option_inside_the_match_and_in_the_old_form_are_one() {
    let text = fixture!("12-negation");
    let set = clean(text);
    let asks = |rule: usize| -> Vec<(bool, String)> {
        let plain = |m: &Match| match m.kind {
            MatchKind::InIface(iface) => iface.name.of(text).to_owned(),
            MatchKind::MultiPort { first, last, .. } => format!("{:?}", set.ports_of(first, last)),
            MatchKind::Ext(ext) => format!("{:?}", set.options_of(ext)),
            other => format!("{other:?}"),
        };
        set.matches_of(&set.rules[rule]).iter().map(|m| (m.negated, plain(m))).collect()
    };
    assert!(asks(0).iter().all(|(negated, _)| *negated) && asks(0).len() == 4);
    assert_eq!(asks(0), asks(1));
    assert!(asks(2)[3].1.starts_with("[! --uid-owner"), "{:?}", asks(2));
    assert_eq!(asks(2), asks(3));
    // Printed they are alike too.
    let normal = set.to_normalized(text).to_string();
    let lines: Vec<_> = normal.lines().collect();
    assert_eq!((lines[2], lines[4]), (lines[3], lines[5]));
}

#[test]
fn q13_what_kubernetes_writes_is_typed() {
    let text = fixture!("13-kubernetes");
    let set = clean(text);
    assert!(set.matches.iter().all(|m| !matches!(m.kind, MatchKind::Other { .. })));
    assert!(set.rules.iter().all(|r| !matches!(r.target, Target::Other { .. })));
    let find = |part: &str| {
        let line = |r: &&Rule| text[r.at.start as usize..r.at.end as usize].contains(part);
        set.rules.iter().find(line).unwrap()
    };
    // The mask 0 makes it an exclusive or.
    assert_eq!(find("0x4000/0x0").target, Target::Mark(Mark { value: 0x4000, mask: 0 }));
    assert_eq!(find("CT --notrack").target, Target::NoTrack);
    let Target::Snat(to) = find("SNAT").target else { panic!() };
    assert_eq!((to.addr, to.ports), (None, Some(PortRange { first: 53, last: 53 })));
    let Target::Masquerade(to) = find("MASQUERADE").target else { panic!() };
    assert!(to.random_fully);
    assert!(matches!(find("recent").target, Target::Goto(_)));
    let MatchKind::Ext(recent) = set.matches_of(find("recent"))[0].kind else { panic!() };
    assert_eq!(set.option(recent, "--seconds").unwrap().value, Value::Number(10800));
    assert!(set.option(recent, "--rcheck").is_some() && set.option(recent, "--update").is_none());
    let chance = |part| match set.matches_of(find(part))[0].kind {
        MatchKind::Random(p) => f64::from(p) / f64::from(1u32 << 31),
        other => panic!("{other:?}"),
    };
    assert!((chance("0.33332999982") - 0.33333).abs() < 1e-8 && (chance("0.33333333349") - 1.0 / 3.0).abs() < 1e-8);
    let MatchKind::Ext(limit) = set.matches_of(find("limit 10/min"))[1].kind else { panic!() };
    assert_eq!(set.option(limit, "--limit").unwrap().value, Value::Rate(Rate { amount: 10, unit: RateUnit::Minute }));
    let AddrTypes(limit) = AddrTypes::of(&set, find("addrtype"));
    assert_eq!(limit, IfaceLimit::In);
    let tproxy = set.target_options(find("TPROXY"));
    assert_eq!(tproxy[2].value, Value::Mark(Mark { value: 0x200, mask: u32::MAX }));
}

/// The interface limit of the first address type of a rule.
struct AddrTypes(IfaceLimit);

impl AddrTypes {
    fn of(set: &Ruleset, rule: &Rule) -> Self {
        match set.matches_of(rule)[0].kind {
            MatchKind::AddrType { limit, .. } => Self(limit),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn q14_rules_without_anything_duplicates_and_jumps_to_nowhere() {
    let text = fixture!("14-empty");
    let parsed = read(text);
    let set = &parsed.value;
    assert_eq!(set.rules.len(), 5);
    let empty = &set.rules[4];
    assert!(empty.whole && empty.target == Target::None && set.matches_of(empty).is_empty());
    assert!(matches!(set.rules[3].target, Target::Jump(Jump { chain: None, .. })));
    assert_eq!(problems(&parsed), [(7, "leads to a chain that is not in the text")]);
}

#[test]
fn q15_protocols_by_name_and_number_and_what_is_no_drop() {
    let text = fixture!("15-protocols");
    let set = clean(text);
    assert_eq!(kinds(&set, 1), kinds(&set, 2));
    assert_eq!(kinds(&set, 1), [(false, MatchKind::Protocol(4))]);
    assert_eq!(kinds(&set, 3), [(true, MatchKind::Protocol(58))]);
    let Target::Reject(with) = set.rules[3].target else { panic!() };
    assert_eq!(with.of(text), "icmp-host-prohibited");
    assert_eq!(set.rules[0].target, Target::NoTrack);
    // The workload's chain is reached from nowhere.
    assert_eq!(set.rules[4].target, Target::Drop);
    assert!(set.rules.iter().all(|r| !matches!(r.target, Target::Jump(_) | Target::Goto(_))));
}
