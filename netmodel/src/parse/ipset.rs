//! `ipset save`: sets and their members.
//!
//! ```text
//! create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0xb2b7044a
//! add KUBE-CLUSTER-IP 10.96.0.10,udp:53
//! create KUBE-NODE-PORT-TCP bitmap:port range 0-65535
//! add KUBE-NODE-PORT-TCP 30080
//! create KUBE-SRC-62BQ7ACBQ327BGVX hash:net family inet hashsize 1024 maxelem 65536 timeout 0 bucketsize 12 initval 0xe400ad1d
//! add KUBE-SRC-62BQ7ACBQ327BGVX 0.0.0.0/1 timeout 0
//! ```
//!
//! Members stay spans: what they mean depends on the set's type, which `state::ipsets` knows.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// A member of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its line.
    pub at: At,
    /// The element alone (`10.96.0.10,udp:53`).
    pub element: At,
    /// What follows the element (`timeout 0`, `nomatch`, `comment "…"`).
    pub options: At,
    /// `nomatch`: an exception within a set of networks.
    pub nomatch: bool,
}

/// A set.
#[derive(Clone, Debug, Serialize)]
pub struct Set {
    /// Its `create` line; the first `add` line if that is missing.
    pub at: At,
    /// Its name.
    pub name: Arc<str>,
    /// Its type (`hash:ip,port`, …); `None` if the `create` line is missing.
    pub kind: Option<Arc<str>>,
    /// The options of its `create` line.
    pub options: At,
    /// Whether it holds IPv6 (`family inet6`).
    pub inet6: bool,
    /// Its members, as a range of [`Ipsets::members`].
    #[serde(skip)]
    pub members: Range<usize>,
}

/// All sets.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ipsets {
    /// The sets, in the text's order.
    pub sets: Vec<Set>,
    /// The members of all sets, set by set.
    pub members: Vec<Member>,
    #[serde(skip)]
    index: HashMap<Arc<str>, usize>,
}

impl Ipsets {
    /// The set of that name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.get(*self.index.get(name)?)
    }

    /// The position of the set of that name in [`Ipsets::sets`].
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// The members of a set.
    #[must_use]
    pub fn members_of(&self, set: &Set) -> &[Member] {
        self.members.get(set.members.clone()).unwrap_or_default()
    }

    pub(super) fn entry(&mut self, name: &str, at: At) -> usize {
        if let Some(&known) = self.index.get(name) {
            return known;
        }
        let name: Arc<str> = Arc::from(name);
        let options = At { end: at.start, ..at };
        self.sets.push(Set { at, name: Arc::clone(&name), kind: None, options, inet6: false, members: 0..0 });
        self.index.insert(name, self.sets.len() - 1);
        self.sets.len() - 1
    }
}

/// Reads `ipset save`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Ipsets> {
    let mut out = Parsed::<Ipsets>::default();
    let mut members: Vec<(usize, Member)> = Vec::new();
    // Members of one set follow one another: the last name is nearly always the next one.
    let mut last: Option<(usize, Arc<str>)> = None;
    for (at, line) in lines(text) {
        let (command, rest) = word(line);
        let (name, rest) = word(rest);
        let (third, rest) = word(rest);
        match command {
            "" => {}
            "create" | "-N" | "add" | "-A" if third.is_empty() => {
                out.problems.push(Problem { at, what: format!("`{command}` without a set and what follows it") });
            }
            "create" | "-N" => {
                let index = out.value.entry(name, at);
                let set = &mut out.value.sets[index];
                set.at = at;
                set.kind = Some(Arc::from(third));
                set.options = position(text, rest.trim(), at.line);
                set.inet6 = rest.split_ascii_whitespace().any(|w| w == "inet6");
            }
            "add" | "-A" => {
                let index = match &last {
                    Some((index, known)) if **known == *name => *index,
                    _ => {
                        let index = out.value.entry(name, at);
                        last = Some((index, Arc::clone(&out.value.sets[index].name)));
                        index
                    }
                };
                let options = rest.trim();
                members.push((
                    index,
                    Member {
                        at,
                        element: position(text, third, at.line),
                        options: position(text, options, at.line),
                        // A comment stands in quotes and may hold the word.
                        nomatch: options.split('"').step_by(2).any(|part| part.split_ascii_whitespace().any(|w| w == "nomatch")),
                    },
                ));
            }
            // What `ipset save` of old versions ends with.
            "COMMIT" => {}
            _ => out.problems.push(Problem { at, what: "neither `create` nor `add`".to_owned() }),
        }
    }
    members.sort_by_key(|(set, _)| *set);
    let mut start = 0;
    for chunk in members.chunk_by(|(a, _), (b, _)| a == b) {
        let set = &mut out.value.sets[chunk[0].0];
        set.members = start..start + chunk.len();
        start += chunk.len();
    }
    out.value.members = members.into_iter().map(|(_, m)| m).collect();
    out
}

/// The next word and what follows it.
fn word(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    let end = line.bytes().position(|b| b.is_ascii_whitespace()).unwrap_or(line.len());
    line.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_belong_to_their_sets_in_any_order() {
        let text = "create A hash:ip family inet6 hashsize 1024\ncreate we;ird^ hash:net family inet\nadd we;ird^ 10.0.0.0/8 nomatch\n\
                    add A fd00::1 timeout 0 comment \"nomatch here\"\nadd we;ird^ 10.0.0.0/9\nadd gone 1.2.3.4\nadd A\nfoo\n";
        let got = parse(text);
        let sets = &got.value;
        let elements = |name: &str| -> Vec<(&str, bool)> {
            let members = sets.members_of(sets.set(name).unwrap());
            members.iter().map(|m| (&text[m.element.start as usize..m.element.end as usize], m.nomatch)).collect()
        };
        assert_eq!(elements("A"), [("fd00::1", false)]);
        assert_eq!(elements("we;ird^"), [("10.0.0.0/8", true), ("10.0.0.0/9", false)]);
        assert!(sets.set("A").unwrap().inet6 && !sets.set("we;ird^").unwrap().inet6);
        assert_eq!(sets.set("gone").unwrap().kind, None, "its create line is missing");
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [7, 8]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "((add|create) |[A-C] |[0-9.,:/]{1,6} |\"|nomatch|\n|\u{e9}){0,30}") {
            let got = parse(&text).value;
            let all: usize = got.sets.iter().map(|s| got.members_of(s).len()).sum();
            proptest::prop_assert_eq!(all, got.members.len());
        }
    }
}
