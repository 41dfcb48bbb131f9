//! Command lines as the collector reduces them: one argument a line.
//!
//! ```text
//! kube-proxy
//! --proxy-mode=ipvs
//! --cluster-cidr=10.244.0.0/16
//! ```

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// A flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its line.
    pub at: At,
    /// Its name without the leading dashes.
    pub name: At,
    /// Its value; `None` for a flag without one.
    pub value: Option<At>,
}

/// A command line.
#[derive(Clone, Debug, Default)]
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

/// Reads a command line.
#[must_use]
pub fn parse(text: &str) -> Parsed<Cmdline> {
    let mut out = Parsed::<Cmdline>::default();
    let mut open = false;
    for (at, line) in lines(text) {
        // Manifests have `- --flag=value` items.
        let line = line.trim().trim_start_matches("- ").trim_matches('"');
        let dashes = line.len() - line.trim_start_matches('-').len();
        match (dashes, out.value.flags.last_mut()) {
            _ if line.is_empty() || line.starts_with('#') => {}
            (1 | 2, _) => {
                let (name, value) = match line[dashes..].split_once('=') {
                    Some((name, value)) => (name, Some(position(text, value, at.line))),
                    None => (&line[dashes..], None),
                };
                open = value.is_none();
                out.value.flags.push(Flag { at, name: position(text, name, at.line), value });
            }
            // `--flag value` as two arguments.
            (0, Some(flag)) if open => {
                open = false;
                flag.value = Some(position(text, line, at.line));
            }
            (0, None) if out.value.program.is_none() => out.value.program = Some(position(text, line, at.line)),
            (0, _) => {}
            _ => out.problems.push(Problem { at, what: "not an argument".to_owned() }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_both_forms_and_the_last_counts() {
        let text = "kube-proxy\n--proxy-mode=iptables\n--cluster-cidr\n10.244.0.0/16\n--v\n--proxy-mode=ipvs\n";
        let got = parse(text).value;
        let value = |name: &str| got.flag(text, name).and_then(|f| f.value).map(|a| &text[a.start as usize..a.end as usize]);
        assert_eq!(value("proxy-mode"), Some("ipvs"));
        assert_eq!(value("cluster-cidr"), Some("10.244.0.0/16"));
        assert_eq!(value("v"), None);
        assert!(got.program.is_some());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a-b=\" \n\u{e9}-]{0,40}") {
            let _ = parse(&text);
        }
    }
}
