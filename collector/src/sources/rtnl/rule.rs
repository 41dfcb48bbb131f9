//! Rules of policy routing, as `ip -d -j rule` prints them (print_rule in ip/iprule.c).
//!
//! ```text
//! {"priority":100,"not":null,"src":"10.0.0.0","srclen":8,"fwmark":"0x1","fwmask":"0xff","table":"51820","protocol":"boot"}
//! ```

use nix::libc;

use super::Context;
use super::route::{host_length, route_type};
use super::text::Address;
use crate::netlink::{Attr, Message, Table};
use crate::sources::json::Json;

/// `struct fib_rule_hdr`.
pub(crate) const HEADER: usize = 12;
/// FRA_* up to FRA_DSCP_MASK.
const ATTRS: usize = 31;

// include/uapi/linux/fib_rules.h, not in libc.
const DST: u16 = 1;
const SRC: u16 = 2;
const IIF: u16 = 3;
const GOTO: u16 = 4;
const PRIORITY: u16 = 6;
const FWMARK: u16 = 10;
const FLOW: u16 = 11;
const TUN_ID: u16 = 12;
const SUPPRESS_IFGROUP: u16 = 13;
const SUPPRESS_PREFIXLEN: u16 = 14;
const TABLE: u16 = 15;
const FWMASK: u16 = 16;
const OIF: u16 = 17;
const L3MDEV: u16 = 19;
const UID_RANGE: u16 = 20;
const PROTOCOL: u16 = 21;
const IP_PROTO: u16 = 22;
const SPORT_RANGE: u16 = 23;
const DPORT_RANGE: u16 = 24;
const DSCP: u16 = 25;
const FLOWLABEL: u16 = 26;
const FLOWLABEL_MASK: u16 = 27;
const SPORT_MASK: u16 = 28;
const DPORT_MASK: u16 = 29;
const DSCP_MASK: u16 = 30;

pub(super) fn print(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    const INVERT: u32 = 2;
    const IIF_DETACHED: u32 = 8;
    const OIF_DETACHED: u32 = 16;
    let Some(&[family, dst_len, src_len, tos, table, _, _, action, flags @ ..]) = message.header::<HEADER>() else { return };
    let flags = u32::from_ne_bytes(flags);
    if message.kind != libc::RTM_NEWRULE {
        return;
    }
    let tb = Table::<ATTRS>::new(message.attrs(HEADER));
    json.open(None);
    json.number("priority", tb.u32(PRIORITY).unwrap_or(0));
    if flags & INVERT != 0 {
        json.null("not");
    }
    print_prefix(("src", "srclen"), family, tb.get(SRC), src_len, json);
    if tb.get(SRC).is_none() && src_len == 0 {
        json.string("src", "all");
    }
    print_prefix(("dst", "dstlen"), family, tb.get(DST), dst_len, json);
    if tos != 0 {
        json.string("tos", context.names.dsfield(tos));
    }
    if tb.has(FWMARK) || tb.has(FWMASK) {
        json.hex("fwmark", tb.u32(FWMARK).unwrap_or(0).into());
        if let Some(mask) = tb.u32(FWMASK).filter(|&m| m != u32::MAX) {
            json.hex("fwmask", mask.into());
        }
    }
    for (attr, key, detached) in [(IIF, "iif", (IIF_DETACHED, "iif_detached")), (OIF, "oif", (OIF_DETACHED, "oif_detached"))] {
        let Some(name) = tb.get(attr) else { continue };
        json.string(key, name.text());
        if flags & detached.0 != 0 {
            json.null(detached.1);
        }
    }
    if tb.u8(L3MDEV).is_some_and(|l3mdev| l3mdev != 0) {
        json.null("l3mdev");
    }
    if let Some(range) = tb.get(UID_RANGE) {
        json.number("uid_start", range.u32().unwrap_or(0));
        json.number("uid_end", range.0.get(4..).and_then(|r| Attr(r).u32()).unwrap_or(0));
    }
    if let Some(protocol) = tb.u8(IP_PROTO) {
        json.string("ipproto", context.names.ip_protocol(protocol));
    }
    print_ports(("sport", "sport_start", "sport_end"), tb.get(SPORT_RANGE), ("sport_mask", tb.u16(SPORT_MASK)), json);
    print_ports(("dport", "dport_start", "dport_end"), tb.get(DPORT_RANGE), ("dport_mask", tb.u16(DPORT_MASK)), json);
    if let Some(id) = tb.get(TUN_ID).and_then(Attr::be64) {
        json.number("tun_id", id);
    }
    print_newer(context, &tb, json);
    print_table(context, tb.u32(TABLE).unwrap_or(table.into()), &tb, json);
    print_action(action, flags, &tb, json);
    if let Some(protocol) = tb.u8(PROTOCOL) {
        json.string("protocol", context.names.protocol(protocol));
    }
    json.close();
}

fn print_prefix(keys: (&str, &str), family: u8, address: Option<Attr<'_>>, len: u8, json: &mut Json<'_>) {
    match address {
        Some(address) => {
            json.string(keys.0, Address(family, address));
            if host_length(family) != Some(len) {
                json.number(keys.1, len);
            }
        }
        None if len > 0 => {
            json.string(keys.0, "0");
            json.number(keys.1, len);
        }
        None => {}
    }
}

/// `struct fib_rule_port_range`; a mask (since Linux 6.15) belongs to a single port.
fn print_ports(keys: (&str, &str, &str), range: Option<Attr<'_>>, mask: (&str, Option<u16>), json: &mut Json<'_>) {
    let Some(range) = range else { return };
    let (start, end) = (range.u16().unwrap_or(0), range.0.get(2..).and_then(|r| Attr(r).u16()).unwrap_or(0));
    if start == end {
        json.number(keys.0, start);
        if let Some(bits) = mask.1.filter(|&m| m != u16::MAX) {
            json.hex(mask.0, bits.into());
        }
    } else {
        json.number(keys.1, start);
        json.number(keys.2, end);
    }
}

/// Selectors that iproute2 6.1 does not know: a rule without them would read as if it matched everything. The keys are those of
/// iproute2 6.13 to 6.15, which were the first to print them.
fn print_newer(context: &Context<'_>, tb: &Table<'_, ATTRS>, json: &mut Json<'_>) {
    if let Some(dscp) = tb.u8(DSCP) {
        // The names are those of the whole field, of which the DSCP are the upper six bits.
        let field = dscp << 2;
        match context.names.dsfield(field) {
            name if name.starts_with("0x") => json.string("dscp", dscp),
            name => json.string("dscp", name),
        }
        if let Some(mask) = tb.u8(DSCP_MASK).filter(|&m| m != 0x3f) {
            json.hex("dscp_mask", mask.into());
        }
    }
    if let (Some(label), Some(mask)) = (tb.get(FLOWLABEL).and_then(Attr::be32), tb.get(FLOWLABEL_MASK).and_then(Attr::be32)) {
        json.hex("flowlabel", label.into());
        if mask != 0xf_ffff {
            json.hex("flowlabel_mask", mask.into());
        }
    }
}

fn print_table(context: &Context<'_>, table: u32, tb: &Table<'_, ATTRS>, json: &mut Json<'_>) {
    if table != 0 {
        json.string("table", context.names.table(table));
        if let Some(len) = tb.i32(SUPPRESS_PREFIXLEN).filter(|&len| len != -1) {
            json.number("suppress_prefixlen", len);
        }
        if let Some(group) = tb.u32(SUPPRESS_IFGROUP).filter(|&group| group != u32::MAX) {
            json.string("suppress_ifgroup", context.names.group(group));
        }
    }
    if let Some(flow) = tb.u32(FLOW) {
        if flow >> 16 != 0 {
            json.string("flow_from", context.names.realm(flow >> 16));
        }
        json.string("flow_to", context.names.realm(flow & 0xffff));
    }
}

fn print_action(action: u8, flags: u32, tb: &Table<'_, ATTRS>, json: &mut Json<'_>) {
    const TO_TABLE: u8 = 1;
    const GO_TO: u8 = 2;
    const NOP: u8 = 3;
    const UNRESOLVED: u32 = 4;
    match action {
        TO_TABLE => {}
        GO_TO => {
            match tb.u32(GOTO) {
                Some(priority) => json.number("goto", priority),
                None => json.string("goto", "none"),
            }
            if flags & UNRESOLVED != 0 {
                json.null("unresolved");
            }
        }
        NOP => json.null("nop"),
        other => json.string("action", route_type(other)),
    }
}
