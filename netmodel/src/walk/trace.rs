//! What a walk gives: the ways that a packet takes, step by step, and what becomes of it.
//!
//! A trace is data; how it is shown is the analyzer's business. Steps hold what decided as [`Evidence`].

use std::net::IpAddr;
use std::sync::Arc;

use crate::source::{Evidence, Missing};
use crate::walk::netfilter::Hook;
use crate::walk::packet::Packet;
use crate::walk::world::NsId;

/// What is sent, and from where.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Where it begins.
    pub from: Origin,
    /// The packet: at least its destination and protocol. A source address that is `None` is chosen as the kernel does.
    pub packet: Packet,
    /// Whether the answer is walked back as well: a flow is delivered only when both ways are.
    pub reply: bool,
    /// The length of the answer's packets in bytes; `None` for that of the packet as it arrived.
    pub answer_length: Option<u16>,
}

/// Where a packet begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A local socket in this namespace.
    Socket(NsId),
    /// It comes in from outside of all that was captured, by this device of this namespace.
    Device(NsId, Arc<str>),
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// It arrives: at a local socket (or at the ICMP answerer), or it leaves what was captured by a device towards its destination.
    Delivered,
    /// It is dropped silently.
    Dropped,
    /// It is refused with an answer to the sender.
    Rejected,
    /// There is no way to its destination: no route, or no neighbour that answers.
    Unroutable,
    /// It does not fit and may not be fragmented.
    TooBig,
    /// The bundles do not say enough.
    Undecided,
}

impl Disposition {
    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Dropped => "dropped",
            Self::Rejected => "rejected",
            Self::Unroutable => "unroutable",
            Self::TooBig => "too_big",
            Self::Undecided => "undecided",
        }
    }
}

/// All that may become of a packet.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Where all paths end alike that; else the worst of those that are by design (a share of the packets is lost), or
    /// [`Disposition::Undecided`] where it depends on what is not known.
    pub disposition: Disposition,
    /// The paths: several where the node balances load, or where something is not known. Never empty.
    pub paths: Vec<Path>,
}

/// One way that the packet may take.
#[derive(Clone, Debug)]
pub struct Path {
    /// What becomes of it on this way, the answer's way included where it was asked for.
    pub disposition: Disposition,
    /// In one sentence without a full stop, for people: `dropped by rule 3 of FORWARD`.
    pub reason: String,
    /// The share of the packets that take this way by design (load balancing), 0 < share <= 1.
    pub share: f64,
    /// What was assumed for it to go this way: lines whose effect is not known. Empty where the way is certain.
    pub blockers: Vec<PathBlocker>,
    /// What was not captured and taken for harmless, such as the own firewall of a pod of which only links and routes are known.
    pub assumed: Vec<Missing>,
    /// The steps there.
    pub steps: Vec<Step>,
    /// The answer's way back; `None` where it was not asked for or the packet did not arrive.
    pub reply: Option<Vec<Step>>,
    /// Where the packet arrived, if it did.
    pub arrival: Option<Arrival>,
}

impl Path {
    /// The steps that decided: of the way on which it ended, the last that has evidence first.
    pub fn deciding(&self) -> impl Iterator<Item = &Step> {
        let last = self.reply.as_ref().unwrap_or(&self.steps);
        last.iter().rev().filter(|s| s.decides)
    }
}

/// Where a packet arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// In which namespace.
    pub ns: NsId,
    /// It left what was captured by this device, towards this next hop; `None` where it was delivered in the namespace itself.
    pub left_by: Option<(Arc<str>, Option<IpAddr>)>,
    /// As it arrived: translated addresses and ports.
    pub packet: Packet,
}

/// A line whose effect on the packet is not known, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathBlocker {
    /// Which namespace's.
    pub ns: NsId,
    /// The line; `None` where a whole capture is missing.
    pub evidence: Option<Evidence>,
    /// Why its effect is not known.
    pub reason: String,
}

/// Where in a namespace something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// A local socket sends, or the packet comes in from outside.
    Start,
    /// A frame comes in by a device, or goes out by one.
    Device,
    /// A bridge looks up where the frame goes.
    Bridge,
    /// A netfilter hook of IP.
    Hook(Hook),
    /// A netfilter hook of the bridge family, or a device's own.
    BridgeHook(Hook),
    /// Connection tracking.
    Conntrack,
    /// A translation.
    Nat,
    /// ipvs.
    Ipvs,
    /// Reverse path and martian checks.
    SourceCheck,
    /// Policy rules and routes.
    Routing,
    /// Forwarding: sysctls, TTL.
    Forward,
    /// Length against MTU.
    Mtu,
    /// The neighbour is looked up.
    Neighbour,
    /// A tunnel wraps the packet.
    Encapsulate,
    /// A tunnel unwraps it.
    Decapsulate,
    /// IPsec.
    Xfrm,
    /// It is delivered to a socket, or answered.
    Deliver,
}

impl Stage {
    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Device => "device",
            Self::Bridge => "bridge",
            Self::Hook(hook) | Self::BridgeHook(hook) => match hook {
                Hook::Prerouting => "prerouting",
                Hook::Input => "input",
                Hook::Forward => "forward",
                Hook::Output => "output",
                Hook::Postrouting => "postrouting",
            },
            Self::Conntrack => "conntrack",
            Self::Nat => "nat",
            Self::Ipvs => "ipvs",
            Self::SourceCheck => "source-check",
            Self::Routing => "routing",
            Self::Forward => "forwarding",
            Self::Mtu => "mtu",
            Self::Neighbour => "neighbour",
            Self::Encapsulate => "encapsulate",
            Self::Decapsulate => "decapsulate",
            Self::Xfrm => "xfrm",
            Self::Deliver => "deliver",
        }
    }
}

/// One thing that happened to the packet.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where.
    pub ns: NsId,
    /// At which point of the way.
    pub stage: Stage,
    /// The table and chain, for rules: `nat`, `KUBE-SERVICES`.
    pub chain: Option<(String, String)>,
    /// What happened, in lower case, for people: `destination becomes 10.244.2.2:8080`.
    pub action: String,
    /// The lines that decided it.
    pub evidence: Vec<Evidence>,
    /// Whether this ends the way, or changed where it goes (a translation, a drop, the route taken).
    pub decides: bool,
    /// The packet after it.
    pub packet: Packet,
}
