//! Forwarding entries, ports and VLANs of bridges, as `bridge -d -j fdb`, `bridge -d -j link` and `bridge -j vlan` print them
//! (bridge/fdb.c, bridge/link.c, bridge/vlan.c).
//!
//! ```text
//! {"mac":"4a:43:9c:0e:2a:50","ifname":"flannel.1","dst":"192.168.77.12","flags":["self"],"state":"permanent"}
//! {"ifindex":7,"link_index":2,"ifname":"veth1","flags":[…],"mtu":1450,"master":"cni0","state":"forwarding","priority":32,…}
//! {"ifname":"cni0","vlans":[{"vlan":1,"flags":["PVID","Egress Untagged"]}]}
//! ```

use nix::libc;

use super::kinds::{Field, PORT_STATES, Show, print_fields};
use super::text::{Hardware, Ip6};
use super::{Context, link, neigh};
use crate::netlink::{Attr, Message, Table};
use crate::sources::json::Json;

/// The VLANs of each port are asked for, one by one (RTEXT_FILTER_BRVLAN).
pub(super) const WITH_VLANS: u32 = 1 << 1;

/// An entry of a bridge's or a VXLAN device's forwarding database.
pub(super) fn print_fdb(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    /// NTF_*, in the tool's order.
    const FLAGS: &[(u8, &str)] =
        &[(0x02, "self"), (0x80, "router"), (0x10, "extern_learn"), (0x20, "offload"), (0x04, "master"), (0x40, "sticky")];
    // NDA_*, of which the libc of musl lacks these.
    const MASTER: u16 = 9;
    const LINK_NETNSID: u16 = 10;
    const SRC_VNI: u16 = 11;
    const NH_ID: u16 = 13;
    let Some(&[family, _, _, _, i0, i1, i2, i3, s0, s1, flags, _]) = message.header::<{ neigh::HEADER }>() else { return };
    if message.kind != libc::RTM_NEWNEIGH || i32::from(family) != libc::AF_BRIDGE {
        return;
    }
    let (index, state) = (u32::from_ne_bytes([i0, i1, i2, i3]), u16::from_ne_bytes([s0, s1]));
    let tb = Table::<{ neigh::ATTRS }>::new(message.attrs(neigh::HEADER));
    json.open(None);
    if let Some(mac) = tb.get(libc::NDA_LLADDR) {
        json.string("mac", Hardware(mac, context.links.hardware(index)));
    }
    if index != 0 {
        json.string("ifname", context.links.name(index));
    }
    match tb.get(libc::NDA_DST) {
        Some(dst) if dst.0.len() == 16 => dst.ipv6().map_or((), |a| json.string("dst", Ip6(a))),
        Some(dst) => dst.ipv4().map_or((), |a| json.string("dst", a)),
        None => {}
    }
    if let Some(vlan) = tb.u16(libc::NDA_VLAN).filter(|&v| v != 0) {
        json.number("vlan", vlan);
    }
    if let Some(port) = tb.get(libc::NDA_PORT).and_then(Attr::be16) {
        json.number("port", port);
    }
    for (key, number) in [("vni", libc::NDA_VNI), ("src_vni", SRC_VNI)] {
        if let Some(vni) = tb.u32(number) {
            json.number(key, vni);
        }
    }
    let namespace = tb.u32(LINK_NETNSID);
    if let Some(via) = tb.u32(libc::NDA_IFINDEX) {
        match namespace {
            Some(_) => json.number("viaIfIndex", via),
            None => json.string("viaIf", context.links.name(via)),
        }
    }
    if let Some(id) = tb.u32(NH_ID) {
        json.number("nhid", id);
    }
    if let Some(id) = namespace {
        json.number("linkNetNsId", id);
    }
    json.open_array(Some("flags"));
    for (_, name) in FLAGS.iter().filter(|(bit, _)| flags & bit != 0) {
        json.item(name);
    }
    json.close_array();
    if let Some(master) = tb.u32(MASTER) {
        json.string("master", context.links.name(master));
    }
    print_fdb_state(state, json);
    json.close();
}

/// NUD_*, the first of these.
fn print_fdb_state(state: u16, json: &mut Json<'_>) {
    for (bit, name) in [(0x80, "permanent"), (0x40, "static"), (0x04, "stale"), (0x02, "")] {
        if state & bit != 0 {
            return json.string("state", name);
        }
    }
    json.hex("state", state.into());
}

/// A port of a bridge.
pub(super) fn print_port(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    /// Of hardware that bridges by itself.
    const BRIDGE_MODE: u16 = 1;
    let Some(h) = message.header::<{ link::HEADER }>() else { return };
    if message.kind != libc::RTM_NEWLINK || !matches!(i32::from(h[0]), libc::AF_BRIDGE | libc::AF_UNSPEC) {
        return;
    }
    let tb = Table::<{ link::ATTRS }>::new(message.attrs(link::HEADER));
    let Some(name) = tb.get(libc::IFLA_IFNAME) else { return };
    json.open(None);
    json.number("ifindex", i32::from_ne_bytes([h[4], h[5], h[6], h[7]]));
    let lower_down = link::print_lower(context, &tb, json);
    json.string("ifname", name.text());
    link::print_flags(u32::from_ne_bytes([h[8], h[9], h[10], h[11]]), lower_down, json);
    if let Some(mtu) = tb.i32(libc::IFLA_MTU) {
        json.number("mtu", mtu);
    }
    if let Some(master) = tb.u32(libc::IFLA_MASTER) {
        json.string("master", context.links.name(master));
    }
    match tb.get(libc::IFLA_PROTINFO) {
        // A kernel before 3.0 gives the state alone.
        Some(Attr(&[state])) => print_state(state, json),
        Some(port) => {
            let data = port.table();
            if let Some(state) = data.u8(1) {
                print_state(state, json);
            }
            print_fields(context, PORT, &data, json);
        }
        None => {}
    }
    if let Some(mode) = tb.get(libc::IFLA_AF_SPEC).and_then(|a| a.table::<3>().u16(BRIDGE_MODE)) {
        match mode {
            0 => json.string("hwmode", "VEB"),
            1 => json.string("hwmode", "VEPA"),
            other => json.hex("hwmode", other.into()),
        }
    }
    json.close();
}

fn print_state(state: u8, json: &mut Json<'_>) {
    match PORT_STATES.get(usize::from(state)) {
        Some(name) => json.string("state", name),
        None => json.number("state", state),
    }
}

/// IFLA_BRPORT_*, in the order of bridge(8), which is not that of ip(8).
const PORT: &[Field] = &[
    Field(2, "priority", Show::U16),
    Field(3, "cost", Show::U32),
    Field(4, "hairpin", Show::Bool),
    Field(5, "guard", Show::Bool),
    Field(6, "root_block", Show::Bool),
    Field(7, "fastleave", Show::Bool),
    Field(8, "learning", Show::Bool),
    Field(11, "learning_sync", Show::Bool),
    Field(9, "flood", Show::Bool),
    Field(27, "mcast_flood", Show::Bool),
    Field(30, "bcast_flood", Show::Bool),
    Field(25, "mcast_router", Show::U8),
    Field(28, "mcast_to_unicast", Show::Bool),
    Field(32, "neigh_suppress", Show::Bool),
    Field(29, "vlan_tunnel", Show::Bool),
    Field(34, "backup_port", Show::Link),
    Field(33, "isolated", Show::Bool),
    Field(39, "locked", Show::Bool),
];

/// The VLANs of a port or a bridge; nothing if it has none.
pub(super) fn print_vlans(context: &mut Context<'_>, message: Message<'_>, json: &mut Json<'_>) {
    const VLAN_INFO: u16 = 2;
    const PVID: u16 = 1 << 1;
    const UNTAGGED: u16 = 1 << 2;
    const RANGE_BEGIN: u16 = 1 << 3;
    const RANGE_END: u16 = 1 << 4;
    let Some(h) = message.header::<{ link::HEADER }>() else { return };
    if message.kind != libc::RTM_NEWLINK || i32::from(h[0]) != libc::AF_BRIDGE {
        return;
    }
    let tb = Table::<{ link::ATTRS }>::new(message.attrs(link::HEADER));
    let Some(spec) = tb.get(libc::IFLA_AF_SPEC) else { return };
    let (mut opened, mut start) = (false, 0);
    for (_, info) in spec.nested().filter(|(kind, _)| *kind == VLAN_INFO) {
        // `struct bridge_vlan_info`: flags, number.
        let (Some(flags), Some(vlan)) = (info.u16(), info.0.get(2..).and_then(|v| Attr(v).u16())) else { continue };
        if flags & RANGE_END == 0 {
            start = vlan;
        }
        if flags & RANGE_BEGIN != 0 {
            continue;
        }
        if !opened {
            json.open(None);
            json.string("ifname", context.links.name(u32::from_ne_bytes([h[4], h[5], h[6], h[7]])));
            json.open_array(Some("vlans"));
            opened = true;
        }
        json.open(None);
        json.number("vlan", start);
        if start != vlan {
            json.number("vlanEnd", vlan);
        }
        if flags != 0 {
            json.open_array(Some("flags"));
            for (_, name) in [(PVID, "PVID"), (UNTAGGED, "Egress Untagged")].iter().filter(|(bit, _)| flags & bit != 0) {
                json.item(name);
            }
            json.close_array();
        }
        json.close();
    }
    if opened {
        json.close_array();
        json.close();
    }
}
