//! modules-load.d(5) files and `/etc/modules`: modules that are loaded at boot, one a line.
//!
//! ```text
//! # /etc/modules-load.d/k8s.conf
//! overlay
//! br_netfilter
//! ```

use super::Parsed;
use crate::source::{At, lines, position};

/// Reads the names; comments start with `#` or `;`. What follows a name on its line (`/etc/modules` allows options) is not part of it.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<At>> {
    let names = lines(text).filter_map(|(at, line)| {
        let word = line.split_ascii_whitespace().next().filter(|w| !w.starts_with(['#', ';']))?;
        Some(position(text, word, at.line))
    });
    Parsed { value: names.collect(), problems: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_comments_and_options() {
        let text = "# c\noverlay\n;x\n  br_netfilter nf=1\n\n";
        let got: Vec<_> = parse(text).value.iter().map(|a| (a.line, &text[a.start as usize..a.end as usize])).collect();
        assert_eq!(got, [(2, "overlay"), (4, "br_netfilter")]);
    }
}
