//! Neighbours, forwarding databases and bridge ports.

use bundle::Capture;

use super::{Doc, Node};
use crate::parse::bridge::{self, BridgePort, FdbEntry};
use crate::parse::ip_neigh::{self, Neighbour};
use crate::source::Missing;

impl Node {
    /// The neighbour entries of both families.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn neighbours(&self) -> Result<&Doc<Vec<Neighbour>>, Missing> {
        self.cells.neighbours.get(|| self.doc(Capture::IpNeigh, ip_neigh::parse))
    }

    /// The forwarding databases of bridges and VXLAN devices.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn fdb(&self) -> Result<&Doc<Vec<FdbEntry>>, Missing> {
        self.cells.fdb.get(|| self.doc(Capture::BridgeFdb, bridge::parse_fdb))
    }

    /// The bridge ports.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn bridge_ports(&self) -> Result<&Doc<Vec<BridgePort>>, Missing> {
        self.cells.bridge_ports.get(|| self.doc(Capture::BridgeLink, bridge::parse_link))
    }
}
