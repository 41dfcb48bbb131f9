//! Loose outputs: the texts of real nodes under names that mean nothing, alone and several in one file, give the same captures back, and
//! the faults in them are found.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use bundle::{Bundle, Capture, Content, Key, Multiplicity, Netns};
use coldpath_tests::lab::binary;
use coldpath_tests::{fixture, fixtures};
use netmodel::loose::{self, What};

/// The command whose output each capture is, as a person types it; `None` for files and for what no command prints in this form.
fn command(key: &Key) -> Option<String> {
    Some(match key.capture {
        Capture::IpAddr => "ip -d -j addr".to_owned(),
        Capture::IpRoute4 => "ip -4 -d -j route show table all".to_owned(),
        Capture::IpRoute6 => "ip -6 -d -j route show table all".to_owned(),
        Capture::IpRule4 => "ip -4 -d -j rule".to_owned(),
        Capture::IpRule6 => "ip -6 -d -j rule".to_owned(),
        Capture::IpNeigh => "ip -d -j neigh".to_owned(),
        Capture::IptablesNftSave => "iptables-nft-save -c".to_owned(),
        Capture::IptablesLegacySave => "iptables-legacy-save -c".to_owned(),
        Capture::Sysctl => "sysctl -a".to_owned(),
        Capture::ResolvConf => "cat /etc/resolv.conf".to_owned(),
        Capture::Conntrack => "cat /proc/net/nf_conntrack".to_owned(),
        Capture::IpsetSave => "ipset save".to_owned(),
        Capture::IpvsSave => "ipvsadm -Sn".to_owned(),
        Capture::EthtoolStats => format!("ethtool -S {}", key.instance.as_deref()?),
        _ => return None,
    })
}

/// Captures that no content tells: one number or word a line, documents without anything in them, files that only their path explains.
fn needs_its_name(key: &Key, text: &str) -> bool {
    let words = text.lines().filter(|l| !l.trim().is_empty()).all(|l| l.split_whitespace().count() == 1);
    matches!(text.trim(), "" | "[]")
        || (words && !matches!(key.capture, Capture::FlannelSubnetEnv | Capture::OsRelease | Capture::ModulesBuiltin))
        || matches!(key.capture, Capture::EthtoolStats | Capture::KernelCmdline | Capture::KubeCmdline | Capture::Uptime)
}

fn texts(bundle: &Bundle) -> BTreeMap<Key, String> {
    let text = |key: &Key| if let Content::Text(text) = bundle.get(key) { text.body.to_string() } else { String::new() };
    bundle.keys().filter(|k| k.netns == Netns::Node).map(|k| (k.clone(), text(k))).collect()
}

/// Files with names that mean nothing: `a0.txt`, `a1.txt`, …, and one with all that a command prints, behind prompts.
fn files(texts: &BTreeMap<Key, String>) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut session = String::new();
    for (key, text) in texts {
        match command(key) {
            Some(command) => session += &format!("root@node-a:~# {command}\n{text}"),
            None => files.push((format!("a{}.txt", files.len()), text.clone())),
        }
    }
    files.push(("b.txt".to_owned(), session + "root@node-a:~#\n"));
    files
}

#[test]
fn the_texts_of_every_base_are_recognised_by_what_they_contain() -> Result<()> {
    let mut failures = Vec::new();
    for base in fixture::bases()? {
        let (_, all) = fixture::base(&base)?;
        let texts: BTreeMap<Key, String> = all.into_iter().filter(|(k, _)| k.netns == Netns::Node).collect();
        let mut found: BTreeMap<(Capture, Option<String>), String> = BTreeMap::new();
        for (name, text) in files(&texts) {
            for section in loose::read(&name, text.as_bytes()).sections {
                let What::Known(known) = section.what else { continue };
                for key in known.keys {
                    let per_file = key.capture.spec().multiplicity == Multiplicity::PerFile;
                    let instance = key.instance.filter(|_| !per_file);
                    found.insert((key.capture, instance), known.text.clone());
                }
            }
        }
        for (key, text) in &texts {
            let per_file = key.capture.spec().multiplicity == Multiplicity::PerFile;
            let id = (key.capture, key.instance.clone().filter(|_| !per_file));
            match found.remove(&id) {
                // What all lines begin with is taken off.
                Some(got) if per_file || got.lines().map(str::trim).eq(text.trim_end().lines().map(str::trim)) => {}
                Some(got) => {
                    let at = got.lines().zip(text.lines()).position(|(a, b)| a != b);
                    failures.push(format!("{base}: {key}: another text, from line {at:?} on"));
                }
                None if needs_its_name(key, text) && command(key).is_none() || matches!(text.trim(), "" | "[]") => {}
                None => failures.push(format!("{base}: {key}: not recognised: {:?}", text.chars().take(80).collect::<String>())),
            }
        }
        let more: Vec<_> = found.keys().filter(|(c, _)| c.spec().multiplicity != Multiplicity::PerFile).collect();
        if !more.is_empty() {
            failures.push(format!("{base}: recognised what is not there: {more:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// The findings of `coldpath analyze` on a case's texts as loose files: rule, and the files that prove it.
fn analyzed(case: &str) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let (_, bundle) = fixture::case(&fixtures().join("faults").join(case))?;
    let dir = tempfile::tempdir()?;
    write_all(dir.path(), &files(&texts(&bundle)))?;
    let output = Command::new(binary("coldpath")).args(["analyze", "--format", "json"]).arg(dir.path()).output()?;
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    assert_eq!(report["nodes"][0]["node"], "node-a");
    assert!(report["nodes"][0].get("collected_at").is_none(), "nobody knows when");
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in report["nodes"][0]["findings"].as_array().context("findings")? {
        let files = finding["evidence"].as_array().context("evidence")?.iter();
        let files = files.filter_map(|e| e["capture"].as_str()).map(str::to_owned);
        found.entry(finding["rule"].as_str().context("a rule")?.to_owned()).or_default().extend(files);
    }
    Ok(found)
}

fn write_all(dir: &Path, files: &[(String, String)]) -> Result<()> {
    for (name, text) in files {
        fs::write(dir.join(name), text)?;
    }
    Ok(())
}

#[test]
fn faults_are_found_in_pasted_outputs() -> Result<()> {
    for (case, rule) in [
        ("forwarding/ip-forward-off/fires/captured", "forwarding/ip-forward-off"),
        ("firewall/overlay-port-dropped/fires/captured", "firewall/overlay-port-dropped"),
    ] {
        let found = analyzed(case)?;
        let evidence = found.get(rule).with_context(|| format!("{case}: only {found:?} was found"))?;
        assert!(evidence.contains("b.txt"), "{case}: the evidence names the file as it was given: {evidence:?}");
    }
    Ok(())
}
