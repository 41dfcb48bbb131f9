//! `coldpath trace` as a user meets it, on the bases: two nodes and their pods, healthy.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in #[test] functions; these are their helpers")]

use std::path::Path;
use std::process::{Command, Stdio};

/// The status, stdout and stderr. It runs in the folder of the bases, so that no path of this machine is in what it prints.
fn trace(args: &[&str]) -> (i32, String, String) {
    let bases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/bases");
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("coldpath"));
    command.current_dir(bases).arg("trace").args(args).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().expect("ended by itself"), text(&output.stdout), text(&output.stderr))
}

/// Both nodes of a base.
fn both(base: &str, args: &[&str]) -> (i32, String, String) {
    let nodes = [format!("{base}/node-a"), format!("{base}/node-b")];
    let all: Vec<&str> = nodes.iter().map(String::as_str).chain(args.iter().copied()).collect();
    trace(&all)
}

#[test]
fn a_pod_asks_the_cluster_dns_on_the_other_node() {
    let (status, stdout, stderr) = both("iptables-nft-vxlan", &["--from", "pod:a1", "--to", "10.96.0.10:53", "--proto", "udp"]);
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    insta::assert_snapshot!(stdout);
}

#[test]
fn the_same_in_json_says_the_same() {
    let args = ["--from", "pod:a1", "--to", "10.96.0.10:53", "--proto", "udp", "--format", "json"];
    let (status, stdout, _) = both("iptables-nft-vxlan", &args);
    assert_eq!(status, 0);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&json["schema"], &json["disposition"]), (&"coldpath.trace/1".into(), &"delivered".into()));
    let paths = json["paths"].as_array().unwrap();
    let arrivals: Vec<&str> = paths.iter().map(|p| p["arrival"]["netns"].as_str().unwrap()).collect();
    assert_eq!(arrivals, ["default/b1", "default/b2"]);
    for path in paths {
        assert_eq!(path["share"], 0.5);
        let steps = path["steps"].as_array().unwrap();
        let stages: Vec<&str> = steps.iter().map(|s| s["stage"].as_str().unwrap()).collect();
        assert!(stages.contains(&"encapsulate") && stages.contains(&"decapsulate"), "{stages:?}");
        assert!(steps.iter().any(|s| s["direction"] == "reply" && s["node"] == "node-a"), "{stages:?}");
    }
    assert_eq!(both("iptables-nft-vxlan", &args).1, stdout, "the same bundles give the same bytes");
}

#[test]
fn a_service_without_endpoints_refuses() {
    let (status, stdout, _) = both("nftables-vxlan", &["--from", "pod:a1", "--to", "service:default/noeps"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(stdout);
}

#[test]
fn all_flows_of_two_healthy_nodes() {
    let (status, stdout, stderr) = both("iptables-nft-vxlan", &["--matrix"]);
    assert_eq!((status, stderr.as_str()), (1, ""), "what has no endpoints is not delivered");
    insta::assert_snapshot!(stdout);
}

#[test]
fn errors_are_one_line_and_say_what_there_is() {
    let errors = [
        vec!["--from", "pod:a3", "--to", "10.96.0.10:53"],
        vec!["--from", "pod:default/a", "--to", "10.96.0.10:53"],
        vec!["--from", "external", "--to", "10.96.0.10:53"],
        vec!["--from", "pod:a1", "--to", "service:kube-dn"],
        vec!["--from", "pod:a1", "--to", "node:node-b"],
        vec!["--from", "pod:a1", "--to", "external:443", "--proto", "icmp"],
        vec!["--from", "node-a%eth1", "--to", "pod:a1:80"],
    ];
    let said: Vec<String> = errors
        .iter()
        .map(|args| {
            let (status, stdout, stderr) = both("iptables-nft-vxlan", args);
            assert_eq!((status, stdout.as_str()), (2, ""), "{args:?}");
            assert!(stderr.lines().count() <= 2, "{stderr}");
            stderr
        })
        .collect();
    insta::assert_snapshot!(said.concat());
    let twice = trace(&["iptables-nft-vxlan/node-a", "ipvs-vxlan/node-a", "--from", "pod:a1", "--to", "pod:a2"]);
    assert_eq!(twice.0, 2);
    assert!(twice.2.contains("are both of node node-a"), "{}", twice.2);
}

#[test]
fn a_trace_is_written_to_a_file_without_styles() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trace.txt");
    let args = ["--from", "pod:a1", "--to", "pod:a2:8080", "-o", file.to_str().unwrap()];
    assert_eq!(both("iptables-nft-vxlan", &args).1, "");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("tcp 10.244.1.2:40000 -> 10.244.1.3:8080") && !text.contains('\u{1b}'), "{text}");
}
