//! Whether a condition of an iptables rule holds for a packet: yes, no, or unknown and why.
//!
//! What stands outside the ruleset (sets, the node's own addresses) is asked through [`Lookups`]. Conditions that depend on what was
//! seen before (`recent`, `limit`) or on chance (`statistic`) are unknown by nature: both ways are followed.

use std::net::IpAddr;

use crate::family::Family;
use crate::parse::iptables::{
    Bits, Compare, End, Ext, Iface, IfaceLimit, Match, MatchKind, Net, PortRange, Rule, Ruleset, ct_state,
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
        MatchKind::Random(p) if p >= 1 << 31 => Tri::Yes,
        MatchKind::Random(_) | MatchKind::Nth { .. } => Tri::unknown("it is a matter of chance"),
        MatchKind::Comment(_) => Tri::Yes,
        // The match functions of transports say no to all but first fragments.
        MatchKind::Bare => known(packet.fragment, "whether it is a fragment", |f| !f),
        MatchKind::Ext(ext) => extension(set, text, ext, condition, packet),
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
        MatchKind::HiddenIfaces => Tri::unknown("the listing was made without -v, so that the rule's interfaces are not shown"),
        MatchKind::Other { .. } => Tri::unknown(format!("what `{}` asks is not known here", condition.span.of(text))),
        _ => Tri::unknown(format!("the packet is not described well enough for `{}`", condition.span.of(text))),
    }
}

/// What an extension answers that is read by table: most depend on what the packet does not say.
fn extension(set: &Ruleset, text: &str, ext: Ext, condition: &Match, packet: &Packet) -> Tri {
    let has = |name| set.option(ext, name).is_some_and(|o| !o.negated);
    let only_for = |protocol: u8| {
        // For another protocol the answer is no, negated or not: iptables demands `-p` beside these.
        let other = packet.protocol.is_some_and(|p| p != protocol);
        if other || packet.fragment == Some(true) { Some(Tri::No) } else { None }
    };
    let settled = match ext.module() {
        "nfacct" => Some(Tri::Yes),
        // xt_recent: writing the source down always succeeds.
        "recent" => set.option(ext, "--set").map(|o| Tri::from(!o.negated)),
        "esp" => only_for(50),
        "ah" if packet.family == Family::V4 => only_for(51),
        "ipcomp" => only_for(108),
        "sctp" => only_for(SCTP),
        "dccp" => only_for(33),
        "tcpmss" | "osf" => only_for(TCP),
        "frag" if packet.fragment == Some(false) => Some(Tri::No),
        // A packet that came in by a device belongs to no socket of this node: xt_owner then answers yes only if all is turned round.
        "owner" if matches!(packet.iif, Dev::Named(_)) => Some(Tri::from(set.options_of(ext).iter().all(|o| o.negated))),
        "ecn" if has("--ecn-tcp-cwr") || has("--ecn-tcp-ece") => only_for(TCP),
        _ => None,
    };
    settled.unwrap_or_else(|| {
        let why = match ext.module() {
            "limit" | "hashlimit" => "it depends on the rate of packets",
            "recent" | "quota" | "connlimit" | "connbytes" | "rateest" => "it depends on the packets before",
            "time" => "it depends on the time of day",
            "bpf" | "u32" | "string" => "it depends on bytes of the packet",
            "policy" => "whether IPsec applies to the packet is not known",
            _ => "the packet is not described well enough",
        };
        Tri::unknown(format!("{why} for `{}`", condition.span.of(text)))
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::iptables::parse;

    struct Nothing;

    impl Lookups for Nothing {
        fn in_set(&self, _: &str, _: &str, _: &Packet) -> Tri {
            Tri::unknown("no sets")
        }

        fn addr_type(&self, _: IpAddr, _: End, _: Bits, _: IfaceLimit) -> Tri {
            Tri::unknown("no addresses")
        }
    }

    fn asks(options: &str, packet: &Packet) -> Tri {
        let text = format!("*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD {options}\nCOMMIT\n");
        let parsed = parse(&text, packet.family);
        assert_eq!(parsed.problems, []);
        rule(&parsed.value, &text, &parsed.value.rules[0], packet, &Nothing)
    }

    #[test]
    fn extensions_are_answered_where_the_packet_settles_them() {
        let tcp = Packet::new(Family::V4).tcp(80).via(Dev::named("cni0"), Dev::named("eth0"));
        for (options, answer) in [
            ("-m nfacct --nfacct-name x", Tri::Yes),
            ("-m recent --set --name x", Tri::Yes),
            ("-m recent ! --set --name x", Tri::No),
            ("-m esp --espspi 5", Tri::No),
            // Not "not that SPI" but "an ESP packet of another SPI".
            ("-m esp ! --espspi 5", Tri::No),
            ("-m sctp --chunk-types any DATA", Tri::No),
            ("-m tcp", Tri::Yes),
            // A forwarded packet belongs to nobody here.
            ("-m owner --uid-owner 0", Tri::No),
            ("-m owner ! --uid-owner 0", Tri::Yes),
            ("-m owner ! --uid-owner 0 --gid-owner 0", Tri::No),
        ] {
            assert_eq!(asks(options, &tcp), answer, "{options}");
        }
        let mut fragment = tcp.clone();
        fragment.fragment = Some(true);
        assert_eq!(asks("-m tcp", &fragment), Tri::No);
        assert_eq!(asks("-m frag --fragfirst", &Packet::new(Family::V6)), Tri::No);
    }

    #[test]
    fn what_the_packet_does_not_say_is_unknown_and_named() {
        let local = Packet::new(Family::V4).tcp(80).via(Dev::None, Dev::named("eth0"));
        for options in [
            "-m limit --limit 5/min",
            "-m recent --rcheck --name x",
            "-m owner --uid-owner 0",
            "-m time --timestart 01:00",
            "-m policy --dir out --pol ipsec",
            "-m u32 --u32 \"6&0xFF=1\"",
            "-m socket --transparent",
            "-m tcpmss --mss 1:500",
            "-m hashlimit --hashlimit-above 5/sec --hashlimit-name x",
        ] {
            let Tri::Unknown(why) = asks(options, &local) else { panic!("{options}") };
            assert!(why.contains(options.split_once("--").unwrap().1), "{why}");
        }
    }
}
