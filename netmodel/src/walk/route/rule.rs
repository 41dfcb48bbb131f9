//! Whether a policy rule takes a packet: `fib_rule_match` (net/core/fib_rules.c) with `fib4_rule_match` and `fib6_rule_match`.

use super::dsfield;
use super::fib::Flow;
use crate::family::Family;
use crate::parse::ip_addr::LinkKind;
use crate::parse::ip_route::Table;
use crate::parse::ip_rule::PolicyRule;
use crate::state::Node;

/// Whether a rule takes a packet.
pub(super) enum Match {
    Yes,
    No,
    /// Not known; what it asks for.
    Unknown(String),
}

/// Protocols whose header begins with ports, as the flow dissector knows them (`skb_flow_dissect`).
const WITH_PORTS: &[u8] = &[6, 17, 33, 132, 136];

pub(super) fn matches(node: &Node, rule: &PolicyRule, flow: &Flow<'_>) -> Match {
    // One selector that surely does not match settles it, whatever the unknown ones are.
    let mut unknown = None;
    let mut all = true;
    let mut ask = |name: &str, answer: Option<bool>| match answer {
        Some(true) => {}
        Some(false) => all = false,
        None => unknown = unknown.take().or_else(|| Some(name.to_owned())),
    };
    if let Some(to) = rule.to {
        ask("to", Some(to.contains(&flow.dst)));
    }
    if let Some(from) = rule.from {
        // A source that is not chosen yet is the unspecified address: no prefix but that of length 0 covers it.
        ask("from", Some(flow.src.map_or(from.prefix_len() == 0, |src| from.contains(&src))));
    }
    if let Some(iif) = &rule.iif {
        let master = flow.l3mdev.is_some_and(|m| m == &**iif);
        ask("iif", Some(&**iif == flow.iif || master && is_vrf(node, iif)));
    }
    if let Some(oif) = &rule.oif {
        let master = flow.l3mdev.is_some_and(|m| m == &**oif);
        ask("oif", Some(Some(&**oif) == flow.oif || master && is_vrf(node, oif)));
    }
    if let Some((value, mask)) = rule.fwmark {
        ask("fwmark", if mask == 0 { Some(value == 0) } else { flow.mark.map(|mark| (value ^ mark) & mask == 0) });
    }
    if let Some((low, high)) = rule.uid_range {
        // What comes in belongs to root (`sock_net_uid`); whose a local socket is nobody told.
        ask("uidrange", if flow.made_here && (low, high) != (0, u32::MAX) { None } else { Some(low == 0) });
    }
    if rule.l3mdev {
        ask("l3mdev", l3mdev_table(node, flow).map(|table| table.is_some()));
    }
    if let Some(proto) = &rule.ipproto {
        ask("ipproto", protocol(proto).and_then(|wanted| Some(wanted == flow.protocol?)));
    }
    for (name, range, port) in [("sport", rule.sport, flow.sport), ("dport", rule.dport, flow.dport)] {
        if let Some((low, high)) = range {
            // Without ports in its header a packet has port 0 here, which no range holds (`fib_rule_port_range_valid`).
            let without = flow.protocol.is_some_and(|p| !WITH_PORTS.contains(&p));
            ask(name, if without { Some(false) } else { port.map(|p| (low..=high).contains(&p)) });
        }
    }
    if let Some(tos) = &rule.tos {
        ask("tos", tos_matches(dsfield::parse(tos), flow));
    }
    for name in &rule.unknown {
        ask(name, None);
    }
    match (all, unknown, rule.not) {
        (false, _, not) => {
            if not {
                Match::Yes
            } else {
                Match::No
            }
        }
        (true, Some(name), _) => Match::Unknown(name),
        (true, None, not) => {
            if not {
                Match::No
            } else {
                Match::Yes
            }
        }
    }
}

/// IPv4 compares the old type of service, IPv6 the whole DSCP.
fn tos_matches(wanted: Option<u8>, flow: &Flow<'_>) -> Option<bool> {
    let (wanted, tos) = (wanted?, flow.tos?);
    Some(match Family::of(flow.dst) {
        Family::V4 => wanted == 0 || wanted == dsfield::masked4(tos),
        Family::V6 => wanted == 0 || wanted == dsfield::dscp(tos),
    })
}

/// `l3mdev_fib_rule_match`: the table of the VRF that the packet belongs to. The outer `None`: not known.
pub(super) fn l3mdev_table(node: &Node, flow: &Flow<'_>) -> Option<Option<Table>> {
    let links = node.links().ok()?;
    let Some(master) = flow.l3mdev else {
        return Some(None);
    };
    match links.by_name(master)?.kind {
        LinkKind::Vrf { table } => Some(Some(Table::Id(table?))),
        LinkKind::Unknown => None,
        _ => Some(None),
    }
}

/// `l3mdev_master_ifindex_rcu`: the VRF that a device is in, or is.
pub(crate) fn l3_master<'n>(node: &'n Node, dev: &str) -> Option<&'n str> {
    let links = node.links().ok()?;
    let link = links.by_name(dev)?;
    let vrf = |name: &str| links.by_name(name).filter(|l| matches!(l.kind, LinkKind::Vrf { .. })).map(|l| &*l.name);
    vrf(&link.name).or_else(|| vrf(link.master.as_deref()?))
}

fn is_vrf(node: &Node, dev: &str) -> bool {
    l3_master(node, dev).is_some_and(|m| m == dev)
}

/// An IP protocol as iproute2 prints it.
fn protocol(word: &str) -> Option<u8> {
    Some(match word {
        "icmp" => 1,
        "tcp" => 6,
        "udp" => 17,
        "ipv6-icmp" => 58,
        "sctp" => 132,
        _ => word.strip_prefix("ipproto-").unwrap_or(word).parse().ok()?,
    })
}
