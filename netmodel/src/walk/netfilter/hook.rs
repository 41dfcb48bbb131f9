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
use crate::walk::netfilter::engine::{Engine, Line, Stop};
use crate::walk::netfilter::lookups::OfNode;
use crate::walk::netfilter::matching::Lookups;
use crate::walk::netfilter::passage::{Fate, HookPoint, What};
use crate::walk::netfilter::rulesets::Rulesets;
use crate::walk::netfilter::way::Way;
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
    /// All, in the order of their numbers.
    pub(super) const ALL: [Self; 5] = [Self::Prerouting, Self::Input, Self::Forward, Self::Output, Self::Postrouting];

    /// Whether nat chains on it translate destinations; else, where there are any, sources (`HOOK2MANIP` of linux/netfilter/nf_nat.h).
    pub(super) fn is_before_routing(self) -> bool {
        matches!(self, Self::Prerouting | Self::Output)
    }

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

/// What a hook does with a packet; translations that nat chains ask for are made as far as the packet alone tells them.
///
/// # Errors
/// [`Missing`] when the packet is not certainly stopped by what is there, and a ruleset that might stop it is absent or not whole.
pub fn evaluate(node: &Node, hook: Hook, packet: &Packet) -> Result<HookVerdict, Missing> {
    evaluate_with(node, hook, packet, &OfNode { node, at: HookPoint::Ip(hook) })
}

/// The same with answers about sets, addresses and routes that the caller has.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_with(node: &Node, hook: Hook, packet: &Packet, lookups: &dyn Lookups) -> Result<HookVerdict, Missing> {
    let at = HookPoint::Ip(hook);
    let rulesets = Rulesets::of(node, packet.family);
    let plan = rulesets.plan;
    let mut engine = Engine::new(rulesets, lookups, at);
    let mut ways = vec![Way::new(packet.clone())];
    // A packet may pass more devices than the one that the network layer sees (ports of a bridge, slaves of a bond).
    if hook == Hook::Prerouting {
        plan.ingress_gates.iter().for_each(|&chain| engine.gate(chain, "ingress", &mut ways));
    }
    for base in plan.bases(at) {
        engine.base(base, &mut ways);
        ways.iter_mut().for_each(|way| way.packet.translate());
    }
    if hook == Hook::Postrouting {
        plan.egress_gates.iter().for_each(|&chain| engine.gate(chain, "egress", &mut ways));
    }
    let exhausted = engine.stops.iter().any(|s| matches!(s.fate, Fate::Unknown(_)));
    let stopped = ways.is_empty() && !exhausted;
    if !stopped
        && (engine.stops.is_empty() || exhausted)
        && let Some(gap) = plan.gaps(at).first()
    {
        return Err(gap.clone());
    }
    let decision = decision(&engine.stops, stopped);
    let lines = deciding(&engine, rulesets, &ways);
    let blockers = if decision == Decision::Undecided { blockers(&engine, rulesets, &ways) } else { Vec::new() };
    let trail = engine.stops.first().map_or(&[][..], |s| &s.stack);
    Ok(HookVerdict {
        decision,
        deciding: lines.into_iter().map(|l| rulesets.place(l)).collect(),
        trail: trail.iter().map(|&l| rulesets.place(l)).collect(),
        blockers,
        packets: ways.into_iter().map(|w| w.packet).collect(),
    })
}

fn decision(stops: &[Stop], stopped: bool) -> Decision {
    if stops.is_empty() {
        return Decision::Accept;
    }
    if !stopped {
        return Decision::Undecided;
    }
    let mut answers = stops.iter().map(|s| match &s.fate {
        Fate::Reject(with) => Some(with),
        _ => None,
    });
    match answers.next().flatten() {
        Some(with) if answers.all(|answer| answer.is_some()) => Decision::Reject { with: with.clone() },
        _ => Decision::Drop,
    }
}

/// The lines that decide, each once.
fn deciding(engine: &Engine<'_, '_>, rulesets: Rulesets<'_>, ways: &[Way]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    if engine.stops.is_empty() {
        for way in ways {
            let first = lines.len();
            let mut at = way.head;
            while let Some(mark) = engine.trail.get(at as usize) {
                if mark.what == What::Accept {
                    lines.push(mark.line);
                }
                at = mark.before;
            }
            lines[first..].reverse();
        }
        lines.sort_by_key(|line| !rulesets.is_filter(*line));
    } else {
        lines.extend(engine.stops.iter().map(|s| s.line));
    }
    let mut once: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        if !once.contains(&line) {
            once.push(line);
        }
    }
    once
}

/// The lines whose effect is not known, or is a matter of chance, and matters; and where the engine gave up.
fn blockers(engine: &Engine<'_, '_>, rulesets: Rulesets<'_>, ways: &[Way]) -> Vec<Blocker> {
    let all = engine.stops.iter().map(|s| &s.way).chain(ways);
    let mut blocks: Vec<u32> = all.flat_map(|way| &way.assumed).map(|a| a.block).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let known = blocks.iter().filter_map(|&b| engine.blocks.get(b as usize)).map(|b| (b.line, b.why.to_string()));
    let lost = engine.stops.iter().filter_map(|s| match &s.fate {
        Fate::Unknown(why) => Some((s.line, why.to_string())),
        _ => None,
    });
    let mut out: Vec<(Line, String)> = Vec::new();
    for (line, reason) in known.chain(lost) {
        if !out.iter().any(|(known, _)| *known == line) {
            out.push((line, reason));
        }
    }
    out.into_iter().map(|(line, reason)| Blocker { place: rulesets.place(line), reason }).collect()
}
