//! Prints sets back in the form of `ipset save`, set by set. Left out: lines that the parser did not understand.

use std::fmt::Write as _;

use super::ipset::Ipsets;
use super::text::slice;
use crate::source::At;

impl Ipsets {
    /// The sets as `ipset save` prints them; `text` is the text that was parsed. A set whose `create` line is missing gets none: its
    /// type is not known.
    #[must_use]
    pub fn to_save(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for set in &self.sets {
            if let Some(kind) = &set.kind {
                line(&mut out, &["create", &set.name, kind, slice(text, set.options)]);
            }
            for member in self.members_of(set) {
                let part = |at: At| slice(text, at);
                line(&mut out, &["add", &set.name, part(member.element), part(member.options)]);
            }
        }
        out
    }
}

/// Words with one blank between them; what is empty counts for nothing.
fn line(out: &mut String, words: &[&str]) {
    let mut blank = "";
    for word in words.iter().filter(|w| !w.is_empty()) {
        write!(out, "{blank}{word}").expect("writing to a String does not fail");
        blank = " ";
    }
    out.push('\n');
}
