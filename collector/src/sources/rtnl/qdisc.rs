//! Queueing disciplines, as `tc -s -j qdisc` prints them (print_qdisc in tc/tc_qdisc.c).
//!
//! ```text
//! {"kind":"fq_codel","handle":"0:","dev":"eth0","root":true,"refcnt":2,"options":{"limit":10240,"flows":1024,…},
//!  "bytes":4242,"packets":42,"drops":0,"overlimits":0,"requeues":0,"backlog":0,"qlen":0,"maxpacket":0,…}
//! ```
//! The options of a kind that is not in `qdisc_options` are left out: `"options":{}`.

use std::fmt;

use nix::libc;

use super::{Context, qdisc_options};
use crate::netlink::{Attr, Message, Table};
use crate::sources::json::Json;

/// `struct tcmsg`.
pub(crate) const HEADER: usize = 20;

pub(super) fn print(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    const ROOT: u32 = u32::MAX;
    const KIND: u16 = 1;
    const OPTIONS: u16 = 2;
    const XSTATS: u16 = 4;
    const STATS2: u16 = 7;
    const HW_OFFLOAD: u16 = 12;
    let Some(h) = message.header::<HEADER>() else { return };
    let word = |i: usize| u32::from_ne_bytes([h[i], h[i + 1], h[i + 2], h[i + 3]]);
    let (index, handle, parent, references) = (word(4), word(8), word(12), word(16));
    let tb = Table::<16>::new(message.attrs(HEADER));
    let Some(kind) = tb.get(KIND).filter(|_| message.kind == libc::RTM_NEWQDISC) else { return };
    let kind = kind.text();
    json.open(None);
    json.string("kind", &kind);
    json.string("handle", format_args!("{:x}:", handle >> 16));
    json.string("dev", context.links.name(index));
    if parent == ROOT {
        json.bool("root", true);
    } else if parent != 0 {
        json.string("parent", Class(parent));
    }
    if references != 1 {
        json.number("refcnt", references);
    }
    if tb.u8(HW_OFFLOAD).is_some_and(|o| o != 0) {
        json.bool("offloaded", true);
    }
    for (key, number) in [("ingress_block", 13), ("egress_block", 14)] {
        if let Some(block) = tb.u32(number).filter(|&b| b != 0) {
            json.number(key, block);
        }
    }
    json.open(Some("options"));
    if let Some(options) = tb.get(OPTIONS) {
        qdisc_options::print(context, &kind, options, json);
    }
    json.close();
    let own = tb.get(STATS2).and_then(|stats| print_stats(stats, json)).or_else(|| tb.get(XSTATS));
    if let Some(own) = own {
        qdisc_options::print_stats(&kind, own, json);
    }
    json.close();
}

/// A class, as two hex numbers (print_tc_classid in tc/tc_util.c).
struct Class(u32);

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = (self.0 >> 16, self.0 & 0xffff);
        match (major, minor) {
            // An ingress qdisc's parent (TC_H_INGRESS, TC_H_CLSACT) is written as numbers, too.
            (0, minor) => write!(f, ":{minor:x}"),
            (major, 0) => write!(f, "{major:x}:"),
            (major, minor) => write!(f, "{major:x}:{minor:x}"),
        }
    }
}

/// TCA_STATS_*; gives what the kind itself counts.
fn print_stats<'a>(stats: Attr<'a>, json: &mut Json<'_>) -> Option<Attr<'a>> {
    const BASIC: u16 = 1;
    const RATE_EST: u16 = 2;
    const QUEUE: u16 = 3;
    const APP: u16 = 4;
    const RATE_EST64: u16 = 5;
    const BASIC_HW: u16 = 7;
    const PKT64: u16 = 8;
    let tb = stats.table::<9>();
    let word = |attr: Attr<'_>, i: usize| attr.0.get(4 * i..).and_then(|b| Attr(b).u32()).unwrap_or(0);
    // `struct gnet_stats_basic`: bytes, packets.
    let basic = |attr: Attr<'_>| (attr.u64().unwrap_or(0), word(attr, 2));
    let all = tb.get(BASIC).map(basic);
    if let Some((bytes, packets)) = all {
        json.number("bytes", bytes);
        match tb.u64(PKT64).filter(|&p| p != 0) {
            Some(packets) => json.number("packets", packets),
            None => json.number("packets", packets),
        }
    }
    // `struct gnet_stats_queue`: length, backlog, drops, requeues, overlimits.
    let queue = tb.get(QUEUE);
    if let Some(queue) = queue {
        for (key, i) in [("drops", 2), ("overlimits", 4), ("requeues", 3)] {
            json.number(key, word(queue, i));
        }
    }
    if let Some(hardware) = tb.get(BASIC_HW).map(basic).filter(|&(bytes, packets)| bytes != 0 || packets != 0) {
        if let Some(all) = all.filter(|all| all.0 >= hardware.0 && all.1 >= hardware.1) {
            json.number("sw_bytes", all.0 - hardware.0);
            json.number("sw_packets", all.1 - hardware.1);
        }
        json.number("hw_bytes", hardware.0);
        json.number("hw_packets", hardware.1);
    }
    if let Some(rate) = tb.get(RATE_EST64) {
        json.number("rate", rate.u64().unwrap_or(0));
        json.number("pps", rate.0.get(8..).and_then(|b| Attr(b).u64()).unwrap_or(0));
    } else if let Some(rate) = tb.get(RATE_EST) {
        json.number("rate", word(rate, 0));
        json.number("pps", word(rate, 1));
    }
    if let Some(queue) = queue {
        json.number("backlog", word(queue, 1));
        json.number("qlen", word(queue, 0));
    }
    tb.get(APP)
}
