//! What a hook does with a packet, for the walk: every way that leads on or ends here, with its share and with the lines that led to it.
//!
//! Nothing here is text before somebody asks: a [`LineRef`] is a number, and [`LineRef::place`] and [`LineRef::evidence`] make the words.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::family::Family;
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::walk::netfilter::engine::{Engine, Line, Mark};
use crate::walk::netfilter::hook::{Hook, Place};
use crate::walk::netfilter::lookups::OfNode;
use crate::walk::netfilter::rulesets::Rulesets;
use crate::walk::netfilter::way::{Way, join};
use crate::walk::packet::Packet;
use crate::walk::tri::Why;

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
    Unknown(Why),
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

/// The lines that mattered on a way. Cheap to clone, and made into words by [`LineRef`] only.
#[derive(Clone, Debug)]
pub struct Lines<'n> {
    trail: Arc<Trail<'n>>,
    head: u32,
}

/// The lines that mattered on all ways of a passage, as a tree with its root at the hook's entry.
#[derive(Debug)]
struct Trail<'n> {
    node: &'n Node,
    family: Family,
    marks: Vec<Mark>,
}

impl<'n> Lines<'n> {
    /// Jumps that led to a line that mattered, what changed the packet, and what ended each base chain, in their order.
    #[must_use]
    pub fn events(&self) -> Vec<Event<'n>> {
        let mut events: Vec<_> = self.backwards().collect();
        events.reverse();
        events
    }

    /// The last of them: for a packet that is stopped the line that does it.
    #[must_use]
    pub fn last(&self) -> Option<Event<'n>> {
        self.backwards().next()
    }

    fn backwards(&self) -> impl Iterator<Item = Event<'n>> {
        let mut at = self.head;
        std::iter::from_fn(move || {
            let mark = self.trail.marks.get(at as usize)?;
            at = mark.before;
            let line = LineRef { node: self.trail.node, family: self.trail.family, line: mark.line };
            Some(Event { line, what: mark.what })
        })
    }
}

/// Something that had to be assumed for the packet to go this way.
#[derive(Clone, Debug)]
pub struct Assumption<'n> {
    /// The line whose effect is not known.
    pub line: LineRef<'n>,
    /// Why it is not.
    pub reason: Why,
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
    pub gaps: &'n [Missing],
}

/// Sends a packet through the base chains of a hook whose priority is in a range, in the kernel's order.
///
/// Chains below -200 run before connection tracking: they see a packet without [`Packet::ct_original`] without a connection, whatever
/// [`Packet::ct_state`] says. nat chains run at -100 (prerouting, output) and 100 (input, postrouting) whatever priority nftables shows for
/// them (`nf_nat_register_fn()` of net/netfilter/nf_nat_core.c: it only orders them among each other), and are asked for packets of new and
/// related connections whose translation is not settled ([`Packet::dst_bound`], [`Packet::src_bound`]). They leave their wish in
/// [`Packet::nat`]; the caller must apply it before it asks the chains behind: so ask `..=-100` and `-99..` on the one side, `..=100` and
/// `101..` on the other.
#[must_use]
pub fn pass<'n>(node: &'n Node, at: HookPoint, prios: RangeInclusive<i32>, packet: Packet) -> Passage<'n> {
    let family = packet.family;
    let rulesets = Rulesets::of(node, family);
    let gaps = rulesets.plan.gaps(at);
    let lookups = OfNode { node, at };
    let mut engine = Engine::new(rulesets, &lookups, at);
    let mut ways = vec![Way::new(packet)];
    for base in rulesets.plan.bases(at).iter().filter(|b| prios.contains(&b.prio)) {
        engine.base(base, &mut ways);
        if ways.is_empty() {
            break;
        }
    }
    let Engine { stops, blocks, trail, .. } = engine;
    let trail = Arc::new(Trail { node, family, marks: trail });
    let exit = |way: Way, fate: Fate| {
        let assumed = way.assumed.iter().filter_map(|a| blocks.get(a.block as usize)).filter(|b| !b.chance);
        let blockers =
            assumed.map(|b| Assumption { line: LineRef { node, family, line: b.line }, reason: b.why.clone() }).collect();
        let lines = Lines { trail: Arc::clone(&trail), head: way.head };
        Exit { packet: way.packet, fate, share: way.share, lines, blockers }
    };
    let stops = join(stops, &blocks, |s| &mut s.way, |a, b| a.fate == b.fate && a.way.packet == b.way.packet);
    let mut exits: Vec<Exit<'n>> = stops.into_iter().map(|stop| exit(stop.way, stop.fate)).collect();
    exits.extend(ways.into_iter().map(|way| exit(way, Fate::Continue)));
    Passage { exits, gaps }
}
