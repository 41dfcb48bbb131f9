//! Bonds and what they are made of (ip/iplink_bond.c, ip/iplink_bond_slave.c).

use super::{Data, Field, Show, name};
use crate::netlink::Attr;
use crate::sources::json::Json;
use crate::sources::rtnl::Context;
use crate::sources::rtnl::text::{Hardware, Ip6};

const MODES: &[&str] = &["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"];
const HASHES: &[&str] = &["layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"];

/// IFLA_BOND_*.
pub(super) const BOND: &[Field] = &[
    Field(1, "mode", Show::Name8(MODES)),
    Field(2, "active_slave", Show::Link),
    Field(3, "miimon", Show::U32),
    Field(4, "updelay", Show::U32),
    Field(5, "downdelay", Show::U32),
    Field(28, "peer_notify_delay", Show::U32),
    Field(6, "use_carrier", Show::U8),
    Field(7, "arp_interval", Show::U32),
    Field(30, "arp_missed_max", Show::U8),
    Field(8, "", Show::With(print_targets)),
    Field(9, "", Show::With(print_validate)),
    Field(10, "arp_all_targets", Show::Name32(&["any", "all"])),
    Field(11, "primary", Show::Link),
    Field(12, "primary_reselect", Show::Name8(&["always", "better", "failure"])),
    Field(13, "fail_over_mac", Show::Name8(&["none", "active", "follow"])),
    Field(14, "xmit_hash_policy", Show::Name8(HASHES)),
    Field(15, "resend_igmp", Show::U32),
    Field(16, "num_peer_notif", Show::U8),
    Field(17, "all_slaves_active", Show::U8),
    Field(18, "min_links", Show::U32),
    Field(19, "lp_interval", Show::U32),
    Field(20, "packets_per_slave", Show::U32),
    Field(29, "ad_lacp_active", Show::Name8(&["off", "on"])),
    Field(21, "ad_lacp_rate", Show::Name8(&["slow", "fast"])),
    Field(22, "ad_select", Show::Name8(&["stable", "bandwidth", "count"])),
    Field(23, "", Show::With(print_ad_info)),
    Field(24, "ad_actor_sys_prio", Show::U16),
    Field(25, "ad_user_port_key", Show::U16),
    Field(26, "ad_actor_system", Show::Mac),
    Field(27, "tlb_dynamic_lb", Show::U8),
];

/// IFLA_BOND_SLAVE_*.
pub(super) const SLAVE: &[Field] = &[
    Field(1, "", Show::With(print_state)),
    Field(3, "link_failure_count", Show::I32),
    Field(4, "perm_hwaddr", Show::Mac),
    Field(5, "queue_id", Show::U16),
    Field(9, "prio", Show::I32),
    Field(6, "ad_aggregator_id", Show::U16),
    Field(7, "ad_actor_oper_port_state", Show::U8),
    Field(7, "", Show::With(|_, data, json| print_port_state("ad_actor_oper_port_state_str", data.u8(7), json))),
    // The kernel gives 16 bits of which the tool reads the first byte.
    Field(8, "ad_partner_oper_port_state", Show::U8),
    Field(8, "", Show::With(|_, data, json| print_port_state("ad_partner_oper_port_state_str", data.u8(8), json))),
];

fn print_targets(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    if let Some(targets) = data.get(8).map(Attr::table::<16>).filter(|t| t.has(0)) {
        json.open_array(Some("arp_ip_target"));
        for target in (0..16).filter_map(|i| targets.get(i)?.ipv4()) {
            json.item(target);
        }
        json.close_array();
    }
    if let Some(targets) = data.get(31).map(Attr::table::<16>).filter(|t| t.has(0)) {
        json.open_array(Some("ns_ip6_target"));
        for target in (0..16).filter_map(|i| targets.get(i)?.ipv6()) {
            json.item(Ip6(target));
        }
        json.close_array();
    }
}

fn print_validate(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    const NAMES: &[&str] = &["none", "active", "backup", "all", "filter", "filter_active", "filter_backup"];
    match data.u32(9) {
        Some(0) => json.null("arp_validate"),
        Some(other) => json.string("arp_validate", name(NAMES, other)),
        None => {}
    }
}

fn print_ad_info(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    let Some(info) = data.get(23).map(Attr::table::<6>) else { return };
    json.open(Some("ad_info"));
    for (key, number) in [("aggregator", 1), ("num_ports", 2), ("actor_key", 3), ("partner_key", 4)] {
        if let Some(value) = info.u16(number) {
            json.number(key, value);
        }
    }
    if let Some(mac) = info.get(5) {
        json.string("partner_mac", Hardware(mac, 0));
    }
    json.close();
}

fn print_state(_: &mut Context<'_>, data: &Data<'_>, json: &mut Json<'_>) {
    let mut named = |value: Option<u8>, key: (&str, &str), names: &[&str]| match value.map(|v| (v, names.get(usize::from(v)))) {
        Some((_, Some(name))) => json.string(key.0, name),
        Some((value, None)) => json.number(key.1, value),
        None => {}
    };
    named(data.u8(1), ("state", "state_index"), &["ACTIVE", "BACKUP"]);
    named(data.u8(2), ("mii_status", "mii_status_index"), &["UP", "GOING_DOWN", "DOWN", "GOING_BACK"]);
}

/// LACP_STATE_* (IEEE 802.1AX, 6.4.2.3).
fn print_port_state(key: &str, state: Option<u8>, json: &mut Json<'_>) {
    const BITS: &[&str] =
        &["active", "short_timeout", "aggregating", "in_sync", "collecting", "distributing", "defaulted", "expired"];
    let Some(state) = state else { return };
    json.open_array(Some(key));
    for (_, name) in BITS.iter().enumerate().filter(|(bit, _)| state & (1 << bit) != 0) {
        json.item(name);
    }
    json.close_array();
}
