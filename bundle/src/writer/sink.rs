//! Where a bundle's bytes go: a temporary file beside its target, or a stream; and what becomes of them in the end.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::WriteError;

type Inner = Box<dyn Write + Send>;

/// Takes the bytes, until its handle says that they are no longer wanted or a write fails; from then on it swallows them.
///
/// The zip writer closes its archive when it is dropped, and complains on stderr if it cannot: it must neither make a half bundle
/// look whole nor be heard. A sink that failed cannot be committed any more.
pub(super) struct Sink {
    inner: BufWriter<Inner>,
    abandoned: Arc<AtomicBool>,
}

impl Sink {
    fn unless_abandoned<T>(&mut self, swallowed: T, run: impl FnOnce(&mut BufWriter<Inner>) -> io::Result<T>) -> io::Result<T> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Ok(swallowed);
        }
        let result = run(&mut self.inner);
        if result.as_ref().is_err_and(|e| e.kind() != io::ErrorKind::Interrupted) {
            self.abandoned.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.unless_abandoned(buf.len(), |inner| inner.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_abandoned((), Write::flush)
    }
}

/// Decides what becomes of what the sink took: [`commit`](Self::commit) keeps it, dropping gives it up.
pub(super) struct Handle {
    file: Option<Temporary>,
    abandoned: Arc<AtomicBool>,
}

struct Temporary {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

impl Handle {
    /// The path that the bundle will have; `-` for a stream.
    pub(super) fn target(&self) -> PathBuf {
        self.file.as_ref().map_or_else(|| PathBuf::from("-"), |f| f.target.clone())
    }

    /// Syncs the file, gives it its name, syncs its folder. The sink must have been flushed.
    pub(super) fn commit(mut self) -> Result<(), WriteError> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(WriteError::io("write", &self.target(), io::Error::other("an earlier write failed")));
        }
        let Some(Temporary { file, path, target }) = &self.file else { return Ok(()) };
        file.sync_all().map_err(|e| WriteError::io("sync", path, e))?;
        std::fs::rename(path, target).map_err(|e| WriteError::io("write", target, e))?;
        let folder = folder_of(target).to_owned();
        self.file = None;
        sync_folder(&folder)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A stream keeps what it has; after a commit there is nothing left to come.
        self.abandoned.store(true, Ordering::Relaxed);
        if let Some(temporary) = self.file.take() {
            // Nobody is left to tell if it cannot be removed.
            let _ = std::fs::remove_file(&temporary.path);
        }
    }
}

/// A sink that is a stream.
pub(super) fn stream(stream: Inner) -> (Sink, Handle) {
    pair(stream, None)
}

/// A sink that is a temporary file beside `target`.
pub(super) fn create(target: &Path) -> Result<(Sink, Handle), WriteError> {
    // Not followed: a link would be replaced by the rename, not what it points to.
    match std::fs::symlink_metadata(target) {
        Ok(meta) if !meta.is_file() => {
            return Err(WriteError::NotAFile { path: target.to_owned(), what: kind(meta.file_type()) });
        }
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(WriteError::io("write", target, e)),
    }
    let Some(name) = target.file_name() else {
        return Err(WriteError::NotAFile { path: target.to_owned(), what: "a folder" });
    };
    let folder = folder_of(target);
    let mut number = 0_u32;
    let (file, path) = loop {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{number}.partial", std::process::id()));
        let path = folder.join(hidden);
        match open_new(&path) {
            Ok(file) => break (file, path),
            // Left behind by a process that was killed and had the same id.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(e) => return Err(WriteError::io("create", &path, e)),
        }
    };
    let temporary = Temporary { file, path, target: target.to_owned() };
    match temporary.file.try_clone() {
        Ok(clone) => Ok(pair(Box::new(clone), Some(temporary))),
        Err(e) => {
            let error = WriteError::io("create", &temporary.path, e);
            drop(pair(Box::new(io::sink()), Some(temporary)));
            Err(error)
        }
    }
}

fn pair(writer: Inner, file: Option<Temporary>) -> (Sink, Handle) {
    let abandoned = Arc::new(AtomicBool::new(false));
    let sink = Sink { inner: BufWriter::with_capacity(64 << 10, writer), abandoned: Arc::clone(&abandoned) };
    (sink, Handle { file, abandoned })
}

/// The folder that a path's last part stands in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Opens a file that did not exist: `O_CREAT | O_EXCL`, which open(2) says follows no link either.
fn open_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a rename last: on Linux it is in the folder, and fsync(2) on the file does not sync that.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), WriteError> {
    let synced = File::open(folder).and_then(|f| f.sync_all());
    match synced {
        // Some file systems (9p, some FUSE) cannot sync a folder. The bundle stands there all the same.
        Err(e) if e.kind() == io::ErrorKind::InvalidInput || e.kind() == io::ErrorKind::Unsupported => Ok(()),
        synced => synced.map_err(|e| WriteError::io("sync", folder, e)),
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), WriteError> {
    Ok(())
}

fn kind(kind: std::fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else {
        "a device, pipe or socket"
    }
}
