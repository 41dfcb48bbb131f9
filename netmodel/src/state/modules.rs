//! Kernel modules: loaded, built in, or not there.

use bundle::{Capture, Key};

use super::{Doc, Node};
use crate::parse::modules::{self, Modules};
use crate::source::{Evidence, Missing};

/// Whether the kernel has what a module brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleState {
    /// It is loaded; or something that only it makes is there.
    Loaded(Evidence),
    /// It is part of the kernel.
    Builtin(Evidence),
    /// It is neither loaded nor built in.
    Absent(Evidence),
}

impl Node {
    /// The loaded modules (`/proc/modules`).
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent; a kernel without module support has no such file.
    pub fn modules(&self) -> Result<&Doc<Modules>, Missing> {
        self.cells.modules.get(|| self.doc(Capture::Modules, modules::parse_loaded))
    }

    /// The modules that are part of the kernel (`modules.builtin`).
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn modules_builtin(&self) -> Result<&Doc<Modules>, Missing> {
        self.cells.modules_builtin.get(|| self.doc(Capture::ModulesBuiltin, modules::parse_builtin))
    }

    /// Whether the kernel has a module, from every capture that may prove it.
    ///
    /// # Errors
    /// [`Missing`] when nothing proves either.
    pub fn module_state(&self, name: &str) -> Result<ModuleState, Missing> {
        Err(Missing::new(&Key::node(Capture::Modules), format!("module {name}"), "not written yet"))
    }
}
