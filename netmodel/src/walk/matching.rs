//! Whether a condition of an iptables rule holds for a packet: yes, no, or unknown and why.
//!
//! What stands outside the ruleset (sets, the node's own addresses) is asked through [`Lookups`]. Conditions that depend on what was
//! seen before (`recent`, `limit`) or on chance (`statistic`) are unknown by nature: both ways are followed.

use std::net::IpAddr;

use crate::family::Family;
use crate::parse::iptables::{
    Bits, Compare, End, Iface, IfaceLimit, Match, MatchKind, Net, PortRange, RecentOp, Rule, Ruleset, ct_state,
};
use crate::walk::packet::{CtState, Dev, ICMP, ICMPV6, Packet, SCTP, TCP, UDP};
use crate::walk::tri::Tri;

/// What a ruleset asks of the rest of the node.
pub trait Lookups {
    /// Whether the packet is in an ipset; `dirs` is `src`, `dst`, … for each dimension, joined by commas.
    fn in_set(&self, name: &str, dirs: &str, packet: &Packet) -> Tri;

    /// Whether an address is of one of the types ([`crate::parse::iptables::addr_type`]).
    fn addr_type(&self, address: IpAddr, end: End, types: Bits, limit: IfaceLimit) -> Tri;

    /// The devices by which an address is reached over a unicast route, for nft's `fib`; none where there is no such route. The packet
    /// would have this source and mark.
    ///
    /// # Errors
    /// Why it is not known.
    fn route_devices(&self, to: IpAddr, from: Option<IpAddr>, mark: Option<u32>) -> Result<Vec<std::sync::Arc<str>>, String> {
        let _ = (from, mark);
        Err(format!("the route to {to} is not asked for here"))
    }
}

/// Whether all conditions of a rule hold.
pub fn rule(set: &Ruleset, text: &str, rule: &Rule, packet: &Packet, lookups: &dyn Lookups) -> Tri {
    let mut all = Tri::Yes;
    for condition in set.matches_of(rule) {
        match one(set, text, condition, packet, lookups) {
            Tri::No => return Tri::No,
            Tri::Yes => {}
            Tri::Unknown(why) => {
                if all == Tri::Yes {
                    all = Tri::Unknown(why);
                }
            }
        }
    }
    if rule.whole { all } else { all.and(|| Tri::unknown("a part of the rule was not understood")) }
}

/// Whether one condition holds, its negation included.
pub fn one(set: &Ruleset, text: &str, condition: &Match, packet: &Packet, lookups: &dyn Lookups) -> Tri {
    if let Some(answer) = ports_need_protocol(&condition.kind, packet) {
        return answer;
    }
    let holds = kind(set, text, condition, packet, lookups);
    if condition.negated { !holds } else { holds }
}

/// A port, flag or type match holds for packets of its protocol only, negated or not: iptables demands `-p` beside it, and the
/// kernel's match functions answer no for fragments (RFC 791: only the first one holds the ports).
fn ports_need_protocol(kind: &MatchKind, packet: &Packet) -> Option<Tri> {
    let about_ports = match kind {
        MatchKind::Port(..) | MatchKind::MultiPort { .. } | MatchKind::TcpFlags { .. } | MatchKind::Icmp { .. } => true,
        _ => return None,
    };
    (about_ports && packet.fragment == Some(true)).then_some(Tri::No)
}

fn kind(set: &Ruleset, text: &str, condition: &Match, packet: &Packet, lookups: &dyn Lookups) -> Tri {
    match condition.kind {
        MatchKind::Source(net) => in_net(&net, packet.src, "the source address"),
        MatchKind::Destination(net) => in_net(&net, packet.dst, "the destination address"),
        MatchKind::InIface(iface) => device(&iface, text, &packet.iif, "the incoming interface"),
        MatchKind::OutIface(iface) => device(&iface, text, &packet.oif, "the outgoing interface"),
        MatchKind::Protocol(0) => Tri::Yes,
        MatchKind::Protocol(n) => known(packet.protocol, "the protocol", |p| p == n),
        MatchKind::Fragment => known(packet.fragment, "whether it is a fragment", |f| f),
        MatchKind::Port(end, range) => port(packet, end, |p| range.contains(p)),
        MatchKind::MultiPort { end, first, last } => {
            let ranges = set.ports_of(first, last);
            let any = |p| ranges.iter().any(|r: &PortRange| r.contains(p));
            match end {
                End::Either => port(packet, End::Src, any).or(|| port(packet, End::Dst, any)),
                end => port(packet, end, any),
            }
        }
        MatchKind::TcpFlags { mask, set } => known(packet.protocol, "the protocol", |p| p == TCP)
            .and(|| known(packet.tcp_flags, "the TCP flags", |flags| flags & mask == set)),
        MatchKind::Icmp { kind, code } => {
            let protocol = if packet.family == Family::V4 { ICMP } else { ICMPV6 };
            known(packet.protocol, "the protocol", |p| p == protocol).and(|| {
                if kind == 255 && packet.family == Family::V4 {
                    return Tri::Yes;
                }
                known(packet.icmp, "the ICMP type", |(k, c)| k == kind && (code.0..=code.1).contains(&c))
            })
        }
        MatchKind::CtState(states) => conntrack_state(packet, states),
        MatchKind::Mark(mark) => known(packet.mark, "the mark", |m| m & mark.mask == mark.value),
        MatchKind::ConnMark(mark) => known(packet.connmark, "the connection's mark", |m| m & mark.mask == mark.value),
        MatchKind::Set { options: true, .. } => Tri::unknown("the set is asked with further options"),
        MatchKind::Set { name, dirs, .. } => lookups.in_set(name.of(text), dirs.of(text), packet),
        MatchKind::AddrType { end, types, limit } => {
            let (address, what) = match end {
                End::Src => (packet.src, "the source address"),
                _ => (packet.dst, "the destination address"),
            };
            match address {
                Some(address) => lookups.addr_type(address, end, types, limit),
                None => Tri::unknown(format!("{what} is not known")),
            }
        }
        MatchKind::Random(p) if p >= 1.0 => Tri::Yes,
        MatchKind::Random(_) | MatchKind::Nth { .. } => Tri::unknown("it is a matter of chance"),
        MatchKind::Comment(_) | MatchKind::NfAcct(_) => Tri::Yes,
        MatchKind::Recent { op: RecentOp::Set, .. } => Tri::Yes,
        MatchKind::Recent { .. } => Tri::unknown("it depends on the packets before"),
        MatchKind::Limit { .. } => Tri::unknown("it depends on the rate of packets"),
        MatchKind::PhysdevIsBridged => known(packet.bridged, "whether it is bridged", |b| b),
        // A packet that is not bridged has no bridge port on either side.
        MatchKind::PhysdevIn(_) | MatchKind::PhysdevOut(_) | MatchKind::PhysdevIsIn | MatchKind::PhysdevIsOut
            if packet.bridged == Some(false) && matches!(packet.iif, Dev::None) =>
        {
            Tri::No
        }
        MatchKind::IpRange { end, first, last } => {
            let address = if end == End::Src { packet.src } else { packet.dst };
            known(address, "the address", |a| Family::of(a) == Family::of(first) && (first..=last).contains(&a))
        }
        MatchKind::Length(first, last) => known(packet.length, "the length", |n| (first..=last).contains(&n)),
        MatchKind::Ttl { op: Compare::Gt, value: 255 } | MatchKind::Ttl { op: Compare::Lt, value: 0 } => Tri::No,
        MatchKind::CtDirReply(reply) if packet.ct_state == Some(CtState::New) => Tri::from(!reply),
        MatchKind::Other { .. } => Tri::unknown(format!("what `{}` asks is not known here", condition.span.of(text))),
        _ => Tri::unknown(format!("the packet is not described well enough for `{}`", condition.span.of(text))),
    }
}

/// The answer for a value that may be unknown.
pub(super) fn known<T>(value: Option<T>, what: &str, holds: impl FnOnce(T) -> bool) -> Tri {
    value.map_or_else(|| Tri::unknown(format!("{what} is not known")), |v| Tri::from(holds(v)))
}

fn in_net(net: &Net, address: Option<IpAddr>, what: &str) -> Tri {
    if net.is_any() { Tri::Yes } else { known(address, what, |a| net.contains(a)) }
}

fn device(iface: &Iface, text: &str, dev: &Dev, what: &str) -> Tri {
    match dev {
        _ if iface.wildcard && iface.name.start == iface.name.end => Tri::Yes,
        Dev::Unknown => Tri::unknown(format!("{what} is not known")),
        Dev::None => Tri::No,
        Dev::Named(name) => Tri::from(iface.matches(text, name)),
    }
}

/// A port, which only some protocols have.
pub(super) fn port(packet: &Packet, end: End, holds: impl Fn(u16) -> bool) -> Tri {
    // 33 is DCCP, 136 UDP-Lite.
    let has_ports = known(packet.protocol, "the protocol", |p| matches!(p, TCP | UDP | SCTP | 33 | 136));
    let (value, what) = if end == End::Src { (packet.sport, "the source port") } else { (packet.dport, "the destination port") };
    has_ports.and(|| match value {
        // Every port answers alike.
        None if holds(0) && (1..=u16::MAX).all(&holds) => Tri::Yes,
        value => known(value, what, &holds),
    })
}

/// xt_conntrack: one of the states, or translated, which SNAT and DNAT ask.
fn conntrack_state(packet: &Packet, states: Bits) -> Tri {
    let state = known(packet.ct_state, "the connection's state", |s| {
        let bit = match s {
            CtState::New => ct_state::NEW,
            CtState::Established => ct_state::ESTABLISHED,
            CtState::Related => ct_state::RELATED,
            CtState::Invalid => ct_state::INVALID,
            CtState::Untracked => ct_state::UNTRACKED,
        };
        states & bit != 0
    });
    let translated = |bit, value, what| if states & bit == 0 { Tri::No } else { known(value, what, |v| v) };
    state
        .or(|| translated(ct_state::DNAT, packet.dnat, "whether the destination was translated"))
        .or(|| translated(ct_state::SNAT, packet.snat, "whether the source was translated"))
}
