//! Connection tracking: entries, statistics, count and limit.

use bundle::Capture;

use super::{Doc, Node};
use crate::parse::conntrack::{self, Conntrack};
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
