//! One entry of a bundle: where its bytes are, and how they become text at the first question.
//!
//! Never more bytes are made of it than it had when the bundle was opened, and the sum of those was held against the limits.

use std::collections::{BTreeMap, btree_map};
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use super::error::{Damage, escaped};
use crate::key::check_name;
use crate::writer::hex;

/// Where an entry's bytes are.
#[derive(Debug)]
pub(super) enum Source {
    /// In the zip, as they are.
    Stored(Packed),
    /// In the zip, deflated.
    Deflated(Packed),
    /// In a file of a folder.
    File(PathBuf),
    /// Nowhere: why they cannot be had.
    Unusable(String),
    /// They were given as text.
    Given,
}

/// Bytes of a zip.
#[derive(Debug)]
pub(super) struct Packed {
    /// Where in the file.
    pub(super) range: Range<usize>,
    /// CRC-32 of the inflated bytes; unknown where the zip is cut off before it.
    pub(super) crc: Option<u32>,
    /// What is known to be wrong with it.
    pub(super) broken: Option<String>,
}

/// An entry that was found.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) source: Source,
    /// Its size, inflated, as it was declared or found out.
    pub(super) size: u64,
    loaded: OnceLock<Loaded>,
}

/// What came of reading an entry.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    /// The text; empty if nothing could be read.
    pub(super) body: Arc<str>,
    pub(super) lossy: bool,
    /// SHA-256 of the bytes, in hex; `None` for a text that was given.
    pub(super) sha256: Option<String>,
    /// What went wrong.
    pub(super) broken: Option<String>,
}

impl Entry {
    pub(super) fn new(source: Source, size: u64) -> Self {
        Self { source, size, loaded: OnceLock::new() }
    }

    pub(super) fn given(text: &str) -> Self {
        let loaded = Loaded { body: Arc::from(text), lossy: false, sha256: None, broken: None };
        Self { source: Source::Given, size: text.len() as u64, loaded: OnceLock::from(loaded) }
    }

    /// The entry's text, read at the first call.
    pub(super) fn load(&self, zip: &[u8]) -> &Loaded {
        self.loaded.get_or_init(|| {
            let (bytes, broken) = self.bytes(zip);
            let sha256 = Some(hex(&Sha256::digest(&bytes)));
            let (body, lossy) = match String::from_utf8(bytes) {
                Ok(text) => (Arc::from(text), false),
                Err(error) => (Arc::from(String::from_utf8_lossy(error.as_bytes())), true),
            };
            Loaded { body, lossy, sha256, broken }
        })
    }

    /// The bytes, as far as they can be had, and what is wrong with them.
    pub(super) fn bytes(&self, zip: &[u8]) -> (Vec<u8>, Option<String>) {
        match &self.source {
            Source::Given => (Vec::new(), None),
            Source::Unusable(why) => (Vec::new(), Some(why.clone())),
            Source::File(path) => match File::open(path) {
                Ok(file) => self.read(file),
                Err(error) => (Vec::new(), Some(error.to_string())),
            },
            Source::Stored(packed) => self.unpack(packed, zip.get(packed.range.clone()).unwrap_or_default()),
            Source::Deflated(packed) => {
                let data = zip.get(packed.range.clone()).unwrap_or_default();
                self.unpack(packed, flate2::bufread::DeflateDecoder::new(data))
            }
        }
    }

    fn unpack(&self, packed: &Packed, reader: impl Read) -> (Vec<u8>, Option<String>) {
        let (bytes, broken) = self.read(reader);
        // What was found when the bundle was opened says most.
        let broken = packed.broken.clone().or(broken).or_else(|| {
            let mut crc = flate2::Crc::new();
            crc.update(&bytes);
            packed.crc.filter(|&expected| expected != crc.sum()).map(|_| "its checksum is wrong".to_owned())
        });
        (bytes, broken)
    }

    fn read(&self, reader: impl Read) -> (Vec<u8>, Option<String>) {
        let mut bytes = Vec::new();
        // One byte more tells whether there is more.
        let result = reader.take(self.size.saturating_add(1)).read_to_end(&mut bytes);
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let broken = match result {
            Err(error) => Some(format!("only its first {} bytes can be read: {error}", bytes.len())),
            Ok(_) if bytes.len() > size => Some(format!("it is longer than the {size} bytes that it should have")),
            Ok(_) if bytes.len() < size => Some(format!("only {} of its {size} bytes are there", bytes.len())),
            Ok(_) => None,
        };
        bytes.truncate(size);
        (bytes, broken)
    }
}

/// What was found in a zip or a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Every entry by its name; folders are left out.
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) damage: Vec<Damage>,
}

impl Found {
    /// Adds an entry. Of two with one name the first counts.
    pub(super) fn insert(&mut self, name: String, entry: Entry) {
        match self.entries.entry(name) {
            btree_map::Entry::Vacant(place) => {
                place.insert(entry);
            }
            btree_map::Entry::Occupied(place) => {
                let why = "a second entry of this name was left out".to_owned();
                self.damage.push(Damage::Entry { path: place.key().clone(), why });
            }
        }
    }

    /// Adds an entry that is there, but cannot be read.
    pub(super) fn unusable(&mut self, name: String, why: String) {
        self.damage.push(Damage::Entry { path: name.clone(), why: why.clone() });
        self.insert(name, Entry::new(Source::Unusable(why), 0));
    }
}

/// An entry's name, without the slash at the end of a folder's. `Err` says what is wrong with it.
pub(super) fn safe_name(raw: &[u8]) -> Result<String, String> {
    let name = String::from_utf8_lossy(raw);
    let name = name.strip_suffix('/').unwrap_or(&name);
    check_name(name).map_err(|error| format!("{error} \"{}\" among its entries", escaped(name)))?;
    Ok(name.to_owned())
}
