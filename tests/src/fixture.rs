//! The fixtures as bundles in memory: bases (healthy nodes, whole) and cases (a base and what differs).
//!
//! A case is a folder with `case.toml` and, below `node/` or `pods/`, the captures that replace the base's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use bundle::{AbsentWhy, Bundle, How, Key, Manifest, Outcome, Record, Span};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{fixtures, import};

/// What `case.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The base, for example `iptables-nft-vxlan/node-a`.
    pub base: String,
    /// Where it comes from, or what it shows.
    pub why: String,
    /// Captures of the base that are not there, by path: the node has no such file.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Captures that could not be taken, by path, with the kind of reason.
    #[serde(default)]
    pub absent: BTreeMap<String, AbsentWhy>,
    /// Lines that are replaced.
    #[serde(default)]
    pub edit: Vec<Edit>,
    /// Text that is added at the end.
    #[serde(default)]
    pub append: Vec<Append>,
    /// The rules that must fire at warning or error, when they are not just the rule of the folder.
    pub expect: Option<Vec<String>>,
}

/// One part of a capture that is replaced; it must stand there exactly once, so that a case never silently edits nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The capture's path in the bundle.
    pub file: String,
    /// A whole line.
    pub line: Option<String>,
    /// Or any part of the text.
    pub part: Option<String>,
    /// What stands there instead.
    pub with: String,
}

/// Text that is added at the end of a capture, which is made if it is not there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Append {
    /// The capture's path in the bundle.
    pub file: String,
    /// The text.
    pub text: String,
}

/// All bases, by name.
///
/// # Errors
/// The folder cannot be read.
pub fn bases() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for scenario in folders(&fixtures().join("bases"))? {
        for node in folders(&scenario)? {
            let parts: Vec<_> = node.iter().rev().take(2).map(|p| p.to_string_lossy().into_owned()).collect();
            names.push(format!("{}/{}", parts[1], parts[0]));
        }
    }
    Ok(names)
}

/// The folders in a folder, sorted.
///
/// # Errors
/// It cannot be read.
pub fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .with_context(|| format!("{}", dir.display()))?
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.is_dir())
        .collect();
    paths.sort();
    Ok(paths)
}

/// The manifest and the texts of a base.
///
/// # Errors
/// It is not there or not whole.
pub fn base(name: &str) -> Result<(Manifest, BTreeMap<Key, String>)> {
    let dir = fixtures().join("bases").join(name);
    let manifest = fs::read_to_string(dir.join("manifest.json")).with_context(|| format!("base {name}"))?;
    let mut texts = BTreeMap::new();
    read_tree(&dir, &dir, &mut texts)?;
    Ok((serde_json::from_str(&manifest)?, texts))
}

fn read_tree(root: &Path, dir: &Path, texts: &mut BTreeMap<Key, String>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            read_tree(root, &path, texts)?;
        } else {
            let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            if relative.contains('/') {
                let key = Key::from_path(&relative).with_context(|| relative.clone())?;
                texts.insert(key, fs::read_to_string(&path).with_context(|| relative)?);
            }
        }
    }
    Ok(())
}

/// A base as a bundle.
///
/// # Errors
/// It is not there or not whole.
pub fn base_bundle(name: &str) -> Result<Bundle> {
    let (manifest, texts) = base(name)?;
    Ok(Bundle::from_texts(name, manifest, texts))
}

/// A case as a bundle, with what its `case.toml` says.
///
/// # Errors
/// The case or its base is not there, or an edit does not fit.
pub fn case(dir: &Path) -> Result<(Case, Bundle)> {
    let toml = fs::read_to_string(dir.join("case.toml")).with_context(|| format!("{}", dir.display()))?;
    let case: Case = toml::from_str(&toml).with_context(|| format!("{}", dir.display()))?;
    let (mut manifest, mut texts) = base(&case.base)?;
    let mut own = BTreeMap::new();
    read_tree(dir, dir, &mut own)?;
    for (key, text) in own {
        set(&mut manifest, &mut texts, key, text);
    }
    for path in &case.remove {
        let key = Key::from_path(path).with_context(|| path.clone())?;
        ensure!(texts.remove(&key).is_some(), "{path} is not in the base");
        forget(&mut manifest, &key, AbsentWhy::NotFound);
    }
    for (path, &why) in &case.absent {
        let key = Key::from_path(path).with_context(|| path.clone())?;
        texts.remove(&key);
        forget(&mut manifest, &key, why);
    }
    for edit in &case.edit {
        let key = Key::from_path(&edit.file).with_context(|| edit.file.clone())?;
        let old = texts.get(&key).with_context(|| format!("{} is not in the base", edit.file))?;
        let new = match (&edit.line, &edit.part) {
            (Some(line), None) => {
                let lines: Vec<&str> = old.lines().map(|l| if l == line { edit.with.as_str() } else { l }).collect();
                ensure!(old.lines().filter(|l| l == line).count() == 1, "{}: not exactly one line {line:?}", edit.file);
                lines.join("\n") + "\n"
            }
            (None, Some(part)) => {
                ensure!(old.matches(part.as_str()).count() == 1, "{}: not exactly one {part:?}", edit.file);
                old.replace(part.as_str(), &edit.with)
            }
            _ => bail!("{}: an edit has either `line` or `part`", edit.file),
        };
        set(&mut manifest, &mut texts, key, new);
    }
    for append in &case.append {
        let key = Key::from_path(&append.file).with_context(|| append.file.clone())?;
        let text = texts.get(&key).cloned().unwrap_or_default() + &append.text;
        set(&mut manifest, &mut texts, key, text);
    }
    let name = dir.strip_prefix(fixtures()).unwrap_or(dir).to_string_lossy().replace('\\', "/");
    Ok((case, Bundle::from_texts(name, manifest, texts)))
}

fn set(manifest: &mut Manifest, texts: &mut BTreeMap<Key, String>, key: Key, text: String) {
    manifest.captures.retain(|r| r.key().as_ref() != Some(&key));
    // A family of which the base has nothing has one record for all of it; a member that was added makes that untrue.
    manifest
        .captures
        .retain(|r| r.capture.known() != Some(key.capture) || r.instance.is_some() || matches!(r.outcome, Outcome::Taken { .. }));
    manifest.captures.push(record(
        &key,
        How::File(key.instance.clone().unwrap_or_else(|| key.path())),
        Outcome::Taken {
            bytes: text.len() as u64,
            sha256: import::hex(&Sha256::digest(&text)),
            truncated: false,
            timed_out: false,
            exit: None,
            stderr: String::new(),
        },
    ));
    texts.insert(key, text);
}

fn record(key: &Key, how: How, outcome: Outcome) -> Record {
    let pod = match key.netns {
        bundle::Netns::Node => None,
        bundle::Netns::Pod(number) => Some(number),
    };
    Record { capture: key.capture.into(), pod, instance: key.instance.clone(), how, span: Span::default(), outcome }
}

fn forget(manifest: &mut Manifest, key: &Key, why: AbsentWhy) {
    manifest.captures.retain(|r| r.key().as_ref() != Some(key));
    let detail = "made absent by the fixture".to_owned();
    manifest.captures.push(record(key, How::None, Outcome::Absent { why, detail }));
}
