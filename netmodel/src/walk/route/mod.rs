//! Where a node sends or delivers a packet, as its kernel decides it: policy rules, tables, next hops, the source address, the reverse
//! path, whether it forwards at all, and who the neighbour is.
//!
//! Pure functions of a node's state. Sending the packet on, hooks and translations are the walk's business; devices are in
//! [`super::device`]. Left out: route exceptions (redirects, learnt path MTUs), multicast routing (`ip mroute`), MPLS and SRv6.

mod address;
mod conf;
mod dsfield;
mod fib;
mod forwarding;
mod hops;
mod input;
mod neighbour;

mod output;
mod rule;
mod source_check;
mod table4;
mod table6;

use std::net::IpAddr;
use std::sync::Arc;

pub use address::{OwnAddress, icmp_error_source, masquerade_address, redirect_address};
pub use forwarding::forwarding;
pub use input::input;
pub use neighbour::{Neighbour, neighbour};

pub use output::output;
pub use source_check::source_check;

pub(crate) use fib::{Fib, Flow, Hit};
pub(crate) use hops::Hop;
pub(crate) use rule::l3_master;

use crate::family::Family;
use crate::parse::ip_nexthop::NexthopObject;
use crate::parse::ip_route::Route;
use crate::parse::ip_rule::PolicyRule;
use crate::source::{Evidence, Fact, Missing};
use crate::walk::device::TunnelKey;
use crate::walk::packet::{Dev, Packet};
use crate::walk::trace::Disposition;

/// What routing asks of a packet. `None` is not known, but for the source (not chosen yet) and the devices (none).
#[derive(Clone, Copy, Debug)]
pub struct RouteKey<'a> {
    /// The destination.
    pub dst: IpAddr,
    /// The source; `None` where the kernel chooses it (a socket that is not bound).
    pub src: Option<IpAddr>,
    /// The device by which the packet came in; `None` for one that is made here.
    pub iif: Option<&'a str>,
    /// For [`output`]: the device that the socket is bound to. For [`source_check`]: the device by which the packet goes out, `None` where
    /// it is delivered here.
    pub oif: Option<&'a str>,
    /// The mark; `None` where it is not known.
    pub mark: Option<u32>,
    /// The IP protocol; `None` where it is not known.
    pub protocol: Option<u8>,
    /// The source port; `None` where it is not known.
    pub sport: Option<u16>,
    /// The destination port; `None` where it is not known.
    pub dport: Option<u16>,
    /// The byte that was the type of service; `None` where it is not known.
    pub tos: Option<u8>,
}

impl RouteKey<'_> {
    /// To an address, from a socket that is bound to nothing, without mark and type of service.
    #[must_use]
    pub fn to(dst: IpAddr) -> Self {
        Self { dst, src: None, iif: None, oif: None, mark: Some(0), protocol: None, sport: None, dport: None, tos: Some(0) }
    }
}

impl<'a> RouteKey<'a> {
    /// Of a packet; `None` where its destination is not known. A device that is not known counts as none.
    #[must_use]
    pub fn of(packet: &'a Packet) -> Option<Self> {
        let name = |dev: &'a Dev| match dev {
            Dev::Named(name) => Some(&**name),
            Dev::Unknown | Dev::None => None,
        };
        Some(Self {
            dst: packet.dst?,
            src: packet.src,
            iif: name(&packet.iif),
            oif: name(&packet.oif),
            mark: packet.mark,
            protocol: packet.protocol,
            sport: packet.sport,
            dport: packet.dport,
            tos: packet.tos,
        })
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteOutcome {
    /// It is sent on.
    Forward,
    /// It is delivered here.
    Local,
    /// It is sent as a link broadcast (on input: delivered here).
    Broadcast,
    /// It is multicast.
    Multicast,
    /// It is dropped silently (`EINVAL` for a socket).
    Blackhole,
    /// It is dropped: "host unreachable".
    Unreachable,
    /// It is dropped: "administratively prohibited".
    Prohibit,
    /// Nothing gave a route: "network unreachable".
    NoRoute,
}

impl RouteOutcome {
    /// Whether the packet goes on.
    #[must_use]
    pub fn goes_on(self) -> bool {
        matches!(self, Self::Forward | Self::Local | Self::Broadcast | Self::Multicast)
    }

    /// What a router answers to the sender (`ip_error` in net/ipv4/route.c, `ip6_pkt_discard` in net/ipv6/route.c).
    #[must_use]
    pub fn answer(self, family: Family) -> Option<IcmpAnswer> {
        Some(match (self, family) {
            (Self::Unreachable, Family::V4) => IcmpAnswer { kind: 3, code: 1 },
            (Self::NoRoute, Family::V4) => IcmpAnswer { kind: 3, code: 0 },
            (Self::Prohibit, Family::V4) => IcmpAnswer { kind: 3, code: 13 },
            (Self::Unreachable | Self::NoRoute, Family::V6) => IcmpAnswer { kind: 1, code: 0 },
            (Self::Prohibit, Family::V6) => IcmpAnswer { kind: 1, code: 1 },
            _ => return None,
        })
    }
}

/// The ICMP error that the sender gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IcmpAnswer {
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
}

/// Something that is not known and on which the way depends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteBlocker {
    /// The line.
    pub evidence: Evidence,
    /// Why its effect is not known.
    pub reason: String,
}

/// One way that routing may send a packet.
#[derive(Clone, Debug)]
pub struct Routed<'n> {
    /// What becomes of it.
    pub outcome: RouteOutcome,
    /// The next router; of either family. `None` when the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The device: for what is delivered here the loopback, on output.
    pub dev: Option<Arc<str>>,
    /// The route says that its router is on the link whatever the addresses say.
    pub onlink: bool,
    /// The source address that a socket gets which has none yet; on input that of an answer of the node itself. `None` where the node
    /// has none to give.
    pub prefsrc: Option<IpAddr>,
    /// The MTU that the route sets, for what goes by it (iproute2 does not tell whether it is locked).
    pub mtu: Option<u32>,
    /// The route encapsulates (`encap`): the way is not told by router and device alone.
    pub encap: Option<Arc<str>>,
    /// The share of the packets that go this way by design.
    pub share: f64,
    /// What had to be assumed for it.
    pub blockers: Vec<RouteBlocker>,
    /// The policy rule that decided; `None` where every rule was passed or none was asked.
    pub rule: Option<Fact<'n, &'n PolicyRule>>,
    /// The route that decided.
    pub route: Option<Fact<'n, &'n Route>>,
    /// The next-hop object that decided.
    pub nexthop: Option<Fact<'n, &'n NexthopObject>>,
    /// What was not captured and taken for usual: the policy rules of a pod.
    pub assumed: Option<Missing>,
    /// Where neither rule nor route tells why: in words.
    pub because: Option<&'static str>,
}

impl<'n> Routed<'n> {
    pub(crate) fn end(outcome: RouteOutcome) -> Self {
        Self {
            outcome,
            gateway: None,
            dev: None,
            onlink: false,
            prefsrc: None,
            mtu: None,
            encap: None,
            share: 1.0,
            blockers: Vec::new(),
            rule: None,
            route: None,
            nexthop: None,
            assumed: None,
            because: None,
        }
    }

    pub(crate) fn because(outcome: RouteOutcome, why: &'static str) -> Self {
        Self { because: Some(why), ..Self::end(outcome) }
    }

    /// The lines that decided: the route, the next hop it names, and the rule, unless it is one of those that every node has
    /// (`fib_default_rules_init()`, net/ipv4/fib_rules.c) and a route says more.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        let everywhere = |rule: &PolicyRule| matches!(rule.priority, 0 | 32_766 | 32_767) && self.route.is_some();
        let route = self.route.iter().map(Fact::evidence);
        let rule = self.rule.iter().filter(|rule| !everywhere(rule.value)).map(Fact::evidence);
        route.chain(self.nexthop.iter().map(Fact::evidence)).chain(rule).collect()
    }

    /// What the route says to a tunnel device that takes its ends from each packet (`encap ip id 100 src 0.0.0.0 dst 192.168.1.2 …`).
    #[must_use]
    pub fn tunnel_key(&self) -> Option<TunnelKey> {
        let mut words = self.route?.value.attribute("encap")?.split_whitespace();
        if !matches!(words.next()?, "ip" | "ip6") {
            return None;
        }
        let (mut id, mut src, mut dst) = (0, None, None);
        while let (Some(word), Some(value)) = (words.next(), words.next()) {
            match word {
                "id" => id = value.parse().ok()?,
                "src" => src = value.parse().ok().filter(|a: &IpAddr| !a.is_unspecified()),
                "dst" => dst = value.parse().ok(),
                _ => {}
            }
        }
        Some(TunnelKey { id, src, dst: dst? })
    }

    /// Whether two ways are the same for a packet, whatever decided.
    pub(crate) fn same_way(&self, other: &Self) -> bool {
        self.outcome == other.outcome
            && self.gateway == other.gateway
            && self.dev == other.dev
            && self.onlink == other.onlink
            && self.prefsrc == other.prefsrc
            && self.mtu == other.mtu
            && self.encap == other.encap
            && self.share.to_bits() == other.share.to_bits()
    }
}

/// Why a packet is not taken in or not sent on.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What becomes of it.
    pub disposition: Disposition,
    /// Why, in lower case.
    pub reason: String,
    /// The lines that say so.
    pub evidence: Vec<Evidence>,
    /// What the sender gets; `None` for silence.
    pub answer: Option<IcmpAnswer>,
}

/// Ways that differ in what was assumed only are one way without assumption.
pub(crate) fn settle<'n>(mut branches: Vec<Vec<Routed<'n>>>) -> Vec<Routed<'n>> {
    let Some(first) = branches.first() else { return Vec::new() };
    let same = |other: &Vec<Routed<'n>>| other.len() == first.len() && other.iter().zip(first).all(|(a, b)| a.same_way(b));
    if branches.len() > 1 && branches.iter().all(same) {
        branches.truncate(1);
        branches[0].iter_mut().for_each(|way| way.blockers.clear());
    }
    branches.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
