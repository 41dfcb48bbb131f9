//! Rulesets of real tools: both forms agree, nothing is left over, and every record is what the snapshot says.

use super::*;
use crate::parse::nft::compat::{Owner, owner};

macro_rules! fixture {
    ($path:literal) => {
        include_str!(concat!("../../../../../fixtures/captures/", $path))
    };
}
pub(super) use fixture;

/// Every record on a line of its own.
pub(super) fn listing(parsed: &Parsed<Ruleset>) -> String {
    let r = &parsed.value;
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    for (i, t) in (0..).zip(&r.tables) {
        let owned = owner(r, TableId(i));
        line(format!("table {} {} {:?} {:?} {owned:?} {:?}", t.family.name(), t.name, t.handle, t.flags, t.comment));
    }
    for s in &r.sets {
        let data = s.data.as_ref().map(|d| d.text.as_deref().unwrap_or_default());
        line(format!("set {} {:?} {data:?} {:?} size {:?} timeout {:?}", s.name, s.key.text, s.flags, s.size, s.timeout));
        for e in &s.elems {
            line(format!("    {}: {:?} => {:?} {:?}", e.at.line, e.key, e.data, e.extra));
        }
    }
    for o in &r.objects {
        line(format!("object {} {:?} {:?}", o.name, o.kind, o.spec));
    }
    for f in &r.flowtables {
        line(format!("flowtable {} {:?} {:?} {:?} {:?}", f.name, f.hook, f.priority, f.devices, f.flags));
    }
    for (i, c) in (0..).zip(&r.chains) {
        line(format!("chain {} {:?} {:?} {:?}", c.name, c.handle, c.base, c.comment));
        for (_, rule) in r.rules_of(ChainId(i)) {
            line(format!("    {}: {:?} {:?}", rule.at.line, rule.handle, rule.comment));
            for stmt in r.stmts(rule) {
                line(format!("        {stmt:?}"));
            }
        }
    }
    for o in &r.others {
        line(format!("other {}: {}", o.at.line, o.text));
    }
    for n in &r.notes {
        line(format!("note {}: {}", n.at.line, n.text));
    }
    for p in &parsed.problems {
        line(format!("problem {}: {}", p.at.line, p.what));
    }
    out
}

/// Whether anything was kept as text for want of a meaning.
fn opaque(ruleset: &Ruleset) -> Vec<String> {
    let rules = ruleset.rules.iter().flat_map(|r| ruleset.stmts(r));
    let mut found: Vec<String> =
        rules.map(|s| format!("{s:?}")).filter(|s| s.contains("Other(") || s.contains("Symbol(")).collect();
    found.extend(ruleset.others.iter().map(|o| o.text.to_string()));
    found
}

#[test]
fn every_statement_that_a_kernel_takes_reads_the_same_in_both_forms() {
    let json = fixture!("nft-json/every-statement.json");
    for text in [fixture!("nft-text/every-statement-numeric.txt"), fixture!("nft-text/every-statement.txt")] {
        assert_eq!(disagreements(json, text), Vec::<String>::new());
        assert_eq!(opaque(&text::parse(text).value), Vec::<String>::new());
    }
    let parsed = json::parse(json);
    assert_eq!(opaque(&parsed.value), Vec::<String>::new());
    assert!(parsed.value.rules.len() > 240, "{}", parsed.value.rules.len());
    insta::assert_snapshot!("every_statement", listing(&text::parse(fixture!("nft-text/every-statement-numeric.txt"))));
}

#[test]
fn a_kube_proxy_node_reads_the_same_in_both_forms() {
    let (json, text) = (fixture!("nft-json/kube-proxy-nftables.json"), fixture!("nft-text/kube-proxy-nftables.txt"));
    assert_eq!(disagreements(json, text), Vec::<String>::new());
    let r = json::parse(json).value;
    assert_eq!(opaque(&r), Vec::<String>::new());
    let table = r.table(NftFamily::Ip, "kube-proxy").unwrap();
    assert_eq!(owner(&r, table), Owner::Native);
    assert_eq!(owner(&r, r.table(NftFamily::Ip, "nat").unwrap()), Owner::Certain);
    // The Service's address leads to its chain, and the chain to one of its endpoints.
    let services = r.set(table, &"service-ips".into()).unwrap();
    let dns = services.elems.iter().find(|e| {
        e.key
            == Expr::Concat(Box::new([
                Expr::Value(Value::Addr("10.96.0.10".parse().unwrap())),
                Expr::number(17),
                Expr::number(53),
            ]))
    });
    let Some(Expr::Verdict(Verdict::Goto(chain))) = &dns.unwrap().data else { panic!("no goto") };
    let chain = r.chain(table, chain).unwrap();
    let (_, rule) = r.rules_of(chain).next().unwrap();
    let [Stmt::Match { .. }, Stmt::Nat(nat)] = r.stmts(rule) else { panic!("{:?}", r.stmts(rule)) };
    assert_eq!((nat.kind, nat.family), (NatKind::Dnat, Some(NftFamily::Ip)));
    let Some(Expr::Map(map)) = &nat.addr else { panic!("no map") };
    assert_eq!(map.key, Expr::Numgen { random: true, modulus: 2, offset: 0 });
    let Expr::Set(endpoints) = &map.data else { panic!("no set") };
    let endpoint = Expr::Concat(Box::new([Expr::Value(Value::Addr("10.244.2.2".parse().unwrap())), Expr::number(5353)]));
    assert_eq!(endpoints[0].data, Some(endpoint));
    // Everything that jumps has a place to go to.
    for rule in &r.rules {
        let table = r.chain_record(rule.chain).unwrap().table;
        for stmt in r.stmts(rule) {
            if let Stmt::Verdict(Verdict::Jump(to) | Verdict::Goto(to)) = stmt {
                assert!(r.chain(table, to).is_some(), "{to}");
            }
        }
    }
}

#[test]
fn tables_of_iptables_nft_read_as_what_they_are() {
    let pairs = [
        (fixture!("nft-json/iptables-nft.json"), fixture!("nft-text/iptables-nft.txt")),
        (fixture!("nft-json/kube-router.json"), fixture!("nft-text/kube-router.txt")),
    ];
    for (json, text) in pairs {
        assert_eq!(disagreements(json, text), Vec::<String>::new());
        let (json, text) = (json::parse(json).value, text::parse(text).value);
        for ruleset in [&json, &text] {
            assert_eq!(opaque(ruleset), Vec::<String>::new());
            for (i, table) in (0..).zip(&ruleset.tables) {
                assert_ne!(owner(ruleset, TableId(i)), Owner::Native, "{}", table.name);
            }
        }
        // What is opaque in JSON is never fewer statements in text.
        let count = |r: &Ruleset| r.rules.iter().map(|rule| r.stmts(rule).len()).collect::<Vec<_>>();
        assert!(count(&json).iter().zip(count(&text)).all(|(a, b)| *a <= b));
    }
}

#[test]
fn what_this_kernel_lacks_reads_the_same_in_both_forms() {
    let (json, text) = (json::parse(fixture!("nft-json/by-hand.json")), text::parse(fixture!("nft-text/by-hand.txt")));
    insta::assert_snapshot!("by_hand_json", listing(&json));
    insta::assert_snapshot!("by_hand_text", listing(&text));
    let differences = agree::differences(&json.value, &text.value);
    // The unknown is verbatim, so it differs; nothing else does.
    let unknown = |d: &String| d.contains("Other(");
    assert_eq!(differences.iter().filter(|d| !unknown(d)).collect::<Vec<_>>(), Vec::<&String>::new());
    for parsed in [&json, &text] {
        let last = parsed.value.rules.last().unwrap();
        let [Stmt::Match { .. }, Stmt::Other(_), Stmt::Counter(Some(_)), Stmt::Verdict(Verdict::Accept)] =
            parsed.value.stmts(last)
        else {
            panic!("{:?}", parsed.value.stmts(last));
        };
    }
}

/// A document in the form that nft prints is read in one go; any other (here one that begins with a blank) is cut into objects first.
#[test]
fn both_ways_through_a_document_give_the_same() {
    let shown = |text: &str| {
        let Parsed { value: r, problems } = json::parse(text);
        let stmts: Vec<_> = r.rules.iter().map(|rule| r.stmts(rule)).collect();
        let parts = (&r.tables, &r.chains, &r.rules, &r.sets, &r.objects, &r.flowtables, &r.others, &r.notes, &r.version);
        format!("{parts:?} {stmts:?} {problems:?}")
    };
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/captures/nft-json");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let printed = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let other = printed.replacen("{\"nftables\": [", "{ \"nftables\":[", 1);
        assert_ne!(printed, other);
        assert_eq!(shown(&printed), shown(&other));
        for n in 1..20 {
            let mut cut = printed.len() * n / 20;
            while !printed.is_char_boundary(cut) {
                cut -= 1;
            }
            assert_eq!(shown(&printed[..cut]), shown(&other[..cut]), "cut at {cut}");
            // A word that means nothing in the middle, wherever that is.
            let broken = |text: &str| format!("{}{}", &text[..cut], text[cut..].replacen('"', "\"?", 1));
            assert_eq!(shown(&broken(&printed)), shown(&broken(&other)), "broken at {cut}");
        }
        seen += 1;
    }
    assert!(seen > 3);
}
