//! `ipvsadm -Sn`: ipvs services and their destinations.
//!
//! ```text
//! -A -t 10.96.0.10:53 -s rr
//! -a -t 10.96.0.10:53 -r 10.244.2.2:53 -m -w 1
//! -A -u [fd00::a]:53 -s rr -p 10800
//! -A -f 7 -s wlc
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use super::Parsed;
use crate::source::At;

/// The transport protocol of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proto {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// What a virtual service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VirtualAddr {
    /// A protocol, an address and a port; port 0 takes every port.
    Addr {
        /// The protocol.
        proto: Proto,
        /// The virtual address.
        addr: IpAddr,
        /// The port.
        port: u16,
    },
    /// Packets with a firewall mark.
    FwMark(u32),
}

/// How packets reach a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forwarding {
    /// `-m`: masquerading, what kube-proxy uses.
    Masquerade,
    /// `-g`: direct routing.
    DirectRoute,
    /// `-i`: tunnelling.
    Tunnel,
}

/// A destination.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Its line.
    pub at: At,
    /// Its address.
    pub addr: IpAddr,
    /// Its port.
    pub port: u16,
    /// How packets reach it.
    pub forwarding: Forwarding,
    /// Its weight; 0 takes no new connection.
    pub weight: u32,
}

/// A virtual service.
#[derive(Clone, Debug)]
pub struct VirtualService {
    /// Its line.
    pub at: At,
    /// What it takes.
    pub virt: VirtualAddr,
    /// The scheduler (`rr`, `lc`, …).
    pub scheduler: Arc<str>,
    /// Seconds for which a client stays with its destination.
    pub persistent: Option<u32>,
    /// Its destinations, in the text's order.
    pub destinations: Vec<Destination>,
}

/// The ipvs table.
#[derive(Clone, Debug, Default)]
pub struct Ipvs {
    /// The services, in the text's order.
    pub services: Vec<VirtualService>,
}

impl Ipvs {
    /// The service that takes a packet to `addr:port` of a protocol, as the kernel looks it up: the exact port first, then port 0.
    #[must_use]
    pub fn service(&self, proto: Proto, addr: IpAddr, port: u16) -> Option<&VirtualService> {
        let find = |wanted: u16| self.services.iter().find(|s| s.virt == VirtualAddr::Addr { proto, addr, port: wanted });
        find(port).or_else(|| find(0))
    }
}

/// Reads `ipvsadm -Sn`.
#[must_use]
pub fn parse(_text: &str) -> Parsed<Ipvs> {
    Parsed::default()
}
