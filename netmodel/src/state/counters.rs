//! Counters of the protocols, as the kernel counts them since boot. Rates need two samples and are not this file's business.

use bundle::Capture;

use super::{Doc, Node};
use crate::parse::counters::{self, Counters};
use crate::source::{Fact, Missing};

impl Node {
    /// The counters of `TcpExt` and `IpExt` (/proc/net/netstat).
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn netstat(&self) -> Result<&Doc<Counters>, Missing> {
        self.cells.netstat.get(|| self.doc(Capture::ProcNetNetstat, counters::parse))
    }

    /// One counter of them, for example `TcpExt` `IPReversePathFilter`.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent, or the kernel has no such counter.
    pub fn netstat_counter(&self, group: &str, name: &str) -> Result<Fact<'_, u64>, Missing> {
        let doc = self.netstat()?;
        let counter = doc.get(&doc.source.text, group, name);
        let value = counter.and_then(|c| Some((doc.text(c.at).parse().ok()?, c.at)));
        let (value, at) =
            value.ok_or_else(|| Missing::new(&doc.source.key, format!("the counter {name}"), "it is not in the capture"))?;
        Ok(doc.fact(value, at))
    }
}
