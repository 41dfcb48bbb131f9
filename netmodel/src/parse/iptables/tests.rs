use super::*;

const ODD: &str = include_str!("../../../../fixtures/captures/iptables-save/odd.txt");
const KUBE: &str = include_str!("../../../../fixtures/captures/iptables-save/kube-proxy-flannel-nft.txt");
const LEGACY: &str = include_str!("../../../../fixtures/captures/iptables-save/legacy-forward-drop.txt");
const ROUTER: &str = include_str!("../../../../fixtures/captures/iptables-save/kube-router-filter.txt");

const EXTENSIONS: &str = include_str!("../../../../fixtures/captures/iptables-save/extensions-nft-v4.txt");
const EXTENSIONS_V6: &str = include_str!("../../../../fixtures/captures/iptables-save/extensions-nft-v6.txt");

/// The ruleset in a form that a person can compare with the text.
fn dump(text: &str, parsed: &Parsed<Ruleset>) -> String {
    use std::fmt::Write;
    let set = &parsed.value;
    let mut out = String::new();
    for chain in &set.chains {
        let table = set.tables[chain.table.0 as usize].kind.name();
        writeln!(out, "{}: {table} {} {:?} {:?}", chain.at.line, chain.name.of(text), chain.policy, chain.counters).unwrap();
    }
    for rule in &set.rules {
        let chain = set.chains[rule.chain.0 as usize].name.of(text);
        writeln!(out, "{}: {chain} whole={} {:?}", rule.at.line, rule.whole, rule.counters.map(|c| c.packets)).unwrap();
        for m in set.matches_of(rule) {
            writeln!(out, "    {}`{}` {:?}", if m.negated { "not " } else { "" }, m.span.of(text), m.kind).unwrap();
            if let MatchKind::Ext(ext) = m.kind {
                options(&mut out, set, set.options_of(ext));
            }
        }
        writeln!(out, "    => {:?}", rule.target).unwrap();
        options(&mut out, set, set.target_options(rule));
    }
    for p in &parsed.problems {
        writeln!(out, "problem {}: {} `{}`", p.at.line, p.what, &text[p.at.start as usize..p.at.end as usize]).unwrap();
    }
    out
}

fn options(out: &mut String, set: &Ruleset, options: &[Opt]) {
    use std::fmt::Write;
    for opt in options {
        write!(out, "        {opt:?}").unwrap();
        match opt.value {
            Value::Bits(_) if !opt.bit_names().is_empty() => writeln!(out, " of {}", opt.bit_names().join(",")).unwrap(),
            value @ Value::List { .. } => writeln!(out, " = {:?}", set.items_of(value)).unwrap(),
            _ => writeln!(out).unwrap(),
        }
    }
}

#[test]
fn odd_forms() {
    insta::assert_snapshot!(dump(ODD, &parse(ODD, Family::V4)));
}

#[test]
fn real_nodes_read_without_problems() {
    for text in [KUBE, LEGACY, ROUTER] {
        let parsed = parse(text, Family::V4);
        assert_eq!(parsed.problems, []);
        assert_eq!(parsed.value.rules.len(), text.lines().filter(|l| l.contains(" -A ")).count());
        assert!(parsed.value.matches.iter().all(|m| !matches!(m.kind, MatchKind::Other { .. })));
        assert!(parsed.value.tables.iter().all(|t| t.committed));
    }
}

#[test]
fn extensions_of_the_real_tool() {
    insta::assert_snapshot!(dump(EXTENSIONS, &parse(EXTENSIONS, Family::V4)));
    insta::assert_snapshot!(dump(EXTENSIONS_V6, &parse(EXTENSIONS_V6, Family::V6)));
}

#[test]
fn printed_from_the_records_a_text_is_the_same() {
    for (text, family) in
        [(KUBE, Family::V4), (LEGACY, Family::V4), (ROUTER, Family::V4), (EXTENSIONS, Family::V4), (EXTENSIONS_V6, Family::V6)]
    {
        let set = parse(text, family).value;
        assert!(set.to_save(text).to_string() == text, "the records do not give the text back");
        let normal = set.to_normalized(text).to_string();
        assert_eq!(normal.lines().count(), text.lines().count());
        for (printed, saved) in normal.lines().zip(text.lines()) {
            // The tool itself prints two blanks here, and one at the ends of some lines.
            assert_eq!(printed, saved.replace("--nfacct-name  ", "--nfacct-name ").trim_end());
        }
    }
}

#[test]
fn the_normal_form_of_odd_text_stays_what_it_is() {
    let set = parse(ODD, Family::V4).value;
    assert_eq!(set.to_save(ODD).to_string(), ODD);
    let normal = set.to_normalized(ODD).to_string();
    insta::assert_snapshot!(normal);
    assert_eq!(parse(&normal, Family::V4).value.to_normalized(&normal).to_string(), normal);
}

#[test]
fn a_jump_in_a_comment_is_no_jump() {
    let parsed = parse(ODD, Family::V4);
    let rule = &parsed.value.rules[0];
    let Target::Jump(jump) = rule.target else { panic!("{:?}", rule.target) };
    assert_eq!(jump.name.of(ODD), "DOS~Pro-t_ect");
    assert!(jump.chain.is_some());
    assert_eq!(parsed.value.comments_of(ODD, rule).last(), Some("-j"));
}

#[test]
fn grepped_and_cut_texts_count_as_far_as_they_go() {
    let text = "-A FORWARD -j KUBE-FORWARD\n*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 10.0.0.1/32 -j DN";
    let parsed = parse(text, Family::V4);
    let set = &parsed.value;
    assert_eq!(set.tables[0].kind, TableKind::Unknown);
    assert!(matches!(set.rules[0].target, Target::Jump(Jump { chain: None, .. })));
    assert!(!set.rules[1].whole && !set.tables[1].committed);
    assert!(parsed.problems.len() >= 4, "{:?}", parsed.problems);
}

#[test]
fn marks_are_what_the_kernel_makes_of_them() {
    let of = |options: &str| {
        let text = format!("*mangle\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -j MARK {options}\nCOMMIT\n");
        match parse(&text, Family::V4).value.rules[0].target {
            Target::Mark(mark) => (mark.value, mark.mask),
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(of("--set-xmark 0x4000/0x0"), (0x4000, 0));
    assert_eq!(of("--set-mark 0x3/0x1"), (3, 3));
    assert_eq!(of("--and-mark 0xff"), (0, 0xffff_ff00));
    assert_eq!(of("--or-mark 0x10"), (0x10, 0x10));
}

#[test]
fn nat_destinations() {
    let of = |to: &str| {
        let text = format!("*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -j DNAT --to-destination {to}\nCOMMIT\n");
        match parse(&text, Family::V6).value.rules[0].target {
            Target::Dnat(nat) => (nat.addr.map(|a| (a.0.to_string(), a.1.to_string())), nat.ports.map(|p| (p.first, p.last))),
            ref other => panic!("{other:?}"),
        }
    };
    let addr = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
    assert_eq!(of(":53"), (None, Some((53, 53))));
    assert_eq!(of("10.0.0.1-10.0.0.9:80-90"), (addr("10.0.0.1", "10.0.0.9"), Some((80, 90))));
    assert_eq!(of("[fd00::1]:80"), (addr("fd00::1", "fd00::1"), Some((80, 80))));
    assert_eq!(of("fd00::1"), (addr("fd00::1", "fd00::1"), None));
}

proptest::proptest! {
    /// Whatever is cut out of a real text or put into it, nothing panics, and every span lies in the text.
    #[test]
    fn no_input_panics(cut in 0usize..9000, len in 0usize..200, junk in "[ -~\\n\"\\\\é!]{0,40}", which in 0usize..4) {
        let base = [ODD, ROUTER, LEGACY, EXTENSIONS][which];
        let keep = |n: usize| (0..=n.min(base.len())).rev().find(|&i| base.is_char_boundary(i)).unwrap_or(0);
        let text = format!("{}{junk}{}", &base[..keep(cut)], &base[keep(cut + len)..]);
        let parsed = parse(&text, Family::V6);
        proptest::prop_assert_eq!(parsed.value.to_save(&text).to_string(), text.as_str());
        let normal = parsed.value.to_normalized(&text).to_string();
        let again = parse(&normal, Family::V6).value;
        // What somebody left out of a paste (`--`, `...`) is a record that has no text to be printed.
        let said = |set: &Ruleset| set.rules.iter().filter(|r| !matches!(r.target, Target::Elided(_))).count();
        proptest::prop_assert_eq!(said(&again), said(&parsed.value));
        for m in &parsed.value.matches {
            proptest::prop_assert!(text.get(m.span.start as usize..m.span.end as usize).is_some());
        }
        for p in &parsed.problems {
            proptest::prop_assert!(text.get(p.at.start as usize..p.at.end as usize).is_some());
        }
    }
}
