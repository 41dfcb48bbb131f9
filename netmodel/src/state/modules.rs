//! Kernel modules: loaded, built in, or not there.

use bundle::{Capture, Key};

use super::{Doc, Node, forms};
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
        self.cells.modules.get(|| self.doc_by(Capture::Modules, forms::modules))
    }

    /// The modules that are part of the kernel (`modules.builtin`).
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn modules_builtin(&self) -> Result<&Doc<Modules>, Missing> {
        self.cells.modules_builtin.get(|| self.doc(Capture::ModulesBuiltin, modules::parse_builtin))
    }

    /// Whether the kernel has a module, from every capture that may prove it:
    ///
    /// 1. `/proc/modules` names it, or `modules.builtin` does;
    /// 2. sysctls are there that only it makes (`net.bridge.*` for br_netfilter), whatever the lists say: a kernel without module
    ///    support has neither list;
    /// 3. it is absent only where its sysctls are proven absent, or where `/proc/modules` is whole, does not name it and
    ///    `modules.builtin` is whole and does not name it either.
    ///
    /// # Errors
    /// [`Missing`] when nothing proves either.
    pub fn module_state(&self, name: &str) -> Result<ModuleState, Missing> {
        let loaded = self.modules();
        let builtin = self.modules_builtin();
        if let Ok(doc) = &loaded
            && let Some(module) = doc.find(&doc.source.text, name).filter(|m| m.live)
        {
            return Ok(ModuleState::Loaded(doc.source.evidence(module.at)));
        }
        if let Ok(doc) = &builtin
            && let Some(module) = doc.find(&doc.source.text, name)
        {
            return Ok(ModuleState::Builtin(doc.source.evidence(module.at)));
        }
        let marker = MARKERS.iter().find(|(module, _)| modules::same_module(module, name)).map(|(_, key)| *key);
        let by_marker = marker.map(|key| self.sysctl_absent(key));
        if let Some(Ok(Some(fact))) = &by_marker {
            return Ok(ModuleState::Loaded(fact.evidence()));
        }
        if let (Ok(loaded), Ok(builtin)) = (&loaded, &builtin)
            && loaded.complete().and_then(|()| builtin.complete()).is_ok()
        {
            return Ok(ModuleState::Absent(absence(loaded, name)));
        }
        match (by_marker, marker) {
            (Some(Ok(None)), Some(key)) => {
                let capture = Key::node(Capture::Sysctl).path();
                Ok(ModuleState::Absent(Evidence { capture, line: 0, text: format!("no {key}, which {name} would make") }))
            }
            _ => Err(loaded.and_then(Doc::complete).and(builtin.and_then(Doc::complete)).err().unwrap_or_else(|| {
                Missing::new(&Key::node(Capture::Modules), format!("module {name}"), "neither list of modules has it")
            })),
        }
    }
}

/// Sysctls of the node's namespace that exist as soon as a module is there, and only then.
const MARKERS: &[(&str, &str)] = &[
    ("br_netfilter", "net.bridge.bridge-nf-call-iptables"),
    ("nf_conntrack", "net.netfilter.nf_conntrack_max"),
    ("ip_vs", "net.ipv4.vs.conntrack"),
];

fn absence(doc: &Doc<Modules>, name: &str) -> Evidence {
    Evidence { capture: doc.source.key.path(), line: 0, text: format!("no line for {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::node;

    const OTHER: &str = "overlay 1 0 - Live 0x0\n";

    #[test]
    fn loaded_builtin_absent_and_unknown() {
        let state = |captures: &[(Capture, &str)]| node(captures).module_state("br_netfilter");
        let loaded = state(&[(Capture::Modules, "br_netfilter 1 0 - Live 0x0\n")]);
        assert!(matches!(loaded, Ok(ModuleState::Loaded(e)) if e.line == 1));
        let builtin = state(&[(Capture::Modules, OTHER), (Capture::ModulesBuiltin, "kernel/net/bridge/br_netfilter.ko\n")]);
        assert!(matches!(builtin, Ok(ModuleState::Builtin(_))));
        let absent = state(&[(Capture::Modules, OTHER), (Capture::ModulesBuiltin, "kernel/x.ko\n")]);
        assert!(matches!(absent, Ok(ModuleState::Absent(_))));
        assert!(state(&[(Capture::Modules, OTHER)]).is_err(), "it may be built in");
        assert!(state(&[]).is_err());
    }

    #[test]
    fn its_sysctls_prove_it_where_there_are_no_lists() {
        let there = node(&[(Capture::Sysctl, "net.bridge.bridge-nf-call-iptables = 0\n")]).module_state("br_netfilter");
        assert!(matches!(there, Ok(ModuleState::Loaded(e)) if e.text.ends_with("= 0")));
        let not = node(&[(Capture::Sysctl, "net.ipv4.ip_forward = 0\n")]).module_state("br_netfilter");
        assert!(matches!(not, Ok(ModuleState::Absent(e)) if e.line == 0));
        assert!(node(&[(Capture::Sysctl, "net.ipv4.ip_forward = 0\n")]).module_state("overlay").is_err());
    }
}
