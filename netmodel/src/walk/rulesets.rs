//! All rulesets of one family of a node: which base chains hang on a hook and in which order, and what is missing.

use crate::family::Family;
use crate::parse::iptables::{ChainId, Policy, RuleId, Ruleset, TableKind};
use crate::parse::nft_json;
use crate::source::{At, Missing};
use crate::state::netfilter::Backend;
use crate::state::{Doc, Node};
use crate::walk::engine::{ChainRef, Line};
use crate::walk::hook::{Hook, Place, Table};

/// The rulesets, and what of them is missing.
pub(super) struct Rulesets<'n> {
    pub(super) iptables: Vec<(Backend, &'n Doc<Ruleset>)>,
    pub(super) nft: Option<&'n Doc<nft_json::Ruleset>>,
    pub(super) gaps: Vec<Missing>,
    /// For each native chain its rules.
    nft_rules: Vec<Vec<usize>>,
    family: Family,
}

/// A base chain on a hook.
pub(super) struct BaseChain {
    pub(super) chain: ChainRef,
    pub(super) prio: i32,
    pub(super) nat: bool,
    /// What its end does: true accepts; `None` is not known.
    pub(super) accepts: Option<bool>,
}

impl<'n> Rulesets<'n> {
    pub(super) fn of(node: &'n Node, family: Family) -> Self {
        let mut all = Self { iptables: Vec::new(), nft: None, gaps: Vec::new(), nft_rules: Vec::new(), family };
        for backend in Backend::ALL {
            match node.iptables(backend, family) {
                Ok(doc) => {
                    all.gaps.extend(doc.source.whole().err());
                    if let Some(table) = doc.tables.iter().find(|t| !t.committed || t.kind == TableKind::Unknown) {
                        let why = format!("table at line {} is not whole or not named", table.at.line);
                        all.gaps.push(Missing::new(&doc.source.key, "the rules", why));
                    }
                    if doc.listing {
                        all.gaps.push(Missing::new(
                            &doc.source.key,
                            "all tables",
                            "a listing shows one table, and not the others",
                        ));
                    }
                    all.iptables.push((backend, doc));
                }
                Err(missing) => all.gaps.push(missing),
            }
        }
        match node.nft() {
            Ok(doc) => {
                all.gaps.extend(doc.source.whole().err());
                if !doc.whole {
                    all.gaps.push(Missing::new(&doc.source.key, "the whole ruleset", "the document is cut off"));
                }
                all.nft = Some(doc);
                all.nft_rules = vec![Vec::new(); doc.chains.len()];
                let index: std::collections::HashMap<_, _> = doc
                    .chains
                    .iter()
                    .enumerate()
                    .map(|(i, c)| ((c.family.as_str(), c.table.as_str(), c.name.as_str()), i))
                    .collect();
                for (i, rule) in doc.rules.iter().enumerate() {
                    if let Some(&chain) = index.get(&(rule.family.as_str(), rule.table.as_str(), rule.chain.as_str())) {
                        all.nft_rules[chain].push(i);
                    }
                }
            }
            Err(missing) => all.gaps.push(missing),
        }
        all
    }

    /// The base chains on a hook in the order in which the kernel runs them (linux/netfilter_ipv4.h for iptables' priorities).
    /// At equal priority the order of registration decides, which is not known: legacy, then iptables-nft, then native.
    pub(super) fn bases(&self, hook: Hook) -> Vec<BaseChain> {
        let mut bases = Vec::new();
        for (doc_index, (_, doc)) in self.iptables.iter().enumerate() {
            for kind in [TableKind::Raw, TableKind::Mangle, TableKind::Nat, TableKind::Filter, TableKind::Security] {
                let chain = doc.table(kind).and_then(|t| doc.chain(&doc.source.text, t, hook.chain()));
                let Some(chain) = chain else { continue };
                let accepts = match doc.chains.get(chain.0 as usize).map(|c| c.policy) {
                    Some(Policy::Accept) => Some(true),
                    Some(Policy::Drop) => Some(false),
                    _ => None,
                };
                let prio = match kind {
                    TableKind::Raw => -300,
                    TableKind::Mangle => -150,
                    TableKind::Nat if matches!(hook, Hook::Prerouting | Hook::Output) => -100,
                    TableKind::Nat => 100,
                    TableKind::Security => 50,
                    TableKind::Filter | TableKind::Unknown => 0,
                };
                let chain = ChainRef::Iptables(doc_index, chain);
                bases.push(BaseChain { chain, prio, nat: kind == TableKind::Nat, accepts });
            }
        }
        for (i, chain) in self.nft.iter().flat_map(|doc| doc.chains.iter().enumerate()) {
            let Some(base) = &chain.base else { continue };
            let ours = match chain.family.as_str() {
                "inet" => true,
                "ip" => self.family == Family::V4,
                "ip6" => self.family == Family::V6,
                _ => false,
            };
            let in_save = chain.name == hook.chain() && self.is_of_iptables(&chain.family, &chain.table);
            if ours && base.hook.eq_ignore_ascii_case(hook.chain()) && !in_save {
                let (chain, prio) = (ChainRef::Nft(i), base.prio);
                bases.push(BaseChain { chain, prio, nat: base.kind == "nat", accepts: Some(base.policy != "drop") });
            }
        }
        bases.sort_by_key(|b| b.prio);
        bases
    }

    /// Whether a table of nftables is one of iptables-nft's. That tool keeps the five tables of iptables under their own names in
    /// the families ip and ip6; its save shows a table of this name exactly if it could read all of it as iptables rules. Then the
    /// save is the better text, since nft's JSON hides the options of xt matches; else the table is evaluated as a native one.
    /// A base chain that somebody added to such a table under another name is not in the save (it says "contains incompatible
    /// base-chains"): the caller compares the name, and evaluates it as a native one too.
    fn is_of_iptables(&self, family: &str, name: &str) -> bool {
        let kind = TableKind::of(name);
        matches!(family, "ip" | "ip6")
            && kind != TableKind::Unknown
            && self.iptables.iter().any(|(backend, doc)| *backend == Backend::Nft && doc.table(kind).is_some())
    }

    /// The lines of a chain.
    pub(super) fn rules(&self, chain: ChainRef) -> Vec<Line> {
        match chain {
            ChainRef::Iptables(doc, chain) => {
                let rules = self.iptables.get(doc).into_iter().flat_map(|(_, d)| d.rules_of(chain));
                rules.map(|(id, _)| Line::Rule(doc, id)).collect()
            }
            ChainRef::Nft(chain) => self.nft_rules.get(chain).into_iter().flatten().map(|&r| Line::NftRule(r)).collect(),
        }
    }

    /// The native chain of a name in the table of a rule.
    pub(super) fn nft_chain(&self, rule: &nft_json::Rule, name: &str) -> Option<ChainRef> {
        let same = |c: &nft_json::Chain| c.family == rule.family && c.table == rule.table && c.name == name;
        self.nft?.chains.iter().position(same).map(ChainRef::Nft)
    }

    /// Whether a line stands in a filter table.
    pub(super) fn is_filter(&self, line: Line) -> bool {
        match line {
            Line::Rule(..) | Line::Policy(ChainRef::Iptables(..)) => {
                matches!(self.place(line).table, Table::Iptables(_, TableKind::Filter))
            }
            Line::Policy(ChainRef::Nft(i)) => {
                self.nft.and_then(|d| d.chains.get(i)).and_then(|c| c.base.as_ref()).is_some_and(|b| b.kind == "filter")
            }
            Line::NftRule(_) => true,
        }
    }

    /// A line in words.
    pub(super) fn place(&self, line: Line) -> Place {
        match line {
            Line::Rule(doc, rule) => self.iptables_place(doc, Some(rule), None),
            Line::Policy(ChainRef::Iptables(doc, chain)) => self.iptables_place(doc, None, Some(chain)),
            Line::NftRule(rule) => {
                let rule = self.nft.and_then(|d| d.rules.get(rule));
                self.nft_place(rule.map(|r| (r.family.as_str(), r.table.as_str(), r.chain.as_str(), r.at)), false)
            }
            Line::Policy(ChainRef::Nft(chain)) => {
                let chain = self.nft.and_then(|d| d.chains.get(chain));
                self.nft_place(chain.map(|c| (c.family.as_str(), c.table.as_str(), c.name.as_str(), c.at)), true)
            }
        }
    }

    fn iptables_place(&self, doc: usize, rule: Option<RuleId>, chain: Option<ChainId>) -> Place {
        let (backend, doc) = self.iptables[doc];
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

    fn nft_place(&self, parts: Option<(&str, &str, &str, At)>, is_policy: bool) -> Place {
        let (family, table, chain, at) = parts.unwrap_or(("", "", "", At::default()));
        let evidence = self.nft.expect("a native line comes from the native ruleset").source.evidence(at);
        let table = Table::Nft(family.to_owned(), table.to_owned());
        Place { table, chain: chain.to_owned(), is_policy, counters: None, evidence }
    }
}
