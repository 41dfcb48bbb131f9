//! The node's files, wherever its root is mounted: paths on the node become paths here, and links cannot lead out.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// A root folder that files are read below.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    base: PathBuf,
    proc: PathBuf,
}

impl Root {
    pub(crate) fn new(base: &Path) -> Self {
        // A host's root that was mounted without its /proc has an empty folder there.
        let own = base.join("proc");
        let proc = if base != Path::new("/") && own.join("sys").is_dir() { own } else { PathBuf::from("/proc") };
        Self { base: base.to_owned(), proc }
    }

    /// Another root with the same /proc: a pod's, by way of one of its processes.
    pub(crate) fn with_base(&self, base: PathBuf) -> Self {
        Self { base, proc: self.proc.clone() }
    }

    /// The mount point of the /proc that is read.
    pub(crate) fn proc(&self) -> &Path {
        &self.proc
    }

    /// A file of the *calling thread's* network namespace. `/proc/net` is `self/net`, which is that of the main thread.
    pub(crate) fn net(&self, name: &str) -> PathBuf {
        self.proc.join("thread-self/net").join(name)
    }

    /// Where a path of the node stands here. Links are followed within the root: an absolute link in a container's or a pod's root
    /// would else be resolved against *our* root, so that a pod's /etc/resolv.conf could name the host's /etc/shadow.
    ///
    /// # Errors
    /// What the system says; `ELOOP` for too many links.
    pub(crate) fn resolve(&self, path: &str) -> io::Result<PathBuf> {
        let mut todo: Vec<OsString> = parts(Path::new(path));
        let mut done: Vec<OsString> = Vec::new();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            let here = self.at(&done);
            let meta = std::fs::symlink_metadata(&here)?;
            if meta.is_symlink() {
                links += 1;
                if links > MAX_LINKS {
                    return Err(io::Error::from_raw_os_error(nix::libc::ELOOP));
                }
                let target = std::fs::read_link(&here)?;
                done.pop();
                if target.is_absolute() {
                    done.clear();
                }
                todo.extend(parts(&target));
            }
        }
        Ok(self.at(&done))
    }

    fn at(&self, parts: &[OsString]) -> PathBuf {
        let mut path = self.base.clone();
        path.extend(parts);
        path
    }

    /// Opens a regular file of the node.
    ///
    /// # Errors
    /// What the system says; `InvalidInput` for what is no regular file.
    pub(crate) fn open(&self, path: &str) -> io::Result<File> {
        open_regular(&self.resolve(path)?)
    }

    /// Whether something stands at a path of the node.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.resolve(path).is_ok()
    }
}

/// The normal parts of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    let mut parts: Vec<OsString> = path
        .components()
        .filter_map(|c| match c {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect();
    parts.reverse();
    parts
}

/// Opens a regular file and never waits: a pipe put in a configuration's place would else block until somebody writes to it.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_stay_within_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join("root");
        std::fs::create_dir_all(base.join("etc")).unwrap();
        std::fs::create_dir_all(base.join("run/x")).unwrap();
        std::fs::write(dir.path().join("secret"), "outside").unwrap();
        std::fs::write(base.join("run/x/resolv.conf"), "inside").unwrap();
        symlink("/run/x/resolv.conf", base.join("etc/abs")).unwrap();
        symlink("../run/x/resolv.conf", base.join("etc/rel")).unwrap();
        symlink("../../../secret", base.join("etc/out")).unwrap();
        symlink("loop", base.join("etc/loop")).unwrap();
        let root = Root::new(&base);
        for link in ["/etc/abs", "/etc/rel"] {
            assert_eq!(root.resolve(link).unwrap(), base.join("run/x/resolv.conf"));
        }
        assert_eq!(root.open("/etc/out").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(root.open("/etc/loop").unwrap_err().raw_os_error(), Some(nix::libc::ELOOP));
        assert_eq!(root.open("/etc").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_root_without_proc_uses_our_own() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("proc")).unwrap();
        assert_eq!(Root::new(dir.path()).proc(), Path::new("/proc"));
        std::fs::create_dir(dir.path().join("proc/sys")).unwrap();
        assert_eq!(Root::new(dir.path()).proc(), dir.path().join("proc"));
    }
}
