//! Connection tracking: entries, statistics, count and limit.

use std::collections::HashMap;

use bundle::Capture;

use super::{Doc, Node};
use crate::parse::conntrack::{self, Conntrack, Entry, Tuple};
use crate::parse::conntrack_stats::{self, ConntrackStats};
use crate::parse::kernel_log::{self, TableFull};
use crate::source::{Fact, Missing};

impl Node {
    /// The tracked connections.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn conntrack(&self) -> Result<&Doc<Conntrack>, Missing> {
        self.cells.conntrack.get(|| self.doc(Capture::Conntrack, conntrack::parse))
    }

    /// The entry that a packet belongs to, in either direction, as the kernel finds it: by protocol, zone and the packet's own tuple.
    /// `None` is proven only while the table was captured whole.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent, or when the entry is not there and the capture is not whole.
    pub fn conntrack_entry(&self, protocol: u8, zone: u16, packet: &Tuple) -> Result<Option<Fact<'_, &Entry>>, Missing> {
        let doc = self.conntrack()?;
        let index = self.cells.conntrack_index.get_or_init(|| {
            let mut index = HashMap::with_capacity(doc.entries.len() * 2);
            for (i, entry) in doc.entries.iter().enumerate() {
                index.insert((entry.protocol, entry.zone, entry.reply), i);
                // Where both directions of two entries are equal the original one counts: it is what was asked for first.
                index.insert((entry.protocol, entry.zone, entry.original), i);
            }
            index
        });
        match index.get(&(protocol, zone, *packet)) {
            Some(&i) => Ok(doc.entries.get(i).map(|entry| doc.fact(entry, entry.at))),
            None => doc.complete().map(|()| None),
        }
    }

    /// The statistics per CPU.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn conntrack_stats(&self) -> Result<&Doc<ConntrackStats>, Missing> {
        self.cells.conntrack_stats.get(|| self.doc(Capture::ConntrackStats, conntrack_stats::parse))
    }

    /// How many entries the namespace has (`net.netfilter.nf_conntrack_count`).
    ///
    /// # Errors
    /// [`Missing`] when the sysctl is not there.
    pub fn conntrack_count(&self) -> Result<Fact<'_, i64>, Missing> {
        self.sysctl_int("net.netfilter.nf_conntrack_count")
    }

    /// How many entries it may have (`net.netfilter.nf_conntrack_max`, or its alias `net.nf_conntrack_max`).
    ///
    /// # Errors
    /// [`Missing`] when neither sysctl is there.
    pub fn conntrack_max(&self) -> Result<Fact<'_, i64>, Missing> {
        self.sysctl_int("net.netfilter.nf_conntrack_max")
            .or_else(|missing| self.sysctl_int("net.nf_conntrack_max").map_err(|_| missing))
    }

    /// Lines of the kernel's log that say that a table was full.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn tables_full(&self) -> Result<&Doc<Vec<TableFull>>, Missing> {
        self.cells.kernel_log.get(|| self.doc(Capture::KernelLog, kernel_log::parse))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing;

    #[test]
    fn finds_an_entry_by_either_direction() {
        let line = "ipv4     2 udp      17 27 src=10.244.1.2 dst=10.96.0.10 sport=40000 dport=53 src=10.244.2.2 dst=10.244.1.2 sport=5353 \
                    dport=40000 mark=0 zone=0 use=2\n";
        let node = testing::node(&[(Capture::Conntrack, line)]);
        let ip = |text: &str| text.parse().expect("an address");
        let asked = Tuple { src: ip("10.244.1.2"), dst: ip("10.96.0.10"), sport: 40000, dport: 53 };
        let answer = Tuple { src: ip("10.244.2.2"), dst: ip("10.244.1.2"), sport: 5353, dport: 40000 };
        for tuple in [asked, answer] {
            let entry = node.conntrack_entry(17, 0, &tuple).expect("captured").expect("tracked");
            assert_eq!((entry.value.original, entry.at.line), (asked, 1));
        }
        assert!(node.conntrack_entry(6, 0, &asked).expect("captured").is_none(), "another protocol");
        assert!(node.conntrack_entry(17, 7, &asked).expect("captured").is_none(), "another zone");
    }
}
