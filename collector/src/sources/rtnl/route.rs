//! Routes, as `ip -d -j route show table all` prints them (print_route in ip/iproute.c).
//!
//! ```text
//! {"type":"unicast","dst":"10.244.2.0/24","gateway":"10.244.2.0","dev":"flannel.1","table":"main","protocol":"boot",
//!  "scope":"global","flags":["onlink"]}
//! ```

use std::fmt;

use nix::libc;

use super::Context;
use super::encap;
use super::text::{Address, family};
use crate::netlink::{Attr, Message, Table};
use crate::sources::json::Json;

/// `struct rtmsg`.
pub(crate) const HEADER: usize = 12;
/// `struct rtnexthop`.
const NEXTHOP_HEADER: usize = 8;
/// RTA_* up to RTA_FLOWLABEL.
const ATTRS: usize = 32;
/// A clone from the cache of exceptions, which the tool leaves out (RTM_F_CLONED).
const CLONED: u32 = 0x200;
/// Not in libc.
const RTA_NH_ID: u16 = 30;
const RTA_UID: u16 = 25;
const RTA_TTL_PROPAGATE: u16 = 26;
/// sysconf(_SC_CLK_TCK), which the kernel's interfaces are fixed to (USER_HZ).
const USER_HZ: i32 = 100;

pub(super) fn print(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    let Some(&[rtm_family, dst_len, src_len, tos, table, protocol, scope, kind, flags @ ..]) = message.header::<HEADER>() else {
        return;
    };
    let flags = u32::from_ne_bytes(flags);
    if message.kind != libc::RTM_NEWROUTE || flags & CLONED != 0 {
        return;
    }
    let tb = Table::<ATTRS>::new(message.attrs(HEADER));
    let table = tb.u32(libc::RTA_TABLE).unwrap_or(table.into());
    json.open(None);
    json.string("type", route_type(kind));
    match tb.get(libc::RTA_DST) {
        Some(dst) => json.string("dst", Prefix(rtm_family, dst, dst_len)),
        // With the blank that the tool leaves there.
        None if dst_len > 0 => json.string("dst", format_args!("0/{dst_len} ")),
        None => json.string("dst", "default"),
    }
    match tb.get(libc::RTA_SRC) {
        Some(src) => json.string("from", Prefix(rtm_family, src, src_len)),
        None if src_len > 0 => json.string("src", format_args!("0/{src_len}")),
        None => {}
    }
    let nexthop = tb.u32(RTA_NH_ID);
    if let Some(id) = nexthop {
        json.number("nhid", id);
    }
    if let Some(to) = tb.get(crate::netlink::rta::RTA_NEWDST) {
        json.string("to", Address(rtm_family, to));
    }
    if let Some(attr) = tb.get(crate::netlink::rta::RTA_ENCAP) {
        encap::print(context, tb.u16(crate::netlink::rta::RTA_ENCAP_TYPE), attr, json);
    }
    if tos != 0 {
        json.string("tos", context.names.dsfield(tos));
    }
    if let Some(gateway) = tb.get(libc::RTA_GATEWAY) {
        json.string("gateway", Address(rtm_family, gateway));
    }
    if let Some(via) = tb.get(crate::netlink::rta::RTA_VIA) {
        print_via(via, json);
    }
    if let Some(oif) = tb.u32(libc::RTA_OIF) {
        json.string("dev", context.links.name(oif));
    }
    if table != 0 {
        json.string("table", context.names.table(table));
    }
    json.string("protocol", context.names.protocol(protocol));
    json.string("scope", context.names.scope(scope));
    if let Some(source) = tb.get(libc::RTA_PREFSRC) {
        json.string("prefsrc", Address(rtm_family, source));
    }
    if let Some(metric) = tb.u32(libc::RTA_PRIORITY) {
        json.number("metric", metric);
    }
    print_flags(flags, json);
    if let Some(mark) = tb.u32(libc::RTA_MARK).filter(|&m| m != 0) {
        json.number("mark", mark);
    }
    if let Some(flow) = tb.u32(libc::RTA_FLOW) {
        print_flow(context, flow, json);
    }
    if let Some(uid) = tb.u32(RTA_UID) {
        json.number("uid", uid);
    }
    if let Some(info) = tb.get(libc::RTA_CACHEINFO) {
        print_cacheinfo(info, json);
    }
    if let Some(metrics) = tb.get(libc::RTA_METRICS) {
        print_metrics(metrics, json);
    }
    if let Some(iif) = tb.u32(libc::RTA_IIF) {
        json.string("iif", context.links.name(iif));
    }
    match tb.u8(crate::netlink::rta::RTA_PREF) {
        Some(0) => json.string("pref", "medium"),
        Some(1) => json.string("pref", "high"),
        Some(3) => json.string("pref", "low"),
        Some(other) => json.number("pref", other),
        None => {}
    }
    if let Some(propagate) = tb.u8(RTA_TTL_PROPAGATE) {
        // So the tool spells it.
        json.bool("ttl-propogate", propagate != 0);
    }
    if let Some(id) = nexthop {
        super::nexthop::print_cached(context, id, json);
    }
    if let Some(multipath) = tb.get(libc::RTA_MULTIPATH) {
        print_multipath(context, rtm_family, multipath, json);
    }
    json.close();
}

/// The names of types of routes (ip/rtm_map.c).
pub(super) fn route_type(kind: u8) -> impl fmt::Display {
    let name = match kind {
        libc::RTN_UNSPEC => "none",
        libc::RTN_UNICAST => "unicast",
        libc::RTN_LOCAL => "local",
        libc::RTN_BROADCAST => "broadcast",
        libc::RTN_ANYCAST => "anycast",
        libc::RTN_MULTICAST => "multicast",
        libc::RTN_BLACKHOLE => "blackhole",
        libc::RTN_UNREACHABLE => "unreachable",
        libc::RTN_PROHIBIT => "prohibit",
        libc::RTN_THROW => "throw",
        libc::RTN_NAT => "nat",
        libc::RTN_XRESOLVE => "xresolve",
        other => return other.to_string(),
    };
    name.to_owned()
}

/// An address with its length, where it is not that of a host.
struct Prefix<'a>(u8, Attr<'a>, u8);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Prefix(family, attr, len) = self;
        Address(family, attr).fmt(f)?;
        if host_length(family) == Some(len) { Ok(()) } else { write!(f, "/{len}") }
    }
}

/// The length of a host's address, in bits (af_bit_len in lib/utils.c).
pub(super) fn host_length(family: u8) -> Option<u8> {
    match i32::from(family) {
        libc::AF_INET => Some(32),
        libc::AF_INET6 => Some(128),
        super::text::AF_MPLS => Some(20),
        _ => None,
    }
}

/// `struct rtvia`: a gateway of another family.
fn print_via(via: Attr<'_>, json: &mut Json<'_>) {
    let (Some(id), Some(address)) = (via.u16(), via.0.get(2..)) else { return };
    json.open(Some("via"));
    json.string("family", family(id));
    json.string("host", Address(u8::try_from(id).unwrap_or(0), Attr(address)));
    json.close();
}

/// Flags of a route or a next hop (RTNH_F_*, RTM_F_*).
pub(super) fn print_flags(flags: u32, json: &mut Json<'_>) {
    const NAMES: &[(u32, &str)] = &[
        (0x1, "dead"),
        (0x4, "onlink"),
        (0x2, "pervasive"),
        (0x8, "offload"),
        (0x40, "trap"),
        (0x100, "notify"),
        (0x10, "linkdown"),
        (0x20, "unresolved"),
        (0x4000, "rt_offload"),
        (0x8000, "rt_trap"),
        (0x2000_0000, "rt_offload_failed"),
    ];
    json.open_array(Some("flags"));
    for (_, name) in NAMES.iter().filter(|(bit, _)| flags & bit != 0) {
        json.item(name);
    }
    json.close_array();
}

/// Realms: where from, where to.
fn print_flow(context: &Context<'_>, flow: u32, json: &mut Json<'_>) {
    json.open(Some("flow"));
    if flow >> 16 != 0 {
        json.string("from", context.names.realm(flow >> 16));
    }
    json.string("to", context.names.realm(flow & 0xffff));
    json.close();
}

/// `struct rta_cacheinfo`: clntref, lastuse, expires, error, used, id, ts, tsage.
fn print_cacheinfo(info: Attr<'_>, json: &mut Json<'_>) {
    let field = |i: usize| info.0.get(4 * i..).and_then(|b| Attr(b).u32()).unwrap_or(0);
    let expires = field(2).cast_signed();
    if expires != 0 {
        json.number("expires", expires / USER_HZ);
    }
    if field(3) != 0 {
        json.number("error", field(3));
    }
    if field(5) != 0 {
        json.hex("ipid", field(5).into());
    }
    if field(6) != 0 || field(7) != 0 {
        json.hex("ts", field(6).into());
        json.number("tsage", field(7));
    }
}

fn print_metrics(metrics: Attr<'_>, json: &mut Json<'_>) {
    /// RTAX_*: 2 to 17.
    const NAMES: [&str; 18] = [
        "",
        "",
        "mtu",
        "window",
        "rtt",
        "rttvar",
        "ssthresh",
        "cwnd",
        "advmss",
        "reordering",
        "hoplimit",
        "initcwnd",
        "features",
        "rto_min",
        "initrwnd",
        "quickack",
        "congctl",
        "fastopen_no_cookie",
    ];
    const LOCK: u16 = 1;
    const RTT: u16 = 4;
    const RTTVAR: u16 = 5;
    const HOPLIMIT: u16 = 10;
    const FEATURES: u16 = 12;
    const CC_ALGO: u16 = 16;
    /// The only feature with a name of its own (RTAX_FEATURE_ECN).
    const ECN: u32 = 1;
    let tb = metrics.table::<18>();
    let locked = tb.u32(LOCK).unwrap_or(0);
    json.open_array(Some("metrics"));
    json.open(None);
    for (i, name) in (0u16..).zip(NAMES).skip(2) {
        if !tb.has(i) && locked & (1 << i) == 0 {
            continue;
        }
        if i == CC_ALGO {
            if let Some(name) = tb.get(i) {
                json.string("congestion", name.text());
            }
            continue;
        }
        let value = tb.u32(i).unwrap_or(0);
        match i {
            HOPLIMIT if value == u32::MAX => {}
            FEATURES => {
                if value & ECN != 0 {
                    json.null("ecn");
                }
                if value & !ECN != 0 {
                    json.hex("features", value.into());
                }
            }
            RTT => json.number(name, value / 8),
            RTTVAR => json.number(name, value / 4),
            _ => json.number(name, value),
        }
    }
    json.close();
    json.close_array();
}

/// `struct rtnexthop` (length, flags, weight less one, interface), each followed by attributes.
fn print_multipath(context: &mut Context<'_>, rtm_family: u8, multipath: Attr<'_>, json: &mut Json<'_>) {
    let mut rest = multipath.0;
    json.open_array(Some("nexthops"));
    while let Some(&[l0, l1, flags, hops, i0, i1, i2, i3]) = rest.first_chunk::<NEXTHOP_HEADER>() {
        let len = usize::from(u16::from_ne_bytes([l0, l1]));
        let Some(attrs) = rest.get(NEXTHOP_HEADER..len) else { break };
        let tb = Attr(attrs).table::<ATTRS>();
        json.open(None);
        if let Some(attr) = tb.get(crate::netlink::rta::RTA_ENCAP) {
            encap::print(context, tb.u16(crate::netlink::rta::RTA_ENCAP_TYPE), attr, json);
        }
        if let Some(to) = tb.get(crate::netlink::rta::RTA_NEWDST) {
            json.string("to", Address(rtm_family, to));
        }
        if let Some(gateway) = tb.get(libc::RTA_GATEWAY) {
            json.string("gateway", Address(rtm_family, gateway));
        }
        if let Some(via) = tb.get(crate::netlink::rta::RTA_VIA) {
            print_via(via, json);
        }
        if let Some(flow) = tb.u32(libc::RTA_FLOW) {
            print_flow(context, flow, json);
        }
        json.string("dev", context.links.name(u32::from_ne_bytes([i0, i1, i2, i3])));
        json.number("weight", u16::from(hops) + 1);
        print_flags(flags.into(), json);
        json.close();
        rest = rest.get((len + 3) & !3..).unwrap_or_default();
    }
    json.close_array();
}
