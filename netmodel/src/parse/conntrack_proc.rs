//! `/proc/net/stat/nf_conntrack` and `conntrack -C`: the statistics of [`super::conntrack_stats`] in the kernel's own form.
//!
//! ```text
//! entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
//! 000001df  00000000 00000000 00000000 0000000c 00000000 00000000 00000000 00000000 00000003 00000003 0000000f 00000000  00000000 00000000 00000000 00000000
//! ```
//!
//! One line a possible CPU, hexadecimal; `entries` is the whole table's and stands on every line. The header tells which columns
//! there are: `clashres` was `searched` and `chainlength` was `delete_list` before Linux 5.10. Some names are not those of
//! `conntrack -S` ([`ALIASES`]).

use super::Parsed;
use super::conntrack_stats::{ConntrackStats, Counter, CpuStats};
use super::text::{hex, trimmed};
use crate::source::{At, Problem, lines, position};

/// Names in /proc and what `conntrack -S` calls the same.
pub const ALIASES: [(&str, &str); 3] = [("clashres", "clash_resolve"), ("icmp_error", "error"), ("chainlength", "chaintoolong")];

/// Reads `/proc/net/stat/nf_conntrack`. The lines have no CPU numbers: they are counted.
#[must_use]
pub fn parse(text: &str) -> Parsed<ConntrackStats> {
    let mut out = Parsed::<ConntrackStats>::default();
    let mut names: Vec<At> = Vec::new();
    for (at, line) in lines(text) {
        let words = || line.split_ascii_whitespace();
        match words().next() {
            None => continue,
            Some(first) if hex(first).is_none() => {
                names = words().map(|w| position(text, w, at.line)).collect();
                continue;
            }
            Some(_) => {}
        }
        let cpu = u32::try_from(out.value.cpus.len()).unwrap_or(u32::MAX);
        let mut stats = CpuStats { at, cpu, counters: Vec::new() };
        for (word, &name) in words().zip(&names) {
            let place = position(text, word, at.line);
            match hex(word) {
                Some(value) => stats.counters.push(Counter { at: place, name, value }),
                None => out.problems.push(Problem { at: place, what: "not a hexadecimal number".to_owned() }),
            }
        }
        if words().count() != names.len() {
            out.problems.push(Problem { at, what: "not as many columns as the header has".to_owned() });
        }
        out.value.cpus.push(stats);
    }
    out
}

/// Reads `conntrack -C`: the number of entries.
#[must_use]
pub fn parse_count(text: &str) -> Parsed<Option<(u64, At)>> {
    let mut out = Parsed::<Option<(u64, At)>>::default();
    for (at, line) in lines(text) {
        match (line.trim_ascii().parse(), trimmed(text, line, at.line)) {
            (_, None) => {}
            (Ok(count), Some(place)) if out.value.is_none() => out.value = Some((count, place)),
            _ => out.problems.push(Problem { at, what: "not the number of entries".to_owned() }),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};

    #[test]
    fn the_header_names_the_columns() {
        let text = "entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n\
                    0000000a  00000001 00000002 00000003 0000001f 00000000 00000000 00000000 00000000 00000009 00000007 00000006 00000005  00000000 00000000 00000000 00000004\n\
                    0000000a  00000000 00000000 00000000 00000001 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        assert_eq!(got.value.counters(text, "invalid").map(|c| c.value).collect::<Vec<_>>(), [31, 1]);
        assert_eq!(got.value.counters(text, "insert_failed").map(|c| c.value).sum::<u64>(), 9);
        assert_eq!(got.value.counters(text, "clashres").count(), 0, "absent is not zero");
    }

    #[test]
    fn cut_rows_and_missing_headers_are_problems() {
        assert_eq!(parse("entries found\n0000000a\n").problems.len(), 1);
        let headless = parse("0000000a 00000001\n");
        assert_eq!((headless.problems.len(), headless.value.cpus[0].counters.len()), (1, 0));
        assert_eq!(parse_count("479\n").value.unwrap().0, 479);
        assert_eq!(parse_count("conntrack v1.4.7: oh\n").problems.len(), 1);
    }

    #[test]
    fn snapshots_of_statistics() {
        snapshots("conntrack-proc-stat", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(entries|found|[0-9a-fx]{1,18}| |\n|\u{e9}){0,30}") {
            let _ = (parse(&text), parse_count(&text));
        }
    }
}
