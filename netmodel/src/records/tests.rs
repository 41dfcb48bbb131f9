use std::ops::ControlFlow;

use bundle::{Capture, Key};
use serde_json::{Value, json};

use super::{normalized, read};
use crate::Source;

/// Captures that no parser reads.
const RAW: &[Capture] = &[
    Capture::TcQdisc,
    Capture::ModprobeD,
    Capture::KernelConfig,
    Capture::KernelCmdline,
    // Of a path that no firewall has.
    Capture::FirewallConfig,
    Capture::Clock,
    Capture::ToolVersions,
];

fn source(key: &Key, text: &str) -> Source {
    Source { key: key.clone(), text: text.into(), partial: None, format: key.capture.spec().format, origin: None }
}

/// What was read, the records all at once.
struct Records {
    typed: bool,
    records: Vec<Value>,
    problems: Vec<crate::Problem>,
}

fn records(key: &Key, text: &str) -> Records {
    let source = source(key, text);
    let read = read(&source);
    let mut records = Vec::new();
    read.each(&mut |record| {
        records.push(record);
        ControlFlow::Continue(())
    });
    Records { typed: read.typed, records, problems: read.problems }
}

#[test]
fn records_are_given_one_by_one_until_it_is_enough() {
    let source = source(&Key::node(Capture::Sysctl), "net.a = 1\nnet.b = 2\nnet.c = 3\n");
    let mut seen = 0;
    read(&source).each(&mut |_| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(seen, 2);
}

#[test]
fn a_firewalls_file_is_read_as_what_its_path_says() {
    let of = |path: &str, text: &str| records(&Key::node_instance(Capture::FirewallConfig, path), text);
    let rules = of("/etc/sysconfig/iptables", "*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n");
    assert_eq!((rules.typed, rules.records.len(), &rules.records[1]["target"]), (true, 2, &json!("accept")));
    let ufw = of("/etc/default/ufw", "DEFAULT_FORWARD_POLICY=\"DROP\"\n");
    assert_eq!(ufw.records[0]["forward"]["value"], json!("DROP"));
    let nft = of("/etc/nftables.conf", "flush ruleset\ntable inet filter {\n}\n");
    assert_eq!(nft.records[0]["flush_ruleset"], json!("flush ruleset"));
    assert!(!of("/etc/firewalld/zones/public.xml", "<zone/>\n").typed);
}

#[test]
fn sets_are_printed_back_word_for_word() {
    let text = "create A hash:ip family inet comment\nadd A 10.0.0.1 comment \"two  words\"\ncreate B bitmap:port range 0-9\n";
    assert_eq!(normalized(&source(&Key::node(Capture::IpsetSave), text)).unwrap(), text);
    assert!(normalized(&source(&Key::node(Capture::Sysctl), text)).is_none());
}

#[test]
fn every_capture_has_a_parser_or_is_listed_as_raw() {
    for &capture in Capture::ALL {
        assert_eq!(records(&Key::node(capture), "").typed, !RAW.contains(&capture), "{capture}");
    }
}

#[test]
fn a_record_has_its_line_and_texts_for_positions() {
    let got = records(&Key::node(Capture::Sysctl), "net.a = 1\n\nnet.b = x y\n");
    let want = json!([{"line": 1, "key": "net.a", "value": "1"}, {"line": 3, "key": "net.b", "value": "x y"}]);
    assert_eq!(json!(got.records), want);
}

#[test]
fn what_is_not_understood_is_a_problem_with_its_line() {
    let got = records(&Key::node(Capture::IpvsSave), "-A -t 10.0.0.1:80 -s rr\n-Q\n");
    assert_eq!((got.records.len(), got.problems.len(), got.problems[0].at.line), (1, 1, 2));
}

#[test]
fn raw_text_is_its_lines() {
    let got = records(&Key::node(Capture::Clock), "a\nb");
    assert_eq!(json!(got.records), json!([{"line": 1, "text": "a"}, {"line": 2, "text": "b"}]));
}

#[test]
fn an_iptables_rule_is_whole() {
    let text = "*filter\n:INPUT ACCEPT [1:2]\n[3:4] -A INPUT -p tcp -m multiport --dports 1,2:3 -m comment --comment \"a -j b\" -j DROP\nCOMMIT\n";
    insta::assert_json_snapshot!(records(&Key::node(Capture::IptablesNftSave), text).records);
}

#[test]
fn a_set_holds_its_members() {
    let text = "create A hash:ip family inet\nadd A 10.0.0.1 timeout 3\n";
    insta::assert_json_snapshot!(records(&Key::node(Capture::IpsetSave), text).records);
}

#[test]
fn an_nft_rule_holds_its_statements() {
    let text = "table inet t {\n\tchain c {\n\t\ttype filter hook input priority 0; policy drop;\n\t\ttcp dport 22 counter packets 1 bytes 2 accept\n\t}\n}\n";
    insta::assert_json_snapshot!(records(&Key::node(Capture::NftRuleset), text).records);
}

/// Rules, sets and ipvs services of every fixture, read and printed, are the same words. Not the same bytes: iptables puts two blanks behind `--nfacct-name`.
#[test]
fn parse_then_print_is_identity_on_every_fixture() {
    let mut seen = [0; 3];
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/bases")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            let Ok(key) = Key::from_path(&format!("node/{name}")) else { continue };
            let text = std::fs::read_to_string(&path).unwrap();
            let Some(printed) = normalized(&source(&key, &text)) else { continue };
            seen[match key.capture {
                // JSON, printed as text: `tests/captures.rs` holds it against the text of the same routes.
                Capture::IpRoute4 | Capture::IpRoute6 => continue,
                Capture::IpsetSave => 1,
                Capture::IpvsSave => 2,
                _ => 0,
            }] += 1;
            let words =
                |text: &str| text.lines().map(|l| l.split_ascii_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
            assert!(words(&printed) == words(&text), "{} differs", path.display());
        }
    }
    assert!(seen.iter().all(|&n| n > 0), "{seen:?}");
}
