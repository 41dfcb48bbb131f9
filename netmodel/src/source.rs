//! Where a fact stands: sources, positions in them, evidence, and the lack of them.
//!
//! A capture is one `Arc<str>`; records hold positions in it ([`At`]), so evidence costs nothing until it is shown.

use std::sync::Arc;

use bundle::{Absence, Format, Key, Origin, Partial, Text};

/// A capture's text, with what is known of its wholeness.
#[derive(Clone, Debug)]
pub struct Source {
    /// Which capture of the bundle.
    pub key: Key,
    /// The whole text.
    pub text: Arc<str>,
    /// Why the text is not whole, if it is not: then what does not stand in it proves nothing.
    pub partial: Option<Partial>,
    /// In which form it is written: that of its capture, unless it was pasted.
    pub format: Format,
    /// Where its lines stood in the files that were given, for a text that was pasted.
    pub origin: Option<Arc<Origin>>,
}

/// A position in a source: a line (counted from 1) and the bytes that are meant. Offsets fit 32 bits, since the reader caps an
/// entry far below 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// Number of the line, from 1.
    pub line: u32,
    /// Offset of the first byte in the source.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

/// As a marker that only [`crate::records`] reads: an object with [`At::MARK`] as its one key. What a position means – a line, or the
/// text that stands there – depends on the field that holds it, and the text is not at hand here.
impl serde::Serialize for At {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(Self::MARK, [self.line, self.start, self.end])])
    }
}

impl At {
    /// The key of a serialised position. No name in a text is like it, since no tool prints NUL.
    pub(crate) const MARK: &str = "\0at";
}

/// Bytes of the text, without the line number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

/// As a position without a line.
impl serde::Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        At { line: 0, start: self.start, end: self.end }.serialize(serializer)
    }
}

impl Span {
    /// The bytes; empty if the span is not in this text.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl Source {
    /// The source that a bundle's text is. Without its record nobody knows whether a text was cut off or its tool failed, so it is not
    /// taken for the whole.
    #[must_use]
    pub fn of(key: &Key, text: Text) -> Self {
        let lost = || Partial::Damaged("the record of how it was taken was lost".to_owned());
        let partial = text.partial.or_else(|| text.unrecorded.then(lost));
        Self { key: key.clone(), text: text.body, partial, format: text.format, origin: text.origin }
    }

    /// The text at a position; empty if the position is not in this source.
    #[must_use]
    pub fn at(&self, at: At) -> &str {
        self.text.get(at.start as usize..at.end as usize).unwrap_or_default()
    }

    /// Something is needed of this source that it would hold only if it were whole. Says why not, if it is not.
    ///
    /// # Errors
    /// [`Missing`] when the text was cut off, timed out or its tool failed.
    pub fn whole(&self) -> Result<(), Missing> {
        match &self.partial {
            None => Ok(()),
            Some(partial) => Err(Missing {
                capture: self.place(1).0,
                what: format!("all of {}", self.key.capture.name()),
                why: describe_partial(partial),
            }),
        }
    }

    /// Evidence: the text at a position.
    #[must_use]
    pub fn evidence(&self, at: At) -> Evidence {
        self.evidence_text(at, self.at(at).trim_end())
    }

    /// Evidence with a text of its own, for records that are too long to show whole: the parts that matter, joined by ` … `.
    #[must_use]
    pub fn evidence_text(&self, at: At, text: impl Into<String>) -> Evidence {
        let (capture, line) = self.place(at.line);
        Evidence { capture, line, text: text.into() }
    }

    /// What a person has to open to see a line of this source, and the line there: the capture in the bundle, or of a pasted text the
    /// file as it was given.
    #[must_use]
    pub fn place(&self, line: u32) -> (String, u32) {
        let pasted = self.origin.as_ref().and_then(|origin| origin.place(line.max(1)));
        match pasted {
            Some((file, _)) if line == 0 => (file.to_owned(), 0),
            Some((file, there)) => (file.to_owned(), there),
            None => (self.key.path(), line),
        }
    }
}

/// In words, why a text is not whole.
#[must_use]
pub fn describe_partial(partial: &Partial) -> String {
    match partial {
        Partial::Truncated => "it was cut off at the collector's size limit".to_owned(),
        Partial::TimedOut => "its tool did not end in time".to_owned(),
        Partial::Failed { how, stderr } if stderr.is_empty() => format!("its tool failed ({how})"),
        Partial::Failed { how, stderr } => format!("its tool failed ({how}): {stderr}"),
        Partial::Pasted(why) => format!("it was pasted, and {why}"),
        Partial::Damaged(why) => format!("the bundle is damaged there: {why}"),
    }
}

/// A place in a bundle and the text that stands there: what a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Evidence {
    /// Path of the capture in the bundle.
    pub capture: String,
    /// Number of the line, from 1; 0 where the absence of the capture itself is the evidence.
    pub line: u32,
    /// The text.
    pub text: String,
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'n, T> {
    /// The value.
    pub value: T,
    /// The source that holds it.
    pub source: &'n Source,
    /// Where in the source.
    pub at: At,
}

impl<'n, T> Fact<'n, T> {
    /// The text that says so.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.source.evidence(self.at)
    }

    /// The same place with another value.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<'n, U> {
        Fact { value: f(self.value), source: self.source, at: self.at }
    }
}

/// Something that a question needed and the bundle does not say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[error("{what}: {why}")]
pub struct Missing {
    /// Path of the capture that would have said it.
    pub capture: String,
    /// What was needed.
    pub what: String,
    /// Why it is not known.
    pub why: String,
}

impl Missing {
    /// A fact that could not be had.
    #[must_use]
    pub fn new(key: &Key, what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { capture: key.path(), what: what.into(), why: why.into() }
    }

    /// A capture that is absent.
    #[must_use]
    pub fn absent(key: &Key, absence: &Absence) -> Self {
        let why =
            if absence.detail.is_empty() { absence.why.to_string() } else { format!("{}: {}", absence.why, absence.detail) };
        Self::new(key, key.capture.spec().purpose, why)
    }
}

/// A part of a capture that was not understood; the rest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub at: At,
    /// What is wrong with it, in lower case, without the text itself.
    pub what: String,
}

/// The lines of a text with their positions, without line ends (`\n` or `\r\n`).
pub fn lines(text: &str) -> impl Iterator<Item = (At, &str)> {
    let bytes = text.as_bytes();
    let mut start = 0usize;
    let mut line = 0u32;
    std::iter::from_fn(move || {
        if start >= bytes.len() {
            return None;
        }
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |i| start + i);
        let mut stop = end;
        if stop > start && bytes[stop - 1] == b'\r' {
            stop -= 1;
        }
        line += 1;
        let at = At { line, start: offset(start), end: offset(stop) };
        let slice = &text[start..stop];
        start = end + 1;
        Some((at, slice))
    })
}

/// The position of a slice of `text` on line `line`.
///
/// `part` must be a slice of `text` itself: the position is computed from the addresses.
#[must_use]
pub fn position(text: &str, part: &str, line: u32) -> At {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize).min(text.len());
    At { line, start: offset(start), end: offset(start + part.len()) }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_where_they_stand() {
        let text = "a\r\n\nbc";
        let got: Vec<_> = lines(text).map(|(at, l)| (at.line, &text[at.start as usize..at.end as usize], l)).collect();
        assert_eq!(got, [(1, "a", "a"), (2, "", ""), (3, "bc", "bc")]);
        assert_eq!(position(text, &text[4..5], 3), At { line: 3, start: 4, end: 5 });
    }
}
