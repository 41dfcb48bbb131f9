//! `conntrack -S`: statistics of connection tracking, one line a CPU.
//!
//! ```text
//! cpu=0   	found=0 invalid=12 insert=0 insert_failed=3 drop=3 early_drop=0 error=0 search_restart=4 clash_resolve=1 chaintoolong=0
//! ```

use super::Parsed;
use crate::source::At;

/// A counter of a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// `name=value` in the capture.
    pub at: At,
    /// The name alone.
    pub name: At,
    /// The value.
    pub value: u64,
}

/// The counters of a CPU.
#[derive(Clone, Debug)]
pub struct CpuStats {
    /// The line.
    pub at: At,
    /// The CPU's number.
    pub cpu: u32,
    /// Its counters, in the text's order; which there are depends on the kernel.
    pub counters: Vec<Counter>,
}

/// The statistics.
#[derive(Clone, Debug, Default)]
pub struct ConntrackStats {
    /// One for each CPU.
    pub cpus: Vec<CpuStats>,
}

/// Reads `conntrack -S`.
#[must_use]
pub fn parse(_text: &str) -> Parsed<ConntrackStats> {
    Parsed::default()
}
