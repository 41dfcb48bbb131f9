//! Cut, mutated and made input: nothing panics, what stands before a cut is kept, and time stays linear.

use super::fixtures::fixture;
use super::*;
use proptest::prelude::*;

const JSON: &[&str] = &[
    fixture!("nft-json/every-statement.json"),
    fixture!("nft-json/kube-proxy-nftables.json"),
    fixture!("nft-json/kube-router.json"),
    fixture!("nft-json/by-hand.json"),
];
const TEXT: &[&str] = &[
    fixture!("nft-text/every-statement.txt"),
    fixture!("nft-text/kube-proxy-nftables.txt"),
    fixture!("nft-text/by-hand.txt"),
    fixture!("nft-text/quirk-17-untranslated.txt"),
    fixture!("nft-text/quirk-20-maps-sets.txt"),
    fixture!("nft-text/quirk-21-other-owners.txt"),
];

/// Positions lie in the text, and the records can be asked for.
fn sound(text: &str) {
    for parsed in [parse(text), text::parse(text), json::parse(text)] {
        for problem in &parsed.problems {
            assert!(text.get(problem.at.start as usize..problem.at.end as usize).is_some(), "{problem:?}");
        }
        for rule in &parsed.value.rules {
            assert!(text.get(rule.at.start as usize..rule.at.end as usize).is_some());
            let _ = parsed.value.stmts(rule);
        }
        for (i, _) in (0..).zip(&parsed.value.tables) {
            let _ = compat::owner(&parsed.value, TableId(i));
        }
    }
}

fn piece(text: &str, at: usize) -> usize {
    (0..=at % (text.len() + 1)).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn mutated_samples_never_panic(which in 0usize..10, cut in any::<usize>(), at in any::<usize>(), junk in "[ -~\n\t{}\":#@]{0,12}") {
        let text = JSON.iter().chain(TEXT).nth(which).copied().unwrap_or_default();
        let (from, to) = (piece(text, cut), piece(text, at));
        let (from, to) = (from.min(to), from.max(to));
        sound(&text[..from]);
        sound(&text[from..to]);
        sound(&format!("{}{junk}{}", &text[..from], &text[to..]));
    }

    #[test]
    fn words_in_any_order_never_panic(words in proptest::collection::vec(prop_oneof![
        Just("table ip filter {\n"), Just("chain a {\n"), Just("}"), Just("{"), Just("\n"), Just("ip"), Just("saddr"), Just("@nh,8,8"),
        Just("1-2"), Just("."), Just("vmap"), Just("map"), Just("set"), Just(":"), Just("/"), Just("&"), Just("("), Just(")"), Just("jhash"),
        Just("mod"), Just("0x10"), Just("\"x"), Just("\""), Just("#"), Just("counter packets 1 bytes 2"), Just("jump a"), Just("dnat to"),
        Just("[fe80::1]:80"), Just("::1"), Just("elements = {"), Just("set s {\n"), Just("type ipv4_addr"), Just("typeof"), Just("tcp option"),
        Just("fib"), Just("limit rate 1/second"), Just("xt target"), Just("\u{1F600}"), Just(","), Just("-"), Just("!"),
    ], 0..60)) {
        sound(&words.join(" "));
    }
}

#[test]
fn a_document_that_is_cut_keeps_what_stands_before_the_cut() {
    let json = JSON[1];
    let whole = json::parse(json).value;
    let cut = json::parse(&json[..json.len() * 9 / 10]);
    assert_eq!(cut.problems.len(), 1);
    assert!(cut.problems[0].what.contains("ends badly"));
    assert!(cut.value.rules.len() > 10 && cut.value.rules.len() < whole.rules.len());
    for (a, b) in cut.value.rules.iter().zip(&whole.rules) {
        assert_eq!(cut.value.stmts(a), whole.stmts(b));
    }
}

#[test]
fn half_a_rule_is_not_taken_for_a_whole_one() {
    let text = "table ip t {\n\tchain c {\n\t\tip saddr 10.0.0.1 accept\n\t\tip saddr 10.0.0.1";
    let parsed = text::parse(text);
    let last = parsed.value.rules.last().unwrap();
    assert_eq!(parsed.value.stmts(last), [Stmt::Other("ip saddr 10.0.0.1".into())]);
    assert_eq!(parsed.value.stmts(&parsed.value.rules[0]).len(), 2);
    assert!(parsed.problems.iter().any(|p| p.what == "the rule is cut off" && p.at.line == 4));
}

#[test]
fn a_statement_of_an_unforeseen_form_costs_only_itself() {
    let json = r#"{"nftables": [{"rule": {"family": "ip", "table": "t", "chain": "c", "handle": 1, "expr": [
        {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "10.0.0.1"}},
        {"match": {"op": "==", "left": {"payload": 5}, "right": 1}}, {"match": {"op": "~", "left": 1, "right": 1}}, 7, {"drop": null}]}},
        {"rule": {"family": "ip", "table": "t"}}, {"unheard": {"of": []}}, {"table": 3},
        {"chain": {"family": "ip", "table": "t", "name": "c", "handle": 9}}]}"#;
    let parsed = json::parse(json);
    let r = &parsed.value;
    let rule = &r.rules[0];
    let [Stmt::Match { .. }, Stmt::Other(a), Stmt::Other(_), Stmt::Other(seven), Stmt::Verdict(Verdict::Drop)] = r.stmts(rule)
    else {
        panic!("{:?}", r.stmts(rule))
    };
    assert!(a.contains("{\"payload\": 5}"));
    assert_eq!(&**seven, "7");
    assert_eq!(r.others.len(), 3);
    assert_eq!(r.chains.len(), 1);
    assert_eq!(r.chains[0].handle, Some(9));
    let lines: Vec<u32> = parsed.problems.iter().map(|p| p.at.line).collect();
    assert_eq!(lines, [1, 1, 1, 4, 4], "{:?}", parsed.problems);
}

#[test]
fn members_in_another_order_mean_the_same() {
    let json = r#"{"nftables": [{"rule": {"expr": [{"match": {"right": "tcp", "left": {"meta": {"key": "l4proto"}}, "op": "=="}},
        {"vmap": {"data": {"set": [["established", {"accept": null}]]}, "key": {"ct": {"key": "state"}}}}],
        "chain": "c", "table": "t", "family": "ip"}}]}"#;
    let parsed = json::parse(json);
    assert_eq!(parsed.problems, []);
    let r = &parsed.value;
    let [Stmt::Match { right, .. }, Stmt::Vmap(map)] = r.stmts(&r.rules[0]) else { panic!() };
    assert_eq!(*right, Expr::number(6));
    let Expr::Set(elems) = &map.data else { panic!() };
    assert_eq!(elems[0].key, Expr::number(2));
}

#[test]
fn long_and_deep_input_takes_linear_time() {
    let depth = 20_000;
    let began = std::time::Instant::now();
    for word in [
        "(",
        "{ ",
        "ip saddr { ",
        "ip saddr vmap { 1 : drop, ",
        "jhash ",
        "drop ",
        "# x ",
        "vxlan ",
        "comment \"",
        "a & ",
        "1 . ",
    ] {
        let rule = word.repeat(depth);
        sound(&format!("table ip filter {{\n\tchain c {{\n\t\t{rule}\n\t}}\n}}\n"));
        sound(&rule);
    }
    for word in
        ["table ip t {\n", "chain c {\n", "}\n", "add rule ip t c drop\n", "insert rule ip t c drop\n", "\"\n", "x {\nchain "]
    {
        sound(&word.repeat(depth / 4));
    }
    for word in ["[", "{\"a\":", "{\"nftables\":["] {
        sound(&format!("{{\"nftables\": [{}", word.repeat(depth)));
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
