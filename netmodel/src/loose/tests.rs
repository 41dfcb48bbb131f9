//! The pastes of fixtures/captures/loose, each asserted for what it means; and that no input breaks anything.

use std::path::Path;

use bundle::{Capture, Key, Partial};

use super::{Loose, Paste, What, nodes, read};
use crate::family::Family;
use crate::parse::ip_route::Table;
use crate::parse::iptables::TableKind;
use crate::state::Node;
use crate::state::netfilter::Backend;

fn pastes(case: &str) -> Vec<Paste> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/captures/loose").join(case);
    let mut files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.iter().map(|p| read(&p.file_name().unwrap().to_string_lossy(), &std::fs::read(p).unwrap())).collect()
}

fn of(case: &str) -> Vec<Loose> {
    nodes(&pastes(case), case, "fallback")
}

fn node(case: &str) -> Node {
    let mut all = of(case);
    assert_eq!(all.len(), 1, "{case}: {all:#?}");
    Node::new(all.remove(0).bundle)
}

/// One node of one file.
fn pasted(name: &str, text: &str) -> Node {
    Node::new(nodes(&[read(name, text.as_bytes())], name, "fallback").remove(0).bundle)
}

/// `line range: captures` of every section of a file that is read.
fn map(paste: &Paste) -> Vec<String> {
    let known = |s: &super::Section| match &s.what {
        What::Known(k) => {
            let keys: Vec<_> = k.keys.iter().map(|k| k.capture.name()).collect();
            Some(format!("{}-{}: {}", s.first, s.last, keys.join(" ")))
        }
        _ => None,
    };
    paste.sections.iter().filter_map(known).collect()
}

fn left_out(paste: &Paste) -> Vec<&str> {
    paste.sections.iter().filter_map(|s| if let What::LeftOut(why) = &s.what { Some(why.as_str()) } else { None }).collect()
}

#[test]
fn listings_of_several_tables_stand_together() {
    let node = node("listings");
    let doc = node.iptables(Backend::Legacy, Family::V4).unwrap();
    let kinds: Vec<_> = doc.tables.iter().map(|t| t.kind).collect();
    assert!(kinds.contains(&TableKind::Filter) && kinds.contains(&TableKind::Nat), "{kinds:?}");
    let drop = doc.rules.iter().find(|r| doc.source.at(r.at).contains("8472")).unwrap();
    assert_eq!(doc.source.evidence(drop.at).line, 5);
    assert!(doc.source.whole().is_err(), "other tables are not shown");
    assert!(node.iptables(Backend::Nft, Family::V4).is_err());
}

#[test]
fn mail_quoting_two_deep_and_prompts() {
    let node = node("quoted-mail");
    assert_eq!(node.name(), "node-7");
    let fact = node.sysctl_int("net.ipv4.ip_forward").unwrap();
    assert_eq!(fact.value, 0);
    let evidence = fact.evidence();
    assert_eq!((evidence.capture.as_str(), evidence.line, evidence.text.as_str()), ("ticket.txt", 6, "net.ipv4.ip_forward = 0"));
    // `table all` between two prompts is all there is; a few keys of sysctl are not.
    let routes = node.routes(Family::V4).unwrap();
    assert!(routes.complete().is_ok());
    assert_eq!(routes.evidence(routes.iter().nth(1).unwrap()).line, 10);
    assert!(node.sysctl_absent("net.ipv4.vs.conntrack").is_err());
    assert!(node.routes(Family::V6).is_err());
}

#[test]
fn tabs_before_every_line_and_an_arrow_for_a_prompt() {
    let node = node("tab-and-prompts");
    let rules = node.iptables(Backend::Nft, Family::V4).unwrap();
    assert_eq!((rules.rules.len(), rules.parsed.problems.len()), (1, 0));
    assert!(rules.source.whole().is_ok());
    let evidence = rules.source.evidence(rules.rules[0].at);
    assert_eq!((evidence.line, evidence.text.as_str()), (9, "[3:180] -A FORWARD -i cni0 -j DROP"));
    assert_eq!(node.policy_rules(Family::V4).unwrap().len(), 3);
    assert!(node.iptables(Backend::Legacy, Family::V4).is_err(), "nothing is known of it");
}

#[test]
fn ansible_tells_the_nodes_apart() {
    let nodes = of("ansible");
    let names: Vec<_> = nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["node-a", "node-b"]);
    let values: Vec<_> =
        nodes.into_iter().map(|n| Node::new(n.bundle).sysctl_int("net.ipv4.ip_forward").unwrap().value).collect();
    assert_eq!(values, [1, 0]);
}

#[test]
fn rules_that_went_through_grep_prove_nothing_by_their_absence() {
    let node = node("grepped-and-elided");
    let doc = node.iptables(Backend::Nft, Family::V4).unwrap();
    // The parser may put a rule of its own where lines are left out.
    assert_eq!(doc.rules.iter().filter(|r| doc.source.at(r.at).starts_with("-A")).count(), 3);
    let missing = doc.source.whole().unwrap_err();
    assert!(missing.why.contains("takes lines out (`grep -i kube-forward`)"), "{missing}");
    assert_eq!(missing.capture, "rules.txt");
    assert!(doc.parsed.problems.iter().any(|p| p.at.line == 3), "the elision is a problem: {:?}", doc.parsed.problems);
}

#[test]
fn a_save_without_its_begin_and_its_end() {
    let node = node("cut-save");
    let doc = node.iptables(Backend::Nft, Family::V4).unwrap();
    assert!(doc.source.whole().unwrap_err().why.contains("its begin is cut off"));
    assert!(doc.rules.len() >= 3, "{:?}", doc.rules);
    let notes = of("cut-save").remove(0).notes;
    assert!(notes.iter().any(|n| n.contains("does not tell which back end")), "{notes:?}");
}

#[test]
fn saves_of_three_tools_one_behind_the_other() {
    let paste = pastes("two-saves").remove(0);
    assert_eq!(map(&paste), ["1-8: iptables-nft-save", "9-15: iptables-legacy-save", "16-22: ip6tables-nft-save"]);
    let node = node("two-saves");
    let legacy = node.iptables(Backend::Legacy, Family::V4).unwrap();
    assert!(legacy.source.whole().is_ok());
    assert_eq!(legacy.source.place(2), ("both.txt".to_owned(), 10));
}

#[test]
fn nft_with_warnings_and_two_owners() {
    let paste = pastes("nft-after-warnings").remove(0);
    assert_eq!(map(&paste), ["2-20: nft-ruleset", "22-26: resolv-conf"]);
    let nodes = of("nft-after-warnings");
    let id = &nodes[0].bundle.manifest().node;
    assert_eq!(
        (id.name.as_str(), id.kernel.as_str(), id.arch.as_str()),
        ("worker-3.corp.example", "5.14.0-427.el9.x86_64", "x86_64")
    );
    let node = node("nft-after-warnings");
    assert_eq!(node.resolv_conf().unwrap().nameservers.len(), 1);
}

#[test]
fn routes_with_bold_masked_octets_notes_and_a_cut() {
    let node = node("routes");
    let routes = node.routes(Family::V4).unwrap();
    assert!(routes.complete().is_err());
    assert_eq!(routes.source().place(1), ("a.txt".to_owned(), 4));
    let to = |addr: &str| routes.lookup(&Table::MAIN, addr.parse().unwrap()).first().and_then(|r| r.dev.clone());
    assert_eq!(to("10.244.1.7").as_deref(), Some("cni0"));
    assert!(!routes.doc().parsed.problems.is_empty(), "the cut route and the masked octets");
}

#[test]
fn net_tools_in_german_and_lsmod() {
    let node = node("old-tools");
    let routes = node.routes(Family::V4).unwrap();
    let found = routes.lookup(&Table::MAIN, "10.244.2.9".parse().unwrap());
    assert_eq!(found.first().and_then(|r| r.dev.as_deref()), Some("flannel.1"));
    let links = node.links().unwrap();
    assert_eq!(links.by_name("flannel.1").and_then(|l| l.mtu), Some(1450));
    assert!(
        matches!(node.module_state("br_netfilter"), Ok(crate::state::modules::ModuleState::Loaded(e)) if e.capture == "b.txt" && e.line == 16)
    );
    assert!(node.module_state("ip_vs").is_err());
}

#[test]
fn values_of_sysctl_in_every_form() {
    let node = node("sysctl-by-hand");
    let value = |key: &str| node.sysctl(key).map(|f| (f.value.to_owned(), f.evidence().line)).unwrap();
    assert_eq!(value("net.ipv4.ip_forward"), ("0".to_owned(), 2), "sysctl -n");
    assert_eq!(value("net.netfilter.nf_conntrack_max"), ("262144".to_owned(), 6), "cat");
    assert_eq!(value("net/ipv4/conf/flannel.1/rp_filter"), ("2".to_owned(), 9), "grep");
    assert_eq!(value("net.ipv4.conf.all.rp_filter"), ("0".to_owned(), 15), "the last of three");
    assert!(node.sysctl_absent("net.bridge.bridge-nf-call-iptables").is_err());
    // The file sets values at boot; that says nothing of the ones in use.
    assert!(node.bundle().keys().any(|k| k.capture == Capture::SysctlD));
}

#[test]
fn outputs_between_prompts_are_whole() {
    let node = node("full-outputs");
    let service = node.ipvs().unwrap().services[0].clone();
    assert_eq!((service.persistent, service.destinations.len(), service.destinations[1].weight), (Some(10800), 2, 0));
    assert!(node.ipsets().unwrap().complete().is_ok());
    assert!(node.conntrack().unwrap().source.whole().is_ok());
    assert!(node.neighbours().unwrap().complete().is_ok());
}

#[test]
fn logs_of_the_kernel_and_not_of_containers() {
    let paste = pastes("logs").remove(0);
    assert_eq!(map(&paste), ["2-2: kernel-log", "4-4: kernel-log"]);
    let node = node("logs");
    let full = node.tables_full().unwrap();
    assert_eq!(full.len(), 2);
    assert_eq!(full.source.evidence(full[1].at).line, 4, "the place of a text that was put together");
}

#[test]
fn of_two_outputs_the_later_one_counts_and_it_is_said() {
    let loose = of("before-and-after").remove(0);
    assert!(
        loose
            .notes
            .iter()
            .any(|n| n == "1-before.txt:4 and 2-after.txt:4 both show ip-route4: the later one counts, 2-after.txt:4")
    );
    let node = Node::new(loose.bundle);
    let forward = node.sysctl("net.ipv4.ip_forward").unwrap();
    assert_eq!((forward.value, forward.evidence().capture.as_str()), ("1", "2-after.txt"));
    let default = node.routes(Family::V4).unwrap().iter().next().unwrap().clone();
    assert_eq!(node.routes(Family::V4).unwrap().evidence(&default).text, "default via 192.168.50.254 dev eth0");
}

#[test]
fn formats_change_without_any_prompt() {
    let paste = pastes("several-in-one").remove(0);
    let expected = [
        "1-2: sysctl",
        "4-5: ip-route4",
        "6-8: ip-rule4",
        "9-13: iptables-nft-save",
        "14-21: ip-addr",
        "22-26: cni-config",
        "27-28: resolv-conf",
        "29-30: ipset-save",
        "31-33: flannel-subnet-env",
    ];
    assert_eq!(map(&paste), expected);
    assert_eq!(left_out(&paste), ["no format of this version begins like this: * this one was 1 before"]);
    let node = node("several-in-one");
    assert_eq!(node.links().unwrap().by_name("eth0").and_then(|l| l.mtu), Some(1500));
    assert_eq!(node.flannel_subnet_env().unwrap().mtu.map(|(mtu, _)| mtu), Some(1450));
    assert!(node.sysctl("net.ipv4.vs.conntrack").unwrap_err().why.contains("pasted, and it does not show its end"));
}

#[test]
fn other_namespaces_and_tables_are_left_out() {
    let paste = pastes("other-namespaces").remove(0);
    assert_eq!(map(&paste), ["4-4: ip-route4"]);
    assert!(left_out(&paste).iter().any(|w| w.contains("ip netns exec cni-1234")));
    let node = node("other-namespaces");
    assert_eq!(node.routes(Family::V4).unwrap().iter().count(), 1);
    assert!(node.resolv_conf().is_err());
}

#[test]
fn what_was_not_given_says_nothing_of_the_node() {
    let node = pasted("a", "net.ipv4.ip_forward = 1\n");
    let missing = node.iptables(Backend::Legacy, Family::V4).unwrap_err();
    assert_eq!(missing.why, "not given: no output that was given shows it");
    assert_eq!(node.name(), "fallback");
    assert!(node.bundle().is_pasted() && node.bundle().collected_at().is_none());
    let content = node.bundle().get(&Key::node(Capture::Sysctl));
    assert!(matches!(content, bundle::Content::Text(t) if matches!(t.partial, Some(Partial::Pasted(_)))));
}

#[test]
fn encodings_line_ends_and_colours() {
    let text = "\u{1b}[1mroot@n1:~# \u{1b}[0mip rule\r\n0:\tfrom all lookup local\r\n32766:\tfrom all lookup main\r\n32767:\tfrom all lookup default\r\n";
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let latin1 = [text.as_bytes(), b"root@n1:~# # caf\xe9\r\n"].concat();
    for bytes in [text.as_bytes().to_vec(), utf16, latin1] {
        let paste = read("a", &bytes);
        assert_eq!(map(&paste), ["2-4: ip-rule4"]);
        let loose = nodes(&[paste], "a", "x").remove(0);
        assert_eq!(loose.name, "n1");
        assert_eq!(Node::new(loose.bundle).policy_rules(Family::V4).unwrap().parsed.problems.len(), 0);
    }
}

#[test]
fn files_of_proc_sys_net_by_their_names_from_there() {
    let text = "bridge/bridge-nf-call-iptables=1\n./ipv4/conf/flannel.1/rp_filter:2\nipv4/tcp_rmem=4096\t131072\t6291456\n";
    let node = pasted("a", text);
    let fact = node.sysctl("net/ipv4/conf/flannel.1/rp_filter").unwrap();
    assert_eq!((fact.value, fact.evidence().line), ("2", 2));
    assert_eq!(node.sysctl_int("net.bridge.bridge-nf-call-iptables").unwrap().value, 1);
}

#[test]
fn nothing_between_two_prompts_is_nothing_on_the_node() {
    let text = "$ sudo iptables-legacy-save\n$ iptables-legacy-save | grep x\n$ ip6tables-save\n$\n";
    let node = pasted("a", text);
    let legacy = node.iptables(Backend::Legacy, Family::V4).unwrap();
    assert!(legacy.rules.is_empty() && legacy.source.whole().is_ok());
    assert_eq!(legacy.source.place(1), ("a".to_owned(), 1));
    assert!(node.iptables(Backend::Nft, Family::V6).is_err(), "which back end is not told");
    assert!(node_of_nothing("$ iptables-legacy-save > rules.txt\n$\n"), "it went to a file");
    assert!(node_of_nothing("$ iptables-legacy-save\n"), "it may have been cut off");
}

fn node_of_nothing(text: &str) -> bool {
    nodes(&[read("a", text.as_bytes())], "a", "x").is_empty()
}

#[test]
fn the_name_breaks_ties_only() {
    let rules = "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n";
    for (name, capture) in [
        ("x.txt", Capture::IptablesNftSave),
        ("iptables-legacy-save.txt", Capture::IptablesLegacySave),
        ("ip6tables_nft.txt", Capture::Ip6tablesNftSave),
        ("ip-addr.json", Capture::IptablesNftSave),
    ] {
        assert_eq!(map(&read(name, rules.as_bytes())), [format!("1-3: {}", capture.name())], "{name}");
    }
    let told = format!("# Generated by ip6tables-legacy-save v1.8.9 on Sat Nov 21 00:29:50 2026\n{rules}");
    assert_eq!(map(&read("iptables-nft.txt", told.as_bytes())), ["1-4: ip6tables-legacy-save"], "the text knows better");
}

#[test]
fn hosts_and_files_that_belong_to_them() {
    let files = [
        ("x/node-a.txt", "root@node-a:~# ip rule\n0:\tfrom all lookup local\n"),
        ("x/node-b.txt", "root@node-b:~# sysctl net.a.b\nnet.a.b = 1\n"),
        ("node-b-routes", "default via 10.0.0.1 dev eth0\n"),
        ("who knows", "nameserver 10.0.0.1\n"),
    ];
    let pastes: Vec<Paste> = files.iter().map(|(n, t)| read(n, t.as_bytes())).collect();
    let nodes = nodes(&pastes, "in", "fallback");
    let names: Vec<_> = nodes.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["node-a", "node-b"]);
    let has = |i: usize, capture| nodes[i].bundle.keys().any(|k| k.capture == capture);
    assert!(has(1, Capture::IpRoute4) && !has(0, Capture::IpRoute4));
    assert!(!has(0, Capture::ResolvConf) && !has(1, Capture::ResolvConf));
    assert!(nodes[0].notes.iter().any(|n| n.contains("nothing tells of which node it is")), "{:?}", nodes[0].notes);
}

#[test]
fn big_and_hostile_input_costs_time_in_proportion() {
    // A bracket a line, an unclosed document, headers without bodies, a line of megabytes.
    for text in [
        "[{\n".repeat(200_000),
        "*filter\n".repeat(100_000),
        "Chain X (policy\n".repeat(100_000),
        "x ".repeat(2_000_000),
        "> ".repeat(500_000),
        "# x\n".repeat(300_000),
    ] {
        let paste = read("a", text.as_bytes());
        assert!(!paste.sections.is_empty());
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600), name in "[a-z0-9_./-]{0,20}") {
        let paste = read(&name, &bytes);
        let _ = nodes(&[paste], "in", "x");
    }

    /// Fixtures, cut at any byte, behind each other, with any byte changed.
    #[test]
    fn no_mixture_panics(picks in proptest::collection::vec((0usize..64, 0usize..4000, 0usize..4000, proptest::prelude::any::<u8>()), 1..4)) {
        let all: Vec<Vec<u8>> = CASES.iter().flat_map(|case| {
            let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/captures/loose").join(case);
            std::fs::read_dir(dir).unwrap().map(|e| std::fs::read(e.unwrap().path()).unwrap()).collect::<Vec<_>>()
        }).collect();
        let mut bytes = Vec::new();
        for (pick, from, change, with) in picks {
            let file = &all[pick % all.len()];
            let mut piece = file[from % file.len()..].to_vec();
            let at = change % piece.len();
            piece[at] = with;
            bytes.extend(piece);
        }
        let paste = read("a.txt", &bytes);
        // Sections are in order and do not overlap.
        for pair in paste.sections.windows(2) {
            proptest::prop_assert!(pair[0].last < pair[1].first);
        }
        for loose in nodes(&[paste], "in", "x") {
            let node = Node::new(loose.bundle);
            let _ = node.problems();
        }
    }
}

const CASES: &[&str] = &[
    "ansible",
    "before-and-after",
    "cut-save",
    "full-outputs",
    "grepped-and-elided",
    "listings",
    "logs",
    "nft-after-warnings",
    "old-tools",
    "other-namespaces",
    "quoted-mail",
    "routes",
    "several-in-one",
    "sysctl-by-hand",
    "tab-and-prompts",
    "two-saves",
];
