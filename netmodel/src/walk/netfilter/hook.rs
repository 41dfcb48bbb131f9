//! What one netfilter hook does with a packet: all base chains that hang on it, legacy and nft, in the kernel's order of priority.
//!
//! A DROP in any of them drops; an ACCEPT ends only its own base chain. Chains of equal priority of the two back ends run in the
//! order in which they were registered, which no capture shows; for DROP against ACCEPT it makes no difference. Where a match is
//! unknown both ways are followed; where both end alike the answer is certain, else it is [`Decision::Undecided`] and the lines
//! that block it are named. Left out: the bridge, arp and netdev families, eBPF, and the routing between hooks.

use crate::parse::iptables::{Counters, TableKind};
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::state::netfilter::Backend;
use crate::walk::netfilter::engine::{Engine, Line, Way};
use crate::walk::netfilter::lookups::OfNode;
use crate::walk::netfilter::matching::Lookups;
use crate::walk::netfilter::rulesets::Rulesets;
use crate::walk::packet::Packet;

/// A netfilter hook of IPv4 and IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Everything that comes in, before routing.
    Prerouting,
    /// To the node itself.
    Input,
    /// Through the node.
    Forward,
    /// From the node itself, after the first routing decision.
    Output,
    /// Everything that goes out.
    Postrouting,
}

impl Hook {
    /// The name of iptables' built-in chain on it.
    #[must_use]
    pub fn chain(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }
}

/// What becomes of the packet at a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on, whatever is not known.
    Accept,
    /// It is dropped, whatever is not known.
    Drop,
    /// It is refused with an answer to the sender; with what, as the rule says it (`icmp-port-unreachable` where it says nothing).
    Reject {
        /// The answer.
        with: String,
    },
    /// The bundle does not say enough; [`HookVerdict::blockers`] says why.
    Undecided,
}

/// The table of a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// A table of iptables.
    Iptables(Backend, TableKind),
    /// A native table of nftables: its family and name.
    Nft(String, String),
}

/// A line of a ruleset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its table.
    pub table: Table,
    /// Its chain.
    pub chain: String,
    /// Whether it is the policy of the chain and no rule.
    pub is_policy: bool,
    /// What it counted.
    pub counters: Option<Counters>,
    /// The text and where it stands.
    pub evidence: Evidence,
}

/// A line whose effect on the packet is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The line.
    pub place: Place,
    /// Why its effect is not known.
    pub reason: String,
}

/// What a hook does with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookVerdict {
    /// What becomes of it.
    pub decision: Decision,
    /// The lines that decide. For Accept the ends of all base chains, the filter tables first; for Drop and Reject every line that
    /// does it on some way; for Undecided the lines that would drop or reject it.
    pub deciding: Vec<Place>,
    /// The jumps that lead to the first of the deciding lines, the outermost first.
    pub trail: Vec<Place>,
    /// For Undecided the lines that block a decision.
    pub blockers: Vec<Blocker>,
    /// The packet as it leaves the hook, where it may go on: once for each way that changes it differently (marks, DNAT).
    pub packets: Vec<Packet>,
}

/// What a hook does with a packet.
///
/// # Errors
/// [`Missing`] when the packet is not certainly stopped by what is there, and a ruleset that might stop it is absent or not whole.
pub fn evaluate(node: &Node, hook: Hook, packet: &Packet) -> Result<HookVerdict, Missing> {
    evaluate_with(node, hook, packet, &OfNode { node, iif: packet.iif.clone(), oif: packet.oif.clone() })
}

/// The same with answers about sets and addresses that the caller has.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_with(node: &Node, hook: Hook, packet: &Packet, lookups: &dyn Lookups) -> Result<HookVerdict, Missing> {
    let rulesets = Rulesets::of(node, packet.family);
    let mut engine = Engine::new(&rulesets, lookups);
    let mut ways = vec![Way::new(packet.clone())];
    for base in rulesets.bases(hook) {
        ways = engine.base(&base, ways);
    }
    let stops = std::mem::take(&mut engine.stops);
    let stopped = ways.is_empty() && !engine.exhausted;
    if !stopped
        && (stops.is_empty() || engine.exhausted)
        && let Some(gap) = rulesets.gaps.first()
    {
        return Err(gap.clone());
    }
    let accepted = stops.is_empty() && !engine.exhausted;
    let decision = if accepted {
        Decision::Accept
    } else if stopped {
        let mut answers = stops.iter().map(|s| s.with.clone());
        match answers.next().flatten() {
            Some(with) if stops.iter().all(|s| s.with.is_some()) => Decision::Reject { with },
            _ => Decision::Drop,
        }
    } else {
        Decision::Undecided
    };
    let mut lines: Vec<Line> = Vec::new();
    let source = if accepted {
        let mut ends: Vec<Line> = ways.iter().flat_map(|w| w.ends.iter().copied()).collect();
        ends.sort_by_key(|line| !rulesets.is_filter(*line));
        ends
    } else {
        stops.iter().map(|s| s.line).collect()
    };
    for line in source {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let mut blocks: Vec<u32> = Vec::new();
    if decision == Decision::Undecided {
        blocks = stops.iter().flat_map(|s| &s.blocks).chain(ways.iter().flat_map(|w| &w.blocks)).copied().collect();
        blocks.sort_unstable();
        blocks.dedup();
    }
    let mut blockers: Vec<Blocker> = blocks
        .iter()
        .filter_map(|&b| engine.blockers.get(b as usize))
        .map(|(line, reason)| Blocker { place: rulesets.place(*line), reason: reason.clone() })
        .collect();
    if engine.exhausted
        && let Some(line) = engine.gave_up_at
    {
        blockers.push(Blocker { place: rulesets.place(line), reason: "too many ways lead on from here".to_owned() });
    }
    Ok(HookVerdict {
        decision,
        deciding: lines.iter().map(|&l| rulesets.place(l)).collect(),
        trail: stops.first().map_or_else(Vec::new, |s| s.trail.iter().map(|&l| rulesets.place(l)).collect()),
        blockers,
        packets: ways.into_iter().map(|w| w.packet).collect(),
    })
}
