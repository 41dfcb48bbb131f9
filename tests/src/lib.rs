//! Shared by the tests across crates: the fixtures as bundles in memory, and the import of raw captures as fixtures.

pub mod fixture;
pub mod generate;
pub mod import;
pub mod lab;
pub mod parsers;

use std::path::{Path, PathBuf};

/// The repository's folder of fixtures.
#[must_use]
pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

/// All files below a folder, sorted.
///
/// # Errors
/// When a folder cannot be listed.
pub fn files_below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.append(&mut files_below(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// The fixtures that a parser reads: single captures, those that a fuzzer found, and captures of whole nodes.
///
/// # Errors
/// When a folder cannot be listed.
pub fn fixtures_of(parser: &parsers::Parser) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in parser.captures {
        files.append(&mut files_below(&fixtures().join("captures").join(folder))?);
    }
    files.retain(|file| !file.to_string_lossy().contains("PROVENANCE"));
    let mut nodes = files_below(&fixtures().join("bases"))?;
    nodes.retain(|file| parser.nodes.iter().any(|part| file.to_string_lossy().contains(part)));
    files.append(&mut nodes);
    Ok(files)
}
