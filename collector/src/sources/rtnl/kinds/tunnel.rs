//! Tunnels of IP in IP and GRE (ip/link_iptnl.c, ip/link_ip6tnl.c, ip/link_gre.c, ip/link_gre6.c, ip/link_vti.c).

use super::{Data, Field, Show, print_endpoint};
use crate::netlink::Attr;
use crate::sources::json::Json;
use crate::sources::rtnl::Context;
use crate::sources::rtnl::text::Ip6;

const V4: usize = 4;
const V6: usize = 16;

// GRE_* (include/uapi/linux/if_tunnel.h).
const CSUM: u16 = 0x8000;
const KEY: u16 = 0x2000;
const SEQ: u16 = 0x1000;

// IP6_TNL_F_* (include/uapi/linux/ip6_tunnel.h).
const IGNORE_ENCAP_LIMIT: u32 = 0x1;
const USE_ORIG_TCLASS: u32 = 0x2;
const USE_ORIG_FLOWLABEL: u32 = 0x4;
const MIP6: u32 = 0x8;
const DSCP_COPY: u32 = 0x10;
const USE_ORIG_FWMARK: u32 = 0x20;
const ALLOW_LOCAL_REMOTE: u32 = 0x40;

/// IFLA_IPTUN_* of ipip and sit.
pub(super) const IPTUN: &[Field] = &[
    Field(19, "external", Show::Flag),
    Field(9, "", Show::With(|_, data, json| print_protocol(data.u8(9), ("ipip", "ip6ip"), json))),
    Field(3, "", Show::With(|_, data, json| print_ends(data, (3, 2), V4, json))),
    Field(1, "link", Show::Link),
    Field(4, "", Show::With(|_, data, json| json.number("ttl", data.u8(4).unwrap_or(0)))),
    Field(5, "tos", Show::Hex8IfSet),
    Field(10, "", Show::With(|_, data, json| json.bool("pmtudisc", data.u8(10).is_some_and(|p| p != 0)))),
    Field(8, "", Show::With(print_sit)),
    Field(20, "fwmark", Show::Hex32IfSet),
    Field(15, "", Show::With(|_, data, json| print_encap(data, 15, json))),
];

/// IFLA_IPTUN_* of ip6tnl.
pub(super) const IP6TNL: &[Field] = &[
    Field(19, "external", Show::Flag),
    Field(9, "", Show::With(|_, data, json| print_protocol(data.u8(9), ("ipip6", "ip6ip6"), json))),
    Field(3, "", Show::With(|_, data, json| print_ends(data, (3, 2), V6, json))),
    Field(1, "link", Show::Link),
    Field(4, "", Show::With(|_, data, json| json.number("ttl", data.u8(4).unwrap_or(0)))),
    Field(8, "", Show::With(|_, data, json| print_flags6(data, &Numbers { flags: 8, limit: 6, flow: 7 }, json))),
    Field(8, "", Show::With(|_, data, json| print_flag(data, 8, MIP6, "ip6_tnl_f_mip6_dev", json))),
    Field(8, "", Show::With(|_, data, json| print_flag(data, 8, ALLOW_LOCAL_REMOTE, "ip6_tnl_f_allow_local_remote", json))),
    Field(20, "", Show::With(|_, data, json| print_fwmark6(data, 8, json))),
    Field(15, "", Show::With(|_, data, json| print_encap(data, 15, json))),
];

/// IFLA_GRE_* over IPv4.
pub(super) const GRE: &[Field] = &[
    Field(18, "external", Show::Flag),
    Field(7, "", Show::With(|_, data, json| print_ends(data, (7, 6), V4, json))),
    Field(1, "link", Show::Link),
    Field(8, "", Show::With(|_, data, json| json.number("ttl", data.u8(8).unwrap_or(0)))),
    Field(9, "tos", Show::Hex8IfSet),
    Field(10, "pmtudisc", Show::Bool),
    Field(19, "ignore_df", Show::IfSet),
    Field(2, "", Show::With(print_gre_flags)),
    Field(20, "fwmark", Show::Hex32IfSet),
    Field(21, "erspan_index", Show::U32),
    Field(22, "erspan_ver", Show::U8),
    Field(23, "", Show::With(print_direction)),
    Field(24, "erspan_hwid", Show::Hex16),
    Field(14, "", Show::With(|_, data, json| print_encap(data, 14, json))),
];

/// IFLA_GRE_* over IPv6.
pub(super) const GRE6: &[Field] = &[
    Field(18, "external", Show::Flag),
    Field(7, "", Show::With(|_, data, json| print_ends(data, (7, 6), V6, json))),
    Field(1, "link", Show::Link),
    Field(8, "", Show::With(|_, data, json| json.number("ttl", data.u8(8).unwrap_or(0)))),
    Field(13, "", Show::With(|_, data, json| print_flags6(data, &Numbers { flags: 13, limit: 11, flow: 12 }, json))),
    Field(2, "", Show::With(print_gre_flags)),
    Field(13, "", Show::With(|_, data, json| print_flag(data, 13, ALLOW_LOCAL_REMOTE, "ip6_tnl_f_allow_local_remote", json))),
    Field(20, "", Show::With(|_, data, json| print_fwmark6(data, 13, json))),
    Field(21, "erspan_index", Show::U32),
    Field(22, "erspan_ver", Show::U8),
    Field(23, "", Show::With(print_direction)),
    Field(24, "erspan_hwid", Show::Hex16),
    Field(14, "", Show::With(|_, data, json| print_encap(data, 14, json))),
];

/// IFLA_VTI_*.
pub(super) const VTI: &[Field] = &[
    Field(5, "", Show::With(|_, data, json| print_ends(data, (5, 4), V4, json))),
    Field(1, "link", Show::Link),
    Field(2, "", Show::With(print_vti_keys)),
    Field(6, "fwmark", Show::Hex32IfSet),
];

/// The numbers of attributes that ip6tnl and GRE over IPv6 have both.
struct Numbers {
    flags: u16,
    limit: u16,
    flow: u16,
}

fn print_ends(data: &Data<'_>, (remote, local): (u16, u16), len: usize, json: &mut Json<'_>) {
    print_endpoint("remote", data.get(remote), len, json);
    print_endpoint("local", data.get(local), len, json);
}

fn print_protocol(protocol: Option<u8>, (v4, v6): (&str, &str), json: &mut Json<'_>) {
    match protocol {
        Some(4) => json.string("proto", v4),
        Some(41) => json.string("proto", v6),
        Some(137) if v4 == "ipip" => json.string("proto", "mplsip"),
        Some(0) => json.string("proto", "any"),
        Some(_) | None => {}
    }
}

/// SIT_ISATAP, and 6rd (RFC 5969).
fn print_sit(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    if data.u16(8).is_some_and(|flags| flags & 1 != 0) {
        json.bool("isatap", true);
    }
    let Some(len) = data.u16(13).filter(|&len| len != 0) else { return };
    if let Some(prefix) = data.get(11).and_then(Attr::ipv6) {
        json.string("prefix", Ip6(prefix));
    }
    json.number("prefixlen", len);
    if let Some(relay) = data.get(12).and_then(Attr::ipv4).filter(|a| !a.is_unspecified()) {
        json.string("relay_prefix", relay);
        json.number("relay_prefixlen", data.u16(14).unwrap_or(0));
    }
}

fn print_flag(data: &Data<'_>, flags: u16, bit: u32, key: &str, json: &mut Json<'_>) {
    said(data, flags, bit, key, json);
}

/// Writes a flag if it is set, and says whether it is.
fn said(data: &Data<'_>, flags: u16, bit: u32, key: &str, json: &mut Json<'_>) -> bool {
    let set = data.u32(flags).unwrap_or(0) & bit != 0;
    if set {
        json.bool(key, true);
    }
    set
}

fn print_flags6(data: &Data<'_>, numbers: &Numbers, json: &mut Json<'_>) {
    if !said(data, numbers.flags, IGNORE_ENCAP_LIMIT, "ip6_tnl_f_ign_encap_limit", json)
        && let Some(limit) = data.u8(numbers.limit)
    {
        json.number("encap_limit", limit);
    }
    let flow = data.get(numbers.flow).and_then(Attr::be32);
    if !said(data, numbers.flags, USE_ORIG_TCLASS, "ip6_tnl_f_use_orig_tclass", json)
        && let Some(flow) = flow
    {
        json.string("tclass", format_args!("0x{:02x}", (flow >> 20) & 0xff));
    }
    if !said(data, numbers.flags, USE_ORIG_FLOWLABEL, "ip6_tnl_f_use_orig_flowlabel", json)
        && let Some(flow) = flow
    {
        json.string("flowlabel", format_args!("0x{:05x}", flow & 0xf_ffff));
    }
    print_flag(data, numbers.flags, DSCP_COPY, "ip6_tnl_f_rcv_dscp_copy", json);
}

fn print_fwmark6(data: &Data<'_>, flags: u16, json: &mut Json<'_>) {
    if !said(data, flags, USE_ORIG_FWMARK, "ip6_tnl_f_use_orig_fwmark", json)
        && let Some(mark) = data.u32(20).filter(|&m| m != 0)
    {
        json.hex("fwmark", mark.into());
    }
}

/// Keys are written as IPv4 addresses, whatever they are.
fn print_gre_flags(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    let flags = |number: u16| data.get(number).and_then(Attr::be16).unwrap_or(0);
    let (input, output) = (flags(2), flags(3));
    for (set, key, number) in [(input & KEY, "ikey", 4), (output & KEY, "okey", 5)] {
        if set != 0
            && let Some(key_as_address) = data.get(number).and_then(Attr::ipv4)
        {
            json.string(key, key_as_address);
        }
    }
    for (set, key) in [(input & SEQ, "iseq"), (output & SEQ, "oseq"), (input & CSUM, "icsum"), (output & CSUM, "ocsum")] {
        if set != 0 {
            json.bool(key, true);
        }
    }
}

fn print_vti_keys(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    for (key, number) in [("ikey", 2), ("okey", 3)] {
        if let Some(key_as_address) = data.get(number).and_then(Attr::ipv4).filter(|a| !a.is_unspecified()) {
            json.string(key, key_as_address);
        }
    }
}

fn print_direction(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    if let Some(direction) = data.u8(23) {
        json.string("erspan_dir", if direction == 0 { "ingress" } else { "egress" });
    }
}

/// Foo-over-UDP: type, flags, source port and destination port have numbers in a row.
fn print_encap(data: &Data<'_>, first: u16, json: &mut Json<'_>) {
    let Some(kind) = data.u16(first).filter(|&t| t != 0) else { return };
    let flags = data.u16(first + 1).unwrap_or(0);
    json.open(Some("encap"));
    match kind {
        1 => json.string("type", "fou"),
        2 => json.string("type", "gue"),
        _ => json.null("type"),
    }
    for (key, number) in [("sport", first + 2), ("dport", first + 3)] {
        json.number(key, data.get(number).and_then(Attr::be16).unwrap_or(0));
    }
    for (key, bit) in [("csum", 1), ("csum6", 2), ("remcsum", 4)] {
        json.bool(key, flags & bit != 0);
    }
    json.close();
}
