//! `ip -d -j neigh`: neighbours.
//!
//! ```text
//! [{"dst":"192.168.50.12","dev":"eth0","lladdr":"2e:e1:a0:fc:66:10","state":["REACHABLE"]},
//!  {"dst":"10.244.2.0","dev":"flannel.1","lladdr":"aa:c1:9b:4c:43:09","state":["PERMANENT"]}]
//! ```

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Parsed, json};
use crate::source::At;

/// A neighbour entry.
#[derive(Clone, Debug, Serialize)]
pub struct Neighbour {
    /// The object in the capture.
    pub at: At,
    /// The neighbour's address.
    pub dst: IpAddr,
    /// The device.
    pub dev: Arc<str>,
    /// Its hardware address; `None` while it is not resolved.
    pub lladdr: Option<Arc<str>>,
    /// Its states as printed (`REACHABLE`, `STALE`, `FAILED`, `PERMANENT`, …).
    pub states: Vec<Arc<str>>,
    /// A proxy entry: this node answers for the address.
    pub proxy: bool,
}

impl Neighbour {
    /// Whether it is in a state.
    #[must_use]
    pub fn is(&self, state: &str) -> bool {
        self.states.iter().any(|s| &**s == state)
    }
}

/// Reads `ip -j neigh`.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<Neighbour>> {
    json::read(text, |element, object, names| {
        let raw: Raw<'_> = json::typed(object)?;
        Ok(Neighbour {
            at: element.at,
            dst: raw.dst.parse().map_err(|_| format!("`{}` is not an address", raw.dst))?,
            dev: names.get(&raw.dev),
            lladdr: raw.lladdr.as_deref().map(|a| names.get(a)),
            states: names.all(&raw.state),
            proxy: raw.proxy,
        })
    })
}

#[derive(Deserialize)]
struct Raw<'t> {
    #[serde(borrow)]
    dst: Cow<'t, str>,
    #[serde(borrow)]
    dev: Cow<'t, str>,
    #[serde(borrow)]
    lladdr: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    state: Vec<Cow<'t, str>>,
    /// `null` where it is set.
    #[serde(default, deserialize_with = "json::present")]
    proxy: bool,
}
