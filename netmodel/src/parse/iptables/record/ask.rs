//! How a ruleset is asked: tables by kind, chains by name, the rules of a chain, the parts of a rule.

use super::{Chain, ChainId, Match, MatchKind, PortRange, Rule, RuleId, Ruleset, Table, TableId, TableKind};
use crate::parse::iptables::option::{self, Ext, Opt, Value};

impl Ruleset {
    /// The table of a kind; the first where the text has it twice.
    #[must_use]
    pub fn table(&self, kind: TableKind) -> Option<TableId> {
        let index = self.tables.iter().position(|t| t.kind == kind)?;
        u32::try_from(index).ok().map(TableId)
    }

    /// The record of a table.
    #[must_use]
    pub fn table_of(&self, chain: ChainId) -> Option<&Table> {
        self.tables.get(self.chains.get(chain.0 as usize)?.table.0 as usize)
    }

    /// The chains of a table, in the order of the text.
    pub fn chains_of(&self, table: TableId) -> impl Iterator<Item = (ChainId, &Chain)> {
        let range = self.tables.get(table.0 as usize).map_or(0..0, |t| t.first_chain..t.end_chain);
        range.filter_map(|i| Some((ChainId(i), self.chains.get(i as usize)?)))
    }

    /// The chain of a name in a table. `text` is the text that was parsed.
    #[must_use]
    pub fn chain(&self, text: &str, table: TableId, name: &str) -> Option<ChainId> {
        self.chains_of(table).find(|(_, c)| c.name.of(text) == name).map(|(id, _)| id)
    }

    /// The rules of a chain, in order.
    pub fn rules_of(&self, chain: ChainId) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.rule_ids(chain).iter().filter_map(|&id| Some((id, self.rules.get(id.0 as usize)?)))
    }

    /// The ids of the rules of a chain, in order.
    #[must_use]
    pub fn rule_ids(&self, chain: ChainId) -> &[RuleId] {
        let range = self.chains.get(chain.0 as usize).map_or(0..0, |c| c.first_rule as usize..c.end_rule as usize);
        self.by_chain.get(range).unwrap_or_default()
    }

    /// The conditions of a rule, in order.
    #[must_use]
    pub fn matches_of(&self, rule: &Rule) -> &[Match] {
        self.matches.get(rule.first_match as usize..rule.end_match as usize).unwrap_or_default()
    }

    /// The options of a match extension.
    #[must_use]
    pub fn options_of(&self, ext: Ext) -> &[Opt] {
        self.options.get(ext.first as usize..ext.end as usize).unwrap_or_default()
    }

    /// The first option of that name of a match extension.
    #[must_use]
    pub fn option(&self, ext: Ext, name: &str) -> Option<&Opt> {
        self.options_of(ext).iter().find(|o| o.name() == name)
    }

    /// The options of a rule's target.
    #[must_use]
    pub fn target_options(&self, rule: &Rule) -> &[Opt] {
        self.options.get(rule.first_option as usize..rule.end_option as usize).unwrap_or_default()
    }

    /// The parts of a list.
    #[must_use]
    pub fn items_of(&self, value: Value) -> &[Value] {
        option::list_of(&self.items, value)
    }

    /// The port ranges of a multiport match.
    #[must_use]
    pub fn ports_of(&self, first: u32, last: u32) -> &[PortRange] {
        self.ports.get(first as usize..last as usize).unwrap_or_default()
    }

    /// The comments of a rule, without quotes, with backslashes.
    pub fn comments_of<'t>(&self, text: &'t str, rule: &Rule) -> impl Iterator<Item = &'t str> {
        self.matches_of(rule).iter().filter_map(move |m| match m.kind {
            MatchKind::Comment(span) => Some(span.of(text)),
            _ => None,
        })
    }
}
