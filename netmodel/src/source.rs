//! Where a fact stands: sources, positions in them, evidence, and the lack of them.
//!
//! A capture is one `Arc<str>`; records hold positions in it ([`At`]), so evidence costs nothing until it is shown.

use std::sync::Arc;

use bundle::{Absence, Key, Partial, Text};

/// A capture's text, with what is known of its wholeness.
#[derive(Clone, Debug)]
pub struct Source {
    /// Which capture of the bundle.
    pub key: Key,
    /// The whole text.
    pub text: Arc<str>,
    /// Why the text is not whole, if it is not: then what does not stand in it proves nothing.
    pub partial: Option<Partial>,
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

impl Source {
    /// The source that a bundle's text is. Without its record nobody knows whether a text was cut off or its tool failed, so it is not
    /// taken for the whole.
    #[must_use]
    pub fn of(key: &Key, text: Text) -> Self {
        let lost = || Partial::Damaged("the record of how it was taken was lost".to_owned());
        let partial = text.partial.or_else(|| text.unrecorded.then(lost));
        Self { key: key.clone(), text: text.body, partial }
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
                capture: self.key.path(),
                what: format!("all of {}", self.key.capture.name()),
                why: describe_partial(partial),
            }),
        }
    }

    /// Evidence: the text at a position.
    #[must_use]
    pub fn evidence(&self, at: At) -> Evidence {
        Evidence { capture: self.key.path(), line: at.line, text: self.at(at).trim_end().to_owned() }
    }

    /// Evidence with a text of its own, for records that are too long to show whole: the parts that matter, joined by ` … `.
    #[must_use]
    pub fn evidence_text(&self, at: At, text: impl Into<String>) -> Evidence {
        Evidence { capture: self.key.path(), line: at.line, text: text.into() }
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
