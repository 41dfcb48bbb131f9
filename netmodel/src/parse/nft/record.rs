//! What a ruleset holds: tables, chains, rules, sets, maps, objects, flow tables.

mod base;
mod object;
mod set;

use std::collections::HashMap;

use serde::Serialize;

use super::expr::Name;
use super::stmt::Stmt;
use crate::parse::names::Seeded;
use crate::source::At;

pub use base::{BaseChain, ChainKind, Hook, Policy, standard_priority};
pub use object::{CtObject, Flowtable, Object, ObjectKind, ObjectSpec};
pub use set::{Set, SetFlags, SetType};

/// A family of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NftFamily {
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// IPv4 and IPv6.
    Inet,
    /// ARP.
    Arp,
    /// Bridged packets.
    Bridge,
    /// Ingress and egress of devices.
    Netdev,
}

impl NftFamily {
    /// The family of nft's word.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "ip" => Self::Ip,
            "ip6" => Self::Ip6,
            "inet" => Self::Inet,
            "arp" => Self::Arp,
            "bridge" => Self::Bridge,
            "netdev" => Self::Netdev,
            _ => return None,
        })
    }

    /// nft's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Inet => "inet",
            Self::Arp => "arp",
            Self::Bridge => "bridge",
            Self::Netdev => "netdev",
        }
    }
}

/// Index of a table in [`Ruleset::tables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TableId(pub u32);

/// Index of a chain in [`Ruleset::chains`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ChainId(pub u32);

/// Index of a rule in [`Ruleset::rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RuleId(pub u32);

/// Index of a set in [`Ruleset::sets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SetId(pub u32);

/// All that a ruleset holds.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    /// Version of nft, where the text says it.
    pub version: Option<Name>,
    /// Its tables, in the order of the text.
    pub tables: Vec<Table>,
    /// All chains.
    pub chains: Vec<Chain>,
    /// All rules, in the order of the text; their order in a chain is in [`Chain::rules`].
    pub rules: Vec<Rule>,
    /// Sets and maps.
    pub sets: Vec<Set>,
    /// Counters, quotas, limits, helpers and so on.
    pub objects: Vec<Object>,
    /// Flow tables.
    pub flowtables: Vec<Flowtable>,
    /// What is none of these, verbatim.
    pub others: Vec<Other>,
    /// Remarks of nft between the rules.
    pub notes: Vec<Note>,
    pub(super) stmts: Vec<Stmt>,
    pub(super) by_table: HashMap<(NftFamily, Name), TableId, Seeded>,
    pub(super) by_chain: HashMap<(TableId, Name), ChainId, Seeded>,
    pub(super) by_set: HashMap<(TableId, Name), SetId, Seeded>,
}

/// A table.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// Where it is declared.
    pub at: At,
    /// Its family.
    pub family: NftFamily,
    /// Its name.
    pub name: Name,
    /// Its handle.
    pub handle: Option<u64>,
    /// Its flags.
    pub flags: Vec<TableFlag>,
    /// The program that owns it, where it is shown.
    pub owner: Option<Name>,
    /// Its comment.
    pub comment: Option<Name>,
    /// Whether nft warned that iptables-nft manages it; see [`super::compat`].
    pub warned: bool,
    /// Whether it stands in the text; false for a table of which only contents are there (cut beginnings, commands).
    pub declared: bool,
}

impl Table {
    /// Whether it is switched off; `None` if its flags are not readable (`nft -j` 1.0.6 prints garbage for them).
    #[must_use]
    pub fn dormant(&self) -> Option<bool> {
        if self.flags.contains(&TableFlag::Dormant) {
            Some(true)
        } else if self.flags.iter().any(|f| matches!(f, TableFlag::Other(_))) {
            None
        } else {
            Some(false)
        }
    }
}

/// A flag of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableFlag {
    /// Its base chains are not hooked.
    Dormant,
    /// It goes with the program that made it.
    Owner,
    /// It stays when that program ends.
    Persist,
    /// Something else.
    Other(Name),
}

/// A chain.
#[derive(Clone, Debug, Serialize)]
pub struct Chain {
    /// Where it is declared.
    pub at: At,
    /// Its table.
    pub table: TableId,
    /// Its name.
    pub name: Name,
    /// Its handle.
    pub handle: Option<u64>,
    /// Where it hangs, if it is a base chain.
    pub base: Option<Box<BaseChain>>,
    /// Its comment.
    pub comment: Option<Name>,
    /// Its rules, in order.
    pub rules: Vec<RuleId>,
    /// Whether it stands in the text; false for one of which only rules are there.
    pub declared: bool,
}

/// A rule.
#[derive(Clone, Debug, Serialize)]
pub struct Rule {
    /// The rule in the text: in JSON its object.
    pub at: At,
    /// Its chain.
    pub chain: ChainId,
    /// Its handle.
    pub handle: Option<u64>,
    /// Its comment.
    pub comment: Option<Name>,
    #[serde(skip)]
    pub(super) first: u32,
    #[serde(skip)]
    pub(super) end: u32,
}

/// What a statement decides at its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Ends this base chain; others on the hook still run.
    Accept,
    /// Ends everything.
    Drop,
    /// Goes on with the next rule.
    Continue,
    /// Back to the calling chain; in a base chain the policy.
    Return,
    /// To a program of queue 0, as the value of a map.
    Queue,
    /// To a chain, and back here.
    Jump(Name),
    /// To a chain, and from its end back to the caller of this one.
    Goto(Name),
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Something that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Other {
    /// Where.
    pub at: At,
    /// The text.
    pub text: Box<str>,
}

/// A remark of nft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// Where.
    pub at: At,
    /// The text.
    pub text: Box<str>,
}

impl Ruleset {
    /// The table of a family and name.
    #[must_use]
    pub fn table(&self, family: NftFamily, name: &str) -> Option<TableId> {
        self.by_table.get(&(family, Name::from(name))).copied()
    }

    /// The record of a table.
    #[must_use]
    pub fn table_record(&self, table: TableId) -> Option<&Table> {
        self.tables.get(table.0 as usize)
    }

    /// The chain of a name in a table: where jumps lead.
    #[must_use]
    pub fn chain(&self, table: TableId, name: &Name) -> Option<ChainId> {
        self.by_chain.get(&(table, name.clone())).copied()
    }

    /// The record of a chain.
    #[must_use]
    pub fn chain_record(&self, chain: ChainId) -> Option<&Chain> {
        self.chains.get(chain.0 as usize)
    }

    /// The set or map of a name in a table.
    #[must_use]
    pub fn set(&self, table: TableId, name: &Name) -> Option<&Set> {
        self.by_set.get(&(table, name.clone())).and_then(|id| self.sets.get(id.0 as usize))
    }

    /// The rules of a chain, in order.
    pub fn rules_of(&self, chain: ChainId) -> impl Iterator<Item = (RuleId, &Rule)> {
        let ids = self.chains.get(chain.0 as usize).map_or(&[][..], |c| &c.rules[..]);
        ids.iter().filter_map(|&id| Some((id, self.rules.get(id.0 as usize)?)))
    }

    /// The statements of a rule, in order.
    #[must_use]
    pub fn stmts(&self, rule: &Rule) -> &[Stmt] {
        self.stmts.get(rule.first as usize..rule.end as usize).unwrap_or_default()
    }

    /// The chains that hang on hooks.
    pub fn base_chains(&self) -> impl Iterator<Item = (ChainId, &Chain, &BaseChain)> {
        (0..).zip(&self.chains).filter_map(|(i, c)| Some((ChainId(i), c, c.base.as_deref()?)))
    }
}
