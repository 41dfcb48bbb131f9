//! What real threads hold (lines 17 to 21 of the list of quirks), asserted for meaning.

use super::fixtures::{fixture, listing};
use super::*;
use crate::parse::nft::compat::{Owner, owner};

fn rules<'r>(r: &'r Ruleset, family: NftFamily, table: &str, chain: &str) -> Vec<&'r Rule> {
    let table = r.table(family, table).unwrap();
    let chain = r.chain(table, &chain.into()).unwrap();
    r.rules_of(chain).map(|(_, rule)| rule).collect()
}

fn xt(stmt: &Stmt) -> (XtKind, Option<&str>, Option<&str>) {
    match stmt {
        Stmt::Xt(xt) => (xt.kind, xt.name.as_deref(), xt.text.as_deref()),
        other => panic!("no extension: {other:?}"),
    }
}

fn jump(to: &str) -> Stmt {
    Stmt::Verdict(Verdict::Jump(to.into()))
}

#[test]
fn q17_what_nft_could_not_translate_stays_in_its_place() {
    let parsed = text::parse(fixture!("nft-text/quirk-17-untranslated.txt"));
    assert_eq!(parsed.problems, []);
    let r = &parsed.value;
    let forward = rules(r, NftFamily::Ip, "filter", "KUBE-ROUTER-FORWARD");
    assert_eq!(forward.len(), 6);
    // Stripped from `#`, this rule would be nothing; stripped to the counter, it would be an unconditional jump.
    let [set, Stmt::Counter(Some(counter)), to] = r.stmts(forward[0]) else { panic!("{:?}", r.stmts(forward[0])) };
    assert_eq!(xt(set), (XtKind::Match, Some("set"), Some("match-set KUBE-DST-X dst,dst")));
    assert_eq!((counter.packets, to), (5, &jump("KUBE-POD-FW-X")));
    let [hidden, Stmt::Match { .. }, socket, Stmt::Counter(_), Stmt::Verdict(Verdict::Accept)] = r.stmts(forward[1]) else {
        panic!("{:?}", r.stmts(forward[1]))
    };
    assert_eq!(xt(hidden), (XtKind::Unknown, None, None));
    assert_eq!(xt(socket), (XtKind::Unknown, Some("socket"), Some("socket --transparent")));
    let [Stmt::Match { .. }, a, b, Stmt::Match { right, .. }, Stmt::Counter(_), Stmt::Verdict(Verdict::Drop)] =
        r.stmts(forward[2])
    else {
        panic!("{:?}", r.stmts(forward[2]))
    };
    assert_eq!((xt(a).2, xt(b).2), (Some("match-set A src"), Some("match-set B dst")));
    assert_eq!(*right, Expr::number(443));
    // A live rule that begins with `#`.
    assert_eq!(forward[3].handle, Some(7));
    let [Stmt::Xt(comment), Stmt::Counter(_), to] = r.stmts(forward[3]) else { panic!("{:?}", r.stmts(forward[3])) };
    assert!(comment.is_comment());
    assert_eq!(*to, jump("KUBE-FORWARD"));
    // A target: the rule does something, though no verdict is there.
    let [.., Stmt::Counter(_), tproxy] = r.stmts(forward[4]) else { panic!("{:?}", r.stmts(forward[4])) };
    assert_eq!(xt(tproxy).0, XtKind::Target);
    let [.., recent, Stmt::Counter(_), to] = r.stmts(forward[5]) else { panic!("{:?}", r.stmts(forward[5])) };
    assert!(xt(recent).2.unwrap().starts_with("recent: CHECK seconds: 10800"));
    assert_eq!(*to, jump("KUBE-SEP-X"));

    let post = rules(r, NftFamily::Ip, "nat", "KUBE-POSTROUTING");
    // The message cut the rule in two; the target on the next line is its own.
    let [hidden, Stmt::Counter(_), target] = r.stmts(post[1]) else { panic!("{:?}", r.stmts(post[1])) };
    assert_eq!(xt(hidden).1, None);
    assert_eq!(xt(target), (XtKind::Target, Some("MASQUERADE"), None));
    // A blank at the end, with and without a handle: a target that nothing is said of. Never "no verdict".
    for rule in [post[2], post[3]] {
        let [.., Stmt::Counter(_), Stmt::Xt(target)] = r.stmts(rule) else { panic!("{:?}", r.stmts(rule)) };
        assert!(target.is_hidden());
    }
    let [Stmt::Match { .. }, Stmt::Xt(between), Stmt::Counter(_), Stmt::Verdict(Verdict::Accept)] = r.stmts(post[4]) else {
        panic!("{:?}", r.stmts(post[4]))
    };
    assert!(between.is_hidden());
    let [Stmt::Match { .. }, Stmt::Xt(comment), Stmt::Counter(_), to] = r.stmts(post[5]) else {
        panic!("{:?}", r.stmts(post[5]))
    };
    assert!(comment.is_comment());
    assert_eq!(*to, jump("KUBE-SVC-X"));
    assert_eq!(r.notes.len(), 1);
    insta::assert_snapshot!("q17", listing(&parsed));
}

#[test]
fn q18_warnings_name_owners_and_handles_are_no_rules() {
    let parsed = text::parse(fixture!("nft-text/quirk-18-warnings.txt"));
    assert_eq!(parsed.problems, []);
    let r = &parsed.value;
    let of = |family, name: &str| owner(r, r.table(family, name).unwrap());
    assert_eq!(of(NftFamily::Ip, "nat"), Owner::Certain);
    assert_eq!(of(NftFamily::Ip6, "nat"), Owner::Certain);
    assert_eq!(of(NftFamily::Ip, "mangle"), Owner::Likely);
    assert_eq!(of(NftFamily::Ip, "firewalld"), Owner::Native);
    assert_eq!(r.notes.len(), 3);
    let rule = rules(r, NftFamily::Ip, "nat", "FLANNEL-POSTRTG")[0];
    assert_eq!(rule.handle, Some(1_234_567_890_123));
    assert_eq!(rule.comment.as_deref(), Some("handle # 99 { is no handle"));
    assert_eq!(r.stmts(rule).len(), 2);
    assert_eq!(r.tables[0].handle, Some(1));
}

#[test]
fn q19_blanks_priorities_and_names() {
    let parsed = text::parse(fixture!("nft-text/quirk-19-blanks-priorities-names.txt"));
    let r = &parsed.value;
    // A priority that is not known is said, and is no number.
    assert_eq!(parsed.problems.len(), 1, "{:?}", parsed.problems);
    assert!(parsed.problems[0].what.contains("priority"));
    let priorities: Vec<_> = r.base_chains().map(|(_, c, b)| (&*c.name, b.priority)).collect();
    let expected = [
        ("OUTPUT", Some(-100)),
        ("a", Some(-100)),
        ("b", Some(100)),
        ("c", Some(99)),
        ("d", Some(0)),
        ("e", Some(-145)),
        ("f", None),
        ("pre", Some(-300)),
        ("out", Some(102)),
    ];
    assert_eq!(priorities, expected);
    assert_eq!(r.base_chains().filter(|(.., b)| b.policy == Policy::Drop).count(), 1);
    // Indented by blanks, the blank more still stands for an extension; in kube-proxy's own table it is nothing.
    let output = rules(r, NftFamily::Ip, "nat", "OUTPUT");
    let [Stmt::Xt(_), Stmt::Counter(_), to] = r.stmts(output[0]) else { panic!("{:?}", r.stmts(output[0])) };
    assert_eq!(*to, jump("KUBE-SERVICES"));
    let hidden = r.stmts(output[1]).iter().filter(|s| matches!(s, Stmt::Xt(xt) if xt.is_hidden())).count();
    assert_eq!(hidden, 3, "{:?}", r.stmts(output[1]));
    let endpoint = rules(r, NftFamily::Ip, "kube-proxy", "endpoint-ZIATHYQC-default/kubernetes/tcp/https__10.128.0.16/6443");
    assert!(r.stmts(endpoint[0]).iter().all(|s| !matches!(s, Stmt::Xt(_))));
    assert_eq!(r.stmts(endpoint[1]), [Stmt::Verdict(Verdict::Goto("service-X-default/odd/tcp/".into()))]);
    let cali = rules(r, NftFamily::Ip, "kube-proxy", "filter-cali-FORWARD");
    assert_eq!(r.stmts(cali[0]), [jump("filter-cali-FORWARD.v2")]);
}

#[test]
fn q20_maps_and_sets() {
    let parsed = text::parse(fixture!("nft-text/quirk-20-maps-sets.txt"));
    assert_eq!(parsed.problems, []);
    let r = &parsed.value;
    let table = r.table(NftFamily::Ip, "kube-proxy").unwrap();
    let set = |name: &str| r.set(table, &name.into()).unwrap();
    let services = set("service-ips");
    assert_eq!(services.elems.len(), 3);
    assert_eq!(services.elems[2].at.line, 8);
    assert_eq!(services.key.kinds.get(2), Kind::Port);
    let none = set("no-endpoint-services");
    assert_eq!(none.elems[0].comment(), Some("default/noeps:http"));
    assert_eq!(none.elems[0].data, Some(Expr::Verdict(Verdict::Goto("reject-chain".into()))));
    assert_eq!(none.elems[1].comment(), Some("a : b, { c }"));
    assert_eq!(none.elems[1].data, Some(Expr::Verdict(Verdict::Drop)));
    assert!(set("firewall-ips").is_map() && set("firewall-ips").elems.is_empty());
    let nets = set("nets");
    assert!(nets.flags.interval && nets.auto_merge);
    assert!(matches!(nets.elems[0].key, Expr::Value(Value::Prefix(_))) && matches!(nets.elems[2].key, Expr::Range(_)));
    let affinity = set("affinity");
    assert_eq!((affinity.timeout, affinity.size, affinity.flags.dynamic), (Some(10_800_000), Some(65535), true));
    assert_eq!(affinity.elems[0].extra.as_ref().unwrap().expires, Some(10_799_884));
    let rule = rules(r, NftFamily::Ip, "kube-proxy", "service-X")[0];
    let [Stmt::Vmap(map)] = r.stmts(rule) else { panic!("{:?}", r.stmts(rule)) };
    let Expr::Set(elems) = &map.data else { panic!("no set") };
    assert_eq!(elems.len(), 120);
    let last = Verdict::Goto("endpoint-00119-default/web/tcp/http__10.244.1.119/8080".into());
    assert_eq!(elems[119].data, Some(Expr::Verdict(last)));
}

#[test]
fn q21_other_owners_and_commands() {
    let parsed = text::parse(fixture!("nft-text/quirk-21-other-owners.txt"));
    let r = &parsed.value;
    // Only the command that takes away is a problem: it is not carried out.
    assert_eq!(parsed.problems.len(), 1, "{:?}", parsed.problems);
    assert_eq!(r.others.len(), 1);
    let zones = rules(r, NftFamily::Inet, "firewalld", "filter_FORWARD_ZONES");
    assert_eq!(r.stmts(zones[1]), [Stmt::Verdict(Verdict::Goto("filter_FWD_public".into()))]);
    // A second base chain on the same hook that refuses whatever the first accepted.
    let forward: Vec<_> =
        r.base_chains().filter(|(.., b)| b.hook == Hook::Forward).map(|(_, c, b)| (&*c.name, b.priority.unwrap())).collect();
    assert_eq!(forward, [("netbird-acl-forward-filter", 0), ("filter_FORWARD", 10)]);
    let last = *rules(r, NftFamily::Inet, "firewalld", "filter_FORWARD").last().unwrap();
    assert_eq!(r.stmts(last), [Stmt::Reject(Reject::Icmpx(3))]);
    assert_eq!(r.tables.iter().find(|t| &*t.name == "firewalld").unwrap().owner.as_deref(), Some("firewalld"));
    // tailscale's marks, and its wildcard.
    let ts = rules(r, NftFamily::Ip, "filter", "ts-forward");
    let [Stmt::Match { right, .. }, _, Stmt::Set { value, .. }] = r.stmts(ts[0]) else { panic!("{:?}", r.stmts(ts[0])) };
    assert_eq!(*right, Expr::Value(Value::IfacePrefix("tailscale0".into())));
    let mark = Expr::Meta(MetaKey::Mark);
    assert_eq!(*value, BinOp::Xor.apply(BinOp::And.apply(mark, Expr::number(0xff00_ffff)), Expr::number(0x40000)));
    // Commands: the inserted rule is the first.
    let input = rules(r, NftFamily::Ip, "scripted", "input");
    assert_eq!(input.len(), 3);
    assert!(matches!(
        r.stmts(input[0]),
        [Stmt::Match { left: Expr::Meta(MetaKey::IifName), .. }, Stmt::Verdict(Verdict::Accept)]
    ));
    assert_eq!(r.stmts(input[1]).len(), 3);
    // Without a family it is ip.
    assert!(matches!(r.stmts(input[2]), [Stmt::Counter(None), Stmt::Verdict(Verdict::Drop)]));
    let table = r.table(NftFamily::Ip, "scripted").unwrap();
    let peers = r.set(table, &"peers".into()).unwrap();
    assert!(peers.flags.interval && peers.elems.len() == 2);
    insta::assert_snapshot!("q21", listing(&parsed));
}
