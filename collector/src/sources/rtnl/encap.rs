//! Light-weight tunnels of routes, as `ip route` prints them (ip/iproute_lwtunnel.c).

use nix::libc;

use super::Context;
use super::text::{AF_MPLS, Address, Hex, Ip6};
use crate::netlink::{Attr, Table};
use crate::sources::json::Json;

/// Writes `encap` and what belongs to it; nothing without a type, as the tool.
pub(super) fn print(context: &mut Context<'_>, kind: Option<u16>, attr: Attr<'_>, json: &mut Json<'_>) {
    let Some(kind) = kind else { return };
    // LWTUNNEL_ENCAP_*, include/uapi/linux/lwtunnel.h.
    let name = match kind {
        1 => "mpls",
        2 => "ip",
        3 => "ila",
        4 => "ip6",
        5 => "seg6",
        6 => "bpf",
        7 => "seg6local",
        8 => "rpl",
        9 => "ioam6",
        10 => "xfrm",
        _ => "unknown",
    };
    json.string("encap", name);
    match kind {
        1 => print_mpls(attr, json),
        2 => print_ip(attr, ("ttl", "tos"), libc::AF_INET, json),
        3 => print_ila(attr, json),
        4 => print_ip(attr, ("hoplimit", "tc"), libc::AF_INET6, json),
        5 => print_seg6(attr, json),
        6 => print_bpf(attr, json),
        7 => print_seg6_local(context, attr, json),
        8 => print_rpl(attr, json),
        9 => print_ioam6(attr, json),
        10 => print_xfrm(context, attr, json),
        _ => {}
    }
}

fn address(family: i32, attr: Attr<'_>) -> Address<'_> {
    Address(u8::try_from(family).unwrap_or(0), attr)
}

fn print_mpls(attr: Attr<'_>, json: &mut Json<'_>) {
    let tb = attr.table::<3>();
    if let Some(dst) = tb.get(1) {
        json.string("dst", address(AF_MPLS, dst));
    }
    if let Some(ttl) = tb.u8(2) {
        json.number("ttl", ttl);
    }
}

/// LWTUNNEL_IP_* and LWTUNNEL_IP6_*: the numbers are the same up to the order of TTL and TOS.
fn print_ip(attr: Attr<'_>, (ttl, tos): (&str, &str), family: i32, json: &mut Json<'_>) {
    const ID: u16 = 1;
    const DST: u16 = 2;
    const SRC: u16 = 3;
    const TTL: u16 = 4;
    const TOS: u16 = 5;
    const FLAGS: u16 = 6;
    const OPTS: u16 = 8;
    let tb = attr.table::<9>();
    if let Some(id) = tb.get(ID).and_then(Attr::be64) {
        json.number("id", id);
    }
    for (key, number) in [("src", SRC), ("dst", DST)] {
        if let Some(a) = tb.get(number) {
            json.string(key, address(family, a));
        }
    }
    for (key, number) in [(ttl, TTL), (tos, TOS)] {
        if let Some(value) = tb.u8(number) {
            json.number(key, value);
        }
    }
    if let Some(flags) = tb.get(FLAGS).and_then(Attr::be16) {
        // TUNNEL_KEY, TUNNEL_CSUM, TUNNEL_SEQ (include/uapi/linux/if_tunnel.h).
        for (key, bit) in [("key", 0x04), ("csum", 0x01), ("seq", 0x08)] {
            if flags & bit != 0 {
                json.bool(key, true);
            }
        }
    }
    if let Some(opts) = tb.get(OPTS) {
        print_options(opts, json);
    }
}

/// LWTUNNEL_IP_OPTS_GENEVE, _VXLAN or _ERSPAN.
fn print_options(opts: Attr<'_>, json: &mut Json<'_>) {
    let tb = opts.table::<4>();
    if let Some(geneve) = tb.get(1) {
        json.open_array(Some("geneve_opts"));
        // One after the other in one list: each begins with its class.
        let mut option: (u16, u8) = (0, 0);
        for (kind, value) in geneve.nested() {
            match kind {
                1 => option.0 = value.be16().unwrap_or(0),
                2 => option.1 = value.u8().unwrap_or(0),
                3 => {
                    json.open(None);
                    json.number("class", option.0);
                    json.number("type", option.1);
                    json.string("data", Hex(value.0));
                    json.close();
                }
                _ => {}
            }
        }
        json.close_array();
    } else if let Some(vxlan) = tb.get(2) {
        json.open_array(Some("vxlan_opts"));
        json.open(None);
        json.number("gbp", vxlan.table::<2>().u32(1).unwrap_or(0));
        json.close();
        json.close_array();
    } else if let Some(erspan) = tb.get(3) {
        let tb = erspan.table::<5>();
        let version = tb.u8(1).unwrap_or(0);
        json.open_array(Some("erspan_opts"));
        json.open(None);
        json.number("ver", version);
        let first = version == 1;
        json.number("index", if first { tb.get(2).and_then(Attr::be32).unwrap_or(0) } else { 0 });
        json.number("dir", if first { 0 } else { tb.u8(3).unwrap_or(0) });
        json.number("hwid", if first { 0 } else { tb.u8(4).unwrap_or(0) });
        json.close();
        json.close_array();
    }
}

/// ILA_ATTR_*, include/uapi/linux/ila.h.
fn print_ila(attr: Attr<'_>, json: &mut Json<'_>) {
    const CSUM_MODE: u16 = 7;
    const IDENT_TYPE: u16 = 8;
    const HOOK_TYPE: u16 = 9;
    let tb = attr.table::<10>();
    if let Some(locator) = tb.get(1).and_then(Attr::be64) {
        let [a, b, c, d] = [48, 32, 16, 0].map(|shift| (locator >> shift) & 0xffff);
        json.string("locator", format_args!("{a:x}:{b:x}:{c:x}:{d:x}"));
    }
    let mut named = |key: &str, number: u16, names: &[&'static str]| {
        if let Some(value) = tb.u8(number) {
            json.string(key, names.get(usize::from(value)).copied().unwrap_or("unknown"));
        }
    };
    named("csum_mode", CSUM_MODE, &["adj-transport", "neutral-map", "no-action", "neutral-map-auto"]);
    if tb.u8(IDENT_TYPE) == Some(32) {
        // ILA_ATYPE_USE_FORMAT, far from the others.
        named("ident_type", IDENT_TYPE, &["use-format"; 33]);
    } else {
        named("ident_type", IDENT_TYPE, &["iid", "luid", "virt-v4", "virt-uni-v6", "virt-multi-v6", "nonlocal-addr"]);
    }
    named("hook_type", HOOK_TYPE, &["output", "input"]);
}

/// SEG6_IPTUNNEL_SRH: a mode, then the segment routing header.
fn print_seg6(attr: Attr<'_>, json: &mut Json<'_>) {
    let Some(info) = attr.table::<2>().get(1) else { return };
    let Some(mode) = info.u32() else { return };
    let mode = match mode {
        0 => "inline",
        1 => "encap",
        2 => "l2encap",
        3 => "encap.red",
        4 => "l2encap.red",
        _ => "<unknown>",
    };
    json.string("mode", mode);
    print_header(info.0.get(4..).unwrap_or_default(), json);
}

/// `struct ipv6_sr_hdr` (RFC 8754): next header, length, type, segments left, first segment, flags, tag, segments.
fn print_header(header: &[u8], json: &mut Json<'_>) {
    const HMAC: u8 = 0x08;
    let Some(&[_, length, _, _, first, flags, ..]) = header.first_chunk::<8>() else { return };
    let segments = header.get(8..).unwrap_or_default();
    json.open_array(Some("segs"));
    for i in (0..=usize::from(first)).rev() {
        if let Some(segment) = segments.get(16 * i..).and_then(|s| Attr(s).ipv6()) {
            json.item(Ip6(segment));
        }
    }
    json.close_array();
    if flags & HMAC != 0 {
        // `struct sr6_tlv_hmac` ends the header: type, length, reserved, then the number of the key.
        let offset = ((usize::from(length) + 1) << 3).saturating_sub(40);
        let key = header.get(offset + 4..).and_then(|k| Attr(k).be32()).unwrap_or(0);
        json.hex("hmac", key.into());
    }
}

/// SEG6_LOCAL_*, include/uapi/linux/seg6_local.h.
fn print_seg6_local(context: &mut Context<'_>, attr: Attr<'_>, json: &mut Json<'_>) {
    const ACTIONS: &[&str] = &[
        "<unknown>",
        "End",
        "End.X",
        "End.T",
        "End.DX2",
        "End.DX6",
        "End.DX4",
        "End.DT6",
        "End.DT4",
        "End.B6",
        "End.B6.Encaps",
        "End.BM",
        "End.S",
        "End.AS",
        "End.AM",
        "End.BPF",
        "End.DT46",
    ];
    let tb = attr.table::<12>();
    let Some(action) = tb.u32(1) else { return };
    let action = usize::try_from(action).ok().and_then(|a| ACTIONS.get(a)).copied().unwrap_or("<invalid>");
    json.string("action", action);
    if let Some(header) = tb.get(2) {
        json.open(Some("srh"));
        print_header(header.0, json);
        json.close();
    }
    for (key, number) in [("table", 3), ("vrftable", 9)] {
        if let Some(table) = tb.u32(number) {
            json.string(key, context.names.table(table));
        }
    }
    for (key, number, family) in [("nh4", 4, libc::AF_INET), ("nh6", 5, libc::AF_INET6)] {
        if let Some(hop) = tb.get(number) {
            json.string(key, address(family, hop));
        }
    }
    for (key, number) in [("iif", 6), ("oif", 7)] {
        if let Some(index) = tb.u32(number) {
            json.string(key, context.links.name(index));
        }
    }
    if let Some(program) = tb.get(8) {
        print_program("endpoint", program, json);
    }
    if let Some(flavors) = tb.get(11) {
        print_flavors(flavors, json);
    }
}

fn print_flavors(attr: Attr<'_>, json: &mut Json<'_>) {
    let tb = attr.table::<4>();
    if let Some(flavors) = tb.u32(1) {
        json.open_array(Some("flavors"));
        for (bit, name) in [(1, "psp"), (2, "usp"), (3, "usd"), (4, "next-csid")] {
            if flavors & (1 << bit) != 0 {
                json.item(name);
            }
        }
        json.close_array();
    }
    for (key, number) in [("lblen", 2), ("nflen", 3)] {
        if let Some(len) = tb.u8(number) {
            json.number(key, len);
        }
    }
}

/// LWT_BPF_*.
fn print_bpf(attr: Attr<'_>, json: &mut Json<'_>) {
    let tb = attr.table::<5>();
    for (key, number) in [("in", 1), ("out", 2), ("xmit", 3)] {
        if let Some(program) = tb.get(number) {
            print_program(key, program, json);
        }
    }
    if let Some(headroom) = tb.u32(4) {
        json.number("headroom", headroom);
    }
}

fn print_program(key: &str, attr: Attr<'_>, json: &mut Json<'_>) {
    let tb: Table<'_, 3> = attr.table();
    match tb.get(2) {
        Some(name) => json.string(key, name.text()),
        None => json.string(key, "<unknown>"),
    }
}

/// RPL_IPTUNNEL_SRH: `struct ipv6_rpl_sr_hdr` (RFC 6554), whose addresses stand behind eight bytes.
fn print_rpl(attr: Attr<'_>, json: &mut Json<'_>) {
    let Some(header) = attr.table::<2>().get(1) else { return };
    let left = header.0.get(3).copied().unwrap_or(0);
    json.open_array(Some("segs"));
    for i in (0..usize::from(left)).rev() {
        if let Some(segment) = header.0.get(8 + 16 * i..).and_then(|s| Attr(s).ipv6()) {
            json.item(Ip6(segment));
        }
    }
    json.close_array();
}

/// IOAM6_IPTUNNEL_*, include/uapi/linux/ioam6_iptunnel.h.
fn print_ioam6(attr: Attr<'_>, json: &mut Json<'_>) {
    let tb = attr.table::<7>();
    let (Some(mode), Some(trace), Some(k), Some(n)) = (tb.u8(1), tb.get(3), tb.u32(4), tb.u32(5)) else { return };
    json.number("freqk", k);
    json.number("freqn", n);
    let inline = mode == 1;
    if !inline && !tb.has(2) {
        return;
    }
    json.string("mode", ["<unknown>", "inline", "encap", "auto"].get(usize::from(mode)).copied().unwrap_or("<unknown>"));
    if let Some(dst) = tb.get(2).filter(|_| !inline) {
        json.string("tundst", address(libc::AF_INET6, dst));
    }
    json.null("trace");
    json.null("prealloc");
    // `struct ioam6_trace_hdr`: namespace, node length and flags and remaining length in 16 bits, type in 24.
    let word = |at: usize| trace.0.get(at..).and_then(|t| Attr(t).be16()).unwrap_or(0);
    let kind = trace.0.get(4..).and_then(|t| Attr(t).be32()).unwrap_or(0) >> 8;
    json.string("type", format_args!("{kind:x}"));
    json.number("ns", word(0));
    json.number("size", (word(2) & 0x7f) * 4);
}

fn print_xfrm(context: &mut Context<'_>, attr: Attr<'_>, json: &mut Json<'_>) {
    let tb = attr.table::<3>();
    if let Some(id) = tb.u32(1) {
        json.number("if_id", id);
    }
    if let Some(link) = tb.u32(2) {
        json.string("link_dev", context.links.name(link));
    }
}
