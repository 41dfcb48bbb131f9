//! Links, as `ip -d -j addr` and `ip -s -d -j link` print them (print_linkinfo in ip/ipaddress.c).
//!
//! ```text
//! {"ifindex":2,"ifname":"eth0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"mtu":1500,"qdisc":"mq","operstate":"UP",…
//!  "linkinfo":{"info_kind":"veth"},…,"stats64":{"rx":{"bytes":0,…},"tx":{…}}}
//! ```
//! What is known of a virtual function of SR-IOV hardware is in `vf`, of a kind of link in `kinds`.

use nix::libc;

use super::Context;
use super::kinds;
use super::text::{Hardware, Hex, hardware_name};
use super::vf;
use crate::netlink::{Attr, Message, Table};
use crate::sources::json::Json;

/// `struct ifinfomsg`.
pub(crate) const HEADER: usize = 16;
/// IFLA_* up to what Linux 6.18 has.
pub(super) const ATTRS: usize = 80;

const IFF_UP: u32 = 1;
const IFF_POINTOPOINT: u32 = 0x10;
const IFF_RUNNING: u32 = 0x40;
// include/uapi/linux/if_link.h, not in libc.
const PERM_ADDRESS: u16 = 54;
const PROTO_DOWN_REASON: u16 = 55;
const ALT_IFNAME: u16 = 53;
const PARENT_DEV_NAME: u16 = 56;
const PARENT_DEV_BUS_NAME: u16 = 57;

/// Whose part of the text it is: addresses follow, or statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    Addr,
    Link,
}

/// Writes a link into an object that is open already; gives its number.
pub(super) fn print(context: &mut Context<'_>, message: Message<'_>, part: For, json: &mut Json<'_>) -> Option<u32> {
    let h = message.header::<HEADER>()?;
    let hardware = u16::from_ne_bytes([h[2], h[3]]);
    let index = u32::from_ne_bytes([h[4], h[5], h[6], h[7]]);
    let flags = u32::from_ne_bytes([h[8], h[9], h[10], h[11]]);
    let tb = Table::<ATTRS>::new(message.attrs(HEADER));
    let name = tb.get(libc::IFLA_IFNAME)?;
    json.number("ifindex", index.cast_signed());
    let lower_down = print_lower(context, &tb, json);
    json.string("ifname", name.text());
    print_flags(flags, lower_down, json);
    if let Some(mtu) = tb.i32(libc::IFLA_MTU) {
        json.number("mtu", mtu);
    }
    if let Some(xdp) = tb.get(libc::IFLA_XDP) {
        print_xdp(xdp, json);
    }
    if let Some(qdisc) = tb.get(libc::IFLA_QDISC) {
        json.string("qdisc", qdisc.text());
    }
    if let Some(master) = tb.u32(libc::IFLA_MASTER) {
        json.string("master", context.links.name(master));
    }
    if let Some(state) = tb.u8(libc::IFLA_OPERSTATE) {
        print_operstate(state, json);
    }
    if part == For::Link
        && let Some(mode) = tb.u8(libc::IFLA_LINKMODE)
    {
        match mode {
            0 => json.string("linkmode", "DEFAULT"),
            1 => json.string("linkmode", "DORMANT"),
            other => json.number("linkmode_index", other),
        }
    }
    if let Some(group) = tb.u32(libc::IFLA_GROUP) {
        json.string("group", context.names.group(group));
    }
    if let Some(len) = tb.i32(libc::IFLA_TXQLEN).filter(|&len| len != 0) {
        json.number("txqlen", len);
    }
    print_addresses(&tb, hardware, flags, json);
    if let Some(id) = tb.i32(libc::IFLA_LINK_NETNSID) {
        json.number("link_netnsid", id);
    }
    print_proto_down(context, &tb, json);
    for (number, key) in [
        (libc::IFLA_PROMISCUITY, "promiscuity"),
        (61, "allmulti"),
        (libc::IFLA_MIN_MTU, "min_mtu"),
        (libc::IFLA_MAX_MTU, "max_mtu"),
    ] {
        if let Some(value) = tb.u32(number) {
            json.number(key, value);
        }
    }
    if let Some(info) = tb.get(libc::IFLA_LINKINFO) {
        print_linkinfo(context, info, json);
    }
    if part == For::Link
        && let Some(spec) = tb.get(libc::IFLA_AF_SPEC)
    {
        print_inet6(spec, json);
    }
    print_device(&tb, json);
    if let Some(alias) = tb.get(libc::IFLA_IFALIAS) {
        json.string("ifalias", alias.text());
    }
    if part == For::Link {
        print_stats(&tb, json);
    }
    if let (Some(list), true) = (tb.get(libc::IFLA_VFINFO_LIST), tb.has(libc::IFLA_NUM_VF)) {
        json.open_array(Some("vfinfo_list"));
        for (_, info) in list.nested() {
            json.open(None);
            vf::print(info, hardware, flags & IFF_POINTOPOINT != 0, part == For::Link, json);
            json.close();
        }
        json.close_array();
    }
    if let Some(properties) = tb.get(libc::IFLA_PROP_LIST) {
        json.open_array(Some("altnames"));
        for (_, name) in properties.nested().filter(|(kind, _)| *kind == ALT_IFNAME) {
            json.item(name.text());
        }
        json.close_array();
    }
    Some(index)
}

/// The lower device or the peer; says whether it is in this namespace and down.
pub(super) fn print_lower(context: &mut Context<'_>, tb: &Table<'_, ATTRS>, json: &mut Json<'_>) -> bool {
    let Some(lower) = tb.u32(libc::IFLA_LINK) else { return false };
    if lower == 0 {
        json.null("link");
    } else if tb.has(libc::IFLA_LINK_NETNSID) {
        json.number("link_index", lower.cast_signed());
    } else {
        json.string("link", context.links.name(lower));
        return context.links.flags(lower) & IFF_UP == 0;
    }
    false
}

/// IFF_* (netdevice(7)), and what the tool makes of them.
pub(super) fn print_flags(flags: u32, lower_down: bool, json: &mut Json<'_>) {
    const NAMES: &[(u32, &str)] = &[
        (0x8, "LOOPBACK"),
        (0x2, "BROADCAST"),
        (0x10, "POINTOPOINT"),
        (0x1000, "MULTICAST"),
        (0x80, "NOARP"),
        (0x200, "ALLMULTI"),
        (0x100, "PROMISC"),
        (0x400, "MASTER"),
        (0x800, "SLAVE"),
        (0x4, "DEBUG"),
        (0x8000, "DYNAMIC"),
        (0x4000, "AUTOMEDIA"),
        (0x2000, "PORTSEL"),
        (0x20, "NOTRAILERS"),
        (0x1, "UP"),
        (0x1_0000, "LOWER_UP"),
        (0x2_0000, "DORMANT"),
        (0x4_0000, "ECHO"),
    ];
    json.open_array(Some("flags"));
    if flags & IFF_UP != 0 && flags & IFF_RUNNING == 0 {
        json.item("NO-CARRIER");
    }
    let mut left = flags & !IFF_RUNNING;
    for (bit, name) in NAMES.iter().filter(|(bit, _)| flags & bit != 0) {
        json.item(name);
        left &= !bit;
    }
    if left != 0 {
        json.item(format_args!("{left:x}"));
    }
    if lower_down {
        json.item("M-DOWN");
    }
    json.close_array();
}

/// RFC 2863.
fn print_operstate(state: u8, json: &mut Json<'_>) {
    const NAMES: [&str; 7] = ["UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP"];
    match NAMES.get(usize::from(state)) {
        Some(name) => json.string("operstate", name),
        None => json.number("operstate_index", state),
    }
}

/// IFLA_XDP_*: which programs are attached, and how. Their names would need bpf(2); the numbers are those of `bpftool prog`.
fn print_xdp(xdp: Attr<'_>, json: &mut Json<'_>) {
    const ATTACHED: u16 = 2;
    const PROGRAM: u16 = 4;
    /// Driver, skb, hardware: attribute, and mode (XDP_ATTACHED_*), in the tool's order.
    const PLACES: [(u16, u8); 3] = [(6, 2), (5, 1), (7, 3)];
    let tb = xdp.table::<9>();
    let Some(mode) = tb.u8(ATTACHED).filter(|&mode| mode != 0) else { return };
    let program = |id: u32, json: &mut Json<'_>| {
        json.open(Some("prog"));
        json.number("id", id);
        json.close();
    };
    json.open(Some("xdp"));
    json.number("mode", mode);
    if let Some(id) = tb.u32(PROGRAM).filter(|&id| id != 0) {
        program(id, json);
    }
    json.open_array(Some("attached"));
    let places: Vec<(u32, u8)> = PLACES.iter().filter_map(|&(number, mode)| Some((tb.u32(number)?, mode))).collect();
    // A kernel before 4.17 says only what there is, not where.
    let old = tb.u32(PROGRAM).filter(|_| places.is_empty()).map(|id| (id, mode));
    for (id, mode) in places.into_iter().chain(old) {
        json.open(None);
        json.number("mode", mode);
        program(id, json);
        json.close();
    }
    json.close_array();
    json.close();
}

fn print_addresses(tb: &Table<'_, ATTRS>, hardware: u16, flags: u32, json: &mut Json<'_>) {
    json.string("link_type", hardware_name(hardware));
    let own = tb.get(libc::IFLA_ADDRESS);
    if let Some(address) = own {
        json.string("address", Hardware(address, hardware));
    }
    if let Some(broadcast) = tb.get(libc::IFLA_BROADCAST) {
        if flags & IFF_POINTOPOINT != 0 {
            json.bool("link_pointtopoint", true);
        }
        json.string("broadcast", Hardware(broadcast, hardware));
    }
    if let Some(permanent) = tb.get(PERM_ADDRESS).filter(|p| own != Some(*p)) {
        json.string("permaddr", Hardware(permanent, hardware));
    }
}

/// The tool asks for the reasons only where the value stands on its own among the link's attributes, where it never stands (it looks at
/// the wrong table, of which number 2 is the broadcast address): with a broadcast address they are named.
fn print_proto_down(context: &Context<'_>, tb: &Table<'_, ATTRS>, json: &mut Json<'_>) {
    const VALUE: u16 = 2;
    let Some(down) = tb.u8(libc::IFLA_PROTO_DOWN) else { return };
    if down != 0 {
        json.bool("proto_down", true);
    }
    let reasons = tb.get(PROTO_DOWN_REASON).and_then(|r| r.table::<3>().u32(VALUE)).unwrap_or(0);
    if reasons != 0 {
        json.open_array(Some("proto_down_reason"));
        for bit in (0..32).filter(|bit| reasons & (1 << bit) != 0) {
            json.item(context.names.protodown_reason(bit));
        }
        json.close_array();
    }
}

/// IFLA_INFO_*.
fn print_linkinfo(context: &mut Context<'_>, info: Attr<'_>, json: &mut Json<'_>) {
    let tb = info.table::<6>();
    json.open(Some("linkinfo"));
    if let Some(kind) = tb.get(libc::IFLA_INFO_KIND) {
        json.string("info_kind", kind.text());
        kinds::print(context, "info_data", &kind.text(), tb.get(libc::IFLA_INFO_DATA), json);
    }
    if let Some(kind) = tb.get(libc::IFLA_INFO_SLAVE_KIND) {
        json.string("info_slave_kind", kind.text());
        kinds::print(context, "info_slave_data", &format!("{}_slave", kind.text()), tb.get(libc::IFLA_INFO_SLAVE_DATA), json);
    }
    json.close();
}

/// How IPv6 addresses are made (IFLA_INET6_ADDR_GEN_MODE).
fn print_inet6(spec: Attr<'_>, json: &mut Json<'_>) {
    const ADDR_GEN_MODE: u16 = 8;
    let inet6 = spec.nested().find(|(family, _)| i32::from(*family) == libc::AF_INET6);
    let Some(mode) = inet6.and_then(|(_, attr)| attr.table::<10>().u8(ADDR_GEN_MODE)) else { return };
    match ["eui64", "none", "stable_secret", "random"].get(usize::from(mode)) {
        Some(name) => json.string("inet6_addr_gen_mode", name),
        None => json.string("inet6_addr_gen_mode", format_args!("0x{mode:02x}")),
    }
}

fn print_device(tb: &Table<'_, ATTRS>, json: &mut Json<'_>) {
    let numbers = [
        (libc::IFLA_NUM_TX_QUEUES, "num_tx_queues"),
        (libc::IFLA_NUM_RX_QUEUES, "num_rx_queues"),
        (libc::IFLA_GSO_MAX_SIZE, "gso_max_size"),
        (libc::IFLA_GSO_MAX_SEGS, "gso_max_segs"),
        (59, "tso_max_size"),
        (60, "tso_max_segs"),
        (58, "gro_max_size"),
    ];
    for (number, key) in numbers {
        if let Some(value) = tb.u32(number) {
            json.number(key, value);
        }
    }
    if let Some(name) = tb.get(libc::IFLA_PHYS_PORT_NAME) {
        json.string("phys_port_name", name.text());
    }
    for (number, key) in [(libc::IFLA_PHYS_PORT_ID, "phys_port_id"), (libc::IFLA_PHYS_SWITCH_ID, "phys_switch_id")] {
        if let Some(id) = tb.get(number) {
            json.string(key, Hex(id.0));
        }
    }
    for (number, key) in [(PARENT_DEV_BUS_NAME, "parentbus"), (PARENT_DEV_NAME, "parentdev")] {
        if let Some(name) = tb.get(number) {
            json.string(key, name.text());
        }
    }
}

/// `struct rtnl_link_stats64`, or its predecessor of 32 bits.
fn print_stats(tb: &Table<'_, ATTRS>, json: &mut Json<'_>) {
    let wide = tb.get(libc::IFLA_STATS64);
    let Some(stats) = wide.or_else(|| tb.get(libc::IFLA_STATS)) else { return };
    let field = |i: usize| match wide {
        Some(_) => stats.0.get(8 * i..).and_then(|b| Attr(b).u64()).unwrap_or(0),
        None => stats.0.get(4 * i..).and_then(|b| Attr(b).u32()).unwrap_or(0).into(),
    };
    // Places in the structure, in the tool's order.
    const RECEIVED: [(usize, &str); 6] =
        [(2, "bytes"), (0, "packets"), (4, "errors"), (6, "dropped"), (11, "over_errors"), (8, "multicast")];
    const SENT: [(usize, &str); 6] =
        [(3, "bytes"), (1, "packets"), (5, "errors"), (7, "dropped"), (17, "carrier_errors"), (9, "collisions")];
    json.open(Some(if wide.is_some() { "stats64" } else { "stats" }));
    for (key, fields, compressed) in [("rx", RECEIVED, 21), ("tx", SENT, 22)] {
        json.open(Some(key));
        for (i, name) in fields {
            json.number(name, field(i));
        }
        if field(compressed) != 0 {
            json.number("compressed", field(compressed));
        }
        json.close();
    }
    json.close();
}
