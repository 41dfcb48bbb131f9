//! What is set at the next boot: sysctl.d(5) as systemd-sysctl and as procps' `sysctl --system` replay it, and modules-load.d(5).

use bundle::{Capture, Key};

use super::{Doc, Node};
use crate::parse::sysctl_d::SysctlFile;
use crate::source::{Evidence, Missing};

/// All files that set sysctls at boot.
#[derive(Debug)]
pub struct SysctlFiles {
    /// The files, in order of their path.
    pub files: Vec<Doc<SysctlFile>>,
}

/// A line that sets a sysctl at boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootValue {
    /// The value.
    pub value: String,
    /// The file's path on the node.
    pub file: String,
    /// The line. The capture's path holds the file's.
    pub evidence: Evidence,
}

/// What a tool makes of the files for one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The line that counts; `None` when no file sets the key: it keeps the kernel's default.
    pub winner: Option<BootValue>,
    /// Lines that set it too and do not count, in the order in which they are read: overridden later, in a file that another one
    /// masks, or in one that the tool does not read.
    pub losers: Vec<BootValue>,
}

/// What a sysctl is set to at the next boot, for each tool that may do it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AtBoot {
    /// systemd-sysctl, which runs at boot on systemd's distributions.
    pub systemd: Replay,
    /// `sysctl --system` of procps, which other init systems and administrators run.
    pub procps: Replay,
}

impl AtBoot {
    /// The winner's value, where both tools agree (or neither finds one: `Some(None)`); `None` where they do not.
    #[must_use]
    pub fn agreed(&self) -> Option<Option<&BootValue>> {
        let (a, b) = (self.systemd.winner.as_ref(), self.procps.winner.as_ref());
        (a.map(|w| &w.value) == b.map(|w| &w.value)).then_some(a)
    }
}

/// A module that is loaded at boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootModule {
    /// Its name, as written.
    pub name: String,
    /// The file's path on the node.
    pub file: String,
    /// The line.
    pub evidence: Evidence,
}

impl Node {
    /// What a sysctl is set to at the next boot. The key may be in either form, see [`Node::sysctl`].
    ///
    /// # Errors
    /// [`Missing`] when a file or folder was not read: the one that counts may be among them.
    pub fn sysctl_at_boot(&self, key: &str) -> Result<AtBoot, Missing> {
        Err(Missing::new(&Key::node(Capture::SysctlD), format!("{key} at boot"), "not written yet"))
    }

    /// The modules that are loaded at boot by modules-load.d and `/etc/modules`.
    ///
    /// # Errors
    /// [`Missing`] when a file or folder was not read.
    pub fn boot_modules(&self) -> Result<&[BootModule], Missing> {
        self.cells
            .boot_modules
            .get(|| Err(Missing::new(&Key::node(Capture::ModulesLoadD), "modules at boot", "not written yet")))
            .map(Vec::as_slice)
    }
}
