//! Bytes to text: byte order marks, UTF-16, Latin-1, terminal escapes. What the text says is not this file's business.
//!
//! A ticket holds what a person's tools made of an output: PowerShell's `>` writes UTF-16LE with a mark, old editors write Latin-1,
//! `script` and coloured tools leave escapes. Line numbers stay those of the file as given: no line is added or lost here.

use std::borrow::Cow;

/// How the bytes of a file were turned into text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// UTF-8, with or without its mark.
    Utf8,
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
    /// UTF-8 with bytes in it that are not; those are read as Latin-1, in which every byte is a character.
    Latin1,
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Latin1 => "Latin-1",
        })
    }
}

/// How many of the first bytes decide whether a file is text.
const HEAD: usize = 4096;

/// The text of a file, or why it is none.
///
/// # Errors
/// What the bytes are instead, in words.
pub(super) fn text(bytes: &[u8]) -> Result<(String, Encoding), &'static str> {
    let (text, encoding) = match bytes {
        [] => return Err("an empty file"),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        [0xff, 0xfe, rest @ ..] => (utf16(rest, u16::from_le_bytes), Encoding::Utf16Le),
        [0xfe, 0xff, rest @ ..] => (utf16(rest, u16::from_be_bytes), Encoding::Utf16Be),
        [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            return Err("a compressed file: unpack it first");
        }
        _ => match nul_places(bytes) {
            (0, 0) => utf8(bytes),
            // ASCII in UTF-16 has a zero in every second byte.
            (0, odd) if odd * 3 >= bytes.len().min(HEAD) => (utf16(bytes, u16::from_le_bytes), Encoding::Utf16Le),
            (even, 0) if even * 3 >= bytes.len().min(HEAD) => (utf16(bytes, u16::from_be_bytes), Encoding::Utf16Be),
            // A text with a few: a log that was cut by a crash, /proc/*/cmdline.
            (even, odd) if (even + odd) * 20 < bytes.len().min(HEAD) => utf8(bytes),
            _ => return Err("not a text"),
        },
    };
    if text.chars().take(HEAD).filter(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{1b}')).count() * 10
        > text.chars().take(HEAD).count()
    {
        return Err("not a text");
    }
    Ok((text, encoding))
}

/// How many of the first bytes are zero: at even and at odd offsets.
fn nul_places(bytes: &[u8]) -> (usize, usize) {
    bytes
        .iter()
        .take(HEAD)
        .enumerate()
        .filter(|(_, b)| **b == 0)
        .fold((0, 0), |(even, odd), (i, _)| if i % 2 == 0 { (even + 1, odd) } else { (even, odd + 1) })
}

fn utf8(bytes: &[u8]) -> (String, Encoding) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.to_owned(), Encoding::Utf8);
    }
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(char::from));
    }
    (text, Encoding::Latin1)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).filter(|c| *c != '\u{feff}').collect()
}

/// A line without the escapes that terminals obey (ECMA-48 control sequences and strings), without its carriage returns and without
/// zero bytes.
pub(super) fn plain(line: &str) -> Cow<'_, str> {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.trim_end_matches('\r');
    if !line.bytes().any(|b| b == 0x1b || b == 0) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\0' => {}
            '\u{1b}' => match chars.next() {
                // A control sequence ends with a byte from @ to ~.
                Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // A string (a window's title) ends with BEL or ESC \.
                Some(']' | 'P' | '_' | '^') => {
                    while let Some(c) = chars.next() {
                        if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                // Others have one byte more, or choose a character set with two.
                Some('(' | ')') => drop(chars.next()),
                _ => {}
            },
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to).collect()
    }

    #[test]
    fn every_encoding_gives_the_text() {
        let text_of = |bytes: &[u8]| text(bytes);
        let is = |t: &str, e| Ok((t.to_owned(), e));
        assert_eq!(text_of(b"\xef\xbb\xbfa\n"), is("a\n", Encoding::Utf8));
        assert_eq!(text_of(&wide("\u{feff}net.a = é\r\n", u16::to_le_bytes)), is("net.a = é\r\n", Encoding::Utf16Le));
        assert_eq!(text_of(&wide("\u{feff}net.a = é\r\n", u16::to_be_bytes)), is("net.a = é\r\n", Encoding::Utf16Be));
        assert_eq!(text_of(&wide("net.a = 1\n", u16::to_le_bytes)), is("net.a = 1\n", Encoding::Utf16Le), "without a mark");
        assert_eq!(text_of(b"f\xfcr eth0 \xe2\x86\x92\n"), is("für eth0 →\n", Encoding::Latin1));
        assert_eq!(text_of(b""), Err("an empty file"));
        assert_eq!(text_of(b"\x1f\x8b\x08"), Err("a compressed file: unpack it first"));
        assert_eq!(text_of(&[0, 1, 2, 0, 0, 3, 4, 9]), Err("not a text"));
    }

    #[test]
    fn escapes_and_line_ends_go() {
        assert_eq!(plain("\u{1b}[1;32m2: \u{1b}[0m\u{1b}]0;title\u{7}eth0\u{1b}(B\r\r\n"), "2: eth0");
        assert_eq!(plain("\u{1b}]0;never ended"), "");
        assert!(matches!(plain("as it is\r\n"), Cow::Borrowed("as it is")));
    }
}
