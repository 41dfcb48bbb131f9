//! The rulesets of a node that a packet of one family meets: the rules of a chain, and a line in words.

use crate::family::Family;
use crate::parse::iptables::{self, ChainId, Counters, RuleId, Ruleset, TableKind};
use crate::parse::nft;
use crate::parse::nft::index::Index;
use crate::source::At;
use crate::state::netfilter::Backend;
use crate::state::{Doc, Node};
use crate::walk::netfilter::dispatch::{Cursor, Dispatch, SHORT, fixed_by_nft, fixed_by_rule};
use crate::walk::netfilter::engine::{ChainRef, Line};
use crate::walk::netfilter::hook::{Place, Table};
use crate::walk::netfilter::plan::{Dispatches, Plan, Plans};
use crate::walk::packet::Packet;

/// The rulesets.
#[derive(Clone, Copy)]
pub(super) struct Rulesets<'n> {
    pub(super) plan: &'n Plan,
    pub(super) nft: Option<(&'n Doc<nft::Ruleset>, &'n Index)>,
    iptables: [Option<(&'n Doc<Ruleset>, &'n Dispatches)>; 2],
    chains: Option<&'n Dispatches>,
}

/// The rules of a chain.
#[derive(Clone, Copy)]
pub(super) enum Rules<'n> {
    Iptables(Backend, &'n [RuleId]),
    Nft(&'n [nft::RuleId]),
}

impl Rules<'_> {
    pub(super) fn line(&self, position: u32) -> Option<Line> {
        match self {
            Self::Iptables(backend, rules) => rules.get(position as usize).map(|&id| Line::Rule(*backend, id)),
            Self::Nft(rules) => rules.get(position as usize).map(|&id| Line::NftRule(id)),
        }
    }
}

impl<'n> Rulesets<'n> {
    pub(super) fn of(node: &'n Node, family: Family) -> Self {
        let plan = Plans::of(node, family);
        let there = |backend: Backend| {
            let doc = plan.iptables[backend as usize].then(|| node.iptables(backend, family).ok()).flatten()?;
            Some((doc, node.plans().iptables(backend, family, doc.chains.len())))
        };
        let nft = plan.nft.then(|| Some((node.nft().ok()?, node.nft_index().ok()?))).flatten();
        let chains = nft.map(|(doc, _)| node.plans().nft(doc.chains.len()));
        Self { plan, nft, iptables: Backend::ALL.map(there), chains }
    }

    /// The iptables ruleset of a back end.
    pub(super) fn iptables(&self, backend: Backend) -> Option<&'n Doc<Ruleset>> {
        self.iptables[backend as usize].map(|(doc, _)| doc)
    }

    /// The rules of a chain, and which of them a packet can match, from a position on.
    pub(super) fn rules(&self, chain: ChainRef, packet: &Packet, from: u32) -> (Rules<'n>, Cursor<'n>) {
        match chain {
            ChainRef::Iptables(backend, chain) => {
                let Some((doc, dispatches)) = self.iptables[backend as usize] else {
                    return (Rules::Iptables(backend, &[]), Cursor::new(None, 0, packet, 0));
                };
                let rules = doc.rule_ids(chain);
                let index = (rules.len() > SHORT).then(|| dispatches.get(chain.0, || index_of_rules(doc, rules))).flatten();
                (Rules::Iptables(backend, rules), Cursor::new(index, rules.len(), packet, from))
            }
            ChainRef::Nft(chain) => {
                let (Some((doc, _)), Some(dispatches)) = (self.nft, self.chains) else {
                    return (Rules::Nft(&[]), Cursor::new(None, 0, packet, 0));
                };
                let rules = doc.chain_record(chain).map_or(&[][..], |c| &c.rules[..]);
                let index = (rules.len() > SHORT).then(|| dispatches.get(chain.0, || index_of_nft(doc, rules))).flatten();
                (Rules::Nft(rules), Cursor::new(index, rules.len(), packet, from))
            }
        }
    }

    /// Whether a line stands in a filter table.
    pub(super) fn is_filter(&self, line: Line) -> bool {
        match line {
            Line::Rule(..) | Line::Policy(ChainRef::Iptables(..)) => {
                matches!(self.place(line).table, Table::Iptables(_, TableKind::Filter))
            }
            Line::Policy(ChainRef::Nft(id)) => {
                let base = self.nft.and_then(|(doc, _)| nft_base(doc, id));
                base.is_some_and(|(_, base, _)| base.kind == nft::ChainKind::Filter)
            }
            Line::NftRule(_) => true,
        }
    }

    /// A line in words.
    pub(super) fn place(&self, line: Line) -> Place {
        match line {
            Line::Rule(backend, rule) => self.iptables_place(backend, Some(rule), None),
            Line::Policy(ChainRef::Iptables(backend, chain)) => self.iptables_place(backend, None, Some(chain)),
            Line::NftRule(rule) => {
                let rule = self.nft.and_then(|(doc, _)| doc.rules.get(rule.0 as usize));
                self.nft_place(rule.map(|r| r.chain), rule)
            }
            Line::Policy(ChainRef::Nft(chain)) => self.nft_place(Some(chain), None),
        }
    }

    fn iptables_place(&self, backend: Backend, rule: Option<RuleId>, chain: Option<ChainId>) -> Place {
        let doc = self.iptables(backend).expect("a line of iptables comes from its ruleset");
        let rule = rule.and_then(|id| doc.rules.get(id.0 as usize));
        let id = chain.or(rule.map(|r| r.chain));
        let chain = id.and_then(|id| doc.chains.get(id.0 as usize));
        let kind = id.and_then(|id| doc.table_of(id)).map_or(TableKind::Unknown, |t| t.kind);
        Place {
            table: Table::Iptables(backend, kind),
            chain: chain.map_or("", |c| c.name.of(&doc.source.text)).to_owned(),
            is_policy: rule.is_none(),
            counters: rule.map_or_else(|| chain.and_then(|c| c.counters), |r| r.counters),
            evidence: doc.source.evidence(rule.map_or_else(|| chain.map_or(At::default(), |c| c.at), |r| r.at)),
        }
    }

    fn nft_place(&self, chain: Option<nft::ChainId>, rule: Option<&nft::Rule>) -> Place {
        let (doc, _) = self.nft.expect("a native line comes from the native ruleset");
        let chain = chain.and_then(|id| doc.chain_record(id));
        let table = chain.and_then(|c| doc.table_record(c.table));
        let counter = rule.into_iter().flat_map(|r| doc.stmts(r)).find_map(|stmt| match stmt {
            nft::Stmt::Counter(counter) => *counter,
            _ => None,
        });
        Place {
            table: Table::Nft(table.map_or("", |t| t.family.name()).to_owned(), table.map_or("", |t| &*t.name).to_owned()),
            chain: chain.map_or("", |c| &*c.name).to_owned(),
            is_policy: rule.is_none(),
            counters: counter.map(|c| Counters { packets: c.packets, bytes: c.bytes, rounded: false }),
            evidence: doc.source.evidence(rule.map_or_else(|| chain.map_or(At::default(), |c| c.at), |r| r.at)),
        }
    }
}

fn index_of_rules(doc: &Doc<Ruleset>, rules: &[RuleId]) -> Option<Box<Dispatch>> {
    let fixed = |id: &RuleId| match doc.rules.get(id.0 as usize) {
        // Of a rule that is not understood nothing is fixed.
        Some(rule) if rule.whole && !matches!(rule.target, iptables::Target::Elided(_)) => {
            fixed_by_rule(doc, &doc.source.text, rule)
        }
        _ => Vec::new(),
    };
    Dispatch::new(rules.iter().map(fixed))
}

fn index_of_nft(doc: &nft::Ruleset, rules: &[nft::RuleId]) -> Option<Box<Dispatch>> {
    Dispatch::new(rules.iter().map(|id| doc.rules.get(id.0 as usize).map_or_else(Vec::new, |rule| fixed_by_nft(doc.stmts(rule)))))
}

/// A base chain with its table.
pub(super) fn nft_base(doc: &nft::Ruleset, id: nft::ChainId) -> Option<(&nft::Chain, &nft::BaseChain, &nft::Table)> {
    let chain = doc.chain_record(id)?;
    Some((chain, chain.base.as_deref()?, doc.table_record(chain.table)?))
}
