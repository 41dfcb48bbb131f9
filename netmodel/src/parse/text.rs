//! What several parsers of words and lines share: slices by position, words, unquoting. Left out: whatever knows a format.

use crate::source::{At, position};

/// The slice at a position; empty if the position is not in the text.
#[must_use]
pub fn slice(text: &str, at: At) -> &str {
    text.get(at.start as usize..at.end as usize).unwrap_or_default()
}

/// The first word of a line and what follows it. Blanks are ASCII blanks: tools print no others, comments may hold them.
pub(crate) fn word(line: &str) -> (&str, &str) {
    let line = line.trim_ascii_start();
    let end = line.bytes().position(|b| b.is_ascii_whitespace()).unwrap_or(line.len());
    line.split_at(end)
}

/// The position of a trimmed part of `text`; `None` if nothing is left of it.
pub(crate) fn trimmed(text: &str, part: &str, line: u32) -> Option<At> {
    let part = part.trim_ascii();
    (!part.is_empty()).then(|| position(text, part, line))
}

/// A hexadecimal number as /proc prints it, without or with `0x`.
pub(crate) fn hex(word: &str) -> Option<u64> {
    let digits = word.strip_prefix("0x").unwrap_or(word);
    // from_str_radix takes a sign.
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, 16).ok())?
}

/// A value without the quotes around it, if both are there.
pub(crate) fn unquoted(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_quotes() {
        assert_eq!(word("\t a b"), ("a", " b"));
        assert_eq!(word("  "), ("", ""));
        assert_eq!((hex("1F90"), hex("0xff"), hex("+1"), hex("")), (Some(0x1f90), Some(255), None, None));
        assert_eq!((unquoted("\"a\""), unquoted("'b'"), unquoted("\""), unquoted("\"c")), ("a", "b", "\"", "\"c"));
    }
}
