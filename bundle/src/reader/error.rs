//! What a bundle may cost, what can be wrong with it, and why it cannot be read at all.
//!
//! Names and reasons that stem from a bundle are escaped in messages: they may hold terminal escapes.

use std::fmt;
use std::path::PathBuf;

use crate::manifest::FormatVersion;

/// What a bundle may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the zip itself, which is held in memory.
    pub file_bytes: u64,
    /// Entries in a bundle, and records in its manifest.
    pub entries: usize,
    /// Bytes of one entry, inflated.
    pub entry_bytes: u64,
    /// Bytes of all entries, inflated.
    pub total_bytes: u64,
    /// Inflated bytes for each compressed one, for entries above 1 MiB. Deflate cannot do more than 1032 (a match of 258 bytes in
    /// two bits), and a tool that ran wild and printed the same line for ever comes close to that: what is above it lies.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 1 << 30, entries: 50_000, entry_bytes: 256 << 20, total_bytes: 1 << 30, ratio: 1_032 }
    }
}

impl Limits {
    /// Why an entry of these sizes passes a limit, if it does.
    pub(super) fn entry(&self, name: &str, size: u64, packed: u64) -> Result<(), String> {
        let name = escaped(name);
        if size > self.entry_bytes {
            return Err(format!("{name} holds {size} bytes; at most {} are read", self.entry_bytes));
        }
        if size > 1 << 20 && size > packed.saturating_mul(self.ratio) {
            return Err(format!("{name} claims {size} bytes in {packed}, more than {} for each (a zip bomb)", self.ratio));
        }
        Ok(())
    }

    /// Why so many entries, or so much in all of them, pass a limit, if they do.
    pub(super) fn whole(&self, entries: usize, total: u64) -> Result<(), String> {
        if entries > self.entries {
            return Err(format!("it holds {entries} entries; at most {} are read", self.entries));
        }
        if total > self.total_bytes {
            return Err(format!("its entries hold {total} bytes in all; at most {} are read", self.total_bytes));
        }
        Ok(())
    }
}

/// Something that is wrong with a bundle, though it can be read. What only shows when a text is read, stands in that text's
/// [`Partial`](crate::Partial).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The end is missing: the zip breaks off, or makes no sense from here on.
    CutOff {
        /// Offset in the file from which on it is incomplete: where the entry begins that breaks off, or should begin.
        at: u64,
    },
    /// The zip's directory could not be read; its entries were found by their own headers.
    Directory {
        /// Why.
        why: String,
    },
    /// There is no `manifest.json`, or it is unreadable: how captures were taken, and which were not, is unknown.
    NoManifest,
    /// A part of `manifest.json` or `begin.json` could not be read; the rest counts.
    Manifest {
        /// Which part: `captures[17]`.
        part: String,
        /// Why.
        why: String,
    },
    /// An entry could not be read.
    Entry {
        /// Its name.
        path: String,
        /// Why.
        why: String,
    },
    /// The bundle is of a newer minor version of the format.
    NewerMinor(FormatVersion),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutOff { at } => write!(f, "the end of the bundle is missing: it is incomplete from byte {at} on"),
            Self::Directory { why } => {
                write!(f, "the zip's directory is unreadable ({}); its entries were found without it", escaped(why))
            }
            Self::NoManifest => f.write_str("the manifest is lost: how captures were taken, and which were not, is unknown"),
            Self::Manifest { part, why } => write!(f, "{} cannot be read: {}", escaped(part), escaped(why)),
            Self::Entry { path, why } => write!(f, "{}: {}", escaped(path), escaped(why)),
            Self::NewerMinor(found) => {
                write!(f, "the bundle has the newer format {found}; what this version does not know of it is left out")
            }
        }
    }
}

/// Why a bundle cannot be read at all. Each is one line.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or folder could not be read.
    #[error("cannot read {path}: {source}", path = shown(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// It is no bundle.
    #[error("{path} is not a bundle: {why}", path = shown(path))]
    NotABundle {
        /// The file or folder.
        path: PathBuf,
        /// What was found instead.
        why: String,
    },
    /// It is a zip that was made to trick its reader: names that climb out of a folder, entries that overlap, two of one name.
    #[error("{path} is not to be trusted: {what}", path = shown(path))]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// It is a bundle of a newer major version.
    #[error("{path} has bundle format {found}; this version reads up to {supported}", path = shown(path))]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: FormatVersion,
        /// Ours.
        supported: FormatVersion,
    },
    /// A limit was passed.
    #[error("{path} passes a limit: {what}", path = shown(path))]
    Limit {
        /// The file.
        path: PathBuf,
        /// Which, and by what.
        what: String,
    },
}

/// A path without line ends and terminal escapes: a folder of thousands of bundles holds names that others chose.
fn shown(path: &std::path::Path) -> String {
    escaped(&path.to_string_lossy())
}

/// Text with everything escaped that a terminal does not print as it is. Quotes and backslashes stay: they are in paths of Windows
/// and in messages.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if matches!(c, '\\' | '\'' | '"') {
            out.push(c);
        } else {
            out.extend(c.escape_debug());
        }
        out
    })
}

/// Why opening failed, before the path is added.
#[derive(Debug)]
pub(super) enum Refusal {
    NotABundle(String),
    Unsafe(String),
    TooNew(FormatVersion),
    Limit(String),
    Io(std::io::Error),
}

impl Refusal {
    pub(super) fn at(self, path: &std::path::Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::NotABundle(why) => OpenError::NotABundle { path, why },
            Self::Unsafe(what) => OpenError::Unsafe { path, what },
            Self::TooNew(found) => OpenError::TooNew { path, found, supported: crate::FORMAT },
            Self::Limit(what) => OpenError::Limit { path, what },
            Self::Io(source) => OpenError::Io { path, source },
        }
    }
}
