//! The rights that a collector needs, and no others.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::thread::{CapabilitySet, CapabilitySets};

/// What is needed: to read what only root may (`DAC_READ_SEARCH`), to ask netlink and the tables of netfilter (`NET_ADMIN`), to find and
/// enter the namespaces of pods (`SYS_PTRACE`, `SYS_ADMIN`), to read the kernel's log (`SYSLOG`).
const NEEDED: CapabilitySet = CapabilitySet::DAC_READ_SEARCH
    .union(CapabilitySet::NET_ADMIN)
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::SYS_ADMIN)
    .union(CapabilitySet::SYSLOG);

/// Drops every other capability, of this thread and of all that it starts. Somebody else's folder can only be written to with
/// `DAC_OVERRIDE`, which then stays.
pub(super) fn drop_others(output: &Path) -> io::Result<()> {
    let mut keep = NEEDED;
    if !is_ours(output) {
        keep |= CapabilitySet::DAC_OVERRIDE;
    }
    let have = rustix::thread::capabilities(None)?;
    // The bounding set first: it is what root gets back with the next program, and dropping from it needs SETPCAP.
    if have.effective.contains(CapabilitySet::SETPCAP) {
        for capability in (CapabilitySet::all() - keep).iter() {
            match rustix::thread::remove_capability_from_bounding_set(capability) {
                // A capability that this kernel does not have yet.
                Ok(()) | Err(rustix::io::Errno::INVAL) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
    let sets = CapabilitySets {
        effective: have.effective & keep,
        permitted: have.permitted & keep,
        inheritable: have.inheritable & keep,
    };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

/// Whether the owner of this process may write there by the folder's own mode.
fn is_ours(output: &Path) -> bool {
    let folder = if output.is_dir() { Some(output) } else { output.parent().filter(|p| !p.as_os_str().is_empty()) };
    let Ok(metadata) = folder.unwrap_or(Path::new(".")).metadata() else { return false };
    metadata.uid() == nix::unistd::geteuid().as_raw() && metadata.mode() & 0o300 == 0o300
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_that_are_not_needed_are_gone_for_good() {
        if !nix::unistd::geteuid().is_root() {
            // Nothing to give up.
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().to_owned();
        // Capabilities are a thread's.
        let after = std::thread::spawn(move || {
            drop_others(&folder).expect("root may");
            let bounding = rustix::thread::capability_is_in_bounding_set(CapabilitySet::SYS_MODULE).expect("can be asked");
            (rustix::thread::capabilities(None).expect("can be asked"), bounding)
        });
        let (sets, may_get_back) = after.join().expect("ends");
        assert!(!sets.permitted.intersects(CapabilitySet::SYS_MODULE | CapabilitySet::SYS_BOOT | CapabilitySet::DAC_OVERRIDE));
        assert!(!may_get_back);
    }
}
