//! VXLAN and Geneve (ip/iplink_vxlan.c, ip/iplink_geneve.c).

use super::{Data, Field, Show};
use crate::netlink::Attr;
use crate::sources::json::Json;
use crate::sources::rtnl::Context;
use crate::sources::rtnl::text::Ip6;

/// IFLA_VXLAN_*.
pub(super) const VXLAN: &[Field] = &[
    Field(25, "external", Show::IfSet),
    Field(30, "vnifilter", Show::IfSet),
    Field(1, "id", Show::U32),
    Field(2, "", Show::With(print_ends)),
    Field(3, "link", Show::Link),
    Field(10, "", Show::With(print_ports)),
    Field(15, "port", Show::Be16),
    Field(7, "learning", Show::Bool),
    Field(11, "proxy", Show::IfSet),
    Field(12, "rsc", Show::IfSet),
    Field(13, "l2miss", Show::IfSet),
    Field(14, "l3miss", Show::IfSet),
    Field(6, "tos", Show::Hex8IfSet),
    Field(5, "", Show::With(|_, data, json| print_ttl(data.u8(28), data.u8(5), json))),
    Field(29, "", Show::With(|_, data, json| print_df(data.u8(29), json))),
    Field(26, "label", Show::Be32HexIfSet),
    Field(8, "ageing", Show::U32),
    Field(9, "", Show::With(print_limit)),
    Field(18, "udp_csum", Show::Bool),
    Field(19, "udp_zero_csum6_tx", Show::Bool),
    Field(20, "udp_zero_csum6_rx", Show::Bool),
    Field(21, "remcsum_tx", Show::IfSet),
    Field(22, "remcsum_rx", Show::IfSet),
    Field(23, "gbp", Show::Flag),
    Field(27, "gpe", Show::Flag),
];

/// IFLA_GENEVE_*.
pub(super) const GENEVE: &[Field] = &[
    Field(6, "external", Show::Flag),
    Field(1, "id", Show::U32),
    Field(2, "", Show::With(print_remote)),
    Field(3, "", Show::With(|_, data, json| print_ttl(data.u8(12), data.u8(3), json))),
    Field(4, "tos", Show::Hex8IfSet),
    Field(13, "", Show::With(|_, data, json| print_df(data.u8(13), json))),
    Field(11, "label", Show::Be32HexIfSet),
    Field(5, "port", Show::Be16),
    Field(8, "udp_csum", Show::Bool),
    Field(9, "udp_zero_csum6_tx", Show::Bool),
    Field(10, "udp_zero_csum6_rx", Show::Bool),
    Field(14, "inner_proto_inherit", Show::Flag),
];

fn print_ends(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    if let Some(group) = data.get(2) {
        if let Some(a) = group.ipv4().filter(|a| !a.is_unspecified()) {
            json.string(if a.is_multicast() { "group" } else { "remote" }, a);
        }
    } else if let Some(a) = data.get(16).and_then(Attr::ipv6).filter(|a| !a.is_unspecified()) {
        json.string(if a.is_multicast() { "group6" } else { "remote6" }, Ip6(a));
    }
    if let Some(local) = data.get(4) {
        if let Some(a) = local.ipv4().filter(|a| !a.is_unspecified()) {
            json.string("local", a);
        }
    } else if let Some(a) = data.get(17).and_then(Attr::ipv6).filter(|a| !a.is_unspecified()) {
        json.string("local6", Ip6(a));
    }
}

fn print_remote(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    if let Some(remote) = data.get(2) {
        if let Some(a) = remote.ipv4().filter(|a| !a.is_unspecified()) {
            json.string("remote", a);
        }
    } else if let Some(a) = data.get(7).and_then(Attr::ipv6).filter(|a| !a.is_unspecified() && !a.is_multicast()) {
        json.string("remote6", Ip6(a));
    }
}

/// `struct ifla_vxlan_port_range`.
fn print_ports(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    let Some(range) = data.get(10) else { return };
    json.open(Some("port_range"));
    json.number("low", range.be16().unwrap_or(0));
    json.number("high", range.0.get(2..).and_then(|r| Attr(r).be16()).unwrap_or(0));
    json.close();
}

/// One that is inherited is not written, as with the tool.
fn print_ttl(inherit: Option<u8>, ttl: Option<u8>, json: &mut Json<'_>) {
    if inherit.unwrap_or(0) == 0
        && let Some(ttl) = ttl
    {
        json.number("ttl", ttl);
    }
}

fn print_df(df: Option<u8>, json: &mut Json<'_>) {
    if let Some(name) = df.and_then(|df| ["unset", "set", "inherit"].get(usize::from(df)).copied()) {
        json.string("df", name);
    }
}

fn print_limit(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    if let Some(limit) = data.u32(9).filter(|&l| l != 0) {
        json.number("limit", limit);
    }
}
