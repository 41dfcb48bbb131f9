//! `bridge -d -j fdb` and `bridge -d -j link`: forwarding databases of bridges and VXLAN devices, and bridge ports.
//!
//! ```text
//! [{"mac":"aa:c1:9b:4c:43:09","ifname":"flannel.1","dst":"192.168.50.12","flags":["self"],"state":"permanent"},
//!  {"mac":"62:ab:61:2a:f0:1c","ifname":"veth528d521c","flags":[],"master":"cni0","state":""}]
//! [{"ifindex":5,"link":"eth0","ifname":"veth528d521c","flags":["UP"],"mtu":1450,"master":"cni0","state":"forwarding",
//!   "hairpin":true,"isolated":false}]
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use super::Parsed;
use crate::source::At;

/// An entry of a forwarding database.
#[derive(Clone, Debug)]
pub struct FdbEntry {
    /// The object in the capture.
    pub at: At,
    /// The hardware address, as printed.
    pub mac: Arc<str>,
    /// The device whose entry it is, or the port behind which the address is.
    pub dev: Arc<str>,
    /// The remote end (VXLAN).
    pub dst: Option<IpAddr>,
    /// The remote port (VXLAN), where it differs from the device's.
    pub port: Option<u16>,
    /// The VNI, where it differs from the device's.
    pub vni: Option<u32>,
    /// The device by which it is sent.
    pub via: Option<Arc<str>>,
    /// The VLAN.
    pub vlan: Option<u16>,
    /// The bridge, where the entry is a bridge's.
    pub master: Option<Arc<str>>,
    /// `self`, `master`, `extern_learn`, `offload`, `sticky`, …
    pub flags: Vec<Arc<str>>,
    /// `permanent`, `static`, `stale`; empty for a learned one.
    pub state: Arc<str>,
}

/// A bridge port.
#[derive(Clone, Debug)]
pub struct BridgePort {
    /// The object in the capture.
    pub at: At,
    /// The port's index.
    pub index: u32,
    /// The port's name.
    pub name: Arc<str>,
    /// The bridge; `None` for a port of which only the hardware's side is shown.
    pub master: Option<Arc<str>>,
    /// `forwarding`, `learning`, `listening`, `blocking`, `disabled`.
    pub state: Option<Arc<str>>,
    /// Hairpin mode: may send a frame out where it came in.
    pub hairpin: Option<bool>,
    /// Isolated from other isolated ports.
    pub isolated: Option<bool>,
    /// Learns addresses.
    pub learning: Option<bool>,
    /// Floods unknown unicast.
    pub flood: Option<bool>,
}

/// Reads `bridge -j fdb`.
#[must_use]
pub fn parse_fdb(_text: &str) -> Parsed<Vec<FdbEntry>> {
    Parsed::default()
}

/// Reads `bridge -j link`.
#[must_use]
pub fn parse_link(_text: &str) -> Parsed<Vec<BridgePort>> {
    Parsed::default()
}
