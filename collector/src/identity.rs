//! Which node this is.

use std::io::Read;

use bundle::NodeIdentity;
use sha2::{Digest, Sha256};

use crate::root::Root;

/// Reads who the node is: from the kernel, and from below the host's root.
pub(crate) fn read(root: &Root) -> NodeIdentity {
    let kernel = |name: &str| {
        let text = std::fs::read_to_string(root.proc().join("sys/kernel").join(name)).ok()?;
        Some(text.trim().to_owned()).filter(|t| !t.is_empty())
    };
    let mut id = String::new();
    let has_id = root.open("/etc/machine-id").and_then(|f| f.take(256).read_to_string(&mut id)).is_ok();
    let id = id.trim();
    let uname = nix::sys::utsname::uname().ok();
    let of = |f: fn(&nix::sys::utsname::UtsName) -> &std::ffi::OsStr| uname.as_ref().map(|u| f(u).to_string_lossy().into_owned());
    NodeIdentity {
        // The container's own name is not the node's; the file is what the host was named by.
        name: kernel("hostname").or_else(|| of(|u| u.nodename())).unwrap_or_else(|| "unknown".to_owned()),
        kernel: kernel("osrelease").or_else(|| of(|u| u.release())).unwrap_or_else(|| "unknown".to_owned()),
        arch: of(|u| u.machine()).unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        boot_id: kernel("random/boot_id"),
        machine_id_sha256: (has_id && !id.is_empty()).then(|| hashed(id)),
    }
}

fn hashed(id: &str) -> String {
    Sha256::digest(format!("coldpath:{id}").as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}
