//! How text reports are laid out: styles, wrapped paragraphs, excerpts of evidence. What they say is the reports' business.

use std::fmt::Write as _;

use anstyle::Style;
use netmodel::Evidence;

use crate::sanitize::line;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// How many characters of an evidence line are shown.
const EXCERPT: usize = 160;

/// How a report is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Columns that sentences are wrapped to.
    pub(crate) width: usize,
    /// Whether evidence lines are shown whole, and whatever else is left out for the sake of reading.
    pub(crate) verbose: bool,
}

/// Adds a line.
macro_rules! say {
    ($out:expr) => { $out.push('\n') };
    ($out:expr, $($args:tt)*) => { {
        use std::fmt::Write as _;
        writeln!($out, $($args)*).expect("writing to a String does not fail")
    } };
}
pub(crate) use say;

/// `capture:line: text`, the text cut in its middle if it is long: a firewall rule says whom it means at its start and what it does
/// at its end.
pub(crate) fn excerpt(evidence: &Evidence, layout: &Layout) -> String {
    let place = place(evidence);
    let text = line(&evidence.text);
    let length = text.chars().count();
    let text = if layout.verbose || length <= EXCERPT {
        text.into_owned()
    } else {
        let tail = EXCERPT / 3;
        let head: String = text.chars().take(EXCERPT - tail - 3).collect();
        let tail: String = text.chars().skip(length - tail).collect();
        format!("{} … {}", head.trim_end(), tail.trim_start())
    };
    format!("{DIM}{}:{DIM:#} {text}", line(&place))
}

/// `capture:line`, or the capture alone where its absence is the evidence.
pub(crate) fn place(evidence: &Evidence) -> String {
    if evidence.line == 0 { evidence.capture.clone() } else { format!("{}:{}", evidence.capture, evidence.line) }
}

/// A wrapped paragraph.
pub(crate) fn paragraph(out: &mut String, text: &str, indent: &str, layout: &Layout) {
    let options = textwrap::Options::new(layout.width)
        .initial_indent(indent)
        .subsequent_indent(indent)
        .break_words(false)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    for wrapped in textwrap::wrap(text, options) {
        writeln!(out, "{wrapped}").expect("writing to a String does not fail");
    }
}

/// `1 rule`, `2 rules`
pub(crate) fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_in_their_middle_unless_all_is_asked_for() {
        let text = format!("-A KUBE-FORWARD {}-j DROP", "x".repeat(400));
        let evidence = Evidence { capture: "node/x".to_owned(), line: 7, text: text.clone() };
        let show = |verbose| anstream::adapter::strip_str(&excerpt(&evidence, &Layout { width: 100, verbose })).to_string();
        let cut = show(false);
        assert!(cut.starts_with("node/x:7: -A KUBE-FORWARD x") && cut.ends_with("x-j DROP"), "{cut}");
        assert_eq!(cut.chars().count(), "node/x:7: ".len() + EXCERPT);
        assert_eq!(show(true), format!("node/x:7: {text}"));
    }
}
