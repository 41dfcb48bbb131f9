//! Puts a ruleset together from its parts, in whatever order the text has them.

use std::collections::HashMap;

use super::expr::Name;
use super::record::{
    Chain, ChainId, ChainKind, Hook, NftFamily, Policy, Rule, RuleId, Ruleset, Set, SetFlags, SetId, Table, TableFlag, TableId,
};
use super::stmt::Stmt;
use super::value::Names;
use crate::parse::Parsed;
use crate::source::{At, Problem};

/// A ruleset in the making.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) ruleset: Ruleset,
    pub(super) problems: Vec<Problem>,
    pub(super) names: Names,
    last: Option<(NftFamily, Name, TableId)>,
    last_chain: Option<(TableId, Name, ChainId)>,
    inserted: Vec<(ChainId, RuleId)>,
}

fn id(index: usize) -> u32 {
    // Each record takes bytes of a text whose offsets fit 32 bits.
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl Builder {
    pub(super) fn name(&mut self, word: &str) -> Name {
        self.names.get(word)
    }

    pub(super) fn problem(&mut self, at: At, what: impl Into<String>) {
        self.problems.push(Problem { at, what: what.into() });
    }

    /// The table of a family and name; made if it is not there yet.
    pub(super) fn table(&mut self, family: NftFamily, name: &str, at: At) -> TableId {
        if let Some((f, n, table)) = &self.last
            && *f == family
            && **n == *name
        {
            return *table;
        }
        let name = self.names.get(name);
        let table = if let Some(&table) = self.ruleset.by_table.get(&(family, name.clone())) {
            table
        } else {
            let table = TableId(id(self.ruleset.tables.len()));
            self.ruleset.tables.push(Table {
                at,
                family,
                name: name.clone(),
                handle: None,
                flags: Vec::new(),
                owner: None,
                comment: None,
                warned: false,
                declared: false,
            });
            self.ruleset.by_table.insert((family, name.clone()), table);
            table
        };
        self.last = Some((family, name, table));
        table
    }

    pub(super) fn family(&self, table: TableId) -> NftFamily {
        self.ruleset.table_record(table).map_or(NftFamily::Ip, |t| t.family)
    }

    /// The chain of a name; made if it is not there yet.
    pub(super) fn chain(&mut self, table: TableId, name: &str, at: At) -> ChainId {
        if let Some((t, n, chain)) = &self.last_chain
            && *t == table
            && **n == *name
        {
            return *chain;
        }
        // A listing has the rules of chains in the order of the chains.
        if let Some((t, _, last)) = self.last_chain
            && t == table
            && let next = ChainId(last.0.saturating_add(1))
            && let Some(chain) = self.ruleset.chain_record(next)
            && chain.table == table
            && *chain.name == *name
        {
            self.last_chain = Some((table, chain.name.clone(), next));
            return next;
        }
        let name = self.names.get(name);
        let chain = if let Some(&chain) = self.ruleset.by_chain.get(&(table, name.clone())) {
            chain
        } else {
            let chain = ChainId(id(self.ruleset.chains.len()));
            self.ruleset.chains.push(Chain {
                at,
                table,
                name: name.clone(),
                handle: None,
                base: None,
                comment: None,
                rules: Vec::new(),
                declared: false,
            });
            self.ruleset.by_chain.insert((table, name.clone()), chain);
            chain
        };
        self.last_chain = Some((table, name, chain));
        chain
    }

    pub(super) fn chain_mut(&mut self, chain: ChainId) -> Option<&mut Chain> {
        self.ruleset.chains.get_mut(chain.0 as usize)
    }

    pub(super) fn table_mut(&mut self, table: TableId) -> Option<&mut Table> {
        self.ruleset.tables.get_mut(table.0 as usize)
    }

    /// Where the statements of the next rule begin.
    pub(super) fn first_stmt(&self) -> u32 {
        id(self.ruleset.stmts.len())
    }

    pub(super) fn push_stmt(&mut self, stmt: Stmt) {
        self.ruleset.stmts.push(stmt);
    }

    /// Forgets the statements from `first` on.
    pub(super) fn drop_stmts(&mut self, first: u32) {
        self.ruleset.stmts.truncate(first as usize);
    }

    /// Ends a rule whose statements were pushed since `first`.
    pub(super) fn rule(&mut self, at: At, chain: ChainId, handle: Option<u64>, comment: Option<Name>, first: u32, insert: bool) {
        let rule = RuleId(id(self.ruleset.rules.len()));
        let end = self.first_stmt();
        self.ruleset.rules.push(Rule { at, chain, handle, comment, first, end });
        if insert {
            self.inserted.push((chain, rule));
        } else if let Some(chain) = self.chain_mut(chain) {
            chain.rules.push(rule);
        }
    }

    /// The ruleset, with inserted rules before the others of their chain, the last inserted first.
    pub(super) fn finish(mut self) -> Parsed<Ruleset> {
        let mut before: HashMap<ChainId, Vec<RuleId>> = HashMap::new();
        for (chain, rule) in self.inserted.drain(..).rev() {
            before.entry(chain).or_default().push(rule);
        }
        for (chain, mut rules) in before {
            if let Some(chain) = self.ruleset.chains.get_mut(chain.0 as usize) {
                rules.append(&mut chain.rules);
                chain.rules = rules;
            }
        }
        Parsed { value: self.ruleset, problems: self.problems }
    }

    /// Adds a set; elements of one that is there already are added to it (`add element`).
    pub(super) fn set(&mut self, set: Set) {
        let key = (set.table, set.name.clone());
        if let Some(old) = self.ruleset.by_set.get(&key).and_then(|i| self.ruleset.sets.get_mut(i.0 as usize)) {
            if set.key.text.is_none() {
                old.elems.extend(set.elems);
            } else {
                let elems = std::mem::take(&mut old.elems);
                *old = set;
                old.elems.extend(elems);
            }
            return;
        }
        let index = SetId(id(self.ruleset.sets.len()));
        self.ruleset.sets.push(set);
        self.ruleset.by_set.insert(key, index);
    }

    /// A flag of a table.
    pub(super) fn table_flag(&mut self, word: &str) -> TableFlag {
        match word {
            "dormant" => TableFlag::Dormant,
            "owner" => TableFlag::Owner,
            "persist" => TableFlag::Persist,
            other => TableFlag::Other(self.names.get(other)),
        }
    }

    /// The hook of a word.
    pub(super) fn hook(&mut self, word: &str) -> Hook {
        match word {
            "ingress" => Hook::Ingress,
            "egress" => Hook::Egress,
            "prerouting" => Hook::Prerouting,
            "input" => Hook::Input,
            "forward" => Hook::Forward,
            "output" => Hook::Output,
            "postrouting" => Hook::Postrouting,
            other => Hook::Other(self.names.get(other)),
        }
    }

    /// The type of a base chain.
    pub(super) fn chain_kind(&mut self, word: &str) -> ChainKind {
        match word {
            "filter" => ChainKind::Filter,
            "nat" => ChainKind::Nat,
            "route" => ChainKind::Route,
            other => ChainKind::Other(self.names.get(other)),
        }
    }

    /// A policy.
    pub(super) fn policy(&mut self, word: &str) -> Policy {
        match word {
            "accept" => Policy::Accept,
            "drop" => Policy::Drop,
            other => Policy::Other(self.names.get(other)),
        }
    }

    /// Adds a flag of a set.
    pub(super) fn set_flag(&mut self, flags: &mut SetFlags, word: &str) {
        match word {
            "constant" => flags.constant = true,
            "interval" => flags.interval = true,
            "dynamic" => flags.dynamic = true,
            "timeout" => flags.timeout = true,
            other => flags.other.push(self.names.get(other)),
        }
    }
}
