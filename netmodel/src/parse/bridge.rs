//! `bridge -d -j fdb` and `bridge -d -j link`: forwarding databases of bridges and VXLAN devices, and bridge ports.
//!
//! ```text
//! [{"mac":"aa:c1:9b:4c:43:09","ifname":"flannel.1","dst":"192.168.50.12","flags":["self"],"state":"permanent"},
//!  {"mac":"62:ab:61:2a:f0:1c","ifname":"veth528d521c","flags":[],"master":"cni0","state":""}]
//! [{"ifindex":5,"link":"eth0","ifname":"veth528d521c","flags":["UP"],"mtu":1450,"master":"cni0","state":"forwarding",
//!   "hairpin":true,"isolated":false}]
//! ```

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Parsed, json};
use crate::source::At;

/// An entry of a forwarding database.
#[derive(Clone, Debug, Serialize)]
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
#[derive(Clone, Debug, Serialize)]
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
pub fn parse_fdb(text: &str) -> Parsed<Vec<FdbEntry>> {
    json::read(text, |element, object, names| {
        let raw: RawFdb<'_> = json::typed(object)?;
        Ok(FdbEntry {
            at: element.at,
            mac: names.get(&raw.mac),
            dev: names.get(&raw.ifname),
            dst: raw.dst.as_deref().map(|d| d.parse().map_err(|_| format!("`{d}` is not an address"))).transpose()?,
            port: raw.port,
            vni: raw.vni,
            via: raw.via_if.as_deref().or(raw.via_ifname.as_deref()).map(|v| names.get(v)),
            vlan: raw.vlan,
            master: raw.master.as_deref().map(|m| names.get(m)),
            flags: names.all(&raw.flags),
            state: names.get(raw.state.as_deref().unwrap_or_default()),
        })
    })
}

/// Reads `bridge -j link`.
#[must_use]
pub fn parse_link(text: &str) -> Parsed<Vec<BridgePort>> {
    json::read(text, |element, object, names| {
        let raw: RawPort<'_> = json::typed(object)?;
        Ok(BridgePort {
            at: element.at,
            index: raw.ifindex,
            name: names.get(&raw.ifname),
            master: raw.master.as_deref().map(|m| names.get(m)),
            state: raw.state.as_deref().map(|s| names.get(s)),
            hairpin: raw.hairpin,
            isolated: raw.isolated,
            learning: raw.learning,
            flood: raw.flood,
        })
    })
}

#[derive(Deserialize)]
struct RawFdb<'t> {
    #[serde(borrow)]
    mac: Cow<'t, str>,
    #[serde(borrow)]
    ifname: Cow<'t, str>,
    #[serde(borrow)]
    dst: Option<Cow<'t, str>>,
    port: Option<u16>,
    vni: Option<u32>,
    #[serde(borrow, rename = "viaIf")]
    via_if: Option<Cow<'t, str>>,
    #[serde(borrow)]
    via_ifname: Option<Cow<'t, str>>,
    vlan: Option<u16>,
    #[serde(borrow)]
    master: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    flags: Vec<Cow<'t, str>>,
    #[serde(borrow)]
    state: Option<Cow<'t, str>>,
}

#[derive(Deserialize)]
struct RawPort<'t> {
    ifindex: u32,
    #[serde(borrow)]
    ifname: Cow<'t, str>,
    #[serde(borrow)]
    master: Option<Cow<'t, str>>,
    #[serde(borrow)]
    state: Option<Cow<'t, str>>,
    hairpin: Option<bool>,
    isolated: Option<bool>,
    learning: Option<bool>,
    flood: Option<bool>,
}
