//! Sends a set of ways (packets that differ by what is not known) through chains, following both sides of every unknown.
//!
//! A chain is walked once for all ways together, and ways whose packets became equal are joined: the work is rules times ways and
//! not two to the power of unknowns. Where that is still too much the engine gives up and says where.

use crate::walk::netfilter::matching::Lookups;
use crate::walk::netfilter::nft;
use crate::walk::netfilter::rulesets::{BaseChain, Rulesets};
use crate::walk::netfilter::target;
use crate::walk::packet::{CtState, Packet};

/// So many rules are asked at most for one packet at one hook; a node with 20,000 Services has about as many in its longest way.
const MAX_STEPS: usize = 400_000;
/// So many different packets are followed at most at one time.
const MAX_WAYS: usize = 64;
/// The kernel refuses deeper jumps (NFT_JUMP_STACK_SIZE is 16; legacy sizes its stack by the ruleset's depth).
const MAX_DEPTH: usize = 64;

/// A chain of one of the rulesets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChainRef {
    /// Of the iptables ruleset of this number.
    Iptables(usize, crate::parse::iptables::ChainId),
    /// A native one.
    Nft(crate::parse::nft::ChainId),
}

/// A line that decides or blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A rule of the iptables ruleset of this number.
    Rule(usize, crate::parse::iptables::RuleId),
    /// A native rule.
    NftRule(crate::parse::nft::RuleId),
    /// The policy of a base chain.
    Policy(ChainRef),
}

/// A packet on its way, and what had to be assumed for it to come here.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) packet: Packet,
    pub(super) blocks: Vec<u32>,
    /// What ended the base chains before.
    pub(super) ends: Vec<Line>,
}

impl Way {
    pub(super) fn new(packet: Packet) -> Self {
        Self { packet, blocks: Vec::new(), ends: Vec::new() }
    }

    fn assume(&mut self, block: Option<u32>) {
        if let Some(block) = block
            && !self.blocks.contains(&block)
        {
            self.blocks.push(block);
        }
    }
}

/// A packet that was stopped.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) line: Line,
    /// The answer of a REJECT; `None` for DROP.
    pub(super) with: Option<String>,
    pub(super) trail: Vec<Line>,
    pub(super) blocks: Vec<u32>,
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
    /// It may go on, be stopped, be accepted or return; why that is not known.
    Open(String),
}

/// One thing that a rule may do with a packet.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) packet: Packet,
    pub(super) act: Act,
    /// Why it is not known whether it does this.
    pub(super) unknown: Option<String>,
}

/// Where the ways of a chain lead.
#[derive(Debug, Default)]
struct Flow {
    returned: Vec<Way>,
    accepted: Vec<Way>,
}

pub(super) struct Engine<'e> {
    rulesets: &'e Rulesets<'e>,
    lookups: &'e dyn Lookups,
    pub(super) stops: Vec<Stop>,
    pub(super) blockers: Vec<(Line, String)>,
    stack: Vec<Line>,
    steps: usize,
    pub(super) exhausted: bool,
    pub(super) gave_up_at: Option<Line>,
}

impl<'e> Engine<'e> {
    pub(super) fn new(rulesets: &'e Rulesets<'e>, lookups: &'e dyn Lookups) -> Self {
        Self {
            rulesets,
            lookups,
            stops: Vec::new(),
            blockers: Vec::new(),
            stack: Vec::new(),
            steps: 0,
            exhausted: false,
            gave_up_at: None,
        }
    }

    /// One base chain: what goes on behind it.
    pub(super) fn base(&mut self, base: &BaseChain, mut ways: Vec<Way>) -> Vec<Way> {
        if let Some(why) = &base.gate {
            let line = Line::Policy(base.chain);
            for way in &mut ways {
                let block = self.blocker(line, why.clone());
                way.assume(Some(block));
                self.stop(way, line, None);
            }
            return ways;
        }
        // Connection tracking runs at -200: before it no packet has a state, which xt_conntrack takes for INVALID.
        let untracked_yet = base.prio < -200;
        let mut skipped = Vec::new();
        let mut entering = Vec::new();
        for mut way in ways {
            // The kernel asks nat chains for the first packet of a connection only.
            if base.nat && matches!(way.packet.ct_state, Some(CtState::Established | CtState::Invalid | CtState::Untracked)) {
                skipped.push(way);
                continue;
            }
            // What one nat chain translated the later ones leave alone (nf_nat_initialized).
            let done = if base.prio < 0 { way.packet.dnat } else { way.packet.snat };
            if base.nat && done == Some(true) {
                skipped.push(way);
                continue;
            }
            if untracked_yet {
                way.packet.ct_before(true);
            }
            entering.push(way);
        }
        let flow = self.chain(base.chain, entering, 0);
        let mut out = flow.accepted;
        let policy = Line::Policy(base.chain);
        for mut way in flow.returned {
            match base.accepts {
                Some(true) => {
                    way.ends.push(policy);
                    out.push(way);
                }
                Some(false) => self.stop(&way, policy, None),
                None => {
                    let block = self.blocker(policy, "the policy of the chain is not known".to_owned());
                    way.assume(Some(block));
                    self.stop(&way, policy, None);
                    out.push(way);
                }
            }
        }
        if untracked_yet {
            out.iter_mut().for_each(|way| way.packet.ct_before(false));
        }
        out.extend(skipped);
        self.join(out, policy)
    }

    fn blocker(&mut self, line: Line, why: String) -> u32 {
        let at = self.blockers.iter().position(|(l, _)| *l == line).unwrap_or_else(|| {
            self.blockers.push((line, why));
            self.blockers.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn stop(&mut self, way: &Way, line: Line, with: Option<String>) {
        self.stops.push(Stop { line, with, trail: self.stack.clone(), blocks: way.blocks.clone() });
    }

    /// Joins ways whose packets are equal.
    fn join(&mut self, ways: Vec<Way>, at: Line) -> Vec<Way> {
        if ways.len() < 2 {
            return ways;
        }
        let mut out: Vec<Way> = Vec::with_capacity(ways.len());
        for way in ways {
            match out.iter_mut().find(|w| w.packet == way.packet) {
                Some(same) => {
                    way.blocks.iter().for_each(|&b| same.assume(Some(b)));
                    for end in way.ends {
                        if !same.ends.contains(&end) {
                            same.ends.push(end);
                        }
                    }
                }
                None => out.push(way),
            }
        }
        if out.len() > MAX_WAYS {
            self.give_up(at);
            out.truncate(MAX_WAYS);
        }
        out
    }

    fn give_up(&mut self, at: Line) {
        self.exhausted = true;
        self.gave_up_at.get_or_insert(at);
    }

    fn chain(&mut self, chain: ChainRef, mut ways: Vec<Way>, depth: usize) -> Flow {
        let mut flow = Flow::default();
        if depth > MAX_DEPTH {
            self.give_up(self.stack.last().copied().unwrap_or(Line::Policy(chain)));
            flow.returned = ways;
            return flow;
        }
        let rulesets = self.rulesets;
        for line in rulesets.rules(chain) {
            if ways.is_empty() {
                break;
            }
            let mut next = Vec::with_capacity(ways.len());
            for way in ways {
                self.steps += 1;
                if self.steps > MAX_STEPS {
                    self.give_up(line);
                    next.push(way);
                } else {
                    self.rule(line, way, &mut next, &mut flow, depth);
                }
            }
            ways = self.join(next, line);
        }
        flow.returned.extend(ways);
        flow.returned = self.join(std::mem::take(&mut flow.returned), Line::Policy(chain));
        flow.accepted = self.join(std::mem::take(&mut flow.accepted), Line::Policy(chain));
        flow
    }

    fn rule(&mut self, line: Line, way: Way, next: &mut Vec<Way>, flow: &mut Flow, depth: usize) {
        let alternatives = match line {
            Line::Rule(doc, rule) => target::alternatives(self.rulesets, doc, rule, &way.packet, self.lookups),
            Line::NftRule(rule) => nft::alternatives(self.rulesets, rule, &way.packet, self.lookups),
            Line::Policy(_) => None,
        };
        let Some(alternatives) = alternatives else {
            next.push(way);
            return;
        };
        let stops = self.stops.len();
        let (mut new_next, mut new_flow) = (Vec::new(), Flow::default());
        let several = alternatives.len() > 1;
        for Alternative { packet, act, unknown } in alternatives {
            let mut taken = Way { packet, blocks: way.blocks.clone(), ends: way.ends.clone() };
            let block = unknown.map(|why| self.blocker(line, why));
            taken.assume(block);
            self.act(line, taken, act, &mut new_next, &mut new_flow, depth);
        }
        let unchanged = several
            && self.stops.len() == stops
            && new_flow.accepted.is_empty()
            && new_flow.returned.is_empty()
            && new_next.iter().all(|w| w.packet == way.packet);
        if unchanged {
            // Both sides of the unknown come to the same: nothing had to be assumed.
            next.push(way);
            return;
        }
        next.append(&mut new_next);
        flow.accepted.append(&mut new_flow.accepted);
        flow.returned.append(&mut new_flow.returned);
    }

    fn act(&mut self, line: Line, mut way: Way, act: Act, next: &mut Vec<Way>, flow: &mut Flow, depth: usize) {
        match act {
            Act::Next => next.push(way),
            Act::Accept => {
                way.ends.push(line);
                flow.accepted.push(way);
            }
            Act::Drop => self.stop(&way, line, None),
            Act::Reject(with) => self.stop(&way, line, Some(with)),
            Act::Return => flow.returned.push(way),
            Act::Jump(to) | Act::Goto(to) => {
                let goto = matches!(act, Act::Goto(_));
                self.stack.push(line);
                let mut inner = self.chain(to, vec![way], depth + 1);
                self.stack.pop();
                flow.accepted.append(&mut inner.accepted);
                if goto { flow.returned.append(&mut inner.returned) } else { next.append(&mut inner.returned) }
            }
            Act::Open(why) => {
                let block = self.blocker(line, why);
                way.assume(Some(block));
                self.stop(&way, line, None);
                // An accept here ends the base chain: a drop further down is not certain any more.
                let mut accepted = way.clone();
                accepted.ends.push(line);
                flow.accepted.push(accepted);
                flow.returned.push(way.clone());
                next.push(way);
            }
        }
    }
}
