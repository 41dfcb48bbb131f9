//! `ip -d -j nexthop`: next-hop objects, to which routes point by `nhid`.
//!
//! ```text
//! [{"id":10,"gateway":"192.168.50.1","dev":"eth0","scope":"link","protocol":"static","flags":[]},
//!  {"id":20,"group":[{"id":10},{"id":11,"weight":3}],"flags":[]},{"id":30,"blackhole":null,"flags":[]}]
//! ```

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Parsed, json};
use crate::source::At;

/// A next-hop object.
#[derive(Clone, Debug, Serialize)]
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
pub fn parse(text: &str) -> Parsed<Vec<NexthopObject>> {
    json::read(text, |element, object, names| {
        let raw: Raw<'_> = json::typed(object)?;
        let gateway = raw.gateway.as_deref().or(raw.via.as_ref().map(|v| &*v.host));
        Ok(NexthopObject {
            at: element.at,
            id: raw.id,
            gateway: gateway.map(|g| g.parse().map_err(|_| format!("`{g}` is not an address"))).transpose()?,
            dev: raw.dev.as_deref().map(|d| names.get(d)),
            group: raw.group.iter().map(|m| (m.id, m.weight.unwrap_or(1))).collect(),
            blackhole: raw.blackhole,
            flags: names.all(&raw.flags),
        })
    })
}

#[derive(Deserialize)]
struct Raw<'t> {
    id: u32,
    #[serde(borrow)]
    gateway: Option<Cow<'t, str>>,
    #[serde(borrow)]
    via: Option<Via<'t>>,
    #[serde(borrow)]
    dev: Option<Cow<'t, str>>,
    #[serde(default)]
    group: Vec<Member>,
    /// `null` where it is set.
    #[serde(default, deserialize_with = "json::present")]
    blackhole: bool,
    #[serde(borrow, default)]
    flags: Vec<Cow<'t, str>>,
}

#[derive(Deserialize)]
struct Via<'t> {
    #[serde(borrow)]
    host: Cow<'t, str>,
}

#[derive(Deserialize)]
struct Member {
    id: u32,
    weight: Option<u32>,
}
