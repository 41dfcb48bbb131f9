//! The counters of `ip -s`: a row of names, then a row of numbers, for each direction.
//!
//! ```text
//!     RX:  bytes packets errors dropped  missed   mcast
//!         317923     252      0       0       0       0
//!     TX:  bytes packets errors dropped carrier collsns
//!         619394     270      0       0       0       0
//! ```
//!
//! Columns are told by their names: versions differ. Left out: the finer rows of `-s -s`.

use super::super::ip_addr::LinkStats;
use crate::source::At;

/// A row of statistics: names, then as many numbers.
#[derive(Debug, Default)]
pub(super) struct Stats<'t> {
    names: Vec<&'t str>,
    sent: bool,
    /// How many numbers of the row were read.
    pub(super) column: usize,
    rx: [Option<u64>; 4],
    tx: [Option<u64>; 5],
    /// Where they begin, if there are any.
    pub(super) seen: Option<At>,
}

impl<'t> Stats<'t> {
    /// A row of names begins.
    pub(super) fn begin(&mut self, sent: bool, at: At) {
        self.names.clear();
        (self.sent, self.column) = (sent, 0);
        self.seen.get_or_insert(at);
    }

    /// A name or a number.
    pub(super) fn word(&mut self, word: &'t str) {
        let Ok(number) = word.parse() else { return self.names.push(word) };
        let name = self.names.get(self.column).copied();
        self.column += 1;
        let row: &mut [Option<u64>] = if self.sent { &mut self.tx } else { &mut self.rx };
        let place = match name {
            Some("bytes") => 0,
            Some("packets") => 1,
            Some("errors") => 2,
            Some("dropped") => 3,
            Some("carrier") => 4,
            _ => return,
        };
        if let Some(place) = row.get_mut(place) {
            place.get_or_insert(number);
        }
    }

    /// The counters, if all of them were read.
    pub(super) fn take(&self) -> Option<LinkStats> {
        Some(LinkStats {
            rx_bytes: self.rx[0]?,
            rx_packets: self.rx[1]?,
            rx_errors: self.rx[2]?,
            rx_dropped: self.rx[3]?,
            tx_bytes: self.tx[0]?,
            tx_packets: self.tx[1]?,
            tx_errors: self.tx[2]?,
            tx_dropped: self.tx[3]?,
            carrier_errors: self.tx[4]?,
        })
    }
}
