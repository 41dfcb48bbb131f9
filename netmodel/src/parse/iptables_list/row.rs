//! One line of `iptables -L`, cut into its columns. What the words behind the columns mean is not known here.

use crate::parse::iptables::{Counters, build, protocol_number};

/// Which columns a listing has; the heading of each chain says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// `num` (`--line-numbers`).
    pub(super) number: bool,
    /// `pkts bytes` (`-v`).
    pub(super) counters: bool,
    /// `opt`.
    pub(super) opt: bool,
    /// `in out` (`-v`).
    pub(super) via: bool,
}

/// The columns of a rule, as they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'t> {
    pub(super) number: Option<u64>,
    pub(super) counters: Option<Counters>,
    /// Empty where the rule has no target.
    pub(super) target: &'t str,
    pub(super) protocol: &'t str,
    /// `--`, `-f` or `!f`; empty where the column is.
    pub(super) opt: &'t str,
    /// The incoming and the outgoing interface.
    pub(super) via: Option<(&'t str, &'t str)>,
    pub(super) source: &'t str,
    pub(super) destination: &'t str,
    /// What stands behind the columns.
    pub(super) rest: &'t str,
}

impl Columns {
    /// The columns that a heading names, if the line is one.
    pub(super) fn of_heading(line: &str) -> Option<Self> {
        let has = |name| line.split_ascii_whitespace().any(|w| w == name);
        if !(has("prot") && has("source") && has("destination")) {
            return None;
        }
        Some(Self { number: has("num"), counters: has("pkts") && has("bytes"), opt: has("opt"), via: has("in") && has("out") })
    }

    /// A line where no heading says what the columns are: the only way to read it, if there is only one.
    pub(super) fn guess(line: &str) -> Option<Self> {
        let mut found = None;
        for bits in 0..8u8 {
            let columns = Self { number: bits & 1 != 0, counters: bits & 2 != 0, opt: true, via: bits & 4 != 0 };
            let fits = columns.row(line).is_some_and(|row| is_plain(row.source) && is_plain(row.destination));
            if fits && found.replace(columns).is_some() {
                return None;
            }
        }
        found
    }

    /// Cuts a line.
    pub(super) fn row<'t>(&self, line: &'t str) -> Option<Row<'t>> {
        let mut rest = line;
        let number = if self.number { Some(word(&mut rest)?.parse().ok()?) } else { None };
        let counters = match self.counters {
            true => Some(counted(word(&mut rest)?, word(&mut rest)?)?),
            false => None,
        };
        let mut after_target = rest;
        let target = word(&mut after_target)?;
        // A rule without a target leaves the column empty, so that the first word is the protocol.
        let with = self.behind_target(after_target).map(|row| Row { target, ..row });
        let without = self.behind_target(rest);
        let plain = |row: &Row<'_>| is_plain(row.source) && is_plain(row.destination);
        let row = match (with, without) {
            (Some(with), Some(without)) if plain(&without) && !plain(&with) => without,
            (Some(with), _) => with,
            (None, without) => without?,
        };
        Some(Row { number, counters, ..row })
    }

    fn behind_target<'t>(&self, mut rest: &'t str) -> Option<Row<'t>> {
        let mut protocol = word(&mut rest)?;
        let mut opt = "";
        if self.opt {
            // Long names of protocols touch the next column: `ipv6-icmp--`.
            let glued = ["--", "-f", "!f"].iter().find_map(|o| Some((protocol.strip_suffix(o)?, protocol.len() - 2)));
            match glued.filter(|(name, _)| is_protocol(name)) {
                Some((name, at)) => (protocol, opt) = (name, protocol.get(at..)?),
                None => {
                    let mut ahead = rest;
                    if let Some(o @ ("--" | "-f" | "!f")) = word(&mut ahead) {
                        (opt, rest) = (o, ahead);
                    }
                }
            }
        }
        // Some versions of ip6tables leave the column empty. Then only the protocol's name tells that this is a rule.
        if !(is_protocol(protocol) || !opt.is_empty() && !protocol.starts_with('-')) {
            return None;
        }
        let via = if self.via { Some((word(&mut rest)?, word(&mut rest)?)) } else { None };
        let (source, destination) = (word(&mut rest)?, word(&mut rest)?);
        if [source, destination].iter().any(|a| matches!(*a, "--" | "*" | "/*" | "!")) {
            return None;
        }
        Some(Row { number: None, counters: None, target: "", protocol, opt, via, source, destination, rest })
    }
}

/// The next word.
pub(super) fn word<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let trimmed = rest.trim_start_matches([' ', '\t']);
    let end = trimmed.find([' ', '\t']).unwrap_or(trimmed.len());
    if end == 0 {
        return None;
    }
    let (word, behind) = trimmed.split_at(end);
    *rest = behind;
    Some(word)
}

/// Packets and bytes; K, M, G and T are thousands each (xtables' `xtables_print_num`).
pub(super) fn counted(packets: &str, bytes: &str) -> Option<Counters> {
    let number = |text: &str| -> Option<(u64, bool)> {
        let (digits, unit) = match text.as_bytes().last()? {
            b'K' => (&text[..text.len() - 1], 1_000),
            b'M' => (&text[..text.len() - 1], 1_000_000),
            b'G' => (&text[..text.len() - 1], 1_000_000_000),
            b'T' => (&text[..text.len() - 1], 1_000_000_000_000),
            _ => (text, 1),
        };
        Some((digits.parse::<u64>().ok()?.checked_mul(unit)?, unit > 1))
    };
    let ((packets, p), (bytes, b)) = (number(packets)?, number(bytes)?);
    Some(Counters { packets, bytes, rounded: p || b })
}

fn is_protocol(text: &str) -> bool {
    protocol_number(text.strip_prefix('!').unwrap_or(text)).is_some()
}

/// Whether it is an address and no host's name.
fn is_plain(text: &str) -> bool {
    let text = text.strip_prefix('!').unwrap_or(text);
    text == "anywhere" || build::net(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_target_is_seen() {
        let plain = Columns { opt: true, ..Columns::default() };
        let row = plain.row("           tcp  --  anywhere             anywhere             tcp dpt:http").unwrap();
        assert_eq!((row.target, row.protocol, row.rest.trim()), ("", "tcp", "tcp dpt:http"));
        // The blanks before were lost.
        assert_eq!(plain.row("6 -- 0.0.0.0/0 0.0.0.0/0").unwrap().target, "");
        let row = plain.row("tcp  tcp  --  anywhere  anywhere").unwrap();
        assert_eq!((row.target, row.protocol), ("tcp", "tcp"));
        // Old ip6tables: no value in the column opt.
        let row = plain.row("           all      fd00::/8             ::/0").unwrap();
        assert_eq!((row.target, row.source), ("", "fd00::/8"));
        let row = plain.row("ACCEPT     icmpv6    ::/0                 ::/0                ipv6-icmptype 128").unwrap();
        assert_eq!((row.target, row.opt, row.rest.trim()), ("ACCEPT", "", "ipv6-icmptype 128"));
    }

    #[test]
    fn columns_may_touch() {
        let plain = Columns { opt: true, ..Columns::default() };
        let row = plain.row("ACCEPT     ipv6-icmp--  anywhere             anywhere").unwrap();
        assert_eq!((row.protocol, row.opt), ("ipv6-icmp", "--"));
        assert_eq!(plain.row("DROP       all  -- !10.42.0.0/16         anywhere").unwrap().source, "!10.42.0.0/16");
    }

    #[test]
    fn counters_are_thousands() {
        assert_eq!(counted("12K", "3M"), Some(Counters { packets: 12_000, bytes: 3_000_000, rounded: true }));
        assert_eq!(counted("99999", "0").map(|c| c.rounded), Some(false));
        assert_eq!(counted("K", "0"), None);
        assert_eq!(counted("99999999999999999999G", "0"), None);
    }

    #[test]
    fn a_line_without_heading_is_read_only_if_there_is_one_way() {
        let plain = Columns { opt: true, ..Columns::default() };
        assert_eq!(Columns::guess("ACCEPT     all  --  anywhere             anywhere             tcp dpt:http"), Some(plain));
        let full = Columns { number: true, counters: true, opt: true, via: true };
        assert_eq!(Columns::guess("1  12K 3M ACCEPT  all  --  lo  *  0.0.0.0/0  0.0.0.0/0"), Some(full));
        assert_eq!(Columns::guess("no rule at all"), None);
    }
}
