//! Command lines as the collector reduces them: one a line, quoted as a shell needs it.
//!
//! ```text
//! kube-proxy --proxy-mode=ipvs --cluster-cidr=10.244.0.0/16
//! ```
//!
//! One argument a line is read too. Where a text has several command lines their flags are taken together.

use serde::Serialize;

use super::Parsed;
use crate::source::{At, lines, position};

/// A flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Flag {
    /// The flag with its value.
    pub at: At,
    /// Its name without the leading dashes.
    pub name: At,
    /// Its value; `None` for a flag without one.
    pub value: Option<At>,
}

/// A command line.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cmdline {
    /// The program, where the text has it.
    pub program: Option<At>,
    /// The flags, in order; of the same flag twice, the last counts.
    pub flags: Vec<Flag>,
}

impl Cmdline {
    /// The last flag of that name. `text` is what was parsed.
    #[must_use]
    pub fn flag(&self, text: &str, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|f| text.get(f.name.start as usize..f.name.end as usize) == Some(name))
    }
}

/// Reads command lines: one a line, or one argument a line. Arguments with blanks stand in single quotes.
#[must_use]
pub fn parse(text: &str) -> Parsed<Cmdline> {
    let mut out = Parsed::<Cmdline>::default();
    for (at, line) in lines(text) {
        if line.trim_start().starts_with('#') {
            continue;
        }
        for word in words(line) {
            let bare = word.trim_start_matches('-');
            match out.value.flags.last_mut() {
                _ if bare.len() < word.len() && !bare.is_empty() => {
                    let (name, value) = match bare.split_once('=') {
                        Some((name, value)) => (name, Some(position(text, unquote(value), at.line))),
                        None => (bare, None),
                    };
                    let at = position(text, word, at.line);
                    out.value.flags.push(Flag { at, name: position(text, name, at.line), value });
                }
                _ if bare.len() < word.len() => {}
                // The first word of a line is a program, unless lines hold one argument each.
                _ if out.value.program.is_none() => out.value.program = Some(position(text, word, at.line)),
                // `--flag value` as two arguments.
                Some(flag) if flag.value.is_none() => {
                    let value = position(text, unquote(word), at.line);
                    if flag.at.line == at.line {
                        flag.at.end = value.end;
                    }
                    flag.value = Some(value);
                }
                _ => {}
            }
        }
    }
    out
}

/// The words of a line; blanks within single quotes do not part them.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let mut quoted = false;
        let end = rest.char_indices().find(|&(_, c)| {
            quoted ^= c == '\'';
            c.is_whitespace() && !quoted
        });
        let (word, behind) = rest.split_at(end.map_or(rest.len(), |(i, _)| i));
        rest = behind;
        (!word.is_empty()).then_some(word.trim_matches('\''))
    })
}

fn unquote(word: &str) -> &str {
    word.trim_matches(['\'', '"'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_all_forms_and_the_last_counts() {
        for text in [
            "kube-proxy\n--proxy-mode=iptables\n--cluster-cidr\n10.244.0.0/16\n--v\n--proxy-mode=ipvs\n",
            "kube-proxy --proxy-mode=iptables --cluster-cidr 10.244.0.0/16 --v '--x=a b' --proxy-mode=ipvs\n",
        ] {
            let got = parse(text).value;
            let value = |name: &str| got.flag(text, name).and_then(|f| f.value).map(|a| &text[a.start as usize..a.end as usize]);
            assert_eq!(value("proxy-mode"), Some("ipvs"));
            assert_eq!(value("cluster-cidr"), Some("10.244.0.0/16"));
            assert_eq!(value("v"), None);
            assert!(got.program.is_some());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-b=\"' \n\u{e9}-]{0,40}") {
            let _ = parse(&text);
        }
    }
}
