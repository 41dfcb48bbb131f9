//! `/proc/modules` and `modules.builtin`: modules that are loaded, and modules that are part of the kernel.
//!
//! ```text
//! br_netfilter 32768 0 - Live 0xffffffffc073e000
//! inet_diag 24576 2 tcp_diag,udp_diag, Live 0xffffffffc0732000
//! ```
//! ```text
//! kernel/net/netfilter/nf_conntrack.ko
//! kernel/net/ipv4/netfilter/ip_tables.ko
//! ```

use super::Parsed;
use crate::source::At;

/// A module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its line.
    pub at: At,
    /// Its name (of a path: the file's name without `.ko` and its compression).
    pub name: At,
    /// `Live`; `false` while it is being loaded or removed. Always true for a built-in one.
    pub live: bool,
}

/// A list of modules.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    /// The modules, in the text's order.
    pub modules: Vec<Module>,
}

impl Modules {
    /// The module of that name; `-` and `_` are the same in module names. `text` is what was parsed.
    #[must_use]
    pub fn find(&self, text: &str, name: &str) -> Option<&Module> {
        self.modules.iter().find(|m| text.get(m.name.start as usize..m.name.end as usize).is_some_and(|n| same_module(n, name)))
    }
}

/// Whether two spellings name the same module: the kernel has `_` where file names may have `-`.
#[must_use]
pub fn same_module(a: &str, b: &str) -> bool {
    let fold = |c: u8| if c == b'-' { b'_' } else { c };
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(|(a, b)| fold(a) == fold(b))
}

/// Reads `/proc/modules`.
#[must_use]
pub fn parse_loaded(_text: &str) -> Parsed<Modules> {
    Parsed::default()
}

/// Reads `modules.builtin`.
#[must_use]
pub fn parse_builtin(_text: &str) -> Parsed<Modules> {
    Parsed::default()
}
