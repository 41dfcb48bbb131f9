//! Whether a condition of an iptables rule holds for a packet: yes, no, or unknown and why.
//!
//! What stands outside the ruleset (sets, addresses, routes) is asked through [`Lookups`]. Conditions that depend on what was seen before
//! (`recent`, `limit`) are unknown by nature: both ways are followed. Chance (`statistic`) is told apart from that: [`holds`] gives it as a
//! share. Left out: bytes of the packet that [`Packet`] does not hold, which are unknown.

mod connection;
mod extension;
mod physdev;

use std::net::IpAddr;
use std::sync::Arc;

use crate::family::Family;
use crate::parse::iptables::{Bits, Compare, End, Iface, IfaceLimit, Match, MatchKind, Net, Opt, PortRange, Rule, Ruleset};
use crate::walk::packet::{Dev, ICMP, ICMPV6, Packet, SCTP, TCP, UDP};
use crate::walk::tri::{Tri, Why};

/// What a ruleset asks of the rest of the node.
pub trait Lookups {
    /// Whether the packet is in an ipset; `dirs` is `src`, `dst`, … for each dimension, joined by commas. With `return_nomatch` an element
    /// counts only if it is an exception (`nomatch`).
    fn in_set(&self, name: &str, dirs: &str, packet: &Packet, return_nomatch: bool) -> Tri;

    /// Whether an address is of one of the types ([`crate::parse::iptables::addr_type`]), for `addrtype`.
    fn addr_type(&self, address: IpAddr, types: Bits, limit: IfaceLimit, packet: &Packet) -> Tri;

    /// The type of an address (`RTN_…` of linux/rtnetlink.h), for nft's `fib`.
    ///
    /// # Errors
    /// Why it is not known.
    fn fib_type(&self, address: IpAddr, limit: IfaceLimit, packet: &Packet) -> Result<u8, Why> {
        let _ = (limit, packet);
        Err(format!("the type of {address} is not asked for here").into())
    }

    /// The devices by which an address is reached over a unicast route, for nft's `fib`; none where there is no such route. The packet
    /// would have this source and mark.
    ///
    /// # Errors
    /// Why it is not known.
    fn route_devices(&self, to: IpAddr, from: Option<IpAddr>, mark: Option<u32>, packet: &Packet) -> Result<Vec<Arc<str>>, Why> {
        let _ = (from, mark, packet);
        Err(format!("the route to {to} is not asked for here").into())
    }

    /// Whether the way back to the packet's source is one that `rpfilter` takes.
    fn reverse_path(&self, packet: &Packet, options: ReversePath) -> Tri {
        let _ = (packet, options);
        Tri::unknown("the route to the source is not asked for here")
    }

    /// The bridge of which a device is a port, for nft's `meta ibrname`; `None` where it is none.
    ///
    /// # Errors
    /// Why it is not known.
    fn master(&self, device: &str) -> Result<Option<Arc<str>>, Why> {
        Err(format!("the bridge of {device} is not asked for here").into())
    }

    /// The type of a device (`ARPHRD_…` of linux/if_arp.h); `None` is not known.
    fn device_type(&self, device: &str) -> Option<u16> {
        let _ = device;
        None
    }
}

/// The options of `rpfilter`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReversePath {
    /// Any device will do.
    pub loose: bool,
    /// The route is looked up with the packet's mark.
    pub valid_mark: bool,
    /// A source that is an address of this node will do.
    pub accept_local: bool,
}

/// Whether all conditions of a rule hold. Chance counts as unknown.
pub fn rule(set: &Ruleset, text: &str, rule: &Rule, packet: &Packet, lookups: &dyn Lookups) -> Tri {
    let (answer, share) = holds(set, text, rule, packet, lookups);
    if share < 1.0 { answer.and(|| Tri::unknown("it is a matter of chance")) } else { answer }
}

/// Whether all conditions of a rule hold but those left to chance, and the share of packets for which these do.
pub(super) fn holds(set: &Ruleset, text: &str, rule: &Rule, packet: &Packet, lookups: &dyn Lookups) -> (Tri, f64) {
    let (mut all, mut share) = (Tri::Yes, 1.0);
    for condition in set.matches_of(rule) {
        if let Some(chance) = chance(condition) {
            share *= chance;
            continue;
        }
        match one(&Asking { set, text, rule, packet, lookups }, condition) {
            Tri::No => return (Tri::No, 1.0),
            Tri::Yes => {}
            Tri::Unknown(why) => {
                if all == Tri::Yes {
                    all = Tri::Unknown(why);
                }
            }
        }
    }
    if share == 0.0 {
        return (Tri::No, 1.0);
    }
    (if rule.whole { all } else { all.and(|| Tri::unknown("a part of the rule was not understood")) }, share)
}

/// The share of packets that a condition takes by chance or by turns.
fn chance(condition: &Match) -> Option<f64> {
    let share = match condition.kind {
        // Of 2^31, as the kernel draws them (net/netfilter/xt_statistic.c).
        MatchKind::Random(p) => (f64::from(p) / f64::from(1u32 << 31)).min(1.0),
        MatchKind::Nth { every, .. } => 1.0 / f64::from(every.max(1)),
        _ => return None,
    };
    Some(if condition.negated { 1.0 - share } else { share })
}

/// A rule that is asked.
#[derive(Clone, Copy)]
struct Asking<'a> {
    set: &'a Ruleset,
    text: &'a str,
    rule: &'a Rule,
    packet: &'a Packet,
    lookups: &'a dyn Lookups,
}

impl<'a> Asking<'a> {
    /// The other conditions of the same `-m`.
    fn beside(&self, condition: &'a Match) -> impl Iterator<Item = &'a Match> {
        self.set.matches_of(self.rule).iter().filter(move |m| m.module == condition.module && !std::ptr::eq(*m, condition))
    }
}

/// Whether one condition holds, its negation included.
fn one(asking: &Asking<'_>, condition: &Match) -> Tri {
    let packet = asking.packet;
    match condition.kind {
        // A port, flag or type match holds for packets of its protocol only, negated or not: iptables demands `-p` beside it, and the
        // kernel's match functions answer no for fragments (RFC 791: only the first one holds the ports).
        MatchKind::Port(..) | MatchKind::MultiPort { .. } | MatchKind::TcpFlags { .. } | MatchKind::Icmp { .. }
            if packet.fragment == Some(true) =>
        {
            return Tri::No;
        }
        MatchKind::CtState(_)
        | MatchKind::CtStatus(_)
        | MatchKind::CtProto(_)
        | MatchKind::CtAddr { .. }
        | MatchKind::CtPort { .. }
        | MatchKind::CtDirReply(_) => return connection::conntrack(asking, condition),
        // Without a connection there is no mark to compare, negated or not (net/netfilter/xt_connmark.c).
        MatchKind::ConnMark(_) if packet.is_tracked() == Some(false) => return Tri::No,
        MatchKind::PhysdevIn(_)
        | MatchKind::PhysdevOut(_)
        | MatchKind::PhysdevIsIn
        | MatchKind::PhysdevIsOut
        | MatchKind::PhysdevIsBridged => return physdev::holds(asking, condition),
        MatchKind::Set { options: true, .. } => return counted_set(asking, condition),
        MatchKind::Ext(ext) => return extension::holds(asking, condition, ext),
        // Without a link-layer header the answer is no, negated or not (net/netfilter/xt_mac.c).
        MatchKind::MacSource(_) => {
            const ETHERNET: u16 = 1;
            let without = match &packet.iif {
                Dev::None => true,
                Dev::Named(name) => asking.lookups.device_type(name).is_some_and(|kind| kind != ETHERNET),
                Dev::Unknown => false,
            };
            return if without { Tri::No } else { Tri::unknown("the link-layer address is not known") };
        }
        _ => {}
    }
    let holds = kind(asking, condition);
    if condition.negated { !holds } else { holds }
}

fn kind(asking: &Asking<'_>, condition: &Match) -> Tri {
    let Asking { set, text, packet, lookups, .. } = *asking;
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
        MatchKind::Mark(mark) => known(packet.mark, "the mark", |m| m & mark.mask == mark.value),
        MatchKind::ConnMark(mark) => known(packet.connmark, "the connection's mark", |m| m & mark.mask == mark.value),
        MatchKind::Set { name, dirs, .. } => lookups.in_set(name.of(text), dirs.of(text), packet, false),
        MatchKind::AddrType { end, types, limit } => {
            let (address, what) = match end {
                End::Src => (packet.src, "the source address"),
                _ => (packet.dst, "the destination address"),
            };
            match address {
                Some(address) => lookups.addr_type(address, types, limit, packet),
                None => Tri::unknown(format!("{what} is not known")),
            }
        }
        MatchKind::Comment(_) => Tri::Yes,
        MatchKind::Bare => extension::without_options(asking, condition),
        MatchKind::IpRange { end, first, last } => {
            let address = if end == End::Src { packet.src } else { packet.dst };
            known(address, "the address", |a| Family::of(a) == Family::of(first) && (first..=last).contains(&a))
        }
        MatchKind::Length(first, last) => known(packet.length, "the length", |n| (first..=last).contains(&n)),
        MatchKind::Ttl { op: Compare::Gt, value: 255 } | MatchKind::Ttl { op: Compare::Lt, value: 0 } => Tri::No,
        MatchKind::Ttl { op, value } => known(packet.ttl, "the TTL", |ttl| match op {
            Compare::Eq => ttl == value,
            Compare::Lt => ttl < value,
            Compare::Gt => ttl > value,
        }),
        MatchKind::Dscp(dscp) => known(packet.tos, "the DSCP", |tos| tos >> 2 == dscp),
        MatchKind::HiddenIfaces => Tri::unknown("the listing was made without -v, so that the rule's interfaces are not shown"),
        MatchKind::Other { .. } => Tri::unknown(format!("what `{}` asks is not known here", condition.span.of(text))),
        _ => Tri::unknown(format!("the packet is not described well enough for `{}`", condition.span.of(text))),
    }
}

/// `--match-set` with further options, as `set_match_v3()` of net/netfilter/xt_set.c takes them.
fn counted_set(asking: &Asking<'_>, condition: &Match) -> Tri {
    let MatchKind::Set { name, dirs, .. } = condition.kind else { return Tri::unknown("no set is asked") };
    let options: Vec<&str> = asking
        .beside(condition)
        .filter_map(|m| match m.kind {
            MatchKind::Ext(ext) if ext.module() == "set" => Some(asking.set.options_of(ext)),
            _ => None,
        })
        .flatten()
        .map(Opt::name)
        .collect();
    let return_nomatch = options.contains(&"--return-nomatch");
    let found = asking.lookups.in_set(name.of(asking.text), dirs.of(asking.text), asking.packet, return_nomatch);
    let found = if condition.negated { !found } else { found };
    // They change what an element counted, not the answer.
    let harmless = |name: &&str| matches!(*name, "--return-nomatch" | "--update-counters" | "--update-subcounters");
    if options.iter().all(harmless) {
        return found;
    }
    found.and(|| Tri::unknown("it depends on the packets that the element of the set counted"))
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

#[cfg(test)]
mod tests;
