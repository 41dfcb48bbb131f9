//! `conntrack -S`: statistics of connection tracking, one line a CPU.
//!
//! ```text
//! cpu=0   found=0 invalid=12 insert=0 insert_failed=3 drop=3 early_drop=0 error=0 search_restart=4 clash_resolve=1 chaintoolong=0
//! ```

use serde::Serialize;

use super::Parsed;
use crate::source::{At, Problem, lines, position};

/// A counter of a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counter {
    /// `name=value` in the capture.
    pub at: At,
    /// The name alone.
    pub name: At,
    /// The value.
    pub value: u64,
}

/// The counters of a CPU.
#[derive(Clone, Debug, Serialize)]
pub struct CpuStats {
    /// The line.
    pub at: At,
    /// The CPU's number.
    pub cpu: u32,
    /// Its counters, in the text's order; which there are depends on the kernel.
    pub counters: Vec<Counter>,
}

/// The statistics.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConntrackStats {
    /// One for each CPU.
    pub cpus: Vec<CpuStats>,
}

impl ConntrackStats {
    /// The counters of that name, one of each CPU that has it. `text` is what was parsed.
    pub fn counters<'a>(&'a self, text: &'a str, name: &'a str) -> impl Iterator<Item = &'a Counter> {
        let named = move |c: &&Counter| text.get(c.name.start as usize..c.name.end as usize) == Some(name);
        self.cpus.iter().filter_map(move |cpu| cpu.counters.iter().find(named))
    }
}

/// Reads `conntrack -S`.
#[must_use]
pub fn parse(text: &str) -> Parsed<ConntrackStats> {
    let mut out = Parsed::<ConntrackStats>::default();
    for (at, line) in lines(text) {
        if line.trim().is_empty() {
            continue;
        }
        let mut words = line.split_ascii_whitespace();
        let Some(cpu) = words.next().and_then(|w| w.strip_prefix("cpu=")).and_then(|n| n.parse().ok()) else {
            out.problems.push(Problem { at, what: "the line does not begin with `cpu=NUMBER`".to_owned() });
            continue;
        };
        let mut stats = CpuStats { at, cpu, counters: Vec::new() };
        for word in words {
            let place = position(text, word, at.line);
            match word.split_once('=').and_then(|(name, value)| Some((name, value.parse().ok()?))) {
                Some((name, value)) => stats.counters.push(Counter { at: place, name: position(text, name, at.line), value }),
                None => out.problems.push(Problem { at: place, what: "not `name=number`".to_owned() }),
            }
        }
        out.value.cpus.push(stats);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_counters() {
        let text = "cpu=0   \tfound=0 invalid=12 insert_failed=3 drop=3 \ncpu=1   \tsearched=9 invalid=1 x=y\nnothing\n";
        let got = parse(text);
        assert_eq!(got.value.counters(text, "invalid").map(|c| c.value).collect::<Vec<_>>(), [12, 1]);
        assert_eq!(got.value.counters(text, "drop").map(|c| c.value).sum::<u64>(), 3);
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [2, 3]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(cpu=[0-9]{0,12}|[a-z=]{1,5}[0-9]{0,22}|\n| |\u{e9}){0,20}") {
            let _ = parse(&text);
        }
    }
}
