//! `/proc/net/sockstat` and `sockstat6`: how many sockets there are.
//!
//! ```text
//! sockets: used 11
//! TCP: inuse 4 orphan 0 tw 1 alloc 158 mem 281
//! FRAG: inuse 0 memory 0
//! ```
//!
//! `mem` is in pages and, like `tw` and `alloc` on old kernels, counts for all namespaces.

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// A number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SocketCount {
    /// The value in the capture.
    pub at: At,
    /// The protocol (`TCP`, `UDP6`, `FRAG`) or `sockets`.
    pub protocol: At,
    /// What is counted (`inuse`, `orphan`, `tw`, `alloc`, `mem`, `memory`, `used`).
    pub name: At,
    /// The value.
    pub value: u64,
}

/// Reads either file.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<SocketCount>> {
    let mut out = Parsed::<Vec<SocketCount>>::default();
    for (at, line) in lines(text) {
        let Some((protocol, rest)) = line.split_once(':') else {
            if !line.trim_ascii().is_empty() {
                out.problems.push(Problem { at, what: "not `protocol: …`".to_owned() });
            }
            continue;
        };
        let protocol = position(text, protocol.trim_ascii(), at.line);
        let mut words = rest.split_ascii_whitespace();
        while let Some(name) = words.next() {
            let value = words.next().unwrap_or_default();
            match value.parse() {
                Ok(number) => out.value.push(SocketCount {
                    at: position(text, value, at.line),
                    protocol,
                    name: position(text, name, at.line),
                    value: number,
                }),
                Err(_) => {
                    out.problems
                        .push(Problem { at: position(text, name, at.line), what: "a name without its number".to_owned() });
                }
            }
        }
    }
    out
}

/// The number of that protocol and name. `text` is what was parsed.
#[must_use]
pub fn find<'c>(text: &str, counts: &'c [SocketCount], protocol: &str, name: &str) -> Option<&'c SocketCount> {
    let is = |at: At, wanted: &str| super::text::slice(text, at) == wanted;
    counts.iter().find(|c| is(c.protocol, protocol) && is(c.name, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::snapshots;

    #[test]
    fn numbers_are_found_by_name() {
        let text = "sockets: used 11\nTCP: inuse 4 orphan 0 tw 1 alloc 158 mem 281\nTCP6: inuse 3\n";
        let got = parse(text);
        assert_eq!(got.problems, []);
        assert_eq!(find(text, &got.value, "TCP", "tw").map(|c| (c.value, c.at.line)), Some((1, 2)));
        assert_eq!(find(text, &got.value, "TCP6", "tw"), None);
    }

    #[test]
    fn cut_lines_are_problems() {
        assert_eq!(parse("TCP: inuse 4 orphan\nTCP: inuse x\nhello\n").problems.len(), 3);
    }

    #[test]
    fn snapshots_of_counts() {
        snapshots("proc-sockstat", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([A-Za-z]{1,3}:?|[0-9]{1,22}| |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
