//! Reads /proc/sys in the form of `sysctl -a`: all of net.*, and what of kernel.*, vm.* and fs.* bears on the network.
//!
//! ```text
//! net.ipv4.conf.flannel/1.rp_filter = 0
//! net.ipv4.ip_local_port_range = 32768 60999
//! ```
//! As in procps, a dot in a file's name becomes a slash. Keys that cannot be read (write-only triggers such as
//! net.ipv4.route.flush) are never opened.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::queue::Out;
use crate::redact::REDACTED;

/// What is read besides net.*; a folder stands for all below it.
pub(crate) const OTHERS: &[&str] = &[
    "fs/file-max",
    "fs/file-nr",
    "fs/inotify",
    "fs/nr_open",
    "kernel/dmesg_restrict",
    "kernel/domainname",
    "kernel/hostname",
    "kernel/modules_disabled",
    "kernel/osrelease",
    "kernel/ostype",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/pid_max",
    "kernel/softlockup_panic",
    "kernel/tainted",
    "kernel/threads-max",
    "kernel/unprivileged_bpf_disabled",
    "kernel/version",
    "vm/dirty_background_ratio",
    "vm/dirty_ratio",
    "vm/max_map_count",
    "vm/min_free_kbytes",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "vm/swappiness",
];

/// Keys whose values are secrets: that they exist is said, what they are is not.
const SECRETS: &[&str] = &["tcp_fastopen_key", "stable_secret"];
/// What `sysctl -a` leaves out as deprecated (procps, sysctl.c): both have a successor in milliseconds.
const DEPRECATED: &[&str] = &["base_reachable_time", "retrans_time"];
/// No value of net.* is longer.
const VALUE_CAP: u64 = 64 << 10;

/// Writes the sysctls below this `/proc/sys`; returns what could not be read, in sysctl's own words.
pub(crate) fn read(sys: &Path, out: &mut Out) -> io::Result<String> {
    let mut stderr = String::new();
    let mut tops: Vec<&str> = OTHERS.to_vec();
    tops.push("net");
    tops.sort_unstable();
    for top in tops {
        let path = sys.join(top);
        // Not every kernel has each of the others; net is missed.
        if path.exists() || top == "net" {
            walk(&path, &name_of(top.split('/')), out, &mut stderr)?;
        }
    }
    Ok(stderr)
}

fn name_of<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.map(|p| p.replace('.', "/")).collect::<Vec<_>>().join(".")
}

fn walk(path: &Path, name: &str, out: &mut Out, stderr: &mut String) -> io::Result<()> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        // An interface may vanish while we read.
        Err(e) => return note(stderr, name, &e),
    };
    if meta.is_file() {
        // 0200 starts something when it is written, and cannot be read by anybody.
        if meta.permissions().mode() & 0o444 == 0 {
            return Ok(());
        }
        return value(path, name, out, stderr);
    }
    if !meta.is_dir() {
        return Ok(());
    }
    let mut children: Vec<_> = match fs::read_dir(path) {
        Ok(dir) => dir.filter_map(Result::ok).filter_map(|e| e.file_name().into_string().ok()).collect(),
        Err(e) => return note(stderr, name, &e),
    };
    children.sort_unstable();
    children.retain(|c| !DEPRECATED.contains(&c.as_str()));
    for child in children {
        walk(&path.join(&child), &format!("{name}.{}", child.replace('.', "/")), out, stderr)?;
    }
    Ok(())
}

fn value(path: &Path, name: &str, out: &mut Out, stderr: &mut String) -> io::Result<()> {
    if SECRETS.iter().any(|s| name.ends_with(s)) {
        return writeln!(out, "{name} = {REDACTED}");
    }
    let mut bytes = Vec::new();
    match fs::File::open(path).and_then(|f| f.take(VALUE_CAP).read_to_end(&mut bytes)) {
        Ok(_) => {}
        Err(e) => return note(stderr, name, &e),
    }
    let text = String::from_utf8_lossy(&bytes);
    if text.trim_end_matches('\n').is_empty() {
        return writeln!(out, "{name} = ");
    }
    text.lines().try_for_each(|line| writeln!(out, "{name} = {line}"))
}

fn note(stderr: &mut String, name: &str, error: &io::Error) -> io::Result<()> {
    // Enough to say what is missing; a node without root has some dozens.
    if stderr.len() < 8 << 10 {
        // Writing to a string does not fail.
        let _ = if error.kind() == io::ErrorKind::PermissionDenied {
            writeln!(stderr, "sysctl: permission denied on key '{name}'")
        } else {
            writeln!(stderr, "sysctl: reading key \"{name}\": {error}")
        };
    }
    Ok(())
}
