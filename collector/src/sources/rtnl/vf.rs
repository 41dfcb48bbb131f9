//! Virtual functions of SR-IOV hardware, as `ip -d -j link` prints them (print_vfinfo in ip/ipaddress.c).

use nix::libc;

use super::text::{Hardware, ethertype, hardware_name};
use crate::netlink::Attr;
use crate::sources::json::Json;

const ETHER_LEN: usize = 6;
const INFINIBAND_LEN: usize = 20;

/// IFLA_VF_*: each begins with the function's number.
pub(super) fn print(info: Attr<'_>, hardware: u16, point_to_point: bool, stats: bool, json: &mut Json<'_>) {
    const MAC: u16 = 1;
    const VLAN: u16 = 2;
    const TX_RATE: u16 = 3;
    const SPOOFCHK: u16 = 4;
    const LINK_STATE: u16 = 5;
    const RATE: u16 = 6;
    const RSS_QUERY: u16 = 7;
    const STATS: u16 = 8;
    const TRUST: u16 = 9;
    const VLAN_LIST: u16 = 12;
    const BROADCAST: u16 = 13;
    let tb = info.table::<14>();
    let len = if hardware == libc::ARPHRD_ETHER { ETHER_LEN } else { INFINIBAND_LEN };
    let word = |attr: Attr<'_>, i: usize| attr.0.get(4 * i..).and_then(|b| Attr(b).u32());
    let Some(mac) = tb.get(MAC) else { return };
    json.number("vf", word(mac, 0).unwrap_or(0));
    json.string("link_type", hardware_name(hardware));
    json.string("address", Hardware(Attr(mac.0.get(4..4 + len).unwrap_or_default()), hardware));
    if let Some(broadcast) = tb.get(BROADCAST) {
        if point_to_point {
            json.bool("link_pointtopoint", true);
        }
        json.string("broadcast", Hardware(Attr(broadcast.0.get(..len).unwrap_or_default()), hardware));
    }
    if let Some(list) = tb.get(VLAN_LIST) {
        json.open_array(Some("vlan_list"));
        for (_, vlan) in list.nested() {
            json.open(None);
            print_vlan(word(vlan, 1), word(vlan, 2), json);
            let protocol = vlan.0.get(12..).and_then(|p| Attr(p).be16()).filter(|&p| p != 0 && p != 0x8100);
            if let Some(protocol) = protocol {
                json.string("protocol", ethertype(protocol));
            }
            json.close();
        }
        json.close_array();
    } else if let Some(vlan) = tb.get(VLAN) {
        print_vlan(word(vlan, 1), word(vlan, 2), json);
    }
    if let Some(rate) = tb.get(TX_RATE).and_then(|r| word(r, 1)).filter(|&r| r != 0) {
        json.number("tx_rate", rate);
    }
    if let Some(rate) = tb.get(RATE) {
        json.open(Some("rate"));
        json.number("max_tx", word(rate, 2).unwrap_or(0));
        json.number("min_tx", word(rate, 1).unwrap_or(0));
        json.close();
    }
    let mut on_off = |key: &str, number: u16| {
        if let Some(setting) = tb.get(number).and_then(|a| word(a, 1)).filter(|&s| s != u32::MAX) {
            json.bool(key, setting != 0);
        }
    };
    on_off("spoofchk", SPOOFCHK);
    if let Some(state) = tb.get(LINK_STATE).and_then(|s| word(s, 1)) {
        json.string("link_state", ["auto", "enable"].get(state as usize).copied().unwrap_or("disable"));
    }
    let mut on_off = |key: &str, number: u16| {
        if let Some(setting) = tb.get(number).and_then(|a| word(a, 1)).filter(|&s| s != u32::MAX) {
            json.bool(key, setting != 0);
        }
    };
    on_off("trust", TRUST);
    on_off("query_rss_en", RSS_QUERY);
    if let Some(counters) = tb.get(STATS).filter(|_| stats) {
        print_stats(counters, json);
    }
}

fn print_vlan(vlan: Option<u32>, qos: Option<u32>, json: &mut Json<'_>) {
    for (key, value) in [("vlan", vlan), ("qos", qos)] {
        if let Some(value) = value.filter(|&v| v != 0) {
            json.number(key, value);
        }
    }
}

/// IFLA_VF_STATS_*.
fn print_stats(counters: Attr<'_>, json: &mut Json<'_>) {
    let tb = counters.table::<9>();
    let received: &[(&str, u16)] = &[("bytes", 2), ("packets", 0), ("multicast", 5), ("broadcast", 4), ("dropped", 7)];
    let sent: &[(&str, u16)] = &[("tx_bytes", 3), ("tx_packets", 1), ("dropped", 8)];
    json.open(Some("stats"));
    for (key, fields) in [("rx", received), ("tx", sent)] {
        json.open(Some(key));
        for (name, number) in fields {
            if let Some(value) = tb.u64(*number) {
                json.number(name, value);
            }
        }
        json.close();
    }
    json.close();
}
