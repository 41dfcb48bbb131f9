//! `resolvectl status` (`systemd-resolve --status`): name servers as systemd-resolved uses them. Its configuration file
//! `resolved.conf` is an ini file, see [`super::ini`] (section `Resolve`).
//!
//! ```text
//! Global
//!        Protocols: -LLMNR -mDNS -DNSOverTLS DNSSEC=no/unsupported
//! resolv.conf mode: stub
//!
//! Link 2 (eth0)
//!     Current Scopes: DNS
//! Current DNS Server: 192.0.2.53
//!        DNS Servers: 192.0.2.53
//!                     2001:db8::53
//!         DNS Domain: ~. example.com
//! ```

use serde::Serialize;

use super::Parsed;
use super::text::{slice, trimmed};
use crate::source::{At, Problem, lines, position};

/// What a block is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// `Global`.
    Global,
    /// `Link N (NAME)`.
    Link {
        /// The index.
        index: u32,
        /// The name.
        name: At,
    },
}

/// A field.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// Its line.
    pub at: At,
    /// Its name (`DNS Servers`).
    pub name: At,
    /// Its values: the words of its line and of the lines that go on.
    pub values: Vec<At>,
}

/// A block.
#[derive(Clone, Debug, Serialize)]
pub struct Block {
    /// The line of its title.
    pub at: At,
    /// What it is about.
    pub scope: Scope,
    /// Its fields.
    pub fields: Vec<Field>,
}

impl Block {
    /// The values of a field; none if it is not there. `text` is what was parsed.
    #[must_use]
    pub fn values<'t>(&self, text: &'t str, name: &str) -> Vec<&'t str> {
        let field = self.fields.iter().filter(|f| slice(text, f.name) == name);
        field.flat_map(|f| &f.values).map(|&v| slice(text, v)).collect()
    }
}

/// Reads the status.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Block>> {
    let mut out = Parsed::<Vec<Block>>::default();
    for (at, line) in lines(text) {
        let inner = line.trim_ascii();
        if inner.is_empty() {
            continue;
        }
        if let Some(scope) = title(text, at, inner) {
            out.value.push(Block { at, scope, fields: Vec::new() });
            continue;
        }
        let Some(block) = out.value.last_mut() else {
            out.problems.push(Problem { at, what: "stands before any block".to_owned() });
            continue;
        };
        let words = |part: &str| part.split_ascii_whitespace().map(|w| position(text, w, at.line)).collect::<Vec<_>>();
        match inner.split_once(": ").or_else(|| inner.strip_suffix(':').map(|name| (name, ""))) {
            // A field's name begins with a letter and holds no digits; addresses do.
            Some((name, values)) if !name.contains(':') && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) => {
                block.fields.push(Field { at, name: position(text, name, at.line), values: words(values) });
            }
            _ => match block.fields.last_mut() {
                Some(field) if line.starts_with([' ', '\t']) => field.values.extend(words(inner)),
                _ => out.problems.push(Problem { at, what: "neither a block nor a field".to_owned() }),
            },
        }
    }
    out
}

fn title(text: &str, at: At, line: &str) -> Option<Scope> {
    if line == "Global" {
        return Some(Scope::Global);
    }
    let (index, name) = line.strip_prefix("Link ")?.split_once(' ')?;
    let name = name.strip_prefix('(')?.strip_suffix(')')?;
    Some(Scope::Link { index: index.parse().ok()?, name: trimmed(text, name, at.line)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{fixture, problems, snapshots};

    #[test]
    fn servers_over_several_lines() {
        let text = fixture("resolvectl/status.txt");
        let got = parse(&text);
        assert_eq!(problems(&text, &got), [""; 0]);
        let [global, eth, old] = &got.value[..] else { panic!("{got:?}") };
        assert_eq!((global.scope, global.values(&text, "resolv.conf mode")), (Scope::Global, vec!["stub"]));
        assert_eq!(eth.values(&text, "DNS Servers"), ["192.0.2.53", "2001:db8::53", "fe80::1%2"]);
        assert_eq!(eth.values(&text, "DNS Domain"), ["~.", "example.com"]);
        assert_eq!(old.values(&text, "LLMNR setting"), ["yes"]);
        assert!(old.values(&text, "DNS Servers").is_empty());
    }

    #[test]
    fn other_lines_are_problems() {
        assert_eq!(parse("DNS Servers: 192.0.2.1\nGlobal\nFailed to get global data\n").problems.len(), 2);
        let zeros = "Global\nDNS Servers: 192.0.2.1\n             fd00::\n";
        assert_eq!(parse(zeros).value[0].values(zeros, "DNS Servers"), ["192.0.2.1", "fd00::"]);
    }

    #[test]
    fn snapshots_of_status() {
        snapshots("resolvectl", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(Global|Link 2 \\(|\\)|[a-z]{1,3}|: ?| |\n|\u{e9}){0,40}") {
            let _ = parse(&text);
        }
    }
}
