//! Splits a rule into words as iptables-restore does: blanks part them, double quotes keep blanks, a backslash in quotes keeps the
//! next character. What a word means is not known here.

use super::record::Span;

/// The words of one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'t> {
    text: &'t str,
    at: usize,
    end: usize,
    /// The last word that was taken, with its quotes; empty before the first.
    last: Span,
}

/// One word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'t> {
    /// The word, without the quotes around it, with the backslashes in it.
    pub(super) text: &'t str,
    /// Where that is.
    pub(super) span: Span,
    /// Whether it stood in quotes: then it is a value whatever it looks like (`"-j"`).
    pub(super) quoted: bool,
    /// Where the word begins and ends with its quotes.
    pub(super) outer: Span,
}

impl Word<'_> {
    /// Whether it begins an option, `-x` or `--xyz`, and is no value such as `-1`.
    pub(super) fn is_option(&self) -> bool {
        let b = self.text.as_bytes();
        !self.quoted && b.len() > 1 && b[0] == b'-' && (b[1] == b'-' || b[1].is_ascii_alphabetic())
    }

    /// Whether it is a lone `!`.
    pub(super) fn is_not(&self) -> bool {
        !self.quoted && self.text == "!"
    }
}

impl<'t> Words<'t> {
    /// The words of the bytes from `start` to `end` of `text`.
    pub(super) fn new(text: &'t str, start: usize, end: usize) -> Self {
        Self { text, at: start, end: end.min(text.len()), last: Span::default() }
    }

    /// The next word.
    pub(super) fn next(&mut self) -> Option<Word<'t>> {
        let bytes = self.text.as_bytes();
        let ahead = bytes.get(self.at..self.end)?;
        // One blank parts nearly all words.
        let begin = match ahead {
            [b' ', byte, ..] if !matches!(byte, b' ' | b'\t') => self.at + 1,
            _ => self.at + ahead.iter().position(|b| !matches!(b, b' ' | b'\t'))?,
        };
        if bytes[begin] == b'"' {
            let mut i = begin + 1;
            loop {
                match memchr::memchr2(b'"', b'\\', &bytes[i.min(self.end)..self.end]) {
                    Some(n) if bytes[i + n] == b'"' => {
                        i += n;
                        break;
                    }
                    Some(n) => i += n + 2,
                    None => {
                        // The closing quote was cut off: all the rest is in the word.
                        i = self.end;
                        break;
                    }
                }
            }
            let stop = i.min(self.end);
            self.at = (stop + 1).min(self.end);
            return Some(self.word(begin + 1, stop, true, begin));
        }
        let ahead = bytes.get(begin..self.end)?;
        self.at = begin + to_blank(ahead);
        Some(self.word(begin, self.at, false, begin))
    }

    /// The next word, left where it is.
    pub(super) fn peek(&self) -> Option<Word<'t>> {
        let mut ahead = *self;
        ahead.next()
    }

    /// The last word that was taken, with its quotes; empty before the first.
    pub(super) fn last(&self) -> Span {
        self.last
    }

    /// From the beginning of the next word to the end of the last one; empty where there is none.
    pub(super) fn rest(mut self) -> Span {
        let Some(first) = self.next() else { return Span::default() };
        let tail = self.text.as_bytes().get(..self.end).unwrap_or_default();
        let end = tail.iter().rposition(|b| !matches!(b, b' ' | b'\t')).map_or(0, |last| last + 1);
        Span { start: first.outer.start, end: span(0, end).end.max(first.outer.end) }
    }

    fn word(&mut self, start: usize, end: usize, quoted: bool, outer: usize) -> Word<'t> {
        self.last = span(outer, self.at);
        Word { text: self.text.get(start..end).unwrap_or_default(), span: span(start, end), quoted, outer: self.last }
    }
}

/// How many bytes stand before the first blank. Eight bytes are looked at at a time: the words of a rule are short, and a loop over
/// bytes or a call of memchr costs more than the word.
fn to_blank(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let (words, tail) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The highest bit of each byte up to the blank; bytes behind the first of them may be marked wrongly.
        let blanks = word.wrapping_sub(ONES * u64::from(b' ' + 1)) & !word & HIGH;
        if blanks != 0 {
            let at = i * 8 + blanks.trailing_zeros() as usize / 8;
            let rest = bytes.get(at..).unwrap_or_default();
            // Control characters are among them, and belong to the word.
            return at + rest.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(rest.len());
        }
    }
    words.len() * 8 + tail.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(tail.len())
}

/// A word as it stands, with the quotes around it.
pub(super) fn as_written(text: &str, inner: Span) -> &str {
    let (start, end) = (inner.start as usize, inner.end as usize);
    let bytes = text.as_bytes();
    // A quote before it that closes another word has none behind this one; one that is never closed takes the rest of the line.
    let closes = matches!(bytes.get(end), Some(b'"' | b'\n' | b'\r') | None);
    let quoted = closes && start > 0 && bytes.get(start - 1) == Some(&b'"');
    let (start, end) = if quoted { (start - 1, end + usize::from(bytes.get(end) == Some(&b'"'))) } else { (start, end) };
    text.get(start..end).unwrap_or_default()
}

/// A span of offsets, which fit 32 bits since a capture is far below 4 GiB.
pub(super) fn span(start: usize, end: usize) -> Span {
    let fit = |n| u32::try_from(n).unwrap_or(u32::MAX);
    Span { start: fit(start), end: fit(end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(&str, bool)> {
        let mut words = Words::new(text, 0, text.len());
        std::iter::from_fn(|| words.next()).map(|w| (w.text, w.quoted)).collect()
    }

    #[test]
    fn quotes_keep_blanks_and_backslashes_keep_quotes() {
        assert_eq!(words(r#"-m comment --comment "a -j DROP" -j X"#)[3], ("a -j DROP", true));
        assert_eq!(words(r#""pod\'s \"own\" \\" x"#), [(r#"pod\'s \"own\" \\"#, true), ("x", false)]);
        assert_eq!(words("a\t  b "), [("a", false), ("b", false)]);
        assert_eq!(words(r#""" x"#), [("", true), ("x", false)]);
    }

    #[test]
    fn a_word_ends_at_its_first_blank() {
        let text = "0123\u{1}56789abcdef!\u{e9}";
        for at in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
            for blank in [" ", "\t", " \t", "\t x"] {
                let line = format!("{}{blank}{}", &text[..at], &text[at..]);
                assert_eq!(to_blank(line.as_bytes()), at, "{line}");
            }
        }
        assert_eq!(to_blank(text.as_bytes()), text.len());
    }

    #[test]
    fn a_quote_that_was_cut_off_takes_the_rest() {
        for text in [r#"a "b c"#, r#"a "b c\"#, r#"a ""#, r#"a "\"#, "\"\\é"] {
            assert!(!words(text).is_empty(), "{text}");
        }
        assert_eq!(words(r#"a "b c"#)[1], ("b c", true));
    }
}
