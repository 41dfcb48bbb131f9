//! `ethtool -S`: a driver's own counters.
//!
//! ```text
//! NIC statistics:
//!      peer_ifindex: 4
//!      rx_queue_0_drops: 0
//!      [0]: rx_ucast_packets: 11
//! ```
//!
//! Names are the driver's; `no stats available` goes to stderr.

use serde::Serialize;

use super::Parsed;
use super::text::slice;
use crate::source::{At, Problem, lines, position};

/// A counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DriverCounter {
    /// Its line.
    pub at: At,
    /// Its name.
    pub name: At,
    /// Its value.
    pub value: u64,
}

/// Reads `ethtool -S`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<DriverCounter>> {
    let mut out = Parsed::<Vec<DriverCounter>>::default();
    for (at, line) in lines(text) {
        let line = line.trim_ascii();
        if line.is_empty() || line == "NIC statistics:" || line == "no stats available" {
            continue;
        }
        // Names may hold a colon (`[0]: rx_bytes`).
        match line.rsplit_once(':').map(|(name, value)| (name.trim_ascii(), value.trim_ascii().parse())) {
            Some((name, Ok(value))) if !name.is_empty() => {
                out.value.push(DriverCounter { at, name: position(text, name, at.line), value });
            }
            _ => out.problems.push(Problem { at, what: "not a name and a number".to_owned() }),
        }
    }
    out
}

/// The counter of that name. `text` is what was parsed. veth's `peer_ifindex` is the index of its other end, in that end's namespace.
#[must_use]
pub fn find<'c>(text: &str, counters: &'c [DriverCounter], name: &str) -> Option<&'c DriverCounter> {
    counters.iter().find(|c| slice(text, c.name) == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::testing::{problems, snapshots};

    #[test]
    fn names_of_any_driver() {
        let text =
            "NIC statistics:\n     peer_ifindex: 4\n     [0]: rx_ucast_packets: 11\n     Rx Octets: 18446744073709551615\n";
        let got = parse(text);
        assert_eq!(problems(text, &got), [""; 0]);
        assert_eq!(find(text, &got.value, "peer_ifindex").map(|c| c.value), Some(4));
        assert_eq!(find(text, &got.value, "[0]: rx_ucast_packets").map(|c| c.value), Some(11));
        assert_eq!(find(text, &got.value, "Rx Octets").map(|c| c.value), Some(u64::MAX));
    }

    #[test]
    fn other_lines_are_problems() {
        assert_eq!(parse("Cannot get stats strings information\nrx: many\n: 4\n").problems.len(), 3);
    }

    #[test]
    fn snapshots_of_statistics() {
        snapshots("ethtool-stats", parse);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "([a-z]{1,3}|: |[0-9]{1,22}|NIC statistics:|\n|\u{e9}){0,30}") {
            let _ = parse(&text);
        }
    }
}
