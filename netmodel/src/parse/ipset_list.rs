//! `ipset list`, also `-t` (terse): the same sets as [`super::ipset`] reads from `ipset save`, and what only this form says.
//!
//! ```text
//! Name: KUBE-NODE-PORT-TCP
//! Type: bitmap:port
//! Revision: 3
//! Header: range 0-65535
//! Size in memory: 8268
//! References: 1
//! Number of entries: 2
//! Members:
//! 30080
//! 30081
//! ```
//!
//! Sets are separated by an empty line. Left out: `-o xml` and `-o json`, which nobody pastes.

use std::sync::Arc;

use serde::Serialize;

use super::Parsed;
use super::ipset::{Ipsets, Member};
use super::ipset_options::member_options;
use super::text::{trimmed, word};
use crate::source::{At, Problem, lines, position};

/// What `ipset list` says of a set beside what `ipset save` says; all `None` where the line is missing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListInfo {
    /// `Revision` of the set's type.
    pub revision: Option<u32>,
    /// `Size in memory`, bytes.
    pub size_in_memory: Option<u64>,
    /// `References`: how many rules and lists use it.
    pub references: Option<u64>,
    /// `Number of entries` (printed since 6.30).
    pub entries: Option<u64>,
    /// Whether a `Members:` line stands there. Without one (`-t`) an empty list of members says nothing.
    pub members_shown: bool,
}

/// The sets of a listing.
#[derive(Clone, Debug, Default, Serialize)]
pub struct IpsetList {
    /// The sets and members.
    pub sets: Ipsets,
    /// Beside each of `sets.sets`, at the same index.
    pub info: Vec<ListInfo>,
}

impl IpsetList {
    /// The members of a set; `None` where the listing does not show them.
    #[must_use]
    pub fn members_of(&self, name: &str) -> Option<&[Member]> {
        let index = self.sets.sets.iter().position(|s| &*s.name == name)?;
        self.info.get(index)?.members_shown.then(|| self.sets.members_of(&self.sets.sets[index]))
    }
}

/// Reads `ipset list`.
#[must_use]
pub fn parse(text: &str) -> Parsed<IpsetList> {
    let mut out = Parsed::<IpsetList>::default();
    // The set that the lines belong to; `None` before the first and in one that stands a second time.
    let mut current = None;
    for (at, line) in lines(text) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Err(what) = read_line(text, at, line, &mut out.value, &mut current) {
            out.problems.push(Problem { at, what: what.to_owned() });
        }
    }
    for (set, info) in out.value.sets.sets.iter().zip(&out.value.info) {
        let listed = set.members.len() as u64;
        // Entries whose time has run out are counted and not listed.
        let timed = super::text::slice(text, set.options).contains("timeout");
        if let Some(entries) = info.entries.filter(|n| info.members_shown && *n > listed && !timed) {
            out.problems.push(Problem { at: set.at, what: format!("the set has {entries} entries, {listed} stand here") });
        }
    }
    out
}

fn read_line(text: &str, at: At, line: &str, out: &mut IpsetList, current: &mut Option<usize>) -> Result<(), &'static str> {
    // In a member only the colon of an address or of a protocol can stand before a blank, never `Name: ` at the beginning.
    let line = line.trim_ascii_start();
    if let Some(name) = line.strip_prefix("Name:") {
        let known = out.sets.sets.len();
        let index = out.sets.entry(name.trim_ascii(), at);
        *current = (index == known).then_some(index);
        if index < known {
            return Err("the set stands here a second time; these lines do not count");
        }
        let end = out.sets.members.len();
        out.sets.sets[index].members = end..end;
        out.info.push(ListInfo::default());
        return Ok(());
    }
    let Some(index) = *current else {
        // Of a set that stands here a second time one problem is enough.
        return if out.info.is_empty() { Err("stands before any set's name") } else { Ok(()) };
    };
    let (set, info) = (&mut out.sets.sets[index], &mut out.info[index]);
    if !info.members_shown {
        let (key, value) = line.split_once(':').ok_or("neither a header nor a member")?;
        let value = value.trim_ascii();
        match key {
            "Type" => set.kind = Some(Arc::from(value)),
            "Revision" => info.revision = Some(value.parse().map_err(|_| "not a number")?),
            "Header" => {
                set.options = trimmed(text, value, at.line).unwrap_or(At { line: at.line, start: at.end, end: at.end });
                set.inet6 = value.split_ascii_whitespace().any(|w| w == "inet6");
            }
            "Size in memory" => info.size_in_memory = Some(value.parse().map_err(|_| "not a number")?),
            "References" => info.references = Some(value.parse().map_err(|_| "not a number")?),
            "Number of entries" => info.entries = Some(value.parse().map_err(|_| "not a number")?),
            "Members" if value.is_empty() => info.members_shown = true,
            // Of versions 2 to 4.
            "Bindings" | "Default binding" => {}
            _ => return Err("neither a known header nor a member"),
        }
        return Ok(());
    }
    let (element, rest) = word(line);
    let options = trimmed(text, rest, at.line).unwrap_or(At { line: at.line, start: at.end, end: at.end });
    let parsed = member_options(text, options);
    if element.ends_with(':') && element.len() > 1 {
        // `Bindings:` of old versions, or prose that was pasted in between. An element never ends in a colon, `::` being written out.
        if element != "::" {
            return if element == "Bindings:" { Ok(()) } else { Err("not a member") };
        }
    }
    out.sets.members.push(Member { at, element: position(text, element, at.line), options, nomatch: parsed.nomatch });
    set.members.end += 1;
    if parsed.unknown.is_empty() { Ok(()) } else { Err("an option of the member is not known") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::ipset;
    use crate::parse::testing::{fixture, problems, snapshots};
    use crate::parse::text::slice;

    /// Sets as text without positions: what both forms must agree on.
    fn plain(text: &str, sets: &Ipsets) -> Vec<String> {
        let mut all = Vec::new();
        for set in &sets.sets {
            let kind = set.kind.as_deref().unwrap_or("?");
            all.push(format!("{} {kind} {} {}", set.name, slice(text, set.options), set.inet6));
            for m in sets.members_of(set) {
                all.push(format!("{} {} {} {}", set.name, slice(text, m.element), slice(text, m.options), m.nomatch));
            }
        }
        all
    }

    #[test]
    fn list_and_save_of_the_same_sets_agree() {
        let (list, save) = (fixture("ipset-list/all-types.txt"), fixture("ipset-save/all-types.txt"));
        let (from_list, from_save) = (parse(&list), ipset::parse(&save));
        assert_eq!(problems(&list, &from_list), [""; 0]);
        assert_eq!(from_list.value.sets.sets.len(), 27);
        assert_eq!(plain(&list, &from_list.value.sets), plain(&save, &from_save.value));
    }

    #[test]
    fn a_terse_listing_does_not_say_that_a_set_is_empty() {
        let text = "Name: A\nType: hash:net\nRevision: 7\nHeader: family inet hashsize 1024\nSize in memory: 8\nReferences: 2\n\
                    Number of entries: 9\n\nName: B\nType: hash:net\nHeader: family inet6\nMembers:\n::\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        assert!(got.value.members_of("A").is_none());
        assert_eq!(got.value.info[0].entries, Some(9));
        assert_eq!(got.value.members_of("B").map(<[_]>::len), Some(1));
        assert!(got.value.sets.set("B").unwrap().inet6);
    }

    #[test]
    fn a_cut_listing_and_foreign_lines_are_problems() {
        let text = "192.0.2.1\nName: A\nType: hash:ip\nHeader: family inet\nNumber of entries: 3\nMembers:\n10.0.0.1\nipset v7.1: oh no\n";
        let got = parse(text);
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1, 8, 2], "{:?}", got.problems);
    }

    #[test]
    fn snapshots_of_listings() {
        snapshots("ipset-list", |text| {
            let IpsetList { sets, info } = parse(text).value;
            Parsed { value: (sets.sets, sets.members, info), problems: parse(text).problems }
        });
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "((Name|Type|Header|Members|Revision): ?|[0-9.:]{1,5}|nomatch|comment \"|\n| |\u{e9}){0,30}") {
            let got = parse(&text).value;
            let all: usize = got.sets.sets.iter().map(|s| got.sets.members_of(s).len()).sum();
            proptest::prop_assert_eq!(all, got.sets.members.len());
        }
    }
}
