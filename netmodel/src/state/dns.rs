//! Which servers the node asks for names.

use bundle::{Capture, Key};

use super::{Doc, Node};
use crate::parse::resolv_conf::{self, ResolvConf};
use crate::source::Missing;

/// Where systemd-resolved writes the servers that it really uses.
pub const RESOLVED_UPSTREAMS: &str = "/run/systemd/resolve/resolv.conf";

impl Node {
    /// `/etc/resolv.conf`.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn resolv_conf(&self) -> Result<&Doc<ResolvConf>, Missing> {
        self.cells.resolv_conf.get(|| self.doc(Capture::ResolvConf, resolv_conf::parse))
    }

    /// The servers that systemd-resolved uses, from `/run/systemd/resolve/resolv.conf`.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent; on a node without systemd-resolved it always is.
    pub fn resolved_upstreams(&self) -> Result<&Doc<ResolvConf>, Missing> {
        self.cells.resolved_upstreams.get(|| {
            let source = self.source_of(&Key::node_instance(Capture::ResolvedConf, RESOLVED_UPSTREAMS))?;
            Ok(Doc::new(source, resolv_conf::parse))
        })
    }
}
