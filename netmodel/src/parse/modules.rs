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

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// A module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Module {
    /// Its line.
    pub at: At,
    /// Its name (of a path: the file's name without `.ko` and its compression).
    pub name: At,
    /// `Live`; `false` while it is being loaded or removed. Always true for a built-in one.
    pub live: bool,
}

/// A list of modules.
#[derive(Clone, Debug, Default, Serialize)]
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
pub fn parse_loaded(text: &str) -> Parsed<Modules> {
    let mut out = Parsed::<Modules>::default();
    for (at, line) in lines(text) {
        let words: Vec<&str> = line.split_ascii_whitespace().take(5).collect();
        match words[..] {
            [] => {}
            // name, size, references, users, state
            [name, size, _, _, state] if size.parse::<u64>().is_ok() => {
                out.value.modules.push(Module { at, name: position(text, name, at.line), live: state == "Live" });
            }
            _ => out.problems.push(Problem { at, what: "not a line of /proc/modules".to_owned() }),
        }
    }
    out
}

/// Reads `lsmod`, which prints /proc/modules without states, with a head that is translated in no language:
///
/// ```text
/// Module                  Size  Used by
/// br_netfilter           32768  0
/// bridge                311296  1 br_netfilter
/// ```
///
/// Without its state a module counts as live; one is in another state for moments only.
#[must_use]
pub fn parse_lsmod(text: &str) -> Parsed<Modules> {
    let mut out = Parsed::<Modules>::default();
    for (at, line) in lines(text) {
        let words: Vec<&str> = line.split_ascii_whitespace().take(4).collect();
        match words[..] {
            [] | ["Module", "Size", "Used", "by"] => {}
            [name, size, users, ..] if size.parse::<u64>().is_ok() && users.parse::<i64>().is_ok() => {
                out.value.modules.push(Module { at, name: position(text, name, at.line), live: true });
            }
            _ => out.problems.push(Problem { at, what: "not a line of lsmod".to_owned() }),
        }
    }
    out
}

/// Reads `modules.builtin`.
#[must_use]
pub fn parse_builtin(text: &str) -> Parsed<Modules> {
    let mut out = Parsed::<Modules>::default();
    for (at, line) in lines(text) {
        let path = line.trim();
        let file = path.rsplit('/').next().unwrap_or(path);
        match file.find(".ko") {
            _ if path.is_empty() => {}
            Some(end) => out.value.modules.push(Module { at, name: position(text, &file[..end], at.line), live: true }),
            None => out.problems.push(Problem { at, what: "not the path of a module".to_owned() }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lists_know_their_modules() {
        let text = "br_netfilter 32768 0 - Live 0xffffffffc073e000\nold 1 0 - Unloading 0x0 (OE)\nModule Size Used\n";
        let got = parse_loaded(text);
        assert!(got.value.find(text, "br-netfilter").unwrap().live);
        assert!(!got.value.find(text, "old").unwrap().live);
        assert!(got.value.find(text, "br_netfilte").is_none());
        assert_eq!(got.problems.len(), 1);
        let text = "kernel/net/netfilter/nf_conntrack.ko\nkernel/net/x/ip-tables.ko.zst\nREADME\n";
        let got = parse_builtin(text);
        assert!(got.value.find(text, "ip_tables").is_some() && got.value.find(text, "nf_conntrack").is_some());
        assert_eq!(got.problems.len(), 1);
    }

    #[test]
    fn lsmod_is_read() {
        let text = "Module                  Size  Used by\nbr_netfilter           32768  0\nbridge                311296  1 br_netfilter\ncut\n";
        let got = parse_lsmod(text);
        assert!(got.value.find(text, "br_netfilter").unwrap().live && got.value.find(text, "bridge").is_some());
        assert_eq!((got.value.modules.len(), got.problems.len()), (2, 1));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([a-z_./]{1,6}|\\.ko| |[0-9]|\n|\u{e9}){0,20}") {
            let _ = (parse_loaded(&text), parse_builtin(&text), parse_lsmod(&text));
        }
    }
}
