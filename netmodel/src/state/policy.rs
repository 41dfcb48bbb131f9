//! Where a packet is routed: policy rules in order, then longest-prefix match, as `fib_rules_lookup` in net/core/fib_rules.c does it.

use std::net::IpAddr;
use std::sync::Arc;

use bundle::{Capture, Key};

use super::{Doc, Node};
use crate::family::Family;
use crate::parse::ip_route::Route;
use crate::parse::ip_rule::{self, PolicyRule};
use crate::source::{Evidence, Fact, Missing};

/// What policy rules may ask of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Selector<'a> {
    /// The source address; `None` where it is not chosen yet (a local socket that is not bound).
    pub src: Option<IpAddr>,
    /// The device by which it came in; `None` for a packet that is made here (the kernel takes `lo` then).
    pub iif: Option<&'a str>,
    /// The device that the sending socket is bound to.
    pub oif: Option<&'a str>,
    /// The mark; `None` where it is not known: then a rule that asks for it makes the answer unknown.
    pub mark: Option<u32>,
    /// The IP protocol; `None` where it is not known.
    pub ipproto: Option<u8>,
    /// The source port; `None` where it is not known.
    pub sport: Option<u16>,
    /// The destination port; `None` where it is not known.
    pub dport: Option<u16>,
}

impl Default for Selector<'_> {
    /// A packet that is made here, without a mark.
    fn default() -> Self {
        Self { src: None, iif: None, oif: None, mark: Some(0), ipproto: None, sport: None, dport: None }
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteOutcome {
    /// It is sent to one of the hops.
    Forward,
    /// It is delivered here.
    Local,
    /// It is sent as a link broadcast (on input: delivered here).
    Broadcast,
    /// It is multicast.
    Multicast,
    /// It is dropped silently.
    Blackhole,
    /// It is dropped: "host unreachable".
    Unreachable,
    /// It is dropped: "administratively prohibited".
    Prohibit,
    /// No rule gave a route: "network unreachable".
    NoRoute,
}

/// Where a packet is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The next router; `None` when the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The device.
    pub dev: Option<Arc<str>>,
    /// Its share among several.
    pub weight: u32,
}

/// How a packet is routed, and what decided.
#[derive(Clone, Debug)]
pub struct RouteDecision<'n> {
    /// What becomes of the packet.
    pub outcome: RouteOutcome,
    /// The rule that decided; `None` when every rule was passed without one.
    pub rule: Option<Fact<'n, &'n PolicyRule>>,
    /// The route that decided; `None` when a rule alone did, or nothing.
    pub route: Option<Fact<'n, &'n Route>>,
    /// Where it is sent: one hop, or several for ECMP.
    pub hops: Vec<Hop>,
}

impl RouteDecision<'_> {
    /// The device, where it is one for all hops.
    #[must_use]
    pub fn dev(&self) -> Option<&str> {
        let first = self.hops.first()?.dev.as_deref()?;
        self.hops.iter().all(|h| h.dev.as_deref() == Some(first)).then_some(first)
    }

    /// What decided: the rule and the route.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        self.rule.iter().map(Fact::evidence).chain(self.route.iter().map(Fact::evidence)).collect()
    }
}

impl Node {
    /// The policy rules of a family, in the kernel's order.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn policy_rules(&self, family: Family) -> Result<&Doc<Vec<PolicyRule>>, Missing> {
        let (cell, capture) = match family {
            Family::V4 => (&self.cells.rules4, Capture::IpRule4),
            Family::V6 => (&self.cells.rules6, Capture::IpRule6),
        };
        cell.get(|| self.doc(capture, |text| ip_rule::parse(text, family)))
    }

    /// Where a packet to `dst` is routed.
    ///
    /// # Errors
    /// [`Missing`] when rules or routes are absent or not whole, or when a rule asks for something that is not known.
    pub fn route_lookup(&self, dst: IpAddr, selector: &Selector<'_>) -> Result<RouteDecision<'_>, Missing> {
        let _ = selector;
        Err(Missing::new(&Key::node(Capture::IpRule4), format!("the route to {dst}"), "not written yet"))
    }
}
