//! `sysctl -a`: every sysctl of a namespace, one a line.
//!
//! ```text
//! net.ipv4.conf.all.rp_filter = 2
//! net.ipv4.conf.flannel/1.rp_filter = 0
//! net.ipv4.ip_forward = 1
//! net.ipv4.tcp_rmem = 4096 131072 6291456
//! ```
//!
//! Also read: `key=value`, keys as paths (`/proc/sys/net/ipv4/ip_forward = 1`), the `* Applying FILE ...` lines of
//! `sysctl --system`. Not read here: `sysctl.d` files, see [`super::sysctl_d`].

use std::cmp::Ordering;

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// One sysctl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The whole line.
    pub at: At,
    /// The key as written.
    pub key: At,
    /// The value, trimmed; empty where the kernel gives an empty one.
    pub value: At,
}

/// All sysctls of a text, in its order, with an index by key.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sysctls {
    entries: Vec<Entry>,
    /// Indices into `entries`, sorted by the key's path form, then by position.
    #[serde(skip)]
    sorted: Vec<u32>,
}

/// Reads `sysctl -a`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Sysctls> {
    let mut out = Parsed::<Sysctls>::default();
    for (at, line) in lines(text) {
        let trimmed = line.trim();
        // `sysctl --system` names the file that it applies.
        if trimmed.is_empty() || trimmed.starts_with("* Applying ") {
            continue;
        }
        let Some((key, value)) = trimmed.split_once('=') else {
            out.problems.push(Problem { at, what: "not `key = value`".to_owned() });
            continue;
        };
        let key = key.trim_end();
        let key = key.strip_prefix("/proc/sys/").unwrap_or(key);
        if key.is_empty() || key.contains(|c: char| c.is_whitespace()) {
            out.problems.push(Problem { at, what: "not a key before `=`".to_owned() });
            continue;
        }
        let key = position(text, key, at.line);
        let value = position(text, value.trim_start(), at.line);
        out.value.entries.push(Entry { at, key, value });
    }
    let entries = &out.value.entries;
    let mut sorted: Vec<u32> = (0u32..).take(entries.len()).collect();
    // Stable: of the same key twice the later one comes later.
    sorted.sort_by(|&a, &b| compare(span(text, entries[a as usize].key), span(text, entries[b as usize].key)));
    out.value.sorted = sorted;
    out
}

impl Sysctls {
    /// The entries, in the text's order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The last entry with this key, which is the one that counts. `text` is what was parsed; the key may be in either form.
    #[must_use]
    pub fn get(&self, text: &str, key: &str) -> Option<&Entry> {
        let entry = |i: &u32| self.entries.get(*i as usize);
        let key = key.strip_prefix("/proc/sys/").unwrap_or(key);
        let behind = self.sorted.partition_point(|i| entry(i).is_some_and(|e| compare(span(text, e.key), key).is_le()));
        let found = entry(self.sorted.get(behind.checked_sub(1)?)?)?;
        same_key(span(text, found.key), key).then_some(found)
    }
}

fn span(text: &str, at: At) -> &str {
    text.get(at.start as usize..at.end as usize).unwrap_or_default()
}

/// A key as a path below /proc/sys, byte by byte. sysctl.d(5): if the first separator is a slash, the key is a path as it stands; if
/// it is a dot, dots and slashes are interchanged.
fn path(key: &str) -> impl Iterator<Item = u8> {
    let swap = memchr::memchr2(b'.', b'/', key.as_bytes()).is_some_and(|i| key.as_bytes()[i] == b'.');
    key.bytes().map(move |b| match b {
        b'.' if swap => b'/',
        b'/' if swap => b'.',
        b => b,
    })
}

fn compare(a: &str, b: &str) -> Ordering {
    path(a).cmp(path(b))
}

/// Whether two keys, each in either form, mean the same sysctl.
#[must_use]
pub fn same_key(a: &str, b: &str) -> bool {
    path(a).eq(path(b))
}

/// A key as its path below /proc/sys (`net/ipv4/conf/flannel.1/rp_filter`).
#[must_use]
pub fn key_path(key: &str) -> String {
    String::from_utf8_lossy(&path(key).collect::<Vec<_>>()).into_owned()
}

/// The line of a collector's stderr that says that a key, or a folder above it, could not be read.
#[must_use]
pub fn unreadable<'t>(stderr: &'t str, key: &str) -> Option<&'t str> {
    let wanted = key_path(key);
    let names_it = |word: &str| {
        let word = word.trim_matches(|c: char| "\"'`:,;()".contains(c));
        let word = word.strip_prefix("/proc/sys/").unwrap_or(word).trim_end_matches('/');
        if !word.contains(['/', '.']) && word != "net" {
            return false;
        }
        let named = key_path(word);
        wanted == named || wanted.strip_prefix(&named).is_some_and(|rest| rest.starts_with('/'))
    };
    stderr.lines().find(|line| line.split_whitespace().any(names_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
        let parsed = parse(text);
        parsed.value.get(text, key).map(|e| span(text, e.value))
    }

    #[test]
    fn keys_are_found_in_either_form_and_the_last_counts() {
        let text = "net.ipv4.ip_forward = 0\nnet.ipv4.conf.flannel/1.rp_filter = 2\n/proc/sys/net/ipv4/tcp_rmem = 4096\t131072\n\
                    net.ipv4.ip_forward=1\r\nkernel.hostname =\n* Applying /etc/sysctl.conf ...\n";
        assert_eq!(value(text, "net.ipv4.ip_forward"), Some("1"));
        assert_eq!(value(text, "net/ipv4/ip_forward"), Some("1"));
        assert_eq!(value(text, "net/ipv4/conf/flannel.1/rp_filter"), Some("2"));
        assert_eq!(value(text, "net.ipv4.conf.flannel/1.rp_filter"), Some("2"));
        assert_eq!(value(text, "net.ipv4.conf.flannel.1.rp_filter"), None, "a dot is a separator there");
        assert_eq!(value(text, "net.ipv4.tcp_rmem"), Some("4096\t131072"));
        assert_eq!(value(text, "kernel.hostname"), Some(""));
        assert_eq!(parse(text).problems, []);
    }

    #[test]
    fn what_is_no_setting_is_a_problem_with_its_line() {
        let got = parse("a.b = 1\nsysctl: permission denied on key 'net.ipv4.x'\n");
        assert_eq!((got.value.entries().len(), got.problems[0].at.line), (1, 2));
    }

    #[test]
    fn stderr_names_a_key_or_a_folder_above_it() {
        let err = "sysctl: permission denied on key \"net.ipv4.tcp_fastopen_key\"\n/proc/sys/net/bridge: Permission denied";
        assert!(unreadable(err, "net.ipv4.tcp_fastopen_key").is_some());
        assert!(unreadable(err, "net.bridge.bridge-nf-call-iptables").is_some());
        assert!(unreadable(err, "net.ipv4.tcp_fastopen").is_none());
        assert!(unreadable("", "net.ipv4.ip_forward").is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-c./= \n\u{e9}]{0,40}", key in "[a-c./]{0,5}") {
            let parsed = parse(&text);
            let found = parsed.value.get(&text, &key);
            // The index finds what a walk over all entries finds.
            let naive = parsed.value.entries().iter().rev().find(|e| same_key(span(&text, e.key), &key));
            proptest::prop_assert_eq!(found, naive);
        }
    }
}
