//! Bridges and their ports (ip/iplink_bridge.c, ip/iplink_bridge_slave.c).

use std::fmt;

use super::{Data, Field, Show};
use crate::netlink::Attr;
use crate::sources::json::Json;
use crate::sources::rtnl::Context;

/// IFLA_BR_*.
pub(super) const BRIDGE: &[Field] = &[
    Field(1, "forward_delay", Show::U32),
    Field(2, "hello_time", Show::U32),
    Field(3, "max_age", Show::U32),
    Field(4, "ageing_time", Show::U32),
    Field(5, "stp_state", Show::U32),
    Field(6, "priority", Show::U16),
    Field(7, "vlan_filtering", Show::U8),
    Field(8, "vlan_protocol", Show::Ethertype),
    Field(11, "bridge_id", Show::BridgeId),
    Field(10, "root_id", Show::BridgeId),
    Field(12, "root_port", Show::U16),
    Field(13, "root_path_cost", Show::U32),
    Field(14, "topology_change", Show::U8),
    Field(15, "topology_change_detected", Show::U8),
    Field(16, "hello_timer", Show::Timer),
    Field(17, "tcn_timer", Show::Timer),
    Field(18, "topology_change_timer", Show::Timer),
    Field(19, "gc_timer", Show::Timer),
    Field(39, "vlan_default_pvid", Show::U16),
    Field(41, "vlan_stats_enabled", Show::U8),
    Field(45, "vlan_stats_per_port", Show::U8),
    Field(9, "group_fwd_mask", Show::Hex16),
    Field(20, "group_addr", Show::Mac),
    Field(23, "mcast_snooping", Show::U8),
    Field(46, "", Show::With(print_options)),
    Field(22, "mcast_router", Show::U8),
    Field(24, "mcast_query_use_ifaddr", Show::U8),
    Field(25, "mcast_querier", Show::U8),
    Field(26, "mcast_hash_elasticity", Show::U32),
    Field(27, "mcast_hash_max", Show::U32),
    Field(28, "mcast_last_member_cnt", Show::U32),
    Field(29, "mcast_startup_query_cnt", Show::U32),
    Field(30, "mcast_last_member_intvl", Show::U64),
    Field(31, "mcast_membership_intvl", Show::U64),
    Field(32, "mcast_querier_intvl", Show::U64),
    Field(33, "mcast_query_intvl", Show::U64),
    Field(34, "mcast_query_response_intvl", Show::U64),
    Field(35, "mcast_startup_query_intvl", Show::U64),
    Field(42, "mcast_stats_enabled", Show::U8),
    Field(43, "mcast_igmp_version", Show::U8),
    Field(44, "mcast_mld_version", Show::U8),
    Field(36, "nf_call_iptables", Show::U8),
    Field(37, "nf_call_ip6tables", Show::U8),
    Field(38, "nf_call_arptables", Show::U8),
];

/// IFLA_BRPORT_*.
pub(super) const PORT: &[Field] = &[
    Field(1, "", Show::With(print_state)),
    Field(2, "priority", Show::U16),
    Field(3, "cost", Show::I32),
    Field(4, "hairpin", Show::Bool),
    Field(5, "guard", Show::Bool),
    Field(6, "root_block", Show::Bool),
    Field(7, "fastleave", Show::Bool),
    Field(8, "learning", Show::Bool),
    Field(9, "flood", Show::Bool),
    Field(17, "id", Show::Hex16),
    Field(18, "no", Show::Hex16),
    Field(15, "designated_port", Show::U16),
    Field(16, "designated_cost", Show::U16),
    Field(14, "bridge_id", Show::BridgeId),
    Field(13, "root_id", Show::BridgeId),
    Field(23, "hold_timer", Show::Timer),
    Field(21, "message_age_timer", Show::Timer),
    Field(22, "forward_delay_timer", Show::Timer),
    Field(19, "topology_change_ack", Show::U8),
    Field(20, "config_pending", Show::U8),
    Field(10, "proxy_arp", Show::Bool),
    Field(12, "proxy_arp_wifi", Show::Bool),
    Field(25, "multicast_router", Show::U8),
    Field(27, "mcast_flood", Show::Bool),
    Field(30, "bcast_flood", Show::Bool),
    Field(28, "mcast_to_unicast", Show::Bool),
    Field(32, "neigh_suppress", Show::Bool),
    Field(31, "group_fwd_mask", Show::Hex16),
    Field(31, "", Show::With(print_mask)),
    Field(29, "vlan_tunnel", Show::Bool),
    Field(33, "isolated", Show::Bool),
    Field(39, "locked", Show::Bool),
    Field(34, "backup_port", Show::Link),
];

/// BR_STATE_*.
pub(in crate::sources::rtnl) const STATES: &[&str] = &["disabled", "listening", "learning", "forwarding", "blocking"];

fn print_state(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    let Some(state) = data.u8(1) else { return };
    match STATES.get(usize::from(state)) {
        Some(name) => json.string("state", name),
        None => json.number("state_index", state),
    }
}

/// Which link-local groups are forwarded: `lacp,0x8`.
fn print_mask(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    let Some(mask) = data.u16(31) else { return };
    let bits = (0..16u16).filter(|bit| mask & (1 << bit) != 0);
    let names: Vec<String> = bits
        .map(|bit| match bit {
            0 => "stp".to_owned(),
            2 => "lacp".to_owned(),
            14 => "lldp".to_owned(),
            other => format!("0x{:x}", 1u32 << other),
        })
        .collect();
    if names.is_empty() { json.string("group_fwd_mask_str", "0x0") } else { json.string("group_fwd_mask_str", names.join(",")) }
}

/// `struct br_boolopt_multi`: values, and which of them the kernel knows.
fn print_options(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    let Some(options) = data.get(46) else { return };
    let (value, mask) = (options.u32().unwrap_or(0), options.0.get(4..).and_then(|m| Attr(m).u32()).unwrap_or(0));
    for (bit, key) in [(1, "no_linklocal_learn"), (2, "mcast_vlan_snooping")] {
        if mask & bit != 0 {
            json.number(key, u8::from(value & bit != 0));
        }
    }
}

/// `struct ifla_bridge_id`, as `8000.2:0:0:ab:0:1` (ether_ntoa(3) writes no leading zeros).
pub(super) fn bridge_id(attr: Attr<'_>) -> Option<impl fmt::Display> {
    let [p0, p1, mac @ ..] = attr.0.first_chunk::<8>()?;
    let mac: Vec<String> = mac.iter().map(|b| format!("{b:x}")).collect();
    Some(format!("{p0:02x}{p1:02x}.{}", mac.join(":")))
}
