//! `/etc/hosts`: names and their addresses.
//!
//! ```text
//! 127.0.0.1   localhost
//! ::1         localhost ip6-localhost ip6-loopback
//! 192.168.50.11 node-a.example node-a   # added by hand
//! ```

use std::net::IpAddr;

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// A line.
#[derive(Clone, Debug, Serialize)]
pub struct HostsEntry {
    /// The line.
    pub at: At,
    /// The address.
    pub addr: IpAddr,
    /// The zone of a link-local address (`fe80::1%lo0`).
    pub zone: Option<At>,
    /// The canonical name and the aliases.
    pub names: Vec<At>,
}

/// Reads the file.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<HostsEntry>> {
    let mut out = Parsed::<Vec<HostsEntry>>::default();
    for (at, line) in lines(text) {
        let content = line.split('#').next().unwrap_or_default();
        let mut words = content.split_ascii_whitespace();
        let Some(first) = words.next() else { continue };
        let (host, zone) = first.split_once('%').map_or((first, None), |(h, z)| (h, Some(position(text, z, at.line))));
        let names: Vec<At> = words.map(|w| position(text, w, at.line)).collect();
        match host.parse() {
            Ok(addr) if !names.is_empty() => out.value.push(HostsEntry { at, addr, zone, names }),
            Ok(_) => out.problems.push(Problem { at, what: "an address without a name".to_owned() }),
            Err(_) => out.problems.push(Problem { at, what: "does not begin with an address".to_owned() }),
        }
    }
    out
}

/// The addresses of a name, in the file's order; names are compared without case (RFC 4343). `text` is what was parsed.
pub fn addresses<'e>(text: &'e str, entries: &'e [HostsEntry], name: &'e str) -> impl Iterator<Item = &'e HostsEntry> {
    entries.iter().filter(move |e| e.names.iter().any(|&n| super::text::slice(text, n).eq_ignore_ascii_case(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};

    #[test]
    fn names_have_addresses() {
        let text = "# c\n127.0.0.1\tlocalhost LocalHost.localdomain\n\nfe80::1%lo0 localhost # x\n192.0.2.1 node-a#y\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        assert_eq!(addresses(text, &got.value, "LOCALHOST").map(|e| e.at.line).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(addresses(text, &got.value, "node-a").count(), 1);
    }

    #[test]
    fn other_lines_are_problems() {
        assert_eq!(parse("localhost 127.0.0.1\n192.0.2.1\n127.0.1 short\n").problems.len(), 3);
    }

    #[test]
    fn snapshots_of_hosts() {
        snapshots("hosts", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([0-9.:%]{1,6}|[a-z#]{1,3}| |\t|\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
