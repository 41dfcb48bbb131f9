//! Kernel log lines (`dmesg`): for now those that say that a table was full.
//!
//! ```text
//! [ 1234.567890] nf_conntrack: nf_conntrack: table full, dropping packet
//! [ 1300.000001] neighbour: arp_cache: neighbor table overflow!
//! ```

use serde::Serialize;

use super::Parsed;
use crate::source::{At, lines};

/// Which table was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FullTable {
    /// Connection tracking.
    Conntrack,
    /// The IPv4 neighbour table.
    ArpCache,
    /// The IPv6 neighbour table.
    NdiscCache,
}

/// A line of the log that says something that is known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TableFull {
    /// The line.
    pub at: At,
    /// Which table.
    pub table: FullTable,
    /// Seconds since boot, where the line has them.
    pub uptime: Option<f64>,
}

/// Reads the log. Lines that say nothing of a full table are passed over; they are no problem.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<TableFull>> {
    let found = lines(text).filter_map(|(at, line)| {
        // Three spellings: "nf_conntrack: table full, dropping packet", the same with the module's name twice, and the old
        // "ip_conntrack: table full, dropping packet".
        let table = if line.contains("conntrack: table full") {
            FullTable::Conntrack
        } else if !line.to_ascii_lowercase().contains("table overflow") {
            return None;
        } else if line.contains("ndisc_cache") {
            FullTable::NdiscCache
        } else {
            FullTable::ArpCache
        };
        Some(TableFull { at, table, uptime: uptime(line) })
    });
    Parsed { value: found.collect(), problems: Vec::new() }
}

fn uptime(line: &str) -> Option<f64> {
    let (stamp, _) = line.split_once('[')?.1.split_once(']')?;
    stamp.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_table_full() {
        let text = "[   12.5] nf_conntrack: nf_conntrack: table full, dropping packet\n[13.0] eth0: link up\n\
                    Jan 1 host kernel: ip_conntrack: table full, dropping packet.\n[ 14.0] neighbour: arp_cache: neighbor table overflow!\n\
                    [ 15.0] neighbour: ndisc_cache: neighbor table overflow!\n";
        let got: Vec<_> = parse(text).value.iter().map(|t| (t.at.line, t.table, t.uptime)).collect();
        assert_eq!(
            got,
            [
                (1, FullTable::Conntrack, Some(12.5)),
                (3, FullTable::Conntrack, None),
                (4, FullTable::ArpCache, Some(14.0)),
                (5, FullTable::NdiscCache, Some(15.0)),
            ]
        );
    }
}
