//! Neighbours, forwarding databases and bridge ports.

use bundle::Capture;

use super::{Doc, Node, forms};
use crate::parse::bridge::{BridgePort, FdbEntry};
use crate::parse::ip_neigh::Neighbour;
use crate::parse::iproute_text::any;
use crate::parse::iproute_text::bridge_vlan::PortVlans;
use crate::source::Missing;

impl Node {
    /// The neighbour entries of both families.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn neighbours(&self) -> Result<&Doc<Vec<Neighbour>>, Missing> {
        self.cells.neighbours.get(|| self.doc_by(Capture::IpNeigh, forms::neighbours))
    }

    /// The forwarding databases of bridges and VXLAN devices.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn fdb(&self) -> Result<&Doc<Vec<FdbEntry>>, Missing> {
        self.cells.fdb.get(|| self.doc_by(Capture::BridgeFdb, forms::fdb))
    }

    /// The bridge ports.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn bridge_ports(&self) -> Result<&Doc<Vec<BridgePort>>, Missing> {
        self.cells.bridge_ports.get(|| self.doc_by(Capture::BridgeLink, forms::ports))
    }

    /// The VLANs of bridge ports.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn bridge_vlans(&self) -> Result<&Doc<Vec<PortVlans>>, Missing> {
        self.cells.bridge_vlans.get(|| self.doc(Capture::BridgeVlan, any::vlans))
    }
}
