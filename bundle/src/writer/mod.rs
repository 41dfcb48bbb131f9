//! Writes a bundle as a zip, entry by entry, without ever holding a capture in memory.
//!
//! Everything is appended: nothing already written is touched again, so the same code writes to a file and to a pipe, and whatever
//! a killed collector leaves behind can be salvaged up to the entry that it was writing. What a capture says, and how it is taken,
//! is not this module's business.

mod folder;
mod sink;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::write::{SimpleFileOptions, StreamWriter};

pub use self::folder::write_folder;
use self::sink::Sink;
use crate::key::Key;
use crate::manifest::Manifest;

/// The name of the first entry: a manifest without records.
pub(crate) const BEGIN: &str = "begin.json";
/// The name of the last entry.
pub(crate) const MANIFEST: &str = "manifest.json";

type Zip = zip::ZipWriter<StreamWriter<Sink>>;

/// Why a bundle could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system said no: no such folder, no space left, the reader of the pipe went away.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried, as a verb.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The target exists and is not a regular file. Renaming onto it would replace a device, a pipe, a folder or a link: as root,
    /// `-o /dev/null` would leave the node without one.
    #[error("{path} exists and is {what}, not a file", path = path.display())]
    NotAFile {
        /// The target.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// An entry could not be written.
    #[error("cannot write {entry} into the bundle: {source}")]
    Entry {
        /// The entry's name.
        entry: String,
        /// The system's error, or the zip writer's: an entry of that name exists already, it passes 4 GiB.
        source: io::Error,
    },
    /// The manifest could not be turned into JSON.
    #[error("cannot write the manifest: {0}")]
    Manifest(#[from] serde_json::Error),
}

impl WriteError {
    fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }
}

/// A bundle that is being written.
///
/// If it is dropped without [`finish`](Self::finish), a temporary file is removed, and a stream stays cut off.
pub struct BundleWriter {
    // Dropped first: it silences the sink, on which the zip would else write a directory that makes a half bundle look whole.
    sink: sink::Handle,
    zip: Zip,
}

impl std::fmt::Debug for BundleWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BundleWriter").field("target", &self.sink.target()).finish_non_exhaustive()
    }
}

impl BundleWriter {
    /// Begins a bundle that will stand at `target` when [`finish`](Self::finish) has returned.
    ///
    /// Until then it is written to a hidden file beside it, `.NAME.PID-N.partial`, with mode 0600 (a bundle shows much of a
    /// node). That file is created anew and never opened through a link. A bundle that stands at `target` already is replaced, in
    /// one step, when this one is complete. `begin` becomes the first entry.
    ///
    /// # Errors
    /// [`WriteError::NotAFile`] if `target` exists and is no regular file; else what the system says.
    pub fn create(target: &Path, begin: &Manifest) -> Result<Self, WriteError> {
        let (sink, handle) = sink::create(target)?;
        Self::begin(sink, handle, begin)
    }

    /// Begins a bundle that goes to a stream, such as standard output. Nothing is sought: sizes follow their data.
    ///
    /// # Errors
    /// What the stream says.
    pub fn to_stream(stream: impl Write + Send + 'static, begin: &Manifest) -> Result<Self, WriteError> {
        let (sink, handle) = sink::stream(Box::new(stream));
        Self::begin(sink, handle, begin)
    }

    fn begin(sink: Sink, handle: sink::Handle, begin: &Manifest) -> Result<Self, WriteError> {
        let zip = zip::ZipWriter::new_stream(sink);
        let mut writer = Self { sink: handle, zip };
        writer.manifest(BEGIN, begin)?;
        Ok(writer)
    }

    /// Begins the entry of a capture.
    ///
    /// # Errors
    /// [`WriteError::Entry`], also where that capture was written already.
    pub fn entry(&mut self, key: &Key) -> Result<EntryWriter<'_>, WriteError> {
        self.start(key.path())
    }

    fn start(&mut self, name: String) -> Result<EntryWriter<'_>, WriteError> {
        // The same captures make the same bytes: no clock, and the same attributes on every system. Without `large_file` an entry
        // ends at 4 GiB, which is far above what the collector lets a capture have, and needs no zip64 fields.
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::DEFAULT)
            .system(zip::System::Unix)
            .unix_permissions(0o600)
            .large_file(false);
        match self.zip.start_file(name.as_str(), options) {
            Ok(()) => Ok(EntryWriter { zip: &mut self.zip, name, hasher: Sha256::new(), bytes: 0 }),
            Err(error) => Err(WriteError::Entry { entry: name, source: error.into() }),
        }
    }

    fn manifest(&mut self, name: &str, manifest: &Manifest) -> Result<(), WriteError> {
        let text = manifest_text(manifest)?;
        let mut entry = self.start(name.to_owned())?;
        let written = entry.write_all(&text);
        written.map_err(|source| WriteError::Entry { entry: name.to_owned(), source })?;
        entry.finish()?;
        Ok(())
    }

    /// Writes the manifest and closes the bundle: syncs it to the disk, gives it its name, and syncs the folder.
    ///
    /// Returns the bundle's path; `-` for a stream.
    ///
    /// # Errors
    /// What the system says. Then no bundle stands at the target, unless only the last step failed, the syncing of the folder.
    pub fn finish(mut self, manifest: &Manifest) -> Result<PathBuf, WriteError> {
        self.manifest(MANIFEST, manifest)?;
        let Self { sink, zip } = self;
        let target = sink.target();
        let mut rest = zip.finish().map_err(|error| WriteError::io("write", &target, error.into()))?;
        rest.flush().map_err(|error| WriteError::io("write", &target, error))?;
        sink.commit()?;
        Ok(target)
    }
}

/// A manifest as it stands in a bundle: indented, for people.
fn manifest_text(manifest: &Manifest) -> Result<Vec<u8>, WriteError> {
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    Ok(text)
}

/// What was written as one entry: what its record in the manifest needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Bytes before compression.
    pub bytes: u64,
    /// SHA-256 of those bytes, in lower-case hex.
    pub sha256: String,
}

/// One entry that is being written; compresses what is written to it and passes it on.
///
/// If it is dropped without [`finish`](Self::finish), the entry ends where it is. A stream cannot take back what it wrote: the
/// capture's record must then say what became of it.
pub struct EntryWriter<'a> {
    zip: &'a mut Zip,
    name: String,
    hasher: Sha256,
    bytes: u64,
}

impl std::fmt::Debug for EntryWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntryWriter").field("name", &self.name).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Write for EntryWriter<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.zip.write(buf)?;
        self.hasher.update(buf.get(..n).unwrap_or(buf));
        self.bytes += n as u64;
        Ok(n)
    }

    /// Does nothing: flushing the compressor in the middle of an entry would only make it larger.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl EntryWriter<'_> {
    /// Bytes that were written so far, before compression.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the entry and flushes it: from here on it survives the end of this process.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> Result<Finished, WriteError> {
        let Self { zip, name, hasher, bytes } = self;
        // The zip crate has no call to end an entry, but documents that hiding one ends the open one first; none is called "".
        let ended = match zip.hide_file("") {
            Ok(()) | Err(zip::result::ZipError::FileNotFound) => zip.flush(),
            Err(error) => Err(error.into()),
        };
        ended.map_err(|source| WriteError::Entry { entry: name, source })?;
        Ok(Finished { bytes, sha256: hex(&hasher.finalize()) })
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
