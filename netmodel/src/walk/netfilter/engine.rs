//! Sends a packet through chains, following every side of what is not known or left to chance.
//!
//! Nearly always there is one way, which is walked in place. From a fork on, all ways of a chain are walked together, rule by rule, and
//! those whose packets became equal are joined: the work is rules times ways and not two to the power of unknowns. Where that is still
//! too much a way ends as not known, and says where.

use crate::state::netfilter::Backend;
use crate::walk::netfilter::dispatch::Cursor;
use crate::walk::netfilter::matching::Lookups;
use crate::walk::netfilter::passage::{Fate, HookPoint, What};
use crate::walk::netfilter::plan::BaseChain;
use crate::walk::netfilter::rulesets::Rulesets;
use crate::walk::netfilter::way::{Block, NOWHERE, Way, join};
use crate::walk::netfilter::{nft, target};
use crate::walk::packet::{CtState, Dev, Packet};
use crate::walk::tri::Why;

/// So many rules are asked at most for one packet at one hook; a node with 20,000 Services has about as many in its longest way.
const MAX_STEPS: usize = 400_000;
/// So many different packets are followed at most at one time: a Service may have a thousand endpoints.
const MAX_WAYS: usize = 2_048;
/// The kernel refuses deeper jumps (NFT_JUMP_STACK_SIZE is 16; legacy sizes its stack by the ruleset's depth).
const MAX_DEPTH: usize = 64;

const TOO_DEEP: &str = "the jumps lead deeper than the kernel lets them";

/// A chain of one of the rulesets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChainRef {
    /// Of the iptables ruleset of a back end.
    Iptables(Backend, crate::parse::iptables::ChainId),
    /// A native one.
    Nft(crate::parse::nft::ChainId),
}

/// A line that decides or blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A rule of the iptables ruleset of a back end.
    Rule(Backend, crate::parse::iptables::RuleId),
    /// A native rule.
    NftRule(crate::parse::nft::RuleId),
    /// The policy of a base chain.
    Policy(ChainRef),
}

/// A line that mattered, and the one before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) before: u32,
    pub(super) line: Line,
    pub(super) what: What,
}

/// A packet that was stopped.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) way: Way,
    pub(super) line: Line,
    pub(super) fate: Fate,
    /// The jumps that led to the line.
    pub(super) stack: Vec<Line>,
}

impl super::way::Takes for Stop {
    fn take(self) -> Way {
        self.way
    }
}

/// What a rule does with a packet that it matches.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// The next rule.
    Next,
    Accept,
    Drop,
    Reject(String),
    Return,
    Jump(ChainRef),
    Goto(ChainRef),
    /// It leaves the hook in a way that is not followed.
    Lost(Why),
}

/// One thing that a rule may do with a packet.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) packet: Packet,
    pub(super) act: Act,
    /// What it does to the packet.
    pub(super) what: Option<What>,
    /// Why it is not known whether it does this.
    pub(super) unknown: Option<Why>,
    /// How often it does this by chance.
    pub(super) weight: f64,
}

impl Alternative {
    pub(super) fn new(packet: Packet, act: Act, unknown: Option<Why>) -> Self {
        Self { packet, act, what: None, unknown, weight: 1.0 }
    }
}

/// What a rule does with a packet.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// Nothing.
    No,
    /// This; the packet was changed in place.
    Sure(Act, Option<What>),
    /// One of these; the packet in place does not count.
    Fork(Vec<Alternative>),
}

/// Where the ways of a chain lead.
#[derive(Debug, Default)]
struct Flow {
    /// To the next rule; empty for a whole chain.
    next: Vec<Way>,
    returned: Vec<Way>,
    accepted: Vec<Way>,
    /// Into other chains, and whether they come back behind this rule; empty for a whole rule.
    jumps: Vec<(ChainRef, bool, Way)>,
}

/// Where a chain led.
enum Out {
    /// The way came to its end.
    Returned,
    /// The base chain accepts.
    Accepted,
    /// It was stopped.
    Gone,
    /// There are several ways now; the one that went in is none of them.
    Many(Flow),
}

/// What rules are asked with.
#[derive(Clone, Copy)]
pub(super) struct Asked<'n, 'e> {
    pub(super) rulesets: Rulesets<'n>,
    pub(super) lookups: &'e dyn Lookups,
    pub(super) at: HookPoint,
}

pub(super) struct Engine<'n, 'e> {
    asked: Asked<'n, 'e>,
    pub(super) stops: Vec<Stop>,
    pub(super) blocks: Vec<Block>,
    pub(super) trail: Vec<Mark>,
    stack: Vec<Line>,
    steps: usize,
}

impl<'n, 'e> Engine<'n, 'e> {
    pub(super) fn new(rulesets: Rulesets<'n>, lookups: &'e dyn Lookups, at: HookPoint) -> Self {
        let asked = Asked { rulesets, lookups, at };
        Self { asked, stops: Vec::new(), blocks: Vec::new(), trail: Vec::with_capacity(16), stack: Vec::new(), steps: 0 }
    }

    /// One base chain: the ways become those that go on behind it.
    pub(super) fn base(&mut self, base: &BaseChain, ways: &mut Vec<Way>) {
        let mut more = Vec::new();
        let mut kept = 0;
        for i in 0..ways.len() {
            if self.one_way(base, &mut ways[i], &mut more) {
                ways.swap(kept, i);
                kept += 1;
            }
        }
        ways.truncate(kept);
        if !more.is_empty() || ways.len() > 1 {
            ways.append(&mut more);
            *ways = self.joined(std::mem::take(ways), Line::Policy(base.chain));
        }
    }

    /// Whether the way goes on; others that do are added to `more`.
    fn one_way(&mut self, base: &BaseChain, way: &mut Way, more: &mut Vec<Way>) -> bool {
        if skips(base, self.asked.at, &way.packet) {
            return true;
        }
        if let Some(why) = unknown_device(base, self.asked.at, &way.packet) {
            let block = self.block(Line::Policy(base.chain), why, 2, way);
            let mut skipped = way.clone();
            skipped.assume(block, 0);
            way.assume(block, 1);
            more.push(skipped);
        }
        // Connection tracking runs at -200: before it no packet has a state, which xt_conntrack takes for INVALID.
        let untracked_yet = base.prio < -200 && matches!(self.asked.at, HookPoint::Ip(_));
        if untracked_yet {
            way.packet.ct_before(true);
        }
        way.shown = 0;
        let first = more.len();
        let goes_on = match self.chain(base.chain, way, 0) {
            Out::Accepted => true,
            Out::Gone => false,
            Out::Returned => self.policy(base, way, more),
            Out::Many(flow) => {
                more.extend(flow.accepted);
                for mut way in flow.returned {
                    way.shown = 0;
                    if self.policy(base, &mut way, more) {
                        more.push(way);
                    }
                }
                false
            }
        };
        if untracked_yet {
            way.packet.ct_before(false);
            more[first..].iter_mut().for_each(|way| way.packet.ct_before(false));
        }
        goes_on
    }

    /// The end of a base chain: whether the way goes on.
    fn policy(&mut self, base: &BaseChain, way: &mut Way, more: &mut Vec<Way>) -> bool {
        let line = Line::Policy(base.chain);
        match base.accepts {
            Some(true) => {
                self.note(way, line, What::Accept);
                true
            }
            Some(false) => {
                self.stop(way.clone(), line, Fate::Drop);
                false
            }
            None => {
                let block = self.block(line, "the policy of the chain is not known".into(), 2, way);
                let mut accepted = way.clone();
                accepted.assume(block, 0);
                self.note(&mut accepted, line, What::Accept);
                more.push(accepted);
                way.assume(block, 1);
                self.stop(way.clone(), line, Fate::Drop);
                false
            }
        }
    }

    /// A packet that goes by a device at whose ingress or egress something may stop it.
    pub(super) fn gate(&mut self, chain: ChainRef, place: &str, ways: &mut [Way]) {
        let line = Line::Policy(chain);
        for way in ways {
            let why = format!("base chains at the {place} of devices are not followed, and this one may stop packets");
            let block = self.block(line, why.into(), 2, way);
            let mut stopped = way.clone();
            stopped.assume(block, 0);
            way.assume(block, 1);
            self.stop(stopped, line, Fate::Drop);
        }
    }

    /// A fork of a way at a line whose effect is not known.
    fn block(&mut self, line: Line, why: Why, sides: usize, way: &Way) -> u32 {
        self.fork_block(Block::new(line, why, false, sides), way)
    }

    /// Ways that come to a line with different packets fork there alike; a way that comes twice may fork otherwise the second time.
    fn fork_block(&mut self, block: Block, way: &Way) -> u32 {
        let known =
            (0u32..).zip(&self.blocks).find(|(i, b)| b.line == block.line && b.chance == block.chance && !way.assumes(*i));
        if let Some((i, _)) = known {
            return i;
        }
        self.blocks.push(block);
        u32::try_from(self.blocks.len() - 1).unwrap_or(u32::MAX)
    }

    /// A line mattered: the jumps that led to it did.
    fn note(&mut self, way: &mut Way, line: Line, what: What) {
        for i in way.shown..self.stack.len() {
            self.mark(way, self.stack[i], What::Jump);
        }
        way.shown = self.stack.len();
        self.mark(way, line, what);
    }

    fn mark(&mut self, way: &mut Way, line: Line, what: What) {
        self.trail.push(Mark { before: way.head, line, what });
        way.head = u32::try_from(self.trail.len() - 1).unwrap_or(NOWHERE);
    }

    fn stop(&mut self, mut way: Way, line: Line, fate: Fate) {
        self.note(&mut way, line, What::Stop);
        self.stops.push(Stop { way, line, fate, stack: self.stack.clone() });
    }

    /// Joins ways whose packets are equal.
    fn joined(&mut self, ways: Vec<Way>, at: Line) -> Vec<Way> {
        let mut ways = join(ways, &self.blocks, |w| w, |a, b| a.packet == b.packet);
        for way in ways.drain(MAX_WAYS.min(ways.len())..) {
            self.stop(way, at, Fate::Unknown("too many ways lead on from here".into()));
        }
        ways
    }

    fn chain(&mut self, chain: ChainRef, way: &mut Way, depth: usize) -> Out {
        if depth > MAX_DEPTH {
            let line = self.stack.last().copied().unwrap_or(Line::Policy(chain));
            self.stop(way.clone(), line, Fate::Unknown(TOO_DEEP.into()));
            return Out::Gone;
        }
        let (rules, mut cursor) = self.asked.rulesets.rules(chain, &way.packet, 0);
        while let Some(position) = cursor.peek() {
            cursor.pass(position);
            let Some(line) = rules.line(position) else { break };
            self.steps += 1;
            if self.steps > MAX_STEPS {
                self.stop(way.clone(), line, Fate::Unknown("too many rules lead on from here".into()));
                return Out::Gone;
            }
            let before = way.head;
            match self.effect(line, &mut way.packet) {
                Effect::No => continue,
                Effect::Sure(act, what) => {
                    if let Some(what) = what {
                        self.note(way, line, what);
                    }
                    match act {
                        Act::Next => {}
                        Act::Return => return Out::Returned,
                        Act::Accept => {
                            self.note(way, line, What::Accept);
                            return Out::Accepted;
                        }
                        Act::Drop => {
                            self.stop(way.clone(), line, Fate::Drop);
                            return Out::Gone;
                        }
                        Act::Reject(with) => {
                            self.stop(way.clone(), line, Fate::Reject(with));
                            return Out::Gone;
                        }
                        Act::Lost(why) => {
                            self.stop(way.clone(), line, Fate::Unknown(why));
                            return Out::Gone;
                        }
                        Act::Jump(to) => match self.jump(line, to, way, depth) {
                            Out::Returned => {}
                            Out::Many(mut flow) => {
                                std::mem::swap(&mut flow.next, &mut flow.returned);
                                return self.many(chain, position + 1, flow, depth);
                            }
                            out => return out,
                        },
                        Act::Goto(to) => return self.jump(line, to, way, depth),
                    }
                }
                Effect::Fork(alternatives) => {
                    let mut flow = Flow::default();
                    self.fork(line, way, alternatives, &mut flow);
                    self.follow(line, &mut flow, depth);
                    return self.many(chain, position + 1, flow, depth);
                }
            }
            if way.head != before {
                // The packet may have changed: other rules may be those that it can match.
                cursor = self.asked.rulesets.rules(chain, &way.packet, position + 1).1;
            }
        }
        Out::Returned
    }

    /// Several ways through the rest of a chain, rule by rule.
    fn many(&mut self, chain: ChainRef, from: u32, mut flow: Flow, depth: usize) -> Out {
        let rulesets = self.asked.rulesets;
        let enter = |way: Way, from: u32| -> (Way, Cursor<'n>) {
            let cursor = rulesets.rules(chain, &way.packet, from).1;
            (way, cursor)
        };
        let joined = self.joined(std::mem::take(&mut flow.next), Line::Policy(chain));
        let mut ways: Vec<_> = joined.into_iter().map(|way| enter(way, from)).collect();
        while let Some(position) = ways.iter().filter_map(|(_, cursor)| cursor.peek()).min() {
            let Some(first) = ways.first() else { break };
            let Some(line) = rulesets.rules(chain, &first.0.packet, position).0.line(position) else { break };
            let mut out = Vec::with_capacity(ways.len());
            let mut changed = false;
            let mut here = Flow::default();
            for (mut way, mut cursor) in ways {
                if cursor.peek() != Some(position) {
                    out.push((way, cursor));
                    continue;
                }
                cursor.pass(position);
                self.steps += 1;
                if self.steps > MAX_STEPS {
                    self.stop(way, line, Fate::Unknown("too many rules lead on from here".into()));
                    continue;
                }
                match self.effect(line, &mut way.packet) {
                    Effect::No => {
                        out.push((way, cursor));
                        continue;
                    }
                    Effect::Sure(act, what) => self.act(line, way, act, what, &mut here),
                    Effect::Fork(alternatives) => self.fork(line, &way, alternatives, &mut here),
                }
                changed = true;
            }
            self.follow(line, &mut here, depth);
            out.extend(here.next.into_iter().map(|way| enter(way, position + 1)));
            flow.returned.append(&mut here.returned);
            flow.accepted.append(&mut here.accepted);
            ways = out;
            if changed {
                // Ways with equal packets have equal rules before them.
                ways = join(ways, &self.blocks, |(way, _)| way, |(a, _), (b, _)| a.packet == b.packet);
                for (way, _) in ways.drain(MAX_WAYS.min(ways.len())..) {
                    self.stop(way, line, Fate::Unknown("too many ways lead on from here".into()));
                }
            }
        }
        flow.returned.extend(ways.into_iter().map(|(way, _)| way));
        flow.returned = self.joined(std::mem::take(&mut flow.returned), Line::Policy(chain));
        flow.accepted = self.joined(std::mem::take(&mut flow.accepted), Line::Policy(chain));
        Out::Many(flow)
    }

    fn effect(&self, line: Line, packet: &mut Packet) -> Effect {
        match line {
            Line::Rule(backend, rule) => target::effect(&self.asked, backend, rule, packet),
            Line::NftRule(rule) => nft::effect(&self.asked, rule, packet),
            Line::Policy(_) => Effect::No,
        }
    }

    /// Through another chain and back to this depth.
    fn jump(&mut self, line: Line, to: ChainRef, way: &mut Way, depth: usize) -> Out {
        self.stack.push(line);
        let out = self.chain(to, way, depth + 1);
        let out = self.back(out);
        way.shown = way.shown.min(self.stack.len());
        out
    }

    /// Out of a chain.
    fn back(&mut self, mut out: Out) -> Out {
        self.stack.pop();
        let here = self.stack.len();
        if let Out::Many(flow) = &mut out {
            flow.returned.iter_mut().chain(&mut flow.accepted).for_each(|way| way.shown = way.shown.min(here));
        }
        out
    }

    /// Follows the jumps of a rule: the ways that lead to the same chain go through it together.
    fn follow(&mut self, line: Line, flow: &mut Flow, depth: usize) {
        while let Some(&(to, back, _)) = flow.jumps.first() {
            let mut ways: Vec<Way> = Vec::new();
            let mut others = Vec::new();
            for (chain, comes_back, way) in flow.jumps.drain(..) {
                if (chain, comes_back) == (to, back) { ways.push(way) } else { others.push((chain, comes_back, way)) }
            }
            flow.jumps = others;
            let out = match &mut ways[..] {
                [way] => self.jump(line, to, way, depth),
                _ => self.jump_together(line, to, ways.split_off(0), depth),
            };
            let returned = if back { &mut flow.next } else { &mut flow.returned };
            match out {
                Out::Returned => returned.append(&mut ways),
                Out::Accepted => flow.accepted.append(&mut ways),
                Out::Gone => {}
                Out::Many(mut inner) => {
                    returned.append(&mut inner.returned);
                    flow.accepted.append(&mut inner.accepted);
                }
            }
        }
    }

    fn jump_together(&mut self, line: Line, to: ChainRef, ways: Vec<Way>, depth: usize) -> Out {
        if depth >= MAX_DEPTH {
            for way in ways {
                self.stop(way, line, Fate::Unknown(TOO_DEEP.into()));
            }
            return Out::Gone;
        }
        self.stack.push(line);
        let out = self.many(to, 0, Flow { next: ways, ..Flow::default() }, depth + 1);
        self.back(out)
    }

    /// Each side of a fork.
    fn fork(&mut self, line: Line, way: &Way, alternatives: Vec<Alternative>, flow: &mut Flow) {
        let unknown = alternatives.iter().find_map(|a| a.unknown.clone());
        let sides = alternatives.len();
        let block = match unknown {
            Some(why) => Some(Block::new(line, why, false, sides)),
            None if sides > 1 => Some(Block::new(line, "it is a matter of chance".into(), true, sides)),
            None => None,
        };
        let block = block.map(|block| self.fork_block(block, way));
        for (side, alternative) in alternatives.into_iter().enumerate() {
            let mut taken = way.with(alternative.packet);
            taken.share *= alternative.weight;
            if let Some(block) = block {
                taken.assume(block, side);
            }
            self.act(line, taken, alternative.act, alternative.what, flow);
        }
    }

    fn act(&mut self, line: Line, mut way: Way, act: Act, what: Option<What>, flow: &mut Flow) {
        if let Some(what) = what {
            self.note(&mut way, line, what);
        }
        match act {
            Act::Next => flow.next.push(way),
            Act::Accept => {
                self.note(&mut way, line, What::Accept);
                flow.accepted.push(way);
            }
            Act::Drop => self.stop(way, line, Fate::Drop),
            Act::Reject(with) => self.stop(way, line, Fate::Reject(with)),
            Act::Lost(why) => self.stop(way, line, Fate::Unknown(why)),
            Act::Return => flow.returned.push(way),
            Act::Jump(to) => flow.jumps.push((to, true, way)),
            Act::Goto(to) => flow.jumps.push((to, false, way)),
        }
    }
}

/// Whether a packet passes a base chain by.
fn skips(base: &BaseChain, at: HookPoint, packet: &Packet) -> bool {
    if base.nat {
        let HookPoint::Ip(hook) = at else { return true };
        // The kernel asks nat chains for the first packet of a connection only (`nf_nat_inet_fn()` of net/netfilter/nf_nat_core.c), and what
        // is settled the later ones leave alone (`nf_nat_initialized()`).
        let settled = if hook.is_before_routing() {
            packet.dst_bound || packet.dnat == Some(true)
        } else {
            packet.src_bound || packet.snat == Some(true)
        };
        let later = matches!(packet.ct_state, Some(CtState::Established | CtState::Invalid | CtState::Untracked));
        return settled || later || packet.nat.is_some();
    }
    matches!(device(at, packet), Some(Dev::Named(name)) if !base.devices.is_empty() && !base.devices.contains(name))
        || matches!(device(at, packet), Some(Dev::None))
}

/// Why it is not known whether a base chain hangs on the packet's device.
fn unknown_device(base: &BaseChain, at: HookPoint, packet: &Packet) -> Option<Why> {
    match device(at, packet)? {
        Dev::Unknown => Some("the device is not known".into()),
        _ if base.devices.is_empty() => Some("the capture does not say on which devices the chain hangs".into()),
        _ => None,
    }
}

/// The device at whose ingress or egress the packet is.
fn device(at: HookPoint, packet: &Packet) -> Option<&Dev> {
    match at {
        HookPoint::Ingress => Some(&packet.iif),
        HookPoint::Egress => Some(&packet.oif),
        HookPoint::Ip(_) | HookPoint::Bridge(_) => None,
    }
}
