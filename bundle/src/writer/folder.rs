//! Writes a bundle as a folder: for fixtures, and for whoever wants to look at one with an editor.
//!
//! Unlike the zip it is not written in one step, and its texts come from memory.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{MANIFEST, WriteError, hex, manifest_text};
use crate::key::{Key, Netns};
use crate::manifest::{How, Manifest, Outcome, Record, Span};

/// Writes the tree of a bundle into `dir`, which is created if need be; what stands there already is overwritten, but not removed.
///
/// A text without a record in `manifest` gets one that says that it was taken whole, so that the folder is complete.
///
/// # Errors
/// What the system says.
pub fn write_folder<T: AsRef<[u8]>>(
    dir: &Path,
    manifest: &Manifest,
    texts: impl IntoIterator<Item = (Key, T)>,
) -> Result<(), WriteError> {
    let mut manifest = manifest.clone();
    let recorded: BTreeSet<Key> = manifest.captures.iter().filter_map(Record::key).collect();
    fs::create_dir_all(dir).map_err(|e| WriteError::io("create", dir, e))?;
    for (key, text) in texts {
        let text = text.as_ref();
        write(dir, &key.path(), text)?;
        if !recorded.contains(&key) {
            manifest.captures.push(record_of(key, text));
        }
    }
    manifest.captures.sort_by_key(Record::key);
    write(dir, MANIFEST, &manifest_text(&manifest)?)
}

fn write(dir: &Path, name: &str, text: &[u8]) -> Result<(), WriteError> {
    let path = dir.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|e| WriteError::io("create", parent, e))?;
    }
    fs::write(&path, text).map_err(|e| WriteError::io("write", &path, e))
}

fn record_of(key: Key, text: &[u8]) -> Record {
    Record {
        capture: key.capture.into(),
        pod: if let Netns::Pod(number) = key.netns { Some(number) } else { None },
        instance: key.instance,
        how: How::None,
        span: Span::default(),
        outcome: Outcome::Taken {
            bytes: text.len() as u64,
            sha256: hex(&Sha256::digest(text)),
            truncated: false,
            timed_out: false,
            exit: None,
            stderr: String::new(),
        },
    }
}
