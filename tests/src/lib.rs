//! Shared by the tests across crates: the fixtures as bundles in memory, and the import of raw captures as fixtures.

pub mod fixture;
pub mod import;
pub mod lab;

use std::path::PathBuf;

/// The repository's folder of fixtures.
#[must_use]
pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}
