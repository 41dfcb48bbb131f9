//! The parser of each form in which a capture may be pasted, into the records that its main form gives.
//!
//! A collected text always has its capture's own form ([`bundle::Spec::format`]). What a form does not show stays unknown in its
//! records; a form that cannot carry a capture's records at all is a [`Missing`], never an empty table.

use bundle::Format;

use crate::family::Family;
use crate::parse::bridge::{BridgePort, FdbEntry};
use crate::parse::ip_addr::Link;
use crate::parse::ip_neigh::Neighbour;
use crate::parse::ip_nexthop::NexthopObject;
use crate::parse::ip_route::Route;
use crate::parse::ip_rule::PolicyRule;
use crate::parse::iproute_text::{Asked, any};
use crate::parse::ipset::{self, Ipsets};
use crate::parse::ipvs::{self, Ipvs};
use crate::parse::modules::{self, Modules};
use crate::parse::{Parsed, arp, ifconfig, ipset_list, ipvs_list, proc_ipv6_route, proc_route, route_n};
use crate::source::{Missing, Source};

/// `ip addr`, `ip link` as JSON or text; `ifconfig`.
pub(crate) fn links(source: &Source) -> Parsed<Vec<Link>> {
    match source.format {
        Format::NetTools => ifconfig::parse(&source.text),
        _ => any::links(&source.text),
    }
}

/// `ip route` as JSON or text; `route -n`; the files of /proc/net.
pub(crate) fn routes(source: &Source, family: Family) -> Parsed<Vec<Route>> {
    match (source.format, family) {
        (Format::NetTools, _) => route_n::parse(&source.text),
        (Format::Proc, Family::V4) => proc_route::parse(&source.text),
        (Format::Proc, Family::V6) => proc_ipv6_route::parse(&source.text),
        _ => any::routes(&source.text, family, &Asked::default()),
    }
}

/// `ip rule` as JSON or text.
pub(crate) fn rules(source: &Source, family: Family) -> Parsed<Vec<PolicyRule>> {
    any::rules(&source.text, family)
}

/// `ip neigh` as JSON or text; `arp -n`; /proc/net/arp.
pub(crate) fn neighbours(source: &Source) -> Parsed<Vec<Neighbour>> {
    match source.format {
        Format::NetTools | Format::Proc => arp::parse(&source.text),
        _ => any::neighbours(&source.text, &Asked::default()),
    }
}

/// `ip nexthop` as JSON or text.
pub(crate) fn nexthops(source: &Source) -> Parsed<Vec<NexthopObject>> {
    any::nexthops(&source.text)
}

/// `bridge fdb` as JSON or text.
pub(crate) fn fdb(source: &Source) -> Parsed<Vec<FdbEntry>> {
    any::fdb_entries(&source.text, &Asked::default())
}

/// `bridge link` as JSON or text.
pub(crate) fn ports(source: &Source) -> Parsed<Vec<BridgePort>> {
    any::ports(&source.text)
}

/// `ipset save`; `ipset list`.
pub(super) fn ipsets(source: &Source) -> Result<Parsed<Ipsets>, Missing> {
    if source.format != Format::IpsetList {
        return Ok(ipset::parse(&source.text));
    }
    let Parsed { value, problems } = ipset_list::parse(&source.text);
    // `ipset list -t` shows no members: its sets are not empty.
    if let Some(hidden) = value.sets.sets.iter().zip(&value.info).find(|(_, info)| !info.members_shown).map(|(set, _)| set) {
        return Err(Missing::new(
            &source.key,
            "the members of all sets",
            format!("the listing does not show those of {}", hidden.name),
        ));
    }
    Ok(Parsed { value: value.sets, problems })
}

/// `ipvsadm -Sn`; `ipvsadm -Ln`.
pub(super) fn ipvs(source: &Source) -> Result<Parsed<Ipvs>, Missing> {
    if source.format != Format::IpvsadmList {
        return Ok(ipvs::parse(&source.text));
    }
    let Parsed { value, problems } = ipvs_list::parse(&source.text);
    let value = value.to_ipvs(&source.text).ok_or_else(|| {
        Missing::new(&source.key, "ipvs services and destinations", "the listing does not show all of each; `ipvsadm -Sn` does")
    })?;
    Ok(Parsed { value, problems })
}

/// /proc/modules; `lsmod`, which has a head and no states: it lists live modules and those that come and go alike.
pub(crate) fn modules(source: &Source) -> Parsed<Modules> {
    match source.format {
        Format::Lsmod => modules::parse_lsmod(&source.text),
        _ => modules::parse_loaded(&source.text),
    }
}

/// A text whose form this version cannot turn into records of its capture.
///
/// # Errors
/// [`Missing`] for such a form.
pub(super) fn only(source: &Source, known: &[Format]) -> Result<(), Missing> {
    if known.contains(&source.format) {
        return Ok(());
    }
    let why = format!("it was pasted as {:?}, from which this version does not take it", source.format);
    Err(Missing::new(&source.key, source.key.capture.spec().purpose, why))
}
