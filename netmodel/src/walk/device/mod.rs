//! What devices do with a frame: down until it leaves the namespace or is wrapped, and up from where it comes in to the stack or a bridge.
//!
//! Pure functions of a world. IP hooks, routing and neighbours are not asked here. Left out: queueing disciplines and tc filters (they are
//! not captured), hardware offloads, spanning tree itself (the state of each port is captured), MACsec, team devices.

pub mod bridge;
mod decapsulate;
mod encapsulate;
mod mac;
mod receive;
mod transmit;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;

pub use decapsulate::{Decapsulated, decapsulate};
pub use mac::Mac;
pub use receive::{Received, receive};
pub use transmit::{Outgoing, transmit};
pub use wire::{Peer, peer};

use crate::source::Evidence;
use crate::walk::packet::Packet;
use crate::walk::world::NsId;

/// What the link layer knows of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The sender's address; `None` where it is not known, or the device has none.
    pub src: Option<Mac>,
    /// The receiver's.
    pub dst: Option<Mac>,
    /// The VLAN tag; `None` for an untagged frame.
    pub vlan: Option<u16>,
}

/// A device that a frame passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// In which namespace.
    pub ns: NsId,
    /// The device.
    pub dev: Arc<str>,
    /// What happened there, in lower case.
    pub action: String,
    /// The lines that say so.
    pub evidence: Vec<Evidence>,
}

/// Where a frame that was sent by a device got to.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The devices that it passed below the first one.
    pub passed: Vec<Passed>,
    /// Where it is now.
    pub to: Emission,
}

/// Where a frame is.
#[derive(Clone, Debug)]
pub enum Emission {
    /// It comes in by a device: goes on with [`receive`].
    Arrives {
        /// The namespace.
        ns: NsId,
        /// The device.
        dev: Arc<str>,
        /// The frame as it comes in.
        frame: Frame,
    },
    /// A bridge device sends it: goes on with [`bridge::decide`], without a port.
    Bridge {
        /// The namespace of the bridge.
        ns: NsId,
        /// The bridge.
        bridge: Arc<str>,
        /// The frame.
        frame: Frame,
    },
    /// A tunnel wraps it: the outer packet goes on as one that is made in the underlay's namespace.
    Encapsulated(Box<Encapsulated>),
    /// It leaves what was captured by this device.
    Leaves {
        /// The namespace.
        ns: NsId,
        /// The device.
        dev: Arc<str>,
        /// What is known of where it leads.
        reason: String,
    },
    /// It is lost.
    Lost {
        /// Why, in lower case.
        reason: String,
        /// The lines that say so.
        evidence: Vec<Evidence>,
    },
    /// What becomes of it is not known.
    Unknown {
        /// Why, in lower case.
        reason: String,
        /// The line, if there is one.
        evidence: Option<Evidence>,
    },
}

/// Which tunnel protocol wraps a packet, and what its header says besides addresses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tunnel {
    /// VXLAN, with its VNI.
    Vxlan {
        /// The VNI.
        vni: u32,
    },
    /// Geneve, with its VNI.
    Geneve {
        /// The VNI.
        vni: u32,
    },
    /// GRE, with its key.
    Gre {
        /// The key; `None` without one.
        key: Option<u32>,
        /// It carries frames (gretap), not packets.
        frames: bool,
    },
    /// IP in IP, of whatever families.
    Ip,
    /// WireGuard.
    Wireguard,
}

/// A packet that a tunnel wrapped.
#[derive(Clone, Debug)]
pub struct Encapsulated {
    /// The namespace of the underlay: where the outer packet is made.
    pub ns: NsId,
    /// The tunnel device.
    pub tunnel: Arc<str>,
    /// The protocol.
    pub protocol: Tunnel,
    /// The outer packet: addresses, ports, protocol, length, mark. Its source is `None` where the route chooses it.
    pub outer: Packet,
    /// The device that the outer packet is bound to.
    pub bound: Option<Arc<str>>,
    /// The mark that the look-up of the outer route sees, which is not always that of the packet (`ip_tunnel_init_flow`).
    pub route_mark: Option<u32>,
    /// Bytes that the outer headers add.
    pub overhead: u16,
    /// The sender of an inner packet that does not fit is told so by the tunnel itself (`tnl_update_pmtu`).
    pub tells_too_big: bool,
    /// The inner frame, for tunnels that carry frames.
    pub frame: Option<Frame>,
    /// What decided: the FDB entry, the device's own settings, the route's encapsulation.
    pub evidence: Vec<Evidence>,
}

/// What a route says to a tunnel device that takes its ends from each packet (`encap ip id 100 dst 192.168.1.2`, `skb_tunnel_info`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TunnelKey {
    /// The VNI or key.
    pub id: u64,
    /// The outer source.
    pub src: Option<IpAddr>,
    /// The outer destination.
    pub dst: IpAddr,
}

#[cfg(test)]
mod tests;
