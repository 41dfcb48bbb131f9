//! Reads command lines of processes, and finds the processes that hold sockets.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Processes, by their ids, in order.
pub(crate) fn pids(proc: &Path) -> Vec<u32> {
    let Ok(dir) = fs::read_dir(proc) else { return Vec::new() };
    let mut pids: Vec<u32> = dir.filter_map(Result::ok).filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    pids
}

/// The arguments of a process; empty for a kernel thread, `None` if it is gone or may not be read.
pub(crate) fn argv(proc: &Path, pid: u32) -> Option<Vec<String>> {
    let bytes = fs::read(proc.join(format!("{pid}/cmdline"))).ok()?;
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    Some(bytes.split(|&b| b == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect())
}

/// Who holds a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) name: String,
    pub(crate) pid: u32,
    pub(crate) fd: u32,
}

/// The owners of sockets by inode, and how many processes did not let us look.
pub(crate) fn owners(proc: &Path) -> (BTreeMap<u64, Vec<Owner>>, usize) {
    let mut owners: BTreeMap<u64, Vec<Owner>> = BTreeMap::new();
    let mut refused = 0;
    for pid in pids(proc) {
        let dir = match fs::read_dir(proc.join(format!("{pid}/fd"))) {
            Ok(dir) => dir,
            Err(e) => {
                refused += usize::from(e.kind() == std::io::ErrorKind::PermissionDenied);
                continue;
            }
        };
        let mut name = None;
        for entry in dir.filter_map(Result::ok) {
            let Some(fd) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
            let Ok(link) = fs::read_link(entry.path()) else { continue };
            let inode = link.to_str().and_then(|l| l.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
            let Some(inode) = inode else { continue };
            let name = name.get_or_insert_with(|| {
                fs::read_to_string(proc.join(format!("{pid}/comm"))).map_or_else(|_| "?".to_owned(), |c| c.trim_end().to_owned())
            });
            owners.entry(inode).or_default().push(Owner { name: name.clone(), pid, fd });
        }
    }
    (owners, refused)
}
