//! Kernel log lines (`dmesg`): for now those that say that a table was full.
//!
//! ```text
//! [ 1234.567890] nf_conntrack: nf_conntrack: table full, dropping packet
//! [ 1300.000001] neighbour: arp_cache: neighbor table overflow!
//! ```

use super::Parsed;
use crate::source::At;

/// Which table was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TableFull {
    /// The line.
    pub at: At,
    /// Which table.
    pub table: FullTable,
    /// Seconds since boot, where the line has them.
    pub uptime: Option<f64>,
}

/// Reads the log.
#[must_use]
pub fn parse(_text: &str) -> Parsed<Vec<TableFull>> {
    Parsed::default()
}
