//! Records of links and addresses of which little is known yet, and what several text forms fill them with.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::super::ip_addr::{Address, Link, LinkKind};
use super::super::json::Names;
use crate::source::At;

/// The two ends of a point-to-point address.
pub(in super::super) fn pair(local: &str, peer: &str) -> Result<(IpNet, Option<IpAddr>), String> {
    let bad = || format!("`{local} peer {peer}`: not two addresses");
    let local: IpAddr = local.parse().map_err(|_| bad())?;
    let peer = peer.parse().ok().or_else(|| host(peer)).ok_or_else(bad)?;
    Ok((IpNet::new(local, peer.prefix_len()).map_err(|_| bad())?, Some(peer.addr())))
}

/// An address without a length.
pub(in super::super) fn host(word: &str) -> Option<IpNet> {
    word.parse::<IpAddr>().ok().map(IpNet::from)
}

/// Flags, as they stand between the angles.
pub(in super::super) fn set_flags(link: &mut Link, inner: &str, names: &mut Names) {
    link.flags = inner.split(',').filter(|f| !f.is_empty()).map(|f| names.get(f)).collect();
    let has = |flag: &str| link.flags.iter().any(|f| &**f == flag);
    (link.up, link.lower_up) = (Some(has("UP")), Some(has("LOWER_UP")));
}

/// A link of which only the name is known.
pub(in super::super) fn blank(at: At, name: Arc<str>) -> Link {
    Link {
        at,
        index: None,
        name,
        altnames: Vec::new(),
        flags: Vec::new(),
        up: None,
        lower_up: None,
        mtu: None,
        operstate: None,
        mac: None,
        kind: LinkKind::Unknown,
        group: None,
        master: None,
        lower: None,
        lower_index: None,
        lower_netns: None,
        port: None,
        addresses: Vec::new(),
        stats: None,
        xdp: None,
    }
}

/// An address of which nothing is known yet.
pub(in super::super) fn address(at: At, names: &mut Names) -> Address {
    Address {
        at,
        addr: IpNet::from(IpAddr::from([0, 0, 0, 0])),
        peer: None,
        broadcast: None,
        scope: names.get(""),
        label: None,
        secondary: false,
        dad_failed: false,
        tentative: false,
        deprecated: false,
        no_prefix_route: false,
    }
}
