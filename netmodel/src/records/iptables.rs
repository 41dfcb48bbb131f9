//! The records of an iptables-save text: each chain and each rule, in the order of the text, without the parser's arenas.

use serde_json::{Value, json};

use super::{Read, Sink, place};
use crate::family::Family;
use crate::parse::iptables::{self, Chain, Match, MatchKind, Opt, Rule, Ruleset, TableKind};
use crate::parse::{Parsed, iptables_list};

/// A record and the line where it stands.
#[derive(Clone, Copy)]
enum Part {
    Chain(usize),
    Rule(usize),
}

pub(super) fn read(text: &str, family: Family) -> Read<'_> {
    let Parsed { value: set, problems } = iptables_list::parse_any(text, family, TableKind::Unknown);
    let each = move |sink: &mut Sink<'_>| {
        let view = View { set: &set, text };
        let chains = set.chains.iter().enumerate().map(|(i, chain)| (chain.at.line, Part::Chain(i)));
        let rules = set.rules.iter().enumerate().map(|(i, rule)| (rule.at.line, Part::Rule(i)));
        let mut parts: Vec<(u32, Part)> = chains.chain(rules).collect();
        // Stable: a chain without a line of its own has that of its first rule and stands before it.
        parts.sort_by_key(|(line, _)| *line);
        parts.into_iter().try_for_each(|(_, part)| {
            sink(match part {
                Part::Chain(i) => view.chain(&set.chains[i]),
                Part::Rule(i) => view.rule(&set.rules[i]),
            })
        })
    };
    Read { typed: true, problems, each: Box::new(each) }
}

struct View<'r> {
    set: &'r Ruleset,
    text: &'r str,
}

impl View<'_> {
    fn chain(&self, chain: &Chain) -> Value {
        let table = self.set.tables.get(chain.table.0 as usize).and_then(|t| t.name).map(|n| n.of(self.text));
        json!({
            "record": "chain", "line": chain.at.line, "table": table, "chain": chain.name.of(self.text),
            "policy": place::value(self.text, &chain.policy), "counters": place::value(self.text, &chain.counters),
        })
    }

    fn rule(&self, rule: &Rule) -> Value {
        let chain = self.set.chains.get(rule.chain.0 as usize).map(|c| c.name.of(self.text));
        let table = self.set.table_of(rule.chain).and_then(|t| t.name).map(|n| n.of(self.text));
        let matches = self.set.matches_of(rule).iter().filter(|m| !matches!(m.kind, MatchKind::Comment(_)));
        json!({
            "record": "rule", "line": rule.at.line, "table": table, "chain": chain,
            "counters": place::value(self.text, &rule.counters),
            "matches": matches.map(|m| self.condition(m)).collect::<Vec<_>>(),
            "target": place::value(self.text, &rule.target),
            "target_options": self.set.target_options(rule).iter().map(|o| self.option(o)).collect::<Vec<_>>(),
            "comments": self.set.comments_of(self.text, rule).collect::<Vec<_>>(),
            "whole": rule.whole,
        })
    }

    fn condition(&self, condition: &Match) -> Value {
        let asks = match condition.kind {
            MatchKind::MultiPort { end, first, last } => {
                let ports = place::value(self.text, self.set.ports_of(first, last));
                json!({ "multi-port": { "end": place::value(self.text, &end), "ports": ports } })
            }
            MatchKind::Ext(ext) => {
                let options = self.set.options_of(ext).iter().map(|o| self.option(o)).collect::<Vec<_>>();
                json!({ "ext": { "module": ext.module(), "options": options } })
            }
            kind => place::value(self.text, &kind),
        };
        json!({ "negated": condition.negated, "text": condition.span.of(self.text), "match": asks })
    }

    fn option(&self, option: &Opt) -> Value {
        let value = match option.value {
            list @ iptables::Value::List { .. } => json!({ "list": place::value(self.text, self.set.items_of(list)) }),
            value => place::value(self.text, &value),
        };
        json!({ "name": option.name(), "negated": option.negated, "value": value, "text": option.span.of(self.text) })
    }
}
