//! Reads a bundle: a zip, a damaged zip, or the same tree as a folder.
//!
//! Nothing is unpacked to disk, and nothing is inflated before it is asked for. What a capture says is not this crate's business.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::capture::Capture;
use crate::content::{Absence, AbsentWhy, Content, Text};
use crate::key::{Key, Netns};
use crate::manifest::{FormatVersion, Manifest, Record};

/// What a bundle may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries in a bundle.
    pub entries: usize,
    /// Bytes of one entry, inflated.
    pub entry_bytes: u64,
    /// Bytes of all entries, inflated.
    pub total_bytes: u64,
    /// Inflated bytes for each compressed one, for entries above 1 MiB.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 50_000, entry_bytes: 256 << 20, total_bytes: 1 << 30, ratio: 1_000 }
    }
}

/// Something that is wrong with a bundle, though it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The end is missing: what follows byte `at` of the file was lost.
    CutOff {
        /// Offset of the first byte that could not be used.
        at: u64,
    },
    /// There is no `manifest.json`: how captures were taken, and which were not, is unknown.
    NoManifest,
    /// An entry could not be read.
    Entry {
        /// Its name.
        path: String,
        /// Why.
        why: String,
    },
    /// A name that no bundle of ours holds; the entry was left alone.
    UnsafeName(String),
    /// The bundle is of a newer minor version of the format.
    NewerMinor(FormatVersion),
}

/// Why a bundle cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or folder could not be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// It is no bundle.
    #[error("{path} is not a bundle: {why}", path = path.display())]
    NotABundle {
        /// The file or folder.
        path: PathBuf,
        /// What was found instead.
        why: String,
    },
    /// It is a bundle of a newer major version.
    #[error("{path} has bundle format {found}; this version reads up to {supported}", path = path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: FormatVersion,
        /// Ours.
        supported: FormatVersion,
    },
    /// A limit was passed.
    #[error("{path} passes a limit: {what}", path = path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// Which, and by what.
        what: String,
    },
}

/// A bundle, opened.
#[derive(Debug)]
pub struct Bundle {
    name: String,
    manifest: Manifest,
    damage: Vec<Damage>,
    texts: BTreeMap<Key, Text>,
}

impl Bundle {
    /// Opens a zip or a folder.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path, _limits: &Limits) -> Result<Self, OpenError> {
        Err(OpenError::NotABundle { path: path.to_owned(), why: "not written yet".to_owned() })
    }

    /// Makes a bundle of texts in memory: for tests, and for captures that come from elsewhere. What the manifest has a record of,
    /// keeps it; a text without one is taken as whole.
    #[must_use]
    pub fn from_texts(name: impl Into<String>, manifest: Manifest, texts: impl IntoIterator<Item = (Key, String)>) -> Self {
        let texts =
            texts.into_iter().map(|(key, body)| (key, Text { body: Arc::from(body), partial: None, lossy: false })).collect();
        Self { name: name.into(), manifest, damage: Vec::new(), texts }
    }

    /// The bundle's name: the path that it was opened by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The manifest; where it was lost, what `begin.json` says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What is wrong with the bundle.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The manifest's record of a capture.
    #[must_use]
    pub fn record(&self, key: &Key) -> Option<&Record> {
        self.manifest.captures.iter().find(|r| r.key().as_ref() == Some(key))
    }

    /// The text of a capture, or why there is none. It is inflated at the first call.
    #[must_use]
    pub fn get(&self, key: &Key) -> Content {
        self.texts
            .get(key)
            .cloned()
            .map_or_else(|| Content::Absent(Absence { why: AbsentWhy::NotInThisVersion, detail: String::new() }), Content::Text)
    }

    /// Every key that has a text, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.texts.keys()
    }

    /// The members of a family in a namespace that have a text, in order of their instance.
    pub fn instances(&self, netns: Netns, capture: Capture) -> impl Iterator<Item = &Key> {
        self.texts.keys().filter(move |k| k.netns == netns && k.capture == capture)
    }

    /// Records of the manifest that belong to a capture in a namespace, absent ones too, in the manifest's order.
    pub fn records(&self, netns: Netns, capture: Capture) -> impl Iterator<Item = &Record> {
        self.manifest
            .captures
            .iter()
            .filter(move |r| r.capture.known() == Some(capture) && r.pod.map_or(Netns::Node, Netns::Pod) == netns)
    }
}
