//! Lines of iproute2's text as pieces and words: what people do to them on the way into a ticket is undone here, once.
//!
//! `-o` writes a backslash where a line ended; mails add `> `; markdown leaves `**` and backticks; notes begin with `#` or `<--`.

use std::str::{FromStr, SplitWhitespace};

use crate::source::{At, Problem, lines, position};

/// A line, or a part of one between the backslashes of `-o`.
#[derive(Clone, Copy, Debug)]
pub(in crate::parse) struct Piece<'t> {
    /// Its text without blanks around it.
    pub(in crate::parse) text: &'t str,
    /// Where it stands.
    pub(in crate::parse) at: At,
    /// Whether it follows a backslash, and so goes on with the record before it.
    pub(in crate::parse) continued: bool,
    /// Whether blanks stood before it: it goes on with what the lines before it began.
    pub(in crate::parse) indented: bool,
}

/// The pieces of a text that hold something.
pub(in crate::parse) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    lines(text).flat_map(move |(at, line)| {
        let line = unquoted(line);
        line.split('\\').enumerate().filter_map(move |(i, part)| {
            let indented = part.starts_with([' ', '\t']);
            let part = part.trim();
            let at = position(text, part, at.line);
            (!part.is_empty()).then_some(Piece { text: part, at, continued: i > 0, indented })
        })
    })
}

/// A line without a byte-order mark and the `> ` of mails.
fn unquoted(line: &str) -> &str {
    let mut line = line.trim_start_matches('\u{feff}');
    while let Some(rest) = line.trim_start().strip_prefix('>') {
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    line
}

impl<'t> Piece<'t> {
    /// Its words.
    pub(in crate::parse) fn words(&self) -> Words<'t> {
        Words { iter: self.text.split_whitespace(), peeked: None }
    }

    /// Notes that no record could be made of it, instead of what was noted of its words.
    pub(in crate::parse) fn failed(&self, what: impl Into<String>, problems: &mut Vec<Problem>) {
        problems.pop_if(|p| p.at == self.at);
        problems.push(self.problem(what));
    }

    /// Notes a word that is not known; one note a piece is enough.
    pub(in crate::parse) fn unknown(&self, word: &str, problems: &mut Vec<Problem>) {
        if problems.last().is_none_or(|p| p.at != self.at) {
            problems.push(self.problem(format!("unknown word `{word}`")));
        }
    }

    /// A problem with it.
    pub(in crate::parse) fn problem(&self, what: impl Into<String>) -> Problem {
        Problem { at: self.at, what: what.into() }
    }
}

/// The words of a piece, up to a note.
#[derive(Clone, Debug)]
pub(in crate::parse) struct Words<'t> {
    iter: SplitWhitespace<'t>,
    peeked: Option<Option<&'t str>>,
}

impl<'t> Words<'t> {
    /// The next word, without moving on.
    pub(in crate::parse) fn peek(&mut self) -> Option<&'t str> {
        if self.peeked.is_none() {
            self.peeked = Some(self.read());
        }
        self.peeked.flatten()
    }

    fn read(&mut self) -> Option<&'t str> {
        loop {
            let word = self.iter.next()?;
            if word.starts_with(['#', '←']) || word.starts_with("<-") || word.starts_with("<=") {
                // Nothing of a note is read as data.
                self.iter = "".split_whitespace();
                return None;
            }
            let bare = word.trim_matches(['*', '`']);
            if !bare.is_empty() {
                return Some(bare);
            }
        }
    }

    /// The value that must follow a word.
    pub(in crate::parse) fn value(&mut self, key: &str) -> Result<&'t str, String> {
        self.next().ok_or_else(|| format!("`{key}` without a value"))
    }

    /// The value behind a word, typed.
    pub(in crate::parse) fn typed<T: FromStr>(&mut self, key: &str, what: &str) -> Result<T, String> {
        let word = self.value(key)?;
        word.parse().map_err(|_| format!("`{key} {word}`: not {what}"))
    }

    /// Goes over what is left.
    pub(in crate::parse) fn skip_all(&mut self) {
        self.peeked = Some(None);
        self.iter = "".split_whitespace();
    }
}

impl<'t> Iterator for Words<'t> {
    type Item = &'t str;
    fn next(&mut self) -> Option<&'t str> {
        match self.peeked.take() {
            Some(word) => word,
            None => self.read(),
        }
    }
}

/// A number as iproute2 prints it, decimal or with `0x`.
pub(in crate::parse) fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_know_where_they_stand() {
        let text = "\u{feff}> a b\\    c \r\n\n   \n>> **d** `e` <-- note dev f\n";
        let got: Vec<_> = pieces(text).map(|p| (p.at.line, &text[p.at.start as usize..p.at.end as usize], p.continued)).collect();
        assert_eq!(got, [(1, "a b", false), (1, "c", true), (4, "**d** `e` <-- note dev f", false)]);
        let last: Vec<_> = pieces(text).last().unwrap().words().collect();
        assert_eq!(last, ["d", "e"]);
    }

    #[test]
    fn a_word_that_was_looked_at_is_not_lost() {
        let piece = pieces("a b").next().unwrap();
        let mut words = piece.words();
        assert_eq!((words.peek(), words.next(), words.peek(), words.peek(), words.next(), words.next()), {
            (Some("a"), Some("a"), Some("b"), Some("b"), Some("b"), None)
        });
        assert_eq!((number("0xff"), number("12"), number("-1")), (Some(255), Some(12), None));
    }
}
