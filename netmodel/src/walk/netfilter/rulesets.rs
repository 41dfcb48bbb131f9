//! All rulesets of one family of a node: which base chains hang on a hook and in which order, and what is missing.

use crate::family::Family;
use crate::parse::iptables::{ChainId, Counters, Policy, RuleId, Ruleset, TableKind};
use crate::parse::nft;
use crate::parse::nft::index::Index;
use crate::source::{At, Missing};
use crate::state::netfilter::Backend;
use crate::state::{Doc, Node};
use crate::walk::netfilter::engine::{ChainRef, Line};
use crate::walk::netfilter::hook::{Hook, Place, Table};

/// The rulesets, and what of them is missing.
pub(super) struct Rulesets<'n> {
    pub(super) iptables: Vec<(Backend, &'n Doc<Ruleset>)>,
    pub(super) nft: Option<(&'n Doc<nft::Ruleset>, &'n Index)>,
    pub(super) gaps: Vec<Missing>,
    family: Family,
}

/// A base chain on a hook.
pub(super) struct BaseChain {
    pub(super) chain: ChainRef,
    pub(super) prio: i32,
    pub(super) nat: bool,
    /// What its end does: true accepts; `None` is not known.
    pub(super) accepts: Option<bool>,
    /// It is not followed but may stop the packet: why that is not known.
    pub(super) gate: Option<String>,
}

impl<'n> Rulesets<'n> {
    pub(super) fn of(node: &'n Node, family: Family) -> Self {
        let mut all = Self { iptables: Vec::new(), nft: None, gaps: Vec::new(), family };
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
        match node.nft().and_then(|doc| Ok((doc, node.nft_index()?))) {
            Ok((doc, index)) => {
                all.gaps.extend(doc.source.whole().err());
                if let Some(gap) = index.gap() {
                    let why = format!("line {} was not understood: {}", gap.at.line, gap.what);
                    all.gaps.push(Missing::new(&doc.source.key, "the whole ruleset", why));
                }
                all.nft = Some((doc, index));
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
                bases.push(BaseChain { chain, prio, nat: kind == TableKind::Nat, accepts, gate: None });
            }
        }
        self.nft_bases(hook, &mut bases);
        bases.sort_by_key(|b| b.prio);
        bases
    }

    /// Native base chains of one's own family and of inet. A table whose dormancy is not readable (`nft -j` of 1.0.6 prints garbage for
    /// flags) counts as active: dormant tables are rare, and to leave out one that filters would be the worse mistake.
    ///
    /// Base chains at the ingress of devices come before all others at prerouting, those at egress behind all at postrouting. JSON does not
    /// name their devices, and a packet may pass more of them than the one that the network layer sees (bridge ports, slaves of a bond): one
    /// that may stop packets makes the answer undecided for every packet that comes in, or goes out, by a device.
    fn nft_bases(&self, hook: Hook, bases: &mut Vec<BaseChain>) {
        let Some((doc, index)) = self.nft else { return };
        for &id in index.bases() {
            let Some((chain, base, table)) = nft_base(doc, id) else { continue };
            let ours = match table.family {
                nft::NftFamily::Inet => true,
                nft::NftFamily::Ip => self.family == Family::V4,
                nft::NftFamily::Ip6 => self.family == Family::V6,
                _ => false,
            };
            let in_save = *chain.name == *hook.chain() && self.is_of_iptables(table);
            if ours && base.hook == nft_hook(hook) && !in_save {
                let accepts = match base.policy {
                    nft::Policy::Accept => Some(true),
                    nft::Policy::Drop => Some(false),
                    nft::Policy::Other(_) => None,
                };
                // Without a known priority only the order is not known, which matters for marks and translations alone.
                let prio = base.priority.unwrap_or(0);
                bases.push(BaseChain {
                    chain: ChainRef::Nft(id),
                    prio,
                    nat: base.kind == nft::ChainKind::Nat,
                    accepts,
                    gate: None,
                });
            }
        }
        for &id in index.gates() {
            let Some((_, base, _)) = nft_base(doc, id) else { continue };
            let (prio, place) = match (hook, &base.hook) {
                (Hook::Prerouting, nft::Hook::Ingress) => (i32::MIN, "ingress"),
                (Hook::Postrouting, nft::Hook::Egress) => (i32::MAX, "egress"),
                _ => continue,
            };
            let gate = Some(format!("base chains at the {place} of devices are not followed, and this one may stop packets"));
            bases.push(BaseChain { chain: ChainRef::Nft(id), prio, nat: false, accepts: None, gate });
        }
    }

    /// Whether a table of nftables is one of iptables-nft's. That tool keeps the five tables of iptables under their own names in
    /// the families ip and ip6; its save shows a table of this name exactly if it could read all of it as iptables rules. Then the
    /// save is the better text, since nft's JSON hides the options of xt matches; else the table is evaluated as a native one.
    /// A base chain that somebody added to such a table under another name is not in the save (it says "contains incompatible
    /// base-chains"): the caller compares the name, and evaluates it as a native one too.
    fn is_of_iptables(&self, table: &nft::Table) -> bool {
        let kind = TableKind::of(&table.name);
        matches!(table.family, nft::NftFamily::Ip | nft::NftFamily::Ip6)
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
            ChainRef::Nft(chain) => {
                let rules = self.nft.into_iter().flat_map(|(doc, _)| doc.rules_of(chain));
                rules.map(|(id, _)| Line::NftRule(id)).collect()
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
            Line::Rule(doc, rule) => self.iptables_place(doc, Some(rule), None),
            Line::Policy(ChainRef::Iptables(doc, chain)) => self.iptables_place(doc, None, Some(chain)),
            Line::NftRule(rule) => {
                let rule = self.nft.and_then(|(doc, _)| doc.rules.get(rule.0 as usize));
                self.nft_place(rule.map(|r| r.chain), rule)
            }
            Line::Policy(ChainRef::Nft(chain)) => self.nft_place(Some(chain), None),
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

/// A base chain with its table.
fn nft_base(doc: &nft::Ruleset, id: nft::ChainId) -> Option<(&nft::Chain, &nft::BaseChain, &nft::Table)> {
    let chain = doc.chain_record(id)?;
    Some((chain, chain.base.as_deref()?, doc.table_record(chain.table)?))
}

/// The hook by nft's name.
fn nft_hook(hook: Hook) -> nft::Hook {
    match hook {
        Hook::Prerouting => nft::Hook::Prerouting,
        Hook::Input => nft::Hook::Input,
        Hook::Forward => nft::Hook::Forward,
        Hook::Output => nft::Hook::Output,
        Hook::Postrouting => nft::Hook::Postrouting,
    }
}
