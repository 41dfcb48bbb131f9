//! Finds every place in a value by its `Debug` form, so that a new record is checked without a word here.

use std::fmt::{self, Debug, Write};

/// Where the lines of a text begin.
pub(crate) struct Lines<'t> {
    text: &'t str,
    ends: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self { text, ends: text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect() }
    }

    /// The number of the line that holds an offset.
    fn number(&self, offset: usize) -> usize {
        1 + self.ends.partition_point(|&end| end < offset)
    }

    /// Holds a place against the text.
    pub(crate) fn check(&self, line: u32, start: u32, end: u32, what: &str) {
        self.inside(start, end, what);
        assert_eq!(line as usize, self.number(start as usize), "the line of {start}..{end} ({what})");
    }

    /// Holds a span without a line against the text.
    fn inside(&self, start: u32, end: u32, what: &str) {
        assert!(start <= end, "{start}..{end} ({what})");
        assert!(self.text.get(start as usize..end as usize).is_some(), "{start}..{end} is not in the text ({what})");
    }
}

/// Checks all places of a value and says how many there are.
pub(crate) fn check<T: Debug>(text: &str, lines: &Lines<'_>, value: &T) -> usize {
    let mut sink = Sink { buffer: String::with_capacity(64 * text.len() + 1024), quoted: false, escaped: false };
    write!(sink, "{value:?}").expect("a string takes everything");
    let all = &sink.buffer;
    let mut found = 0;
    for (name, with_line) in [("At { line: ", true), ("Span { start: ", false)] {
        for (at, _) in all.match_indices(name) {
            let body = &all[at + name.len()..];
            let numbers: Vec<u32> = body
                .split(|c: char| !c.is_ascii_digit())
                .filter(|part| !part.is_empty())
                .take(if with_line { 3 } else { 2 })
                .map(|part| part.parse().expect("an offset"))
                .collect();
            found += 1;
            match numbers[..] {
                // Nothing is meant: the place of a part that is not there.
                [0, 0, 0] => {}
                [line, start, end] => lines.check(line, start, end, &body[..body.len().min(60)]),
                [start, end] => lines.inside(start, end, &body[..body.len().min(60)]),
                _ => panic!("not a place: {body:.60}"),
            }
        }
    }
    found
}

/// Takes a `Debug` form without the strings in it: those are the text's, and may look like a place.
struct Sink {
    buffer: String,
    quoted: bool,
    escaped: bool,
}

impl Write for Sink {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        // Nearly all parts.
        if !self.quoted && !part.contains('"') {
            self.buffer.push_str(part);
            return Ok(());
        }
        for c in part.chars() {
            match c {
                _ if self.escaped => self.escaped = false,
                '\\' if self.quoted => self.escaped = true,
                '"' => self.quoted = !self.quoted,
                _ if !self.quoted => self.buffer.push(c),
                _ => {}
            }
        }
        Ok(())
    }
}
