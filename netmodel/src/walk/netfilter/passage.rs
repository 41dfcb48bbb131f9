//! What a hook does with a packet, for the walk: every way that leads on or ends here, with its share and with the lines that led to it.
//!
//! Nothing here is text before somebody asks: a [`LineRef`] is a number, and [`LineRef::place`] and [`LineRef::evidence`] make the words.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::family::Family;
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::walk::netfilter::engine::{Engine, Line, Way};
use crate::walk::netfilter::hook::{Hook, Place};
use crate::walk::netfilter::lookups::OfNode;
use crate::walk::netfilter::rulesets::Rulesets;
use crate::walk::packet::Packet;

/// Where in the kernel netfilter is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookPoint {
    /// A hook of IPv4 or IPv6, by the packet's family.
    Ip(Hook),
    /// A hook of the bridge: the packet's devices are the ports. ebtables is not captured; tables of nftables' family `bridge` are.
    Bridge(Hook),
    /// The ingress of the device [`Packet::iif`] (families `netdev` and `inet`).
    Ingress,
    /// The egress of the device [`Packet::oif`] (family `netdev`).
    Egress,
}

impl From<Hook> for HookPoint {
    fn from(hook: Hook) -> Self {
        Self::Ip(hook)
    }
}

/// What becomes of the packet on one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on behind these base chains.
    Continue,
    /// It is dropped.
    Drop,
    /// It is dropped, and the sender gets this answer (`icmp-port-unreachable`, `tcp-reset`).
    Reject(String),
    /// It leaves the hook in a way that is not followed: why.
    Unknown(Cow<'static, str>),
}

/// What a line did on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// It led to another chain, in which a line mattered.
    Jump,
    /// It changed the packet, its mark or its connection's.
    Change,
    /// It asks for a translation.
    Nat,
    /// It accepts: the base chain ends.
    Accept,
    /// It drops or rejects.
    Stop,
}

/// A line of a ruleset, as a number.
#[derive(Clone, Copy, Debug)]
pub struct LineRef<'n> {
    node: &'n Node,
    family: Family,
    line: Line,
}

impl LineRef<'_> {
    /// Its table, chain, counters and text.
    #[must_use]
    pub fn place(&self) -> Place {
        Rulesets::of(self.node, self.family).place(self.line)
    }

    /// Its text and where it stands.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.place().evidence
    }
}

/// A line that mattered.
#[derive(Clone, Copy, Debug)]
pub struct Event<'n> {
    /// The line: a rule, or the policy of a chain.
    pub line: LineRef<'n>,
    /// What it did.
    pub what: What,
}

/// The lines that mattered on a way, in their order. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lines<'n> {
    events: Arc<[Event<'n>]>,
}

impl<'n> Lines<'n> {
    /// The lines: jumps that led to one that mattered, what changed the packet, and what ended each base chain.
    #[must_use]
    pub fn events(&self) -> Vec<Event<'n>> {
        self.events.to_vec()
    }
}

/// Something that had to be assumed for the packet to go this way.
#[derive(Clone, Debug)]
pub struct Assumption<'n> {
    /// The line whose effect is not known.
    pub line: LineRef<'n>,
    /// Why it is not.
    pub reason: Cow<'static, str>,
}

/// One way out of the hook.
#[derive(Clone, Debug)]
pub struct Exit<'n> {
    /// The packet as it is then. Translations are asked for in [`Packet::nat`] and not made.
    pub packet: Packet,
    /// What becomes of it.
    pub fate: Fate,
    /// The share of the packets that go this way by chance (load balancing), where all that is assumed holds.
    pub share: f64,
    /// The lines that mattered.
    pub lines: Lines<'n>,
    /// What had to be assumed; empty where the way is certain.
    pub blockers: Vec<Assumption<'n>>,
}

/// What base chains do with a packet.
#[derive(Clone, Debug)]
pub struct Passage<'n> {
    /// The ways out; those with the same packet and the same fate are one. Never empty.
    pub exits: Vec<Exit<'n>>,
    /// The rulesets that were not captured or are not whole: they may do anything else to the packet. Empty where all is known.
    pub gaps: Vec<Missing>,
}

/// Sends a packet through the base chains of a hook whose priority is in a range, in the kernel's order.
///
/// Chains below -200 run before connection tracking: they see the packet without a connection, whatever [`Packet::ct_state`] says. nat
/// chains run at -100 (prerouting, output) and 100 (input, postrouting) whatever priority nftables shows for them
/// (`nf_nat_register_fn()` of net/netfilter/nf_nat_core.c: it only orders them among each other), and are asked for packets of new and
/// related connections that are not translated yet. They leave their wish in [`Packet::nat`]; the caller must apply it before it asks the
/// chains behind: so ask `..=-100` and `-99..` on the one side, `..=100` and `101..` on the other.
#[must_use]
pub fn pass<'n>(node: &'n Node, at: HookPoint, prios: RangeInclusive<i32>, packet: Packet) -> Passage<'n> {
    let family = packet.family;
    let rulesets = Rulesets::of(node, family);
    let lookups = OfNode { node, iif: packet.iif.clone(), oif: packet.oif.clone() };
    let mut engine = Engine::new(&rulesets, &lookups);
    let sent = packet.clone();
    let mut ways = vec![Way::new(packet)];
    let bases = match at {
        HookPoint::Ip(hook) => rulesets.bases(hook),
        HookPoint::Bridge(_) | HookPoint::Ingress | HookPoint::Egress => Vec::new(),
    };
    for base in bases.iter().filter(|b| b.gate.is_none() && prios.contains(&b.prio)) {
        ways = engine.base(base, ways);
    }
    let line = |line| LineRef { node, family, line };
    let blockers = |blocks: &[u32], engine: &Engine<'_>| {
        let known = blocks.iter().filter_map(|&b| engine.blockers.get(b as usize));
        known.map(|(l, why)| Assumption { line: line(*l), reason: why.clone().into() }).collect::<Vec<_>>()
    };
    let all = (ways.len() + engine.stops.len()).max(1);
    let share = 1.0 / f64::from(u32::try_from(all).unwrap_or(u32::MAX));
    let mut exits = Vec::with_capacity(all);
    for stop in &engine.stops {
        let jumps = stop.trail.iter().map(|&l| Event { line: line(l), what: What::Jump });
        let events = jumps.chain([Event { line: line(stop.line), what: What::Stop }]).collect();
        exits.push(Exit {
            packet: sent.clone(),
            fate: stop.with.clone().map_or(Fate::Drop, Fate::Reject),
            share,
            lines: Lines { events },
            blockers: blockers(&stop.blocks, &engine),
        });
    }
    for way in ways {
        let events = way.ends.iter().map(|&l| Event { line: line(l), what: What::Accept }).collect();
        let blockers = blockers(&way.blocks, &engine);
        exits.push(Exit { packet: way.packet, fate: Fate::Continue, share, lines: Lines { events }, blockers });
    }
    Passage { exits, gaps: rulesets.gaps }
}
