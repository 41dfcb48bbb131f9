//! `/etc/nftables.conf`, what nftables.service loads: whether loading it throws others' rules away.
//!
//! ```text
//! #!/usr/sbin/nft -f
//!
//! flush ruleset
//!
//! table inet filter {
//!     chain input { type filter hook input priority 0; policy accept; }
//! }
//! include "/etc/nftables.d/*.nft"
//! ```
//!
//! Left out: the rules in it, which are `nft list ruleset`'s language with definitions and includes.

use serde::Serialize;

use super::Parsed;
use super::text::{trimmed, unquoted};
use crate::source::{At, lines, position};

/// What the file says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NftablesConf {
    /// `flush ruleset`, with or without a family: all tables go, also those of kube-proxy and the CNI.
    pub flush_ruleset: Option<At>,
    /// `flush table …`, `delete table …`, `destroy table …`: only these go.
    pub flush_tables: Vec<At>,
    /// The files that are included, as written; they may hold a flush too.
    pub includes: Vec<At>,
    /// The headers of tables (`table inet filter`).
    pub tables: Vec<At>,
}

/// Reads the file.
#[must_use]
pub fn parse(text: &str) -> Parsed<NftablesConf> {
    let mut value = NftablesConf::default();
    for (at, line) in lines(text) {
        for statement in statements(line) {
            let mut words = statement.split_ascii_whitespace();
            let place = position(text, statement, at.line);
            match (words.next().unwrap_or_default(), words.next().unwrap_or_default()) {
                ("flush", "ruleset") => value.flush_ruleset = value.flush_ruleset.or(Some(place)),
                ("flush" | "delete" | "destroy", "table") => value.flush_tables.push(place),
                ("include", _) => {
                    value.includes.extend(trimmed(text, unquoted(statement["include".len()..].trim_ascii()), at.line));
                }
                ("table", name) if !name.is_empty() => {
                    let header = statement.split('{').next().unwrap_or_default();
                    value.tables.extend(trimmed(text, header, at.line));
                }
                _ => {}
            }
        }
    }
    Parsed { value, problems: Vec::new() }
}

/// The statements of a line without its comment. A `;` or `#` in quotes is part of a string.
fn statements(line: &str) -> Vec<&str> {
    let (mut all, mut start, mut quoted) = (Vec::new(), 0, false);
    for (i, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => {
                all.push(&line[start..i]);
                return trim(all);
            }
            ';' if !quoted => {
                all.push(&line[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    all.push(&line[start..]);
    trim(all)
}

fn trim(all: Vec<&str>) -> Vec<&str> {
    all.into_iter().map(str::trim_ascii).filter(|s| !s.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::text::slice;

    #[test]
    fn a_flush_is_seen_and_a_comment_is_none() {
        let text = "#!/usr/sbin/nft -f\n# flush ruleset\ntable inet filter {\n chain c { comment \"flush ruleset; x\"; }\n}\ninclude \"/etc/nftables.d/*.nft\"\n";
        let got = parse(text).value;
        assert_eq!(got.flush_ruleset, None);
        assert_eq!(got.includes.iter().map(|&at| slice(text, at)).collect::<Vec<_>>(), ["/etc/nftables.d/*.nft"]);
        assert_eq!(got.tables.iter().map(|&at| slice(text, at)).collect::<Vec<_>>(), ["table inet filter"]);
        let text = "table ip x; flush   ruleset inet # all\ndestroy table ip nat\n";
        let got = parse(text).value;
        assert_eq!(got.flush_ruleset.map(|at| (slice(text, at), at.line)), Some(("flush   ruleset inet", 1)));
        assert_eq!(got.flush_tables.len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(flush |ruleset|table |include |\"|;|#|\\{|[a-z]{1,3}| |\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
