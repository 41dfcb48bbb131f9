//! What the readers of other forms of the same rules (`iptables -L`) need to make the same records, and the values of options.
//!
//! Left out: reading lines; that is each form's own business.

use std::net::IpAddr;

use super::option::{self, Ext, Opt, Value};
use super::record::{
    Bits, Chain, ChainId, Counters, Mark, Match, MatchKind, NatTo, Net, Policy, PortRange, Rule, Ruleset, Span, Table,
};
use super::record::{TableId, TableKind, Target};
use super::token::Words;
use super::{group, icmp, index, matches, target, value};
use crate::family::Family;
use crate::source::At;

impl Counters {
    /// Two words with numbers.
    pub(in crate::parse) fn of_words(packets: Option<&str>, bytes: Option<&str>) -> Option<Self> {
        Some(Self { packets: packets?.parse().ok()?, bytes: bytes?.parse().ok()?, rounded: false })
    }
}

impl Ruleset {
    /// Begins a table.
    pub(in crate::parse) fn push_table(&mut self, at: At, kind: TableKind) -> TableId {
        let first_chain = index(self.chains.len());
        self.tables.push(Table { at, name: None, kind, committed: true, commit: None, first_chain, end_chain: first_chain });
        TableId(index(self.tables.len() - 1))
    }

    /// Adds a chain to the last table.
    pub(in crate::parse) fn push_chain(&mut self, at: At, name: Span, policy: Policy, counters: Option<Counters>) -> ChainId {
        let table = TableId(index(self.tables.len().saturating_sub(1)));
        self.chains.push(Chain { at, name, table, policy, counters, first_rule: 0, end_rule: 0 });
        let end = index(self.chains.len());
        if let Some(table) = self.tables.last_mut() {
            table.end_chain = end;
        }
        ChainId(end - 1)
    }

    /// Adds a rule with its conditions.
    pub(in crate::parse) fn push_rule(
        &mut self,
        at: At,
        chain: ChainId,
        counters: Option<Counters>,
        conditions: &[Match],
        target: Target,
        whole: bool,
    ) {
        let option = index(self.options.len());
        let first_match = index(self.matches.len());
        self.matches.extend_from_slice(conditions);
        let end_match = index(self.matches.len());
        self.rules.push(Rule {
            at,
            chain,
            counters,
            target,
            whole,
            target_span: Span::default(),
            first_match,
            end_match,
            first_option: option,
            end_option: option,
        });
    }

    /// Any rules may stand here: lines were left out.
    pub(in crate::parse) fn push_elided(&mut self, at: At, chain: ChainId) {
        self.push_rule(at, chain, None, &[], Target::Elided(Span { start: at.start, end: at.end }), false);
    }

    /// Lines of a table were left out, among them perhaps all rules of the chains that have none. The table's rules begin at
    /// `first_rule`.
    pub(in crate::parse) fn elide_empty_chains(&mut self, at: At, table: TableId, first_rule: usize) {
        let Some(&Table { first_chain, end_chain, .. }) = self.tables.get(table.0 as usize) else { return };
        let mut empty = vec![true; (end_chain - first_chain) as usize];
        for rule in self.rules.get(first_rule..).unwrap_or_default() {
            if let Some(has) = rule.chain.0.checked_sub(first_chain).and_then(|i| empty.get_mut(i as usize)) {
                *has = false;
            }
        }
        for (chain, _) in (first_chain..end_chain).zip(empty).filter(|(_, empty)| *empty) {
            self.push_elided(at, ChainId(chain));
        }
    }

    /// Groups the rules by chain, when all are there.
    pub(in crate::parse) fn finish(&mut self) {
        group(self);
    }
}

/// The place of a built-in chain in a listing, which goes by the hooks' order (enum nf_inet_hooks): a chain that comes again, or
/// after one that stands behind it, is of the listing of another table.
pub(in crate::parse) fn rank(chain: &str) -> Option<u8> {
    let order = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
    (1u8..).zip(order).find_map(|(rank, name)| (name == chain).then_some(rank))
}

/// A number, decimal or with `0x`.
pub(in crate::parse) fn number(text: &str) -> Option<u32> {
    value::number(text)
}

/// `value[/mask]`.
pub(in crate::parse) fn mark(text: &str) -> Option<Mark> {
    value::mark(text)
}

/// `addr[/prefix|/mask]`.
pub(in crate::parse) fn net(text: &str) -> Option<Net> {
    value::net(text)
}

/// A probability, as so many of 2^31.
pub(in crate::parse) fn probability(text: &str) -> Option<u32> {
    value::probability(text)
}

/// The states of conntrack, joined by commas.
pub(in crate::parse) fn ct_states(text: &str) -> Option<Bits> {
    value::ct_states(text)
}

/// The statuses of conntrack, joined by commas.
pub(in crate::parse) fn ct_statuses(text: &str) -> Option<Bits> {
    value::ct_statuses(text)
}

/// The types of addresses, joined by commas.
pub(in crate::parse) fn addr_types(text: &str) -> Option<Bits> {
    value::addr_types(text)
}

/// The names of TCP flags, joined by commas.
pub(in crate::parse) fn tcp_flags(text: &str) -> Option<u8> {
    value::tcp_flags(text)
}

/// A type of ICMP by name, and its codes.
pub(in crate::parse) fn icmp(text: &str, family: Family) -> Option<(u8, (u8, u8))> {
    icmp::read(text, family)
}

/// A hardware address.
pub(in crate::parse) fn mac(text: &str) -> Option<[u8; 6]> {
    value::mac(text)
}

/// `addr[-addr]`.
pub(in crate::parse) fn addr_range(text: &str) -> Option<(IpAddr, IpAddr)> {
    value::addr_range(text)
}

/// `port[-port]`.
pub(in crate::parse) fn nat_ports(text: &str) -> Option<PortRange> {
    value::ports(text, '-')
}

/// What DNAT and SNAT translate to: `addr[-addr][:port[-port]]` at this place of the text.
pub(in crate::parse) fn nat_to(text: &str, at: Span) -> Option<NatTo> {
    let mut nat = NatTo::default();
    target::destination(at.of(text), &mut nat)?;
    Some(nat)
}

/// An option of a match extension that another form than iptables-save's asks.
#[derive(Clone, Copy)]
pub(in crate::parse) struct Asked {
    /// Its name in iptables-save, with the dashes.
    pub(in crate::parse) name: &'static str,
    /// Where it and its value stand.
    pub(in crate::parse) span: Span,
    /// Where its value stands; empty without one.
    pub(in crate::parse) value: Span,
}

/// The record of a match extension with these options. `None` where an option or a value is not understood.
pub(in crate::parse) fn ext(
    text: &str,
    module: &str,
    asked: &[Asked],
    options: &mut Vec<Opt>,
    items: &mut Vec<Value>,
) -> Option<MatchKind> {
    let module = matches::find(module)?;
    let first = options.len();
    for Asked { name, span, value } in asked {
        let read = module.option(name).and_then(|spec| {
            let mut words = Words::new(text, value.start as usize, value.end as usize);
            Some((spec, option::read(spec, &mut words, items).filter(|v| !matches!(v, Value::Unread(_)))?))
        });
        let Some((spec, value)) = read else {
            options.truncate(first);
            return None;
        };
        options.push(Opt { spec, negated: false, value, span: *span });
    }
    Some(MatchKind::Ext(Ext { module, first: index(first), end: index(options.len()) }))
}
