//! Files of `key = value` lines, with or without `[sections]`: systemd units and drop-ins, NetworkManager, firewalld.conf, ufw.
//!
//! ```text
//! # /etc/NetworkManager/conf.d/calico.conf
//! [keyfile]
//! unmanaged-devices=interface-name:cali*;interface-name:tunl*
//! ```
//!
//! Tolerant: `#` and `;` begin comments at the beginning of a line only; a line that ends in `\` goes on in the next, as in systemd;
//! keys keep their case; the same key may stand several times, and what that means (the last counts, or a list, which an empty
//! value clears) is the business of who reads it.

use serde::Serialize;

use super::Parsed;
use super::text::{slice, unquoted};
use crate::source::{At, Problem, lines, position};

/// A line that sets something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The line, with its continuations.
    pub at: At,
    /// The section, without brackets; `None` before the first.
    pub section: Option<At>,
    /// Which section it is, counted from 1, since networkd repeats names; 0 before the first.
    pub section_number: u32,
    /// The key.
    pub key: At,
    /// The value, trimmed and without the quotes around it; empty for `key=`.
    pub value: At,
}

/// A file's settings, in its order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ini {
    /// The settings.
    pub settings: Vec<Setting>,
}

impl Ini {
    /// All settings of a key in a section (`""`: before the first); section and key are compared without case, since
    /// NetworkManager's keys are and systemd's never differ in case alone. `text` is what was parsed.
    pub fn all<'a>(&'a self, text: &'a str, section: &'a str, key: &'a str) -> impl Iterator<Item = &'a Setting> {
        self.settings.iter().filter(move |s| {
            let in_section = s.section.map_or("", |at| slice(text, at));
            in_section.eq_ignore_ascii_case(section) && slice(text, s.key).eq_ignore_ascii_case(key)
        })
    }

    /// The last of them, which is the one that counts for a key with one value.
    #[must_use]
    pub fn get<'a>(&'a self, text: &'a str, section: &'a str, key: &'a str) -> Option<&'a Setting> {
        self.all(text, section, key).last()
    }

    /// A switch as systemd, NetworkManager, firewalld and ufw write one; `None` if it is not set or something else.
    #[must_use]
    pub fn switch(&self, text: &str, section: &str, key: &str) -> Option<(bool, At)> {
        let found = self.get(text, section, key)?;
        let on = match slice(text, found.value).to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" | "1" | "y" | "t" => true,
            "no" | "false" | "off" | "0" | "n" | "f" => false,
            _ => return None,
        };
        Some((on, found.at))
    }
}

/// Reads a file.
#[must_use]
pub fn parse(text: &str) -> Parsed<Ini> {
    let mut out = Parsed::<Ini>::default();
    let (mut section, mut section_number) = (None, 0);
    let mut open: Option<usize> = None;
    for (at, line) in lines(text) {
        let inner = line.trim_ascii();
        if let Some(setting) = open.and_then(|i| out.value.settings.get_mut(i)) {
            // A comment within a continued line is skipped (systemd.syntax(7)).
            if inner.starts_with(['#', ';']) {
                continue;
            }
            let end = position(text, inner.strip_suffix('\\').unwrap_or(inner).trim_ascii_end(), at.line).end;
            (setting.at.end, setting.value.end) = (end, end);
            if !inner.ends_with('\\') {
                open = None;
            }
            continue;
        }
        if inner.is_empty() || inner.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = inner.strip_prefix('[') {
            match name.strip_suffix(']') {
                Some(name) => {
                    section = Some(position(text, name.trim_ascii(), at.line));
                    section_number += 1;
                }
                None => out.problems.push(Problem { at, what: "a section without its `]`".to_owned() }),
            }
            continue;
        }
        let Some((key, value)) = inner.split_once('=').filter(|(key, _)| !key.trim_ascii().is_empty()) else {
            out.problems.push(Problem { at, what: "not `key = value`".to_owned() });
            continue;
        };
        let continued = value.ends_with('\\');
        let value = value.strip_suffix('\\').unwrap_or(value).trim_ascii();
        let value = if value.is_empty() {
            At { line: at.line, start: at.end, end: at.end }
        } else {
            position(text, unquoted(value), at.line)
        };
        // `export KEY=value` of shell files.
        let key = key.trim_ascii();
        let key = position(text, key.strip_prefix("export ").unwrap_or(key), at.line);
        out.value.settings.push(Setting { at, section, section_number, key, value });
        open = continued.then(|| out.value.settings.len() - 1);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};

    #[test]
    fn sections_repeats_and_continuations() {
        let text = "top=1\n[Network]\nDNS=192.0.2.1\nDNS=192.0.2.2\n; c\n[Route]\nGateway = 10.0.0.1\n[Route]\nGateway=10.0.0.2\n\
                    [keyfile]\nunmanaged-devices=interface-name:cali*;\\\n  # c\n  interface-name:tunl*\nX=\nQ=\"a b\"\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        let all = |section: &str, key: &str| got.value.all(text, section, key).map(|s| slice(text, s.value)).collect::<Vec<_>>();
        assert_eq!(all("", "top"), ["1"]);
        assert_eq!(all("network", "dns"), ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(got.value.all(text, "Route", "Gateway").map(|s| s.section_number).collect::<Vec<_>>(), [2, 3]);
        assert!(all("keyfile", "unmanaged-devices")[0].ends_with("interface-name:tunl*"));
        assert_eq!((all("keyfile", "X"), all("keyfile", "Q")), (vec![""], vec!["a b"]));
    }

    #[test]
    fn switches_are_three_valued() {
        let text = "[Network]\nA=yes\nB=off\nC=maybe\nA=no\n";
        let got = parse(text).value;
        let switch = |key| got.switch(text, "Network", key).map(|(on, _)| on);
        assert_eq!((switch("A"), switch("B"), switch("C"), switch("D")), (Some(false), Some(false), None, None));
    }

    #[test]
    fn other_lines_are_problems() {
        assert_eq!(parse("hello\n[Network\n=x\n").problems.len(), 3);
    }

    #[test]
    fn snapshots_of_files() {
        snapshots("ini", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([a-z]{1,3}|=|\\[|\\]|#|\"|\\\\|\n| |\u{e9}){0,40}") {
            let got = parse(&text).value;
            for s in &got.settings {
                let _ = slice(&text, s.value);
            }
        }
    }
}
