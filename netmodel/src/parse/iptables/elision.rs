//! Lines and words that people put into a pasted ruleset: marks of what they left out, and notes behind a rule.
//!
//! Left out: mail quoting and shell prompts, which are taken off before a parser sees the text.

/// Whether a line says that others were left out here: `---`, `...`, `[…]`, `(2 more)`, `<snip>`, and the `--` of `grep -A`.
///
/// Anything that iptables prints itself is none of these: its lines begin with a word, `*`, `:`, `[n:m]`, `-A`, `-P` or `-N`.
pub(in crate::parse) fn is_elision(line: &str) -> bool {
    // The common case first: a rule.
    if matches!(line.as_bytes(), [b'-', b'A'..=b'Z', ..] | [b'[', b'0'..=b'9', ..]) {
        return false;
    }
    let line = line.trim();
    let bare = line.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')' | '<' | '>' | '*' | '#') || c.is_whitespace());
    if bare.is_empty() {
        return false;
    }
    if bare.chars().all(|c| matches!(c, '.' | '…' | '-' | '~' | '_' | ' ' | '⋮')) {
        return bare.chars().any(|c| matches!(c, '…' | '⋮')) || bare.len() >= 2;
    }
    // A word in brackets, or between dots or dashes: `[snip]`, `... 40 more lines ...`, `-- cut --`.
    let marked = line.starts_with(['[', '(', '<', '.', '…']) || line.starts_with("--");
    let word = bare.trim_matches(|c: char| matches!(c, '.' | '…' | '-' | '~' | '8') || c.is_whitespace()).to_ascii_lowercase();
    marked
        && word.len() < 60
        && ["snip", "snipped", "cut", "more", "omitted", "truncated", "elided", "skipped", "lines", "etc", "省略"]
            .iter()
            .any(|w| word.split(|c: char| !c.is_alphanumeric()).any(|part| part == *w))
}

/// Where a note begins that somebody wrote behind a rule (`# why?`, `<-- here`, `← 这里`), as an offset in the line.
///
/// It must stand behind a blank and outside of quotes, and not where an option's value is due: names of ipsets hold `#` and
/// more (Weave's do).
pub(in crate::parse) fn note(line: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    let mut before = ' ';
    let mut word = 0;
    for (i, c) in line.char_indices() {
        if escaped {
            escaped = false;
        } else if quoted {
            (escaped, quoted) = (c == '\\', c != '"');
        } else if c == '"' {
            quoted = true;
        } else if before.is_whitespace() && !c.is_whitespace() {
            let last = line.get(word..i).unwrap_or_default().trim_end();
            let due = last.starts_with("--") && c.is_ascii() && !FLAGS.contains(&last);
            if !due && is_note(line.get(i..).unwrap_or_default()) {
                return Some(i);
            }
            word = i;
        }
        before = c;
    }
    None
}

/// Options without a value that may be a rule's last word.
const FLAGS: [&str; 9] = [
    "--random-fully",
    "--random",
    "--persistent",
    "--notrack",
    "--clamp-mss-to-pmtu",
    "--checksum-fill",
    "--save-mark",
    "--restore-mark",
    "--queue-bypass",
];

/// Whether this is how a note begins.
pub(in crate::parse) fn is_note(text: &str) -> bool {
    ["#", "//", "<-", "<=", "<<", "->", "=>", "-->", "==", "←", "→", "⇐", "⬅", "👈", "^^"].iter().any(|m| text.starts_with(m))
        // `#conn src/24 > 10` is how connlimit prints itself.
        && !text.starts_with("#conn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_leave_out() {
        for line in [
            "--",
            "---",
            "...",
            "....",
            "  [...]",
            "[…]",
            "(2 more)",
            "<snip>",
            "[snip]",
            "... 40 more lines ...",
            "--8<--cut--",
            "⋮",
        ] {
            assert!(is_elision(line), "{line}");
        }
        for line in
            ["", "-A INPUT -j DROP", "[1:2] -A INPUT", "-P INPUT DROP", "*nat", "COMMIT", "# a comment", ":more - [0:0]", "-"]
        {
            assert!(!is_elision(line), "{line}");
        }
    }

    #[test]
    fn a_note_is_no_value() {
        assert_eq!(note("-A INPUT -j DROP # why"), Some(17));
        assert_eq!(note("-A INPUT -j DROP <-- here"), Some(17));
        assert_eq!(note("-A INPUT -j DROP ← 这里"), Some(17));
        assert_eq!(note("-A X -j MASQUERADE --random-fully # why"), Some(34));
        assert_eq!(note("-A X -m set --match-set #weave src -j DROP"), None);
        assert_eq!(note(r#"-A X -m comment --comment "a # b \" # c" -j DROP"#), None);
    }
}
