//! Makes text that comes from a bundle harmless before it is printed.
//!
//! A bundle is untrusted: an interface's name, a comment in a rule or a kernel log line can hold terminal escapes that hide a
//! finding, or bidirectional controls that show a command other than the one that is pasted. They are shown, as `\u{1b}`, not
//! dropped: that they are there is worth seeing.

use std::borrow::Cow;
use std::fmt::Write as _;

/// One line: line ends and tabs are escaped, too.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// A text of several lines: line ends and tabs stay.
pub(crate) fn block(text: &str) -> Cow<'_, str> {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

/// JSON as serde writes it, with DEL, C1 and bidirectional controls escaped: JSON leaves those as they are, and a terminal obeys
/// them. They stand only inside strings, so `\uXXXX` says the same.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| !is_harmful(c) || c == '\n';
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harmless(c) {
            out.push(c);
        } else {
            write!(out, "\\u{:04x}", u32::from(c)).expect("writing to a String does not fail");
        }
    }
    Cow::Owned(out)
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    if text.chars().all(|c| !is_harmful(c) || keep(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_harmful(c) && !keep(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// C0, DEL and C1 controls; separators that some terminals treat as line ends; marks that reorder what is shown (Unicode Standard
/// Annex 9, the "Trojan Source" set). All of them are below U+FFFF.
fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_not_obeyed() {
        assert_eq!(line("a\u{1b}[2Jb\u{9b}1m\u{7f}\n"), "a\\u{1b}[2Jb\\u{9b}1m\\u{7f}\\n");
        assert_eq!(block("a\n\tb\u{1b}]0;x\u{7}"), "a\n\tb\\u{1b}]0;x\\u{7}");
        assert_eq!(line("rm \u{202e}txt"), "rm \\u{202e}txt");
    }

    #[test]
    fn harmless_text_is_left_alone() {
        assert!(matches!(line("10.244.0.0/16 → cni0, müller"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_says_the_same_after_escaping() {
        let value = serde_json::json!({"t": "a\u{9b}31m\u{1b}\u{202e}b\u{7f}"});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let safe = json(&text);
        assert!(safe.chars().all(|c| !is_harmful(c) || c == '\n'), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
