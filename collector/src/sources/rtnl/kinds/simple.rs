//! Kinds that say little: VLAN, macvlan, ipvlan, netkit, tun, VRF, xfrm.

use super::{Data, Field, Show};
use crate::netlink::Attr;
use crate::sources::json::Json;
use crate::sources::rtnl::Context;
use crate::sources::rtnl::text::{Hardware, ethertype};

/// IFLA_VLAN_* (ip/iplink_vlan.c).
pub(super) const VLAN: &[Field] = &[Field(1, "", Show::With(print_vlan))];
/// IFLA_MACVLAN_* (ip/iplink_macvlan.c).
pub(super) const MACVLAN: &[Field] = &[Field(1, "", Show::With(print_macvlan))];
/// IFLA_IPVLAN_* (ip/iplink_ipvlan.c).
pub(super) const IPVLAN: &[Field] = &[Field(1, "", Show::With(print_ipvlan))];
/// IFLA_NETKIT_* (ip/iplink_netkit.c of iproute2 6.7).
pub(super) const NETKIT: &[Field] = &[
    Field(5, "mode", Show::Name32(&["l2", "l3"])),
    Field(2, "", Show::With(print_netkit_end)),
    Field(3, "", Show::With(|_, data, json| print_policy("policy", data.u32(3), json))),
    Field(4, "", Show::With(|_, data, json| print_policy("peer_policy", data.u32(4), json))),
];
/// IFLA_TUN_* (ip/iptuntap.c).
pub(super) const TUN: &[Field] = &[
    Field(3, "", Show::With(print_tun_type)),
    Field(4, "pi", Show::Bool),
    Field(5, "vnet_hdr", Show::Bool),
    Field(7, "", Show::With(print_queues)),
    Field(6, "persist", Show::Bool),
    Field(1, "", Show::With(print_owner)),
];
/// IFLA_VRF_TABLE, which is also IFLA_VRF_PORT_TABLE (ip/iplink_vrf.c).
pub(super) const VRF: &[Field] = &[Field(1, "table", Show::U32)];
/// IFLA_XFRM_* (ip/link_xfrm.c).
pub(super) const XFRM: &[Field] = &[Field(1, "", Show::With(print_xfrm))];

fn print_vlan(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    const FLAGS: &[&str] = &["REORDER_HDR", "GVRP", "LOOSE_BINDING", "MVRP", "BRIDGE_BINDING"];
    /// The order in which the tool names them.
    const ORDER: &[usize] = &[0, 1, 3, 2, 4];
    let Some(id) = data.u16(1) else { return };
    match data.get(5).and_then(Attr::be16) {
        Some(protocol) => json.string("protocol", ethertype(protocol)),
        None => json.string("protocol", "802.1q"),
    }
    json.number("id", id);
    if let Some(mut flags) = data.u32(2) {
        json.open_array(Some("flags"));
        for bit in ORDER.iter().copied().filter(|bit| flags & (1 << bit) != 0).collect::<Vec<_>>() {
            flags &= !(1 << bit);
            if let Some(name) = FLAGS.get(bit) {
                json.item(name);
            }
        }
        if flags != 0 {
            json.item(format_args!("{flags:x}"));
        }
        json.close_array();
    }
    for (key, number) in [("ingress_qos", 4), ("egress_qos", 3)] {
        let Some(map) = data.get(number) else { continue };
        json.open_array(Some(key));
        // `struct ifla_vlan_qos_mapping`.
        for (_, entry) in map.nested() {
            json.open(None);
            json.number("from", entry.u32().unwrap_or(0));
            json.number("to", entry.0.get(4..).and_then(|e| Attr(e).u32()).unwrap_or(0));
            json.close();
        }
        json.close_array();
    }
}

fn print_macvlan(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    const SOURCE: u32 = 16;
    const ADDRESS: u16 = 4;
    let Some(mode) = data.u32(1) else { return };
    let name = match mode {
        1 => "private",
        2 => "vepa",
        4 => "bridge",
        8 => "passthru",
        SOURCE => "source",
        _ => "unknown",
    };
    json.string("mode", name);
    for (bit, key) in [(1, "nopromisc"), (2, "nodst")] {
        if data.u16(2).unwrap_or(0) & bit != 0 {
            json.bool(key, true);
        }
    }
    for (number, key) in [(7, "bcqueuelen"), (8, "usedbcqueuelen")] {
        if let Some(len) = data.u32(number) {
            json.number(key, len);
        }
    }
    let Some(count) = data.u32(6).filter(|_| mode == SOURCE) else { return };
    json.number("macaddr_count", count);
    let Some(addresses) = data.get(5) else { return };
    json.open_array(Some("macaddr_data"));
    for (_, address) in addresses.nested().filter(|(kind, a)| *kind == ADDRESS && a.0.len() >= 6) {
        json.item(Hardware(address, nix::libc::ARPHRD_ETHER));
    }
    json.close_array();
}

fn print_ipvlan(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    if let Some(mode) = data.u16(1) {
        json.string("mode", ["l2", "l3", "l3s"].get(usize::from(mode)).copied().unwrap_or("unknown"));
    }
    if let Some(flags) = data.u16(2) {
        json.bool(
            if flags & 1 != 0 {
                "private"
            } else if flags & 2 != 0 {
                "vepa"
            } else {
                "bridge"
            },
            true,
        );
    }
}

fn print_netkit_end(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    if let Some(primary) = data.u8(2) {
        json.string("type", if primary != 0 { "primary" } else { "peer" });
    }
}

/// NETKIT_PASS, NETKIT_DROP: what happens to packets while no program is attached.
fn print_policy(key: &str, policy: Option<u32>, json: &mut Json<'_>) {
    match policy {
        Some(0) => json.string(key, "forward"),
        Some(2) => json.string(key, "blackhole"),
        Some(other) => json.string(key, other),
        None => {}
    }
}

/// IFF_TUN, IFF_TAP.
fn print_tun_type(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    match data.u8(3) {
        Some(1) => json.string("type", "tun"),
        Some(2) => json.string("type", "tap"),
        Some(_) => json.string("type", "UNKNOWN"),
        None => {}
    }
}

fn print_queues(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    let multi = data.u8(7).is_some_and(|m| m != 0);
    json.bool("multi_queue", multi);
    if multi {
        for (key, number) in [("numqueues", 8), ("numdisabled", 9)] {
            if let Some(n) = data.u32(number) {
                json.number(key, n);
            }
        }
    }
}

fn print_owner(context: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    for (key, file, number) in [("user", "/etc/passwd", 1), ("group", "/etc/group", 2)] {
        let Some(id) = data.u32(number) else { continue };
        match context.names.account(file, id) {
            Some(name) => json.string(key, name),
            None => json.number(key, id),
        }
    }
}

fn print_xfrm(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    if data.has(3) {
        json.bool("external", true);
    } else if let Some(id) = data.u32(2) {
        json.hex("if_id", id.into());
    }
}
