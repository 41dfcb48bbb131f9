//! Imports raw captures of a lab node as fixtures.
//!
//! `import-captures base SCENARIO NODE DIR` writes a bundle folder; `import-captures case SCENARIO NODE BASE DIR [CAPTURE…]` writes only
//! what differs from a base (volatile captures only when they are named).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use bundle::{Capture, Key};
use coldpath_tests::{fixture, import};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["base", scenario, node, dir] => base(Path::new(scenario), node, Path::new(dir)),
        ["case", scenario, node, base, dir, named @ ..] => case(Path::new(scenario), node, base, Path::new(dir), named),
        _ => bail!("usage: import-captures base SCENARIO NODE DIR | import-captures case SCENARIO NODE BASE DIR [CAPTURE…]"),
    }
}

fn base(scenario: &Path, node: &str, dir: &Path) -> Result<()> {
    let imported = import::node(scenario, node)?;
    for (key, text) in &imported.texts {
        write(&dir.join(key.path()), text)?;
    }
    write(&dir.join("manifest.json"), &(serde_json::to_string_pretty(&imported.manifest)? + "\n"))
}

fn case(scenario: &Path, node: &str, base: &str, dir: &Path, named: &[&str]) -> Result<()> {
    let imported = import::node(scenario, node)?;
    let (_, healthy) = fixture::base(base)?;
    let named: BTreeSet<&str> = named.iter().copied().collect();
    let wanted = |key: &Key| {
        matches!(key.netns, bundle::Netns::Node)
            && (named.contains(key.capture.name()) || !import::VOLATILE.contains(&key.capture))
    };
    let mut edits = String::new();
    for (key, text) in imported.texts.iter().filter(|(key, _)| wanted(key)) {
        match healthy.get(key) {
            Some(old) if old == text => {}
            // Sysctls differ in a few lines of 1,200: say which.
            Some(old) if key.capture == Capture::Sysctl => edits += &sysctl_edits(old, text, named.contains("conntrack")),
            _ => write(&dir.join(key.path()), text)?,
        }
    }
    let name = scenario.file_name().context("a scenario has a name")?.to_string_lossy();
    let gone: Vec<String> =
        healthy.keys().filter(|k| wanted(k) && !imported.texts.contains_key(k)).map(|k| format!("{:?}", k.path())).collect();
    let head = format!("base = {base:?}\nwhy = \"real capture: lab scenario {name}, {node}\"\nremove = [{}]\n", gone.join(", "));
    write(&dir.join("case.toml"), &(head + &edits))
}

/// Line edits for the sysctls that differ, except counters and what is random.
fn sysctl_edits(old: &str, new: &str, with_count: bool) -> String {
    let fields = |text: &str| -> Vec<(String, String)> {
        text.lines().filter_map(|l| l.split_once(" = ")).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    let skip = |key: &str| {
        (key.ends_with("nf_conntrack_count") && !with_count)
            || key.contains("stable_secret")
            || key.ends_with("gc_stale_time")
            || key.contains(".veth")
    };
    let old_fields = fields(old);
    let mut edits = String::new();
    for (key, value) in fields(new) {
        if skip(&key) {
            continue;
        }
        match old_fields.iter().find(|(k, _)| *k == key) {
            Some((_, was)) if *was == value => {}
            Some((_, was)) => {
                let (from, to) = (format!("{key} = {was}"), format!("{key} = {value}"));
                edits += &format!("\n[[edit]]\nfile = \"node/sysctl.txt\"\nline = {from:?}\nwith = {to:?}\n");
            }
            None => edits += &format!("\n[[append]]\nfile = \"node/sysctl.txt\"\ntext = {:?}\n", format!("{key} = {value}\n")),
        }
    }
    edits
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().context("a file stands in a folder")?)?;
    fs::write(path, text).with_context(|| format!("{}", path.display()))
}
