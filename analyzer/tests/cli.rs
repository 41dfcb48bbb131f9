//! The binary as a user meets it: exit statuses, errors in one line, pipes, colour, and inputs that are no bundles.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in #[test] functions; these are their helpers")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const MANIFEST: &str = r#"{"format":{"major":1,"minor":0},"collector":{"name":"coldpath-collect","version":"0.1.0","root":true},
"node":{"name":"node-a","kernel":"6.1.0-18-amd64","arch":"x86_64"},"started_at":"2026-11-21T10:15:00+01:00",
"finished_at":"2026-11-21T10:15:01+01:00","captures":[
{"capture":"nft-ruleset","how":"none","start_ms":0,"duration_ms":0,
"outcome":{"status":"absent","why":"tool-missing","detail":"nft is not on this node"}}]}"#;

/// A bundle as a folder, below `dir`.
fn bundle(dir: &Path, name: &str) -> PathBuf {
    let root = dir.join(name);
    fs::create_dir_all(root.join("node/ethtool-features")).unwrap();
    fs::write(root.join("manifest.json"), MANIFEST).unwrap();
    fs::write(root.join("node/sysctl.txt"), "net.core.somaxconn = 4096\nnet.ipv4.ip_forward = 1\n").unwrap();
    fs::write(root.join("node/hosts"), "127.0.0.1 localhost \u{1b}[31mred\n").unwrap();
    fs::write(root.join("node/ethtool-features/eth0"), "Features for eth0:\n").unwrap();
    fs::write(root.join("node/ethtool-features/eth1"), "Features for eth1:\n").unwrap();
    root
}

fn coldpath() -> Command {
    Command::new(assert_cmd::cargo::cargo_bin!("coldpath"))
}

fn run(args: &[&str]) -> Output {
    coldpath().args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The status, stdout and stderr.
fn outcome(args: &[&str]) -> (i32, String, String) {
    let output = run(args);
    (output.status.code().expect("ended by itself"), text(&output.stdout), text(&output.stderr))
}

/// An error is one line, and perhaps one of help.
fn assert_one_clear_line(stderr: &str, about: &str) {
    let lines: Vec<_> = stderr.lines().collect();
    assert!(lines[0].starts_with("coldpath: ") && lines[0].contains(about), "{stderr}");
    assert!(lines.len() == 1 || lines.len() == 2 && lines[1].starts_with("help: "), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn a_folder_is_analyzed_and_the_last_line_says_what_was_not_checked() {
    let dir = tempfile::tempdir().unwrap();
    let root = bundle(dir.path(), "a");
    let (status, stdout, stderr) = outcome(&["analyze", root.to_str().unwrap(), "--fail-on", "never"]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(stdout.starts_with("node-a: kernel 6.1.0-18-amd64 x86_64, collected 2026-11-21 10:15:00 +01:00\n"), "{stdout}");
    let last = stdout.lines().last().unwrap();
    assert!(last.starts_with("checked ") && last.contains("not checked: "), "{last}");
    assert!(!stdout.contains('\u{1b}'), "no colour where there is no terminal");
}

#[test]
fn inputs_that_are_no_bundles_get_one_clear_line_each() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut noise = Vec::new();
    // Not seeded: any bytes will do, and no bytes may make it panic.
    fs::File::open("/dev/urandom").map(|f| f.take(100_000).read_to_end(&mut noise)).ok();
    fs::create_dir_all(dir.path().join("folder/sub")).unwrap();
    fs::create_dir(dir.path().join("zips")).unwrap();
    file("zips/a.zip", b"");
    let folder = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let cases = [
        (file("empty", b""), "empty"),
        (file("noise", &noise), "not a bundle"),
        (file("bomb.zip", &bomb()), "limit"),
        (file("climb.zip", &zip("../../etc/passwd", b"x")), "climb.zip"),
        (folder("folder"), "not a bundle"),
        (folder("zips"), "not a bundle"),
        (folder("is not there"), "cannot read"),
        (folder("bad\u{1b}[2Jname"), "cannot read"),
    ];
    for (path, about) in &cases {
        for args in [&["analyze", path][..], &["show", path]] {
            let (status, stdout, stderr) = outcome(args);
            assert_eq!((status, stdout.as_str()), (2, ""), "{path}: {stderr}");
            assert_one_clear_line(&stderr, about);
            assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
        }
    }
    let (_, _, stderr) = outcome(&["analyze", &folder("zips")]);
    assert!(stderr.contains("help: it holds zips: name the bundles themselves") && stderr.contains("zips/*.zip"), "{stderr}");

    // The good one is reported all the same, and the status still says that one could not be read.
    let good = bundle(dir.path(), "good");
    let (status, stdout, stderr) = outcome(&["analyze", &cases[0].0, good.to_str().unwrap()]);
    assert_eq!(status, 2);
    assert_one_clear_line(&stderr, "empty");
    assert!(
        stdout.contains("node-a") && stdout.contains("unreadable: ") && stdout.contains("1 input that could not be read"),
        "{stdout}"
    );
    let (status, stdout, _) = outcome(&["analyze", "--format", "json", &cases[0].0, good.to_str().unwrap()]);
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((status, report["nodes"].as_array().unwrap().len()), (2, 1));
    assert_eq!(report["unreadable"][0]["bundle"], cases[0].0.as_str());
}

/// A zip of one deflated entry.
fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in [("begin.json", MANIFEST.as_bytes()), (name, content), ("manifest.json", MANIFEST.as_bytes())] {
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A zip whose directory claims 2 GiB for an entry of a few bytes.
fn bomb() -> Vec<u8> {
    let mut bytes = zip("node/sysctl.txt", b"x");
    let name = b"node/sysctl.txt";
    // The last time that the name stands there is in the directory; its entry begins 46 bytes before (APPNOTE 4.3.12), with the
    // size at 24.
    let at = bytes.windows(name.len()).rposition(|w| w == name).unwrap() - 46 + 24;
    bytes[at..at + 4].copy_from_slice(&(2_u32 << 30).to_le_bytes());
    bytes
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_one_line() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let root = bundle(dir.path(), "locked");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read it all the same.
    if fs::read_dir(&root).is_err() {
        let (status, _, stderr) = outcome(&["analyze", root.to_str().unwrap()]);
        assert_eq!(status, 2);
        assert_one_clear_line(&stderr, "ermission denied");
    }
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn many_inputs_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<String> = (0..12).map(|n| bundle(dir.path(), &format!("n{n}")).to_str().unwrap().to_owned()).collect();
    let args: Vec<&str> = ["analyze", "--format", "json"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    let (_, first, stderr) = outcome(&args);
    assert_eq!(stderr, "", "no progress bar where stderr is no terminal");
    let report: serde_json::Value = serde_json::from_str(&first).unwrap();
    let order: Vec<_> = report["nodes"].as_array().unwrap().iter().map(|n| n["bundle"].as_str().unwrap()).collect();
    assert_eq!(order, paths);
    assert_eq!(outcome(&args).1, first, "the same bytes again");
}

#[test]
fn a_report_goes_to_a_file_but_never_over_a_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let root = bundle(dir.path(), "a");
    let file = dir.path().join("report.txt");
    let file = file.to_str().unwrap();
    let (status, stdout, _) = outcome(&["analyze", root.to_str().unwrap(), "-o", file, "--fail-on", "never"]);
    assert_eq!((status, stdout.as_str()), (0, ""));
    assert!(fs::read_to_string(file).unwrap().starts_with("node-a: "));
    let bundle = dir.path().join("b.zip");
    fs::write(&bundle, "precious").unwrap();
    let (status, _, stderr) = outcome(&["analyze", root.to_str().unwrap(), "-o", bundle.to_str().unwrap()]);
    assert_eq!(status, 2);
    assert_one_clear_line(&stderr, "may be a bundle");
    assert_eq!(fs::read_to_string(&bundle).unwrap(), "precious");
    let (status, _, stderr) = outcome(&["analyze", root.to_str().unwrap(), "-o", "/is/not/there"]);
    assert_eq!(status, 2);
    assert_one_clear_line(&stderr, "cannot write /is/not/there");
}

#[test]
fn show_lists_what_is_there_and_what_is_not_and_prints_a_text() {
    let dir = tempfile::tempdir().unwrap();
    let root = bundle(dir.path(), "a");
    let root = root.to_str().unwrap();
    let (status, stdout, _) = outcome(&["show", root]);
    assert_eq!(status, 0);
    assert!(stdout.contains("ethtool-features:eth1") && stdout.contains("tool missing: nft is not on this node"), "{stdout}");
    for name in ["sysctl", "node/sysctl.txt"] {
        let (status, stdout, _) = outcome(&["show", root, name]);
        assert_eq!((status, stdout.as_str()), (0, "net.core.somaxconn = 4096\nnet.ipv4.ip_forward = 1\n"), "{name}");
    }
    assert_eq!(outcome(&["show", root, "ethtool-features:eth1"]).1, "Features for eth1:\n");
    assert!(outcome(&["show", root, "hosts"]).1.contains("\u{1b}[31m"), "a pipe gets the bytes as they are");
    for (name, about, help) in [
        ("nft-ruleset", "node/nft-ruleset.json is absent: tool missing: nft is not on this node", ""),
        ("ethtool-features", "has 2 texts", "ethtool-features:eth0"),
        ("ip-adr", "no capture is called 'ip-adr'", "ip-addr"),
    ] {
        let (status, stdout, stderr) = outcome(&["show", root, name]);
        assert_eq!((status, stdout.as_str()), (2, ""));
        assert_one_clear_line(&stderr, about);
        assert!(stderr.contains(help), "{stderr}");
    }
    let (_, stdout, _) = outcome(&["show", root, "--format", "json"]);
    let contents: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(contents["schema"], "coldpath.contents/1");
    assert!(contents["captures"].as_array().unwrap().iter().any(|c| c["name"] == "sysctl" && c["lines"] == 2));
}

#[test]
fn a_broken_pipe_is_success() {
    let dir = tempfile::tempdir().unwrap();
    let root = bundle(dir.path(), "a");
    for args in [&["analyze", root.to_str().unwrap()][..], &["show", root.to_str().unwrap(), "sysctl"], &["rules"]] {
        let mut child = coldpath().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        // Whoever closes the pipe may be slower than the report: then the report's own status stands.
        assert_eq!(text(&output.stderr), "");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {:?}", output.status);
    }
}

#[test]
fn colour_only_when_it_is_asked_for_and_not_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = bundle(dir.path(), "a");
    let colours = |vars: &[(&str, &str)]| {
        let output = coldpath().args(["analyze", root.to_str().unwrap()]).envs(vars.iter().copied()).output().unwrap();
        text(&output.stdout).contains('\u{1b}')
    };
    assert!(colours(&[("CLICOLOR_FORCE", "1")]));
    assert!(!colours(&[("NO_COLOR", "1")]));
    assert!(!colours(&[]));
}

#[test]
fn misuse_is_status_2() {
    for args in [&["analyze"][..], &["frobnicate"], &["analyze", "x", "--fail-on", "often"], &["explain", "no/such-rule"]] {
        assert_eq!(outcome(args).0, 2, "{args:?}");
    }
    let (_, _, stderr) = outcome(&["explain", "no/such-rule"]);
    assert_one_clear_line(&stderr, "no rule has the id 'no/such-rule'");
    let (_, _, stderr) = outcome(&["analyze", "x", "--select", "no/such-rule"]);
    assert_one_clear_line(&stderr, "no rule has the id 'no/such-rule'");
    assert_eq!(outcome(&["--version"]).0, 0);
    assert!(outcome(&["analyze", "--help"]).1.contains("Exit status:"));
}

/// A file below a folder.
fn put(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn pasted_outputs_are_shown_with_what_was_not_recognised() {
    let dir = tempfile::tempdir().unwrap();
    put(
        dir.path(),
        "a.txt",
        "Hello,\n> $ sysctl net.ipv4.ip_forward\n> net.ipv4.ip_forward = 0\n> $ ip rule\n> 0:\tfrom all lookup local\n> $\n",
    );
    put(dir.path(), "b.log", "what is this \u{1b}[2J\n");
    let root = dir.path().to_str().unwrap();
    let (status, stdout, stderr) = outcome(&["show", root]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert!(stdout.contains("  3  sysctl: sysctl [not whole: it does not show its end]"), "{stdout}");
    assert!(stdout.contains("not recognised: no format of this version begins like this: Hello,"), "{stdout}");
    assert!(
        stdout.contains("no format of this version begins like this: what is this") && !stdout.contains('\u{1b}'),
        "{stdout}"
    );
    assert_eq!(outcome(&["show", root, "sysctl"]).1, "net.ipv4.ip_forward = 0\n");
    let (_, stdout, _) = outcome(&["show", root, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(json["schema"], "coldpath.pasted/1");
    assert_eq!(json["groups"][0]["files"][0]["sections"][1]["captures"][0], "sysctl");
    let (status, _, stderr) = outcome(&["show", root, "ip-addr"]);
    assert_eq!(status, 2);
    assert_one_clear_line(&stderr, "is absent: not given: no output that was given shows it");
}

#[test]
fn pasted_outputs_are_analyzed_and_their_lines_are_those_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "a.txt", "root@n7:~# sysctl net.ipv4.ip_forward\nnet.ipv4.ip_forward = 0\n");
    put(
        dir.path(),
        "b.txt",
        "2: cni0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UP group default qlen 1000\n    inet 10.244.1.1/24 scope global cni0\n",
    );
    put(dir.path(), "c.txt", "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\n");
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let all = [file("a.txt"), file("b.txt"), file("c.txt")];
    let inputs: [&[&str]; 2] = [&[dir.path().to_str().unwrap()], &[&all[0], &all[1], &all[2]]];
    for inputs in inputs {
        let args: Vec<&str> = ["analyze"].iter().chain(inputs).copied().collect();
        let (status, stdout, stderr) = outcome(&args);
        assert_eq!((status, stderr.as_str()), (1, ""), "{stdout}");
        assert!(stdout.starts_with("n7: kernel unknown, from pasted outputs: when they were taken is not known\n"), "{stdout}");
        assert!(stdout.contains("a.txt:2: net.ipv4.ip_forward = 0"), "{stdout}");
        assert!(stdout.lines().last().unwrap().contains("not checked: "), "{stdout}");
    }
    // A file that holds nothing costs only itself.
    put(dir.path(), "d.txt", "nothing of the network\n");
    let (status, stdout, stderr) = outcome(&["analyze", &all[0], &all[1], &all[2], &file("d.txt")]);
    assert_eq!(status, 2);
    assert_one_clear_line(&stderr, "d.txt is not a bundle: a text file");
    assert!(stdout.contains("a.txt:2: net.ipv4.ip_forward = 0"), "{stdout}");
}

#[test]
fn a_folder_of_folders_is_several_nodes_and_a_copy_of_the_root_is_one() {
    let dir = tempfile::tempdir().unwrap();
    for (node, value) in [("n1", 0), ("n2", 1)] {
        put(dir.path(), &format!("nodes/{node}/x.txt"), &format!("net.ipv4.ip_forward = {value}\n"));
    }
    put(dir.path(), "sos/etc/resolv.conf", "nameserver 10.0.0.1\n");
    put(dir.path(), "sos/sos_commands/networking/ip_-o_addr", "1: lo    inet 127.0.0.1/8 scope host lo\n");
    put(dir.path(), "sos/hostname", "n9\n");
    let names = |folder: &str| -> Vec<String> {
        let path = dir.path().join(folder);
        let (_, stdout, _) = outcome(&["analyze", "--format", "json", "--fail-on", "never", path.to_str().unwrap()]);
        let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        report["nodes"].as_array().unwrap().iter().map(|n| n["node"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("nodes"), ["n1", "n2"]);
    assert_eq!(names("sos"), ["n9"]);
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_of_pasted_outputs_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "secret/sysctl.txt", "net.ipv4.conf.all.rp_filter = 7\n");
    put(dir.path(), "in/a.txt", "net.ipv4.ip_forward = 1\n");
    std::os::unix::fs::symlink(dir.path().join("secret/sysctl.txt"), dir.path().join("in/b.txt")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret"), dir.path().join("in/c")).unwrap();
    let root = dir.path().join("in");
    let (_, stdout, _) = outcome(&["show", root.to_str().unwrap()]);
    assert!(stdout.contains("b.txt: a symbolic link, which is not followed") && !stdout.contains("\nb.txt ("), "{stdout}");
    assert_eq!(outcome(&["show", root.to_str().unwrap(), "sysctl"]).1, "net.ipv4.ip_forward = 1\n");
}

#[test]
fn grep_finds_lines_with_their_places() {
    let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/bases/ipvs-vxlan/node-a");
    let grep = |args: &[&str]| {
        let output = Command::new(assert_cmd::cargo::cargo_bin!("coldpath")).arg("grep").args(args).output().expect("runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (status, found, _) = grep(&[r"^net\.IPV4\.ip_forward\b", base, "-i", "--capture", "sysctl"]);
    assert_eq!(status, Some(0));
    assert!(found.starts_with("node/sysctl.txt:") && found.trim_end().ends_with(": net.ipv4.ip_forward = 1"), "{found}");
    let (status, found, _) = grep(&["-l", "10.96.0.10", base, "--no-pods"]);
    assert_eq!(status, Some(0));
    assert!(found.lines().any(|l| l == "node/ipvs-save.txt") && found.lines().all(|l| !l.contains(": ")), "{found}");
    assert_eq!(grep(&["no such line", base]), (Some(1), String::new(), String::new()));
    let (status, _, error) = grep(&["(", base]);
    assert_eq!((status, error.lines().count()), (Some(2), 1), "{error}");
    assert!(error.contains("unclosed group"), "{error}");
}

#[test]
fn show_prints_what_was_understood_and_prints_it_back() {
    let capture = "../fixtures/bases/iptables-nft-vxlan/node-a/node/iptables-nft-save.txt";
    let text = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(capture)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("iptables-save.txt"), &text).unwrap();
    let root = dir.path().to_str().unwrap();
    let (status, stdout, stderr) = outcome(&["show", root, "iptables-nft-save", "--format", "json"]);
    assert_eq!(status, 0, "{stderr}");
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&document["schema"], &document["format"]), (&"coldpath.records/1".into(), &"iptables-save".into()));
    let rules = document["records"].as_array().unwrap().iter().filter(|r| r["record"] == "rule").count();
    assert_eq!(rules, text.lines().filter(|l| l.contains("-A ")).count());
    assert_eq!(document["problems"], serde_json::json!([]));
    // iptables puts two blanks behind `--nfacct-name`.
    let printed = outcome(&["show", root, "iptables-nft-save", "--normalized"]).1;
    assert!(printed == text.replace("--nfacct-name  ", "--nfacct-name "), "{printed}");
    assert_eq!(outcome(&["show", root, "sysctl", "--normalized"]).0, 2);
}
