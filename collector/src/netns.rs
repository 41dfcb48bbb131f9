//! Finds the network namespaces of pods, and runs something in one of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bundle::NetnsInfo;
use nix::sched::{CloneFlags, setns};
use nix::sys::statfs::{NSFS_MAGIC, statfs};

use crate::root::{Root, open_regular};
use crate::sources::process;

/// Namespaces that are entered, at most. A node has 110 pods by default.
const MAX: usize = 256;

/// A pod's network namespace.
#[derive(Debug)]
pub(crate) struct PodNetns {
    pub(crate) info: NetnsInfo,
    /// Held open, so that the number means the same namespace even when the pod goes.
    file: File,
    /// The pod's root, where a process of it was seen.
    pub(crate) root: Option<Root>,
}

/// Every network namespace but our own and that of process 1, in order of their inodes.
pub(crate) fn find(root: &Root) -> Vec<PodNetns> {
    let inode = |path: &Path| std::fs::metadata(path).ok().map(|m| m.ino());
    let ours = inode(Path::new("/proc/self/ns/net"));
    let first = inode(&root.proc().join("1/ns/net"));
    let mut found: BTreeMap<u64, (PathBuf, Option<u32>)> = BTreeMap::new();
    for pid in process::pids(root.proc()) {
        let path = root.proc().join(format!("{pid}/ns/net"));
        if let Some(inode) = inode(&path) {
            found.entry(inode).or_insert((path, Some(pid)));
        }
    }
    // A pod whose processes have all ended, or are not to be seen from this container, still has its namespace bound to a file.
    for dir in ["/run/netns", "/var/run/netns", "/run/docker/netns"] {
        let Ok(entries) = root.resolve(dir).and_then(std::fs::read_dir) else { continue };
        for path in entries.filter_map(Result::ok).map(|e| e.path()) {
            // What a namespace that was unmounted leaves behind is an empty file.
            if is_namespace(&path)
                && let Some(inode) = inode(&path)
            {
                found.entry(inode).or_insert((path, None));
            }
        }
    }
    found.retain(|inode, _| Some(*inode) != ours && Some(*inode) != first);
    let names = cni_results(root);
    let mut pods = Vec::new();
    for (inode, (path, pid)) in found.into_iter().take(MAX) {
        let Ok(file) = File::open(&path) else { continue };
        let pod_root = pid.map(|pid| root.with_base(root.proc().join(format!("{pid}/root"))));
        let hostname = pod_root.as_ref().and_then(|r| small(r, "/etc/hostname"));
        // A pod's host name is its own, unless it set another one.
        let pod = hostname.as_ref().and_then(|h| names.get(h).cloned()).or(hostname);
        let found_by = pid.map_or_else(|| path.display().to_string(), |pid| format!("/proc/{pid}/ns/net"));
        let number = u32::try_from(pods.len()).unwrap_or(u32::MAX);
        pods.push(PodNetns { info: NetnsInfo { number, inode, pod, found_by }, file, root: pod_root });
    }
    pods
}

/// Whether a path leads into nsfs (nsfs(5)): a bound namespace, and no file that only has its name.
fn is_namespace(path: &Path) -> bool {
    statfs(path).is_ok_and(|s| s.filesystem_type() == NSFS_MAGIC)
}

/// Pod names with their namespaces, by the name, from what CNI plugins left behind (libcni's result cache).
fn cni_results(root: &Root) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let Ok(dir) = root.resolve("/var/lib/cni/results").and_then(std::fs::read_dir) else { return names };
    for path in dir.filter_map(Result::ok).map(|e| e.path()).take(4 * MAX) {
        let mut text = String::new();
        if open_regular(&path).and_then(|f| f.take(256 << 10).read_to_string(&mut text)).is_err() {
            continue;
        }
        let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
        let args = value.get("cniArgs").and_then(serde_json::Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let arg = |name: &str| {
            args.iter().find(|pair| pair.get(0).and_then(|v| v.as_str()) == Some(name)).and_then(|pair| pair.get(1)?.as_str())
        };
        if let (Some(namespace), Some(name)) = (arg("K8S_POD_NAMESPACE"), arg("K8S_POD_NAME")) {
            names.insert(name.to_owned(), format!("{namespace}/{name}"));
        }
    }
    names
}

/// A file of one short line, of printable characters: a pod writes what it likes.
fn small(root: &Root, path: &str) -> Option<String> {
    let mut text = String::new();
    root.open(path).ok()?.take(256).read_to_string(&mut text).ok()?;
    let text = text.trim();
    (!text.is_empty() && text.chars().all(|c| c.is_ascii_graphic())).then(|| text.to_owned())
}

impl PodNetns {
    /// Runs something in this namespace, on a thread of its own: the caller stays where it is, and commands that are started from
    /// that thread inherit the namespace.
    ///
    /// # Errors
    /// If the namespace cannot be entered.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(&self.file, CloneFlags::CLONE_NEWNET).map_err(io::Error::from)?;
                Ok(work())
            });
            thread.join().unwrap_or_else(|_| Err(io::Error::other("internal error: the capture panicked")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_namespace_from_a_file_left_behind() {
        assert!(is_namespace(Path::new("/proc/self/ns/net")));
        assert!(!is_namespace(Path::new("/proc/self/status")));
        assert!(!is_namespace(Path::new("/nowhere")));
    }
}
