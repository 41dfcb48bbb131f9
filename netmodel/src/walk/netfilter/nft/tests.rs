use std::net::IpAddr;

use bundle::{Bundle, Capture, Key};

use crate::family::Family;
use crate::state::Node;
use crate::walk::{CtState, Decision, Dev, Hook, HookVerdict, Packet, evaluate};

/// Ruleset of a node with kube-proxy in its nftables mode, in both forms that nft prints.
const KUBE: [&str; 2] = [
    include_str!("../../../../../fixtures/captures/nft-json/kube-proxy-nftables.json"),
    include_str!("../../../../../fixtures/captures/nft-text/kube-proxy-nftables.txt"),
];
const LOCAL: &str = r#"[{"type":"local","dst":"192.168.50.11","dev":"eth0","table":"local","protocol":"kernel","scope":"host","flags":[]},
 {"dst":"10.0.0.0/24","dev":"eth1","protocol":"kernel","scope":"link","flags":[]}]"#;

fn node(nft: &str) -> Node {
    let manifest = serde_json::from_value(serde_json::json!({
        "format": {"major": 1, "minor": 0}, "collector": {"name": "t", "version": "0", "root": true},
        "node": {"name": "n", "kernel": "", "arch": ""}, "started_at": "2026-01-01T00:00:00Z",
    }));
    let rules = r#"[{"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"}]"#;
    let mut texts: Vec<(Key, String)> =
        [(Capture::NftRuleset, nft), (Capture::IpRoute4, LOCAL), (Capture::IpRoute6, "[]"), (Capture::IpRule4, rules)]
            .map(|(capture, text)| (Key::node(capture), text.to_owned()))
            .into();
    let empty = [Capture::IptablesNftSave, Capture::IptablesLegacySave, Capture::Ip6tablesNftSave, Capture::Ip6tablesLegacySave];
    texts.extend(empty.map(|capture| (Key::node(capture), String::new())));
    Node::new(Bundle::from_texts("t", manifest.unwrap(), texts))
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn packet(src: &str, dst: &str) -> Packet {
    Packet::new(Family::of(addr(dst))).between(addr(src), addr(dst)).via(Dev::named("eth0"), Dev::None)
}

fn tcp(dport: u16) -> Packet {
    packet("10.0.0.1", "10.0.0.2").tcp(dport)
}

fn ruleset(family: &str, rules: &str, more: &str) -> String {
    let rules: String = rules.split('\n').map(|r| format!("\t\t{}\n", r.trim())).collect();
    format!(
        "table {family} t {{\n{more}\n\tchain i {{\n\t\ttype filter hook input priority filter; policy accept;\n{rules}\t}}\n}}\n"
    )
}

fn at(nft: &str, hook: Hook, packet: &Packet) -> HookVerdict {
    let node = node(nft);
    assert_eq!(node.nft().unwrap().parsed.problems, [], "{nft}");
    evaluate(&node, hook, packet).unwrap()
}

fn decide(family: &str, rules: &str, packet: &Packet) -> Decision {
    at(&ruleset(family, rules, ""), Hook::Input, packet).decision
}

#[test]
fn conditions_are_those_of_the_kernel() {
    use Decision::{Accept, Drop};
    let yes = [
        "tcp dport 80 drop",
        "tcp dport { 22, 80-90 } drop",
        "ip saddr 10.0.0.0/8 ip daddr != 10.0.0.0/31 drop",
        "ip saddr & 255.0.0.0 == 10.0.0.0 drop",
        "meta l4proto tcp th dport 80 drop",
        "meta nfproto ipv4 meta protocol ip drop",
        "iifname \"eth*\" drop",
        "iif \"eth0\" oifname != \"x\" drop",
        "meta mark & 0xff00 == 0x0 drop",
        "tcp flags & (fin | syn | rst | ack) == syn drop",
        "ct state new ct direction original ct status ! dnat drop",
        "ct original ip daddr 10.0.0.2 ct original proto-dst 80 drop",
        "ct reply ip saddr 10.0.0.2 drop",
        "ip frag-off & 0x1fff == 0 drop",
        "meta mark set 0x10 meta mark & 0xf0 == 0x10 drop",
        "meta mark set meta mark | 0x4000\nmeta mark 0x4000 drop",
        "@th,16,16 80 drop",
        "meta pkttype host drop",
        "fib saddr . iif oif missing drop",
        "tcp dport vmap { 22 : accept, 80 : drop }",
        "ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.1 . 81 } drop",
        "ip saddr . tcp dport vmap { 10.0.0.0/24 . 1-100 : drop }",
        "meta mark set tcp dport map { 80 : 5, 81 : 6 }\nmeta mark 5 drop",
        // What was set before a condition failed stays.
        "meta mark set 0x1 tcp dport 81 accept\nmeta mark 0x1 drop",
    ];
    for rule in yes {
        assert_eq!(decide("inet", rule, &tcp(80)), Drop, "{rule}");
    }
    let no = [
        "tcp dport != 80 drop",
        "udp dport != 80 drop",
        "ip6 saddr != ::1 drop",
        "icmp type != echo-request drop",
        "tcp dport 81-90 drop",
        "iifname \"veth*\" drop",
        "ct state established,related drop",
        "ct status dnat drop",
        "ct reply ip saddr 10.0.0.1 drop",
        "meta mark & 0x4000 != 0 drop",
        "fib daddr type local drop",
        "tcp flags syn / syn,ack accept\ndrop",
        "tcp dport vmap { 22 : drop, 81 : drop }",
        "tcp dport 80 return\ndrop",
        "reject with icmpv6 port-unreachable",
        "meta l4proto udp reject with tcp reset",
    ];
    for rule in no {
        assert_eq!(decide("inet", rule, &tcp(80)), Accept, "{rule}");
    }
}

#[test]
fn what_is_not_known_is_undecided_and_only_where_it_matters() {
    let undecided = [
        "meta skuid 0 drop",
        "limit rate 5/second drop",
        "numgen random mod 10 < 5 drop",
        "tcp sport 1024-65535 drop",
        "ip id 1 drop",
        "meta length 40 drop",
        "frobnicate drop",
        "numgen random mod 2 vmap { 0 : drop, 1 : accept }",
        "queue",
    ];
    for rule in undecided {
        let verdict = evaluate(&node(&ruleset("inet", rule, "")), Hook::Input, &tcp(80)).unwrap();
        assert_eq!((verdict.decision, verdict.blockers.len()), (Decision::Undecided, 1), "{rule}");
    }
    let alike = [
        "limit rate 5/second drop\ndrop",
        "numgen random mod 2 vmap { 0 : drop, 1 : drop }",
        "numgen random mod 10 < 10 drop",
        "th sport 0-65535 drop",
        "meta skuid 0 tcp dport 81 accept\ndrop",
    ];
    for rule in alike {
        assert_eq!(
            evaluate(&node(&ruleset("inet", rule, "")), Hook::Input, &tcp(80)).unwrap().decision,
            Decision::Drop,
            "{rule}"
        );
    }
}

#[test]
fn named_sets_and_maps_are_asked() {
    let more = "\tset nets {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.0.0.0/24, 172.16.0.1-172.16.0.9 }\n\t}\n\tset seen {\n\t\ttype ipv4_addr\n\t\tsize 99\n\t\tflags dynamic\n\t}\n\tmap svc {\n\t\ttype ipv4_addr . inet_service : verdict\n\t\telements = { 10.0.0.2 . 80 : goto x, 10.0.0.3 . 80 : drop }\n\t}\n\tchain x {\n\t\treject with tcp reset\n\t}\n";
    let ask = |rule: &str, packet: &Packet| at(&ruleset("inet", rule, more), Hook::Input, packet).decision;
    assert_eq!(ask("ip saddr @nets drop", &tcp(80)), Decision::Drop);
    assert_eq!(ask("ip saddr != @nets drop", &tcp(80)), Decision::Accept);
    assert_eq!(ask("ip saddr @seen drop", &tcp(80)), Decision::Undecided);
    assert_eq!(ask("ip daddr . tcp dport vmap @svc", &tcp(80)), Decision::Reject { with: "tcp-reset".to_owned() });
    assert_eq!(ask("ip daddr . tcp dport vmap @svc", &tcp(81)), Decision::Accept);
    let mut anywhere = tcp(80);
    anywhere.dst = None;
    assert_eq!(ask("ip daddr . tcp dport vmap @svc", &anywhere), Decision::Undecided);
    anywhere.dport = Some(81);
    assert_eq!(ask("ip daddr . tcp dport vmap @svc", &anywhere), Decision::Accept);
}

#[test]
fn refusals_name_their_answer_by_family() {
    let v6 = packet("fd00::1", "fd00::2").tcp(80);
    let with = |decision: Decision| match decision {
        Decision::Reject { with } => with,
        other => panic!("{other:?}"),
    };
    assert_eq!(with(decide("inet", "reject", &tcp(80))), "icmp-port-unreachable");
    assert_eq!(with(decide("inet", "reject", &v6)), "icmp6-port-unreachable");
    assert_eq!(with(decide("inet", "reject with icmpx admin-prohibited", &v6)), "icmp6-adm-prohibited");
    assert_eq!(with(decide("ip", "reject with icmp host-prohibited", &tcp(80))), "icmp-host-prohibited");
    assert_eq!(decide("ip", "drop", &v6), Decision::Accept, "another family");
}

#[test]
fn a_dormant_table_does_nothing() {
    let text = ruleset("ip", "drop", "\tflags dormant");
    assert_eq!(at(&text, Hook::Input, &tcp(80)).decision, Decision::Accept);
}

#[test]
fn an_ingress_chain_that_may_stop_packets_blocks_a_decision() {
    let ingress = |rule: &str| {
        format!(
            "table netdev t {{\n\tchain c {{\n\t\ttype filter hook ingress device \"eth0\" priority 0; policy accept;\n\t\t{rule}\n\t}}\n}}\n"
        )
    };
    assert_eq!(at(&ingress("drop"), Hook::Prerouting, &tcp(80)).decision, Decision::Undecided);
    assert_eq!(at(&ingress("counter packets 0 bytes 0"), Hook::Prerouting, &tcp(80)).decision, Decision::Accept);
    assert_eq!(at(&ingress("drop"), Hook::Input, &tcp(80)).decision, Decision::Accept);
}

#[test]
fn kube_proxys_services_lead_to_their_endpoints() {
    for text in KUBE {
        let node = node(text);
        let new = |dst: &str, port| packet("10.244.1.2", dst).tcp(port).via(Dev::named("cni0"), Dev::None);
        let targets = |packet: &Packet| {
            let verdict = evaluate(&node, Hook::Prerouting, packet).unwrap();
            assert_eq!(verdict.decision, Decision::Accept);
            verdict.packets.into_iter().map(|p| format!("{}:{}", p.dst.unwrap(), p.dport.unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(targets(&new("10.96.0.22", 80)), ["10.244.2.2:8080"]);
        assert_eq!(targets(&new("10.96.0.20", 80)), ["10.244.1.2:8080", "10.244.2.2:8080"]);
        assert_eq!(targets(&new("10.244.2.2", 8080)), ["10.244.2.2:8080"]);
        // Without endpoints it is not translated, and refused where it would be forwarded.
        let without = new("10.96.0.23", 80);
        assert_eq!(targets(&without), ["10.96.0.23:80"]);
        let verdict = evaluate(&node, Hook::Forward, &without.via(Dev::named("cni0"), Dev::named("eth0"))).unwrap();
        assert_eq!(verdict.decision, Decision::Reject { with: "icmp-port-unreachable".to_owned() });
        // The overlay from a peer.
        let overlay = packet("192.168.50.12", "192.168.50.11").udp(8472);
        assert_eq!(evaluate(&node, Hook::Input, &overlay).unwrap().decision, Decision::Accept);
        // A node port comes in marked, and leaves masqueraded.
        let outside = packet("203.0.113.10", "192.168.50.11").tcp(30080);
        let verdict = evaluate(&node, Hook::Prerouting, &outside).unwrap();
        assert!(verdict.packets.iter().all(|p| p.mark == Some(0x4000) && p.dport == Some(8080)), "{:?}", verdict.packets);
        let leaving = verdict.packets[0].clone().via(Dev::named("eth0"), Dev::named("cni0"));
        let verdict = evaluate(&node, Hook::Postrouting, &leaving).unwrap();
        assert!(verdict.packets.iter().all(|p| p.snat == Some(true)), "{:?}", verdict.packets);
    }
}

#[test]
fn only_the_first_packet_of_a_connection_is_translated() {
    let node = node(KUBE[0]);
    let mut later = packet("10.244.1.2", "10.96.0.22").tcp(80);
    later.ct_state = Some(CtState::Established);
    let verdict = evaluate(&node, Hook::Prerouting, &later).unwrap();
    assert_eq!(verdict.packets[0].dst, Some(addr("10.96.0.22")));
}
