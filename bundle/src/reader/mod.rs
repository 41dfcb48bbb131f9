//! Reads a bundle: a zip, a damaged zip, or the same tree as a folder.
//!
//! Nothing is unpacked to disk, and nothing but the manifest is inflated before it is asked for. A bundle is untrusted: sizes are
//! held against limits before memory is spent on them, and no input makes it panic. What a capture says is not this crate's
//! business.

mod answer;
mod entry;
mod error;
mod folder;
mod lenient;
mod salvage;
mod stream;
mod zip;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use self::entry::{Entry, Found};
pub use self::error::{Damage, Limits, OpenError};
use self::error::{Refusal, escaped};
use crate::capture::Capture;
use crate::content::Content;
use crate::key::{Key, Netns};
use crate::manifest::{CollectorInfo, FORMAT, Manifest, NodeIdentity, Outcome, Record};
use crate::pasted::Pasted;
use crate::writer::{BEGIN, MANIFEST};

/// A bundle, opened.
#[derive(Debug)]
pub struct Bundle {
    name: String,
    manifest: Manifest,
    /// Whether `manifest` is the last word, or only what `begin.json` says.
    complete: bool,
    damage: Vec<Damage>,
    /// The zip's bytes; empty for a folder.
    zip: Vec<u8>,
    texts: BTreeMap<Key, Entry>,
    unknown: Vec<String>,
    /// Indexes into the manifest's records: by key, and in the manifest's order by capture.
    records: BTreeMap<Key, usize>,
    families: BTreeMap<(Netns, Capture), Vec<usize>>,
    /// What is known of texts that were pasted; `None` for a bundle that a collector wrote.
    pasted: Option<BTreeMap<Key, Pasted>>,
}

impl Bundle {
    /// Opens a zip or a folder.
    ///
    /// A zip whose directory is lost is read by the headers of its entries, as far as it goes. A file is read to its end, so it
    /// may be a pipe; devices are refused.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, OpenError> {
        Self::open_inner(path, limits).map_err(|refusal| refusal.at(path))
    }

    /// Opens a zip that is in memory already.
    ///
    /// # Errors
    /// See [`OpenError`]; `name` stands where the path would.
    pub fn from_bytes(name: &str, data: Vec<u8>, limits: &Limits) -> Result<Self, OpenError> {
        let checked = if data.len() as u64 > limits.file_bytes { Err(too_large(data.len() as u64, limits)) } else { Ok(data) };
        checked.and_then(|data| Self::from_zip(name.to_owned(), data, limits)).map_err(|refusal| refusal.at(Path::new(name)))
    }

    fn open_inner(path: &Path, limits: &Limits) -> Result<Self, Refusal> {
        let name = path.to_string_lossy().into_owned();
        let meta = std::fs::metadata(path).map_err(Refusal::Io)?;
        if meta.is_dir() {
            return Self::assemble(name, Vec::new(), folder::entries(path, limits)?, limits);
        }
        if is_device(&meta) {
            return Err(Refusal::NotABundle("a device".to_owned()));
        }
        if meta.len() > limits.file_bytes {
            return Err(too_large(meta.len(), limits));
        }
        let mut data = Vec::new();
        let file = File::open(path).map_err(Refusal::Io)?;
        file.take(limits.file_bytes.saturating_add(1)).read_to_end(&mut data).map_err(Refusal::Io)?;
        if data.len() as u64 > limits.file_bytes {
            return Err(too_large(data.len() as u64, limits));
        }
        Self::from_zip(name, data, limits)
    }

    fn from_zip(name: String, data: Vec<u8>, limits: &Limits) -> Result<Self, Refusal> {
        let found = match zip::open(&data, limits)? {
            Ok(directory) => zip::entries(directory, &data, limits)?,
            Err(why) if salvage::begins_like_a_zip(&data) => {
                let mut found = salvage::entries(&data, limits)?;
                if !found.damage.iter().any(|damage| matches!(damage, Damage::CutOff { .. })) {
                    found.damage.insert(0, Damage::Directory { why });
                }
                found
            }
            Err(_) => return Err(Refusal::NotABundle(what_is(&data).to_owned())),
        };
        Self::assemble(name, data, found, limits)
    }

    /// Reads the manifest, and gives each text its key.
    fn assemble(name: String, zip: Vec<u8>, found: Found, limits: &Limits) -> Result<Self, Refusal> {
        let Found { mut entries, mut damage } = found;
        if !entries.contains_key(MANIFEST) && !entries.contains_key(BEGIN) {
            let cut_off = damage.iter().any(|d| matches!(d, Damage::CutOff { .. }));
            let why = if cut_off { "a zip that is cut off" } else { "a zip" };
            return Err(Refusal::NotABundle(format!("{why}, and holds neither {MANIFEST} nor {BEGIN}")));
        }
        let mut read = |name: &str, damage: &mut Vec<Damage>| -> Result<Option<Manifest>, Refusal> {
            let Some(entry) = entries.remove(name) else { return Ok(None) };
            let (bytes, broken) = entry.bytes(&zip);
            let text = String::from_utf8_lossy(&bytes);
            let failed = match lenient::read(name, &text, limits.entries, damage) {
                Ok(manifest) => {
                    damage.extend(broken.map(|why| Damage::Entry { path: name.to_owned(), why }));
                    return Ok(Some(manifest));
                }
                Err(lenient::Failure::TooNew(found)) => return Err(Refusal::TooNew(found)),
                Err(lenient::Failure::TooMany(n)) => {
                    return Err(Refusal::Limit(format!("{name} lists {n} things; at most {} are read", limits.entries)));
                }
                Err(lenient::Failure::Unreadable(why)) => broken.unwrap_or(why),
            };
            damage.push(Damage::Manifest { part: name.to_owned(), why: failed });
            Ok(None)
        };
        let last = read(MANIFEST, &mut damage)?;
        let complete = last.is_some();
        let mut begin_damage = Vec::new();
        let begin = read(BEGIN, &mut begin_damage)?;
        // What begin.json says only counts where the manifest is lost.
        if !complete {
            damage.append(&mut begin_damage);
            damage.push(Damage::NoManifest);
        }
        let Some(manifest) = last.or(begin) else {
            let why = damage
                .iter()
                .find_map(|d| if let Damage::Manifest { part, why } = d { Some(format!("{part}: {why}")) } else { None });
            let why = why.unwrap_or_default();
            return Err(Refusal::NotABundle(format!("its manifest is unreadable: {}", escaped(&why))));
        };
        if manifest.format.major == FORMAT.major && manifest.format.minor > FORMAT.minor {
            damage.push(Damage::NewerMinor(manifest.format));
        }
        let mut bundle = Self::indexed(name, manifest, complete);
        bundle.zip = zip;
        for (path, entry) in entries {
            match Key::from_path(&path) {
                // A key has one path; what is another spelling of it is no text of ours.
                Ok(key) if key.path() == path => drop(bundle.texts.insert(key, entry)),
                _ => bundle.unknown.push(path),
            }
        }
        let lost = bundle.records.iter().filter(|(key, index)| {
            let record = bundle.manifest.captures.get(**index);
            record.is_some_and(|r| matches!(r.outcome, Outcome::Taken { .. })) && !bundle.texts.contains_key(*key)
        });
        let why = || "its text is not in the bundle, though the manifest says that it was taken".to_owned();
        damage.extend(lost.map(|(key, _)| Damage::Entry { path: key.path(), why: why() }));
        bundle.damage = damage;
        Ok(bundle)
    }

    fn indexed(name: String, manifest: Manifest, complete: bool) -> Self {
        let mut records = BTreeMap::new();
        let mut families: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, record) in manifest.captures.iter().enumerate() {
            if let Some(key) = record.key() {
                families.entry((key.netns, key.capture)).or_default().push(index);
                records.entry(key).or_insert(index);
            }
        }
        Self {
            name,
            manifest,
            complete,
            damage: Vec::new(),
            zip: Vec::new(),
            texts: BTreeMap::new(),
            unknown: Vec::new(),
            records,
            families,
            pasted: None,
        }
    }

    /// Makes a bundle of texts in memory: for tests, and for captures that come from elsewhere. What the manifest has a record of,
    /// keeps it, but sizes and digests are not compared; a text without one counts as whole, and
    /// as recorded.
    #[must_use]
    pub fn from_texts(name: impl Into<String>, manifest: Manifest, texts: impl IntoIterator<Item = (Key, String)>) -> Self {
        let mut bundle = Self::indexed(name.into(), manifest, true);
        bundle.texts = texts.into_iter().map(|(key, body)| (key, Entry::given(&body))).collect();
        bundle
    }

    /// Makes a bundle of pasted texts. There is no record of how anything was taken, and a capture that no text shows was not given,
    /// which says nothing about the node.
    #[must_use]
    pub fn from_pasted(
        name: impl Into<String>,
        node: NodeIdentity,
        texts: impl IntoIterator<Item = (Key, String, Pasted)>,
    ) -> Self {
        let manifest = Manifest {
            format: FORMAT,
            collector: CollectorInfo { name: "pasted".to_owned(), version: String::new(), root: false },
            node,
            // Nobody knows: `collected_at` says so.
            started_at: time::OffsetDateTime::UNIX_EPOCH,
            finished_at: None,
            cut_short: None,
            netns: Vec::new(),
            captures: Vec::new(),
        };
        let mut bundle = Self::indexed(name.into(), manifest, true);
        let mut pasted = BTreeMap::new();
        for (key, body, how) in texts {
            pasted.insert(key.clone(), how);
            bundle.texts.insert(key, Entry::given(&body));
        }
        bundle.pasted = Some(pasted);
        bundle
    }

    /// Whether the texts were pasted, and not collected: then the manifest holds the node's name, and nothing else that means anything.
    #[must_use]
    pub fn is_pasted(&self) -> bool {
        self.pasted.is_some()
    }

    /// When the collection began; `None` for pasted texts, of which nobody knows.
    #[must_use]
    pub fn collected_at(&self) -> Option<time::OffsetDateTime> {
        (!self.is_pasted()).then_some(self.manifest.started_at)
    }

    /// The bundle's name: the path that it was opened by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The manifest; where it was lost, what `begin.json` says ([`Damage::NoManifest`] tells).
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What is wrong with the bundle.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Names of entries that are no text of a capture that this version knows, in order. A newer version may have written them.
    /// They may hold anything: escape them before they are printed.
    #[must_use]
    pub fn unknown_entries(&self) -> &[String] {
        &self.unknown
    }

    /// The manifest's record of a capture. Of two for one capture the first counts.
    #[must_use]
    pub fn record(&self, key: &Key) -> Option<&Record> {
        self.manifest.captures.get(*self.records.get(key)?)
    }

    /// The text of a capture, or why there is none. It is inflated at the first call and kept.
    #[must_use]
    pub fn get(&self, key: &Key) -> Content {
        self.answer(key)
    }

    /// Every key that has a text, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.texts.keys()
    }

    /// The members of a family in a namespace that have a text, in order of their instance.
    pub fn instances(&self, netns: Netns, capture: Capture) -> impl Iterator<Item = &Key> {
        let first = Key { netns, capture, instance: None };
        self.texts.range(first..).map(|(key, _)| key).take_while(move |key| key.netns == netns && key.capture == capture)
    }

    /// Records of the manifest that belong to a capture in a namespace, absent ones too, in the manifest's order.
    pub fn records(&self, netns: Netns, capture: Capture) -> impl Iterator<Item = &Record> {
        let indexes = self.families.get(&(netns, capture)).map(Vec::as_slice).unwrap_or_default();
        indexes.iter().filter_map(|&index| self.manifest.captures.get(index))
    }
}

fn too_large(size: u64, limits: &Limits) -> Refusal {
    Refusal::Limit(format!("it has {size} bytes; at most {} are read", limits.file_bytes))
}

/// What a file is that is no zip, for the one line that says so.
fn what_is(data: &[u8]) -> &'static str {
    match data {
        [] => "an empty file",
        [0x1f, 0x8b, ..] => "a gzip file; a bundle is a zip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a zstd file; a bundle is a zip",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => "an xz file; a bundle is a zip",
        [b'P', b'K', 5, 6, ..] => "an empty or damaged zip",
        [0x7f, b'E', b'L', b'F', ..] => "a program",
        _ if data.get(257..262) == Some(b"ustar") => "a tar file; a bundle is a zip",
        _ if data.iter().take(4096).all(|&b| b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r' | 0x1b)) => "a text file",
        _ => "neither a zip nor any other file that is known here",
    }
}

/// Whether a file never ends, or blocks for ever.
#[cfg(unix)]
fn is_device(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = meta.file_type();
    kind.is_char_device() || kind.is_block_device() || kind.is_socket()
}

#[cfg(not(unix))]
fn is_device(_: &std::fs::Metadata) -> bool {
    false
}
