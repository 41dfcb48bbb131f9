//! Writes the seeds of the fuzz targets to `fuzz/corpus/<target>/`: every fixture that a parser of its family reads, each once, and bundles as the
//! collector writes them, as somebody zips them again, and cut off.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use bundle::{BundleWriter, Capture, Key, Manifest};
use coldpath_tests::parsers::PARSERS;
use coldpath_tests::{files_below, fixtures, fixtures_of};
use sha2::{Digest, Sha256};

/// A seed is a part of a file of about this size: many short inputs teach a fuzzer more than one long one.
const SEED: usize = 2_048;
/// So many parts are taken of a file at most.
const PARTS: usize = 24;

fn main() -> Result<()> {
    let corpus = fixtures().join("../fuzz/corpus");
    for parser in PARSERS {
        let folder = corpus.join(parser.family);
        let found = files_below(&fixtures().join("fuzz").join(parser.name)).unwrap_or_default();
        for path in fixtures_of(parser)?.into_iter().chain(found) {
            let text = fs::read(&path).with_context(|| path.display().to_string())?;
            for part in parts(&text).into_iter().take(PARTS) {
                write(&folder, part)?;
            }
        }
    }
    for manifest in files_below(&fixtures().join("bases"))?.iter().filter(|path| path.ends_with("manifest.json")) {
        write(&corpus.join("container"), &fs::read(manifest)?)?;
    }
    for bytes in bundles()? {
        write(&corpus.join("container"), &bytes)?;
    }
    Ok(())
}

/// The parts of a file: whole lines.
fn parts(text: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > SEED {
        let end = rest[SEED..].iter().position(|&byte| byte == b'\n').map_or(rest.len(), |n| SEED + n + 1);
        // One long line of JSON: its beginning.
        parts.push(&rest[..end.min(4 * SEED)]);
        rest = &rest[end..];
    }
    parts.push(rest);
    parts
}

/// A file that is named by what it holds: the same seed is written once.
fn write(folder: &Path, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let name: String = Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    fs::write(folder.join(format!("seed-{name}")), bytes).with_context(|| folder.display().to_string())
}

/// Bundles with a few small texts.
fn bundles() -> Result<Vec<Vec<u8>>> {
    let text = |name: &str| fs::read(fixtures().join("bases/iptables-nft-vxlan/node-a").join(name));
    let manifest = text("manifest.json")?;
    let mut whole: Manifest = serde_json::from_slice(&manifest)?;
    let keys = [Capture::IpRule4, Capture::ConntrackStats, Capture::ResolvConf].map(Key::node);
    whole.captures.retain(|record| record.key().is_some_and(|key| keys.contains(&key)));
    let begin = Manifest { captures: Vec::new(), finished_at: None, ..whole.clone() };
    let file = tempfile::NamedTempFile::new()?;
    let mut writer = BundleWriter::to_stream(file.reopen()?, &begin)?;
    for key in &keys {
        let mut entry = writer.entry(key)?;
        entry.write_all(&text(&key.path())?)?;
        entry.finish()?;
    }
    writer.finish(&whole)?;
    let whole = fs::read(file.path())?;
    let cuts: BTreeSet<usize> = [10, whole.len() / 3, whole.len() / 2, whole.len() - 30].into();
    Ok(cuts.into_iter().map(|cut| whole[..cut].to_vec()).chain([whole.clone()]).collect())
}
