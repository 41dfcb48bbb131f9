use bundle::{Bundle, Capture, Key};

use crate::family::Family;
use crate::state::Node;
use crate::walk::{Decision, Dev, Hook, Packet, evaluate};

const KUBE: &str = include_str!("../../../../fixtures/captures/iptables-save/kube-proxy-flannel-nft.txt");
const LEGACY: &str = include_str!("../../../../fixtures/captures/iptables-save/legacy-forward-drop.txt");
const NFT: &str = r#"{"nftables": []}"#;

pub(super) fn node(nft_save: &str, legacy: Option<&str>, nft: &str) -> Node {
    let manifest = serde_json::from_value(serde_json::json!({
        "format": {"major": 1, "minor": 0}, "collector": {"name": "t", "version": "0", "root": true},
        "node": {"name": "n", "kernel": "", "arch": ""}, "started_at": "2026-01-01T00:00:00Z",
    }));
    let mut texts =
        vec![(Key::node(Capture::IptablesNftSave), nft_save.to_owned()), (Key::node(Capture::NftRuleset), nft.to_owned())];
    texts.extend(legacy.map(|text| (Key::node(Capture::IptablesLegacySave), text.to_owned())));
    Node::new(Bundle::from_texts("t", manifest.unwrap(), texts))
}

fn pod_to_pod() -> Packet {
    let packet = Packet::new(Family::V4).between("10.244.1.2".parse().unwrap(), "10.244.2.2".parse().unwrap());
    packet.tcp(8080).via(Dev::named("cni0"), Dev::named("flannel.1"))
}

fn forward(node: &Node) -> (Decision, Vec<String>) {
    let verdict = evaluate(node, Hook::Forward, &pod_to_pod()).unwrap();
    (verdict.decision, verdict.deciding.into_iter().map(|p| p.evidence.text).collect())
}

fn filter(rules: &str) -> String {
    format!("*filter\n:FORWARD ACCEPT [0:0]\n:X - [0:0]\n{rules}\nCOMMIT\n")
}

#[test]
fn a_policy_of_drop_is_harmless_behind_an_accept() {
    let (decision, deciding) = forward(&node(KUBE, Some(""), NFT));
    assert_eq!(decision, Decision::Accept);
    assert!(deciding[0].contains("-A FLANNEL-FWD -s 10.244.0.0/16"), "{deciding:?}");

    let without: String = KUBE.lines().filter(|l| !l.contains("-j FLANNEL-FWD")).map(|l| format!("{l}\n")).collect();
    let (decision, deciding) = forward(&node(&without, Some(""), NFT));
    assert_eq!((decision, deciding[0].as_str()), (Decision::Drop, ":FORWARD DROP [0:0]"));
}

/// An unconditional refusal kills the CNI's accept behind it, although that stands there.
#[test]
fn a_reject_before_an_accept_decides() {
    let save = include_str!("../../../../fixtures/captures/iptables-save/quirk-16-order.txt");
    let (decision, deciding) = forward(&node(save, Some(""), NFT));
    assert_eq!(decision, Decision::Reject { with: "icmp-host-prohibited".to_owned() });
    assert_eq!(deciding, ["-A FORWARD -j REJECT --reject-with icmp-host-prohibited"]);

    let reject = "-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n";
    let behind = save.replace(reject, "").replace("COMMIT", &format!("{reject}COMMIT"));
    assert_eq!(forward(&node(&behind, Some(""), NFT)).0, Decision::Accept);
}

#[test]
fn a_drop_of_one_back_end_beats_the_accept_of_the_other() {
    let (decision, deciding) = forward(&node(KUBE, Some(LEGACY), NFT));
    assert_eq!((decision, deciding[0].as_str()), (Decision::Drop, "[35:2050] -A FORWARD -j DROP"));
}

#[test]
fn a_missing_ruleset_is_no_accept_but_leaves_a_drop_certain() {
    let missing = evaluate(&node(KUBE, None, NFT), Hook::Forward, &pod_to_pod()).unwrap_err();
    assert_eq!(missing.capture, "node/iptables-legacy-save.txt");
    assert_eq!(forward(&node(&filter("-A FORWARD -j DROP"), None, NFT)).0, Decision::Drop);
}

#[test]
fn an_unknown_match_is_undecided_only_where_it_matters() {
    let undecided = node(&filter("-A FORWARD -m geoip --source-country XX -j DROP"), Some(""), NFT);
    let verdict = evaluate(&undecided, Hook::Forward, &pod_to_pod()).unwrap();
    assert_eq!(verdict.decision, Decision::Undecided);
    assert_eq!(verdict.blockers.len(), 1);
    assert_eq!(verdict.blockers[0].place.evidence.line, 4);

    // Both sides end alike.
    let alike = filter("-A FORWARD -m geoip --source-country XX -j DROP\n-A FORWARD -j DROP");
    assert_eq!(forward(&node(&alike, Some(""), NFT)).0, Decision::Drop);
    // The jump leads nowhere for this packet.
    let idle = filter("-A FORWARD -m geoip --source-country XX -j X\n-A X -p udp -j DROP");
    assert_eq!(forward(&node(&idle, Some(""), NFT)).0, Decision::Accept);
}

#[test]
fn marks_return_and_goto_lead_as_in_the_kernel() {
    let rules = "-A FORWARD -j X\n-A FORWARD -m mark --mark 0x4/0x4 -j DROP\n-A X -j MARK --set-xmark 0x4/0x4\n-A X -j RETURN\n-A X -j ACCEPT";
    assert_eq!(forward(&node(&filter(rules), Some(""), NFT)).0, Decision::Drop);
    // The end of a chain that was gone to returns to the caller's caller: here the policy.
    assert_eq!(forward(&node(&filter("-A FORWARD -g X\n-A FORWARD -j DROP"), Some(""), NFT)).0, Decision::Accept);
    assert_eq!(forward(&node(&filter("-A FORWARD -j X\n-A X -j X"), Some(""), NFT)).0, Decision::Undecided);
}

#[test]
fn a_mark_made_of_a_hash_is_not_known() {
    let rules = |before: &str| filter(&format!("{before}-A FORWARD -m mark --mark 0x5 -j DROP"));
    assert_eq!(forward(&node(&rules(""), Some(""), NFT)).0, Decision::Accept);
    let hashed = rules("-A FORWARD -p tcp -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 9\n");
    assert_eq!(forward(&node(&hashed, Some(""), NFT)).0, Decision::Undecided);
}

#[test]
fn native_tables_are_seen_with_their_maps() {
    let nft = |verdict: &str| {
        format!(
            concat!(
                r#"{{"nftables": [{{"table": {{"family": "inet", "name": "fw", "handle": 1}}}}, "#,
                r#"{{"chain": {{"family": "inet", "table": "fw", "name": "f", "handle": 1, "type": "filter", "hook": "forward", "prio": 10, "policy": "accept"}}}}, "#,
                r#"{{"map": {{"family": "inet", "name": "m", "table": "fw", "type": ["ipv4_addr", "inet_proto", "inet_service"], "handle": 2, "map": "verdict", "elem": [[{{"concat": ["10.244.2.2", "tcp", 8080]}}, {{"{}": null}}]]}}}}, "#,
                r#"{{"rule": {{"family": "inet", "table": "fw", "chain": "f", "handle": 3, "expr": [{{"vmap": {{"key": {{"concat": [{{"payload": {{"protocol": "ip", "field": "daddr"}}}}, {{"meta": {{"key": "l4proto"}}}}, {{"payload": {{"protocol": "th", "field": "dport"}}}}]}}, "data": "@m"}}}}]}}}}]}}"#,
            ),
            verdict
        )
    };
    assert_eq!(forward(&node(KUBE, Some(""), &nft("drop"))).0, Decision::Drop);
    assert_eq!(forward(&node(KUBE, Some(""), &nft("accept"))).0, Decision::Accept);
}

#[test]
fn a_base_chain_of_another_name_in_a_table_of_iptables_is_seen() {
    let nft = concat!(
        r#"{"nftables": [{"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "accept"}}, "#,
        r#"{"chain": {"family": "ip", "table": "filter", "name": "mine", "handle": 9, "type": "filter", "hook": "forward", "prio": 5, "policy": "drop"}}]}"#,
    );
    let (decision, deciding) = forward(&node(&filter("-A FORWARD -j ACCEPT"), Some(""), nft));
    assert_eq!(decision, Decision::Drop);
    assert!(deciding[0].contains("mine"), "{deciding:?}");
    assert_eq!(forward(&node(&filter("-A FORWARD -j ACCEPT"), Some(""), &nft.replace("drop", "accept"))).0, Decision::Accept);
}

/// What `iptables -L` prints of a filter table, with `-v` or without.
fn listing(verbose: bool, rows: &str) -> String {
    let (pkts, via) = if verbose { (" pkts bytes ", "in out ") } else { ("", "") };
    format!("Chain FORWARD (policy DROP)\n{pkts}target prot opt {via}source destination\n{rows}\n")
}

fn asked(text: &str, packet: &Packet) -> Vec<crate::walk::Tri> {
    use crate::parse::iptables::TableKind;
    struct Nobody;
    impl crate::walk::netfilter::matching::Lookups for Nobody {
        fn in_set(&self, _: &str, _: &str, _: &Packet, _: bool) -> crate::walk::Tri {
            crate::walk::Tri::unknown("not asked")
        }
        fn addr_type(
            &self,
            _: std::net::IpAddr,
            _: crate::parse::iptables::Bits,
            _: crate::parse::iptables::IfaceLimit,
            _: &Packet,
        ) -> crate::walk::Tri {
            crate::walk::Tri::unknown("not asked")
        }
    }
    let set = crate::parse::iptables_list::parse_any(text, Family::V4, TableKind::Filter).value;
    set.rules.iter().map(|rule| crate::walk::netfilter::matching::rule(&set, text, rule, packet, &Nobody)).collect()
}

#[test]
fn an_accept_of_a_listing_without_v_is_never_certain() {
    use crate::walk::Tri;
    let shown = asked(
        &listing(true, "0 0 ACCEPT all -- * * 0.0.0.0/0 0.0.0.0/0\n0 0 ACCEPT all -- lo * 0.0.0.0/0 0.0.0.0/0"),
        &pod_to_pod(),
    );
    assert_eq!(shown, [Tri::Yes, Tri::No]);
    let hidden = asked(&listing(false, "ACCEPT all -- anywhere anywhere\nACCEPT udp -- anywhere anywhere"), &pod_to_pod());
    assert!(matches!(&hidden[0], Tri::Unknown(why) if why.contains("without -v")), "{hidden:?}");
    assert_eq!(hidden[1], Tri::No, "what is shown still counts");
}

#[test]
fn a_listing_decides_nothing_alone_and_blocks_nothing_that_is_certain() {
    // The command says the table; what the other tables do no one knows.
    let with = |rows: &str| format!("iptables -L\n{}", listing(false, rows));
    let accept = with("ACCEPT all -- anywhere anywhere");
    let verdict = evaluate(&node(&accept, Some(""), NFT), Hook::Forward, &pod_to_pod()).unwrap();
    assert_eq!(verdict.decision, Decision::Undecided);
    assert!(verdict.blockers[0].reason.contains("without -v"), "{:?}", verdict.blockers);
    // No rule may accept: the policy drops for certain.
    assert_eq!(forward(&node(&with("ACCEPT udp -- anywhere anywhere"), Some(""), NFT)).0, Decision::Drop);
    // An accept that is certain in this table leaves the others open.
    let whole = format!("iptables -nvL\n{}", listing(true, "0 0 ACCEPT all -- * * 0.0.0.0/0 0.0.0.0/0"));
    let missing = evaluate(&node(&whole, Some(""), NFT), Hook::Forward, &pod_to_pod()).unwrap_err();
    assert!(missing.why.contains("one table"), "{missing:?}");
}

#[test]
fn what_may_stand_where_lines_are_left_out_may_accept() {
    // Without the mark the drop would be certain.
    assert_eq!(forward(&node(&filter("-A FORWARD -p udp -j ACCEPT\n-A FORWARD -j DROP"), Some(""), NFT)).0, Decision::Drop);
    let elided = filter("-A FORWARD -p udp -j ACCEPT\n...\n-A FORWARD -j DROP");
    assert_eq!(forward(&node(&elided, Some(""), NFT)).0, Decision::Undecided);
    // It may set the mark that a later table drops by.
    let marked = "*mangle\n:FORWARD ACCEPT [0:0]\n-A FORWARD -p udp -j ACCEPT\n[…]\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m mark --mark 1 -j ACCEPT\n-A FORWARD -j DROP\nCOMMIT\n";
    assert_eq!(forward(&node(marked, Some(""), NFT)).0, Decision::Undecided);
    // A jump to a chain that is not in the text may end in an accept there.
    assert_eq!(forward(&node(&filter("-A FORWARD -j GONE\n-A FORWARD -j DROP"), Some(""), NFT)).0, Decision::Undecided);
}
