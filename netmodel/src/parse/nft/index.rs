//! What is looked up in a ruleset again and again, worked out once: elements of sets by their key, base chains, sets that rules change.
//!
//! A node with thousands of Services has maps with as many elements, and every packet asks them. Left out: what an answer means (`walk`).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::expr::{Elem, Expr, Name, Value};
use super::record::{BaseChain, Chain, ChainId, Hook, NftFamily, Policy, Ruleset, Set, SetId, TableId, Verdict};
use super::stmt::Stmt;
use crate::parse::Parsed;
use crate::source::{At, Problem};

/// One part of a key whose value is known. Addresses are numbers here: the parts of one set are all of one type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Atom {
    /// A number, or the bits of an address.
    Number(u128),
    /// A name.
    Name(Arc<str>),
}

impl Atom {
    /// The atom of a constant; `None` for prefixes, wildcards, and words that are not known.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Number(number) => Self::Number(u128::from(*number)),
            Value::Big(number) => Self::Number(**number),
            Value::Addr(addr) => Self::Number(addr_bits(*addr)),
            Value::Prefix(net) if net.prefix_len() == net.max_prefix_len() => Self::Number(addr_bits(net.addr())),
            Value::Mac(bytes) => Self::Number(bytes.iter().fold(0, |all, byte| all << 8 | u128::from(*byte))),
            Value::Iface(name) | Value::Text(name) => Self::Name(name.clone()),
            Value::Prefix(_) | Value::IfacePrefix(_) | Value::Symbol(_) => return None,
        })
    }
}

/// The bits of an address.
#[must_use]
pub fn addr_bits(addr: std::net::IpAddr) -> u128 {
    match addr {
        std::net::IpAddr::V4(v4) => u128::from(v4.to_bits()),
        std::net::IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The elements of a set by their keys.
#[derive(Debug, Default)]
pub struct SetIndex {
    exact: HashMap<Box<[Atom]>, u32>,
    /// Intervals of a key of one part, sorted; nft does not let them overlap.
    intervals: Vec<(u128, u128, u32)>,
    odd: Vec<u32>,
    any: Option<u32>,
}

impl SetIndex {
    fn new(elems: &[Elem]) -> Self {
        let mut index = Self::default();
        for (i, elem) in (0u32..).zip(elems) {
            if elem.key == Expr::Any {
                index.any = Some(i);
            } else if let Some(key) = atoms(&elem.key) {
                index.exact.entry(key).or_insert(i);
            } else if let Some((low, high)) = interval(&elem.key) {
                index.intervals.push((low, high, i));
            } else {
                index.odd.push(i);
            }
        }
        index.intervals.sort_unstable();
        index
    }

    /// The element that has just this key, or whose interval holds it.
    #[must_use]
    pub fn find(&self, key: &[Atom]) -> Option<usize> {
        if let Some(&found) = self.exact.get(key) {
            return Some(found as usize);
        }
        let [Atom::Number(number)] = key else { return None };
        let behind = self.intervals.partition_point(|(low, ..)| low <= number);
        let (_, high, found) = self.intervals.get(behind.checked_sub(1)?)?;
        (number <= high).then_some(*found as usize)
    }

    /// The elements that [`SetIndex::find`] does not know: concatenations with intervals, wildcards, words that are not known.
    pub fn odd(&self) -> impl Iterator<Item = usize> {
        self.odd.iter().map(|&i| i as usize)
    }

    /// The element `*`, which holds where no other does.
    #[must_use]
    pub fn any(&self) -> Option<usize> {
        self.any.map(|i| i as usize)
    }
}

/// The parts of a key all of which are single values.
fn atoms(key: &Expr) -> Option<Box<[Atom]>> {
    let one = |part: &Expr| match part {
        Expr::Value(value) => Atom::of(value),
        _ => None,
    };
    match key {
        Expr::Concat(parts) => parts.iter().map(one).collect(),
        part => one(part).map(|atom| [atom].into()),
    }
}

/// The ends of an interval of numbers or addresses, both included.
fn interval(key: &Expr) -> Option<(u128, u128)> {
    match key {
        Expr::Value(Value::Prefix(net)) => Some((addr_bits(net.network()), addr_bits(net.broadcast()))),
        Expr::Range(ends) => match (Atom::of(&ends.0)?, Atom::of(&ends.1)?) {
            (Atom::Number(low), Atom::Number(high)) if low <= high => Some((low, high)),
            _ => None,
        },
        _ => None,
    }
}

/// What is worked out once for a ruleset.
#[derive(Debug, Default)]
pub struct Index {
    sets: Vec<OnceLock<SetIndex>>,
    updated: HashSet<(TableId, Name)>,
    bases: Vec<ChainId>,
    gates: Vec<ChainId>,
    gap: Option<Problem>,
}

impl Index {
    /// Works it out; elements of sets only when they are first asked for.
    #[must_use]
    pub fn new(parsed: &Parsed<Ruleset>) -> Self {
        let ruleset = &parsed.value;
        let mut index =
            Self { sets: std::iter::repeat_with(OnceLock::new).take(ruleset.sets.len()).collect(), ..Self::default() };
        for rule in &ruleset.rules {
            let Some(chain) = ruleset.chain_record(rule.chain) else { continue };
            for stmt in ruleset.stmts(rule) {
                let name = match stmt {
                    Stmt::SetUpdate(update) => &update.set,
                    Stmt::Meter(meter) => &meter.name,
                    _ => continue,
                };
                index.updated.insert((chain.table, name.clone()));
            }
        }
        for (id, chain, base) in ruleset.base_chains() {
            let Some(table) = ruleset.table_record(chain.table) else { continue };
            if table.dormant() == Some(true) {
                continue;
            }
            let at_device = matches!(base.hook, Hook::Ingress | Hook::Egress);
            if !at_device && matches!(table.family, NftFamily::Ip | NftFamily::Ip6 | NftFamily::Inet) {
                index.bases.push(id);
            } else if at_device && may_stop(ruleset, chain, base) {
                index.gates.push(id);
            }
        }
        index.gap = gap(parsed);
        index
    }

    /// The base chains of the families ip, ip6 and inet on the five hooks of the network layer, without those of tables that are surely
    /// dormant.
    #[must_use]
    pub fn bases(&self) -> &[ChainId] {
        &self.bases
    }

    /// The base chains at the ingress and egress of devices that may stop a packet.
    #[must_use]
    pub fn gates(&self) -> &[ChainId] {
        &self.gates
    }

    /// A part of the text that was not understood and does not stand as an unknown statement in its rule: the ruleset is not whole.
    #[must_use]
    pub fn gap(&self) -> Option<&Problem> {
        self.gap.as_ref()
    }

    /// The set or map of a name in a table, with its elements by key.
    #[must_use]
    pub fn set<'r>(&self, ruleset: &'r Ruleset, table: TableId, name: &Name) -> Option<(&'r Set, &SetIndex)> {
        let &SetId(id) = ruleset.by_set.get(&(table, name.clone()))?;
        let set = ruleset.sets.get(id as usize)?;
        let index = self.sets.get(id as usize)?.get_or_init(|| SetIndex::new(&set.elems));
        Some((set, index))
    }

    /// Whether packets change a set, so that its members are those of one moment. JSON of nft 1.0.6 leaves the flag `dynamic` out: the
    /// rules that change it tell.
    #[must_use]
    pub fn is_dynamic(&self, set: &Set) -> bool {
        set.flags.dynamic || set.meter || self.updated.contains(&(set.table, set.name.clone()))
    }
}

/// Whether anything in a base chain's table, or its policy, stops packets. The chains that it does not reach are counted in: this is a
/// reason to say "not known", never one to say "dropped".
fn may_stop(ruleset: &Ruleset, chain: &Chain, base: &BaseChain) -> bool {
    let harmless = |stmt: &Stmt| {
        matches!(
            stmt,
            Stmt::Match { .. }
                | Stmt::Verdict(Verdict::Accept | Verdict::Continue | Verdict::Return | Verdict::Jump(_) | Verdict::Goto(_))
                | Stmt::Counter(_)
                | Stmt::Object(..)
                | Stmt::SetUpdate(_)
                | Stmt::Limit(_)
                | Stmt::Quota(_)
                | Stmt::Log(_)
                | Stmt::Dup(_)
                | Stmt::Notrack
                | Stmt::FlowAdd(_)
                | Stmt::Last(_)
        )
    };
    let mut rules = ruleset.rules.iter().filter(|r| ruleset.chain_record(r.chain).is_some_and(|c| c.table == chain.table));
    base.policy != Policy::Accept || rules.any(|r| !ruleset.stmts(r).iter().all(harmless))
}

/// The first problem that is not inside a rule which keeps it as an unknown statement.
fn gap(parsed: &Parsed<Ruleset>) -> Option<Problem> {
    let ruleset = &parsed.value;
    let kept = |at: At| {
        let behind = ruleset.rules.partition_point(|r| r.at.start <= at.start);
        let rule = behind.checked_sub(1).and_then(|i| ruleset.rules.get(i));
        rule.is_some_and(|r| at.end <= r.at.end && ruleset.stmts(r).iter().any(|s| matches!(s, Stmt::Other(_))))
    };
    parsed.problems.iter().find(|p| !kept(p.at)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "table ip t {\n\tset s {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = { 10.0.0.0/8, 192.168.1.1, 172.16.0.1-172.16.0.9 }\n\t}\n\tset d {\n\t\ttype ipv4_addr\n\t\tsize 9\n\t}\n\tmap m {\n\t\ttype ipv4_addr . inet_service : verdict\n\t\tflags interval\n\t\telements = { 10.0.0.1 . 80 : accept, 10.0.0.0/24 . 1-9 : drop, * : drop }\n\t}\n\tchain c {\n\t\ttype filter hook input priority 0; policy accept;\n\t\tupdate @d { ip saddr }\n\t}\n}\n";

    fn number(addr: &str) -> Atom {
        Atom::Number(addr_bits(addr.parse().unwrap()))
    }

    #[test]
    fn finds_single_values_and_intervals() {
        let parsed = crate::parse::nft::parse(TEXT);
        let index = Index::new(&parsed);
        let table = parsed.value.table(NftFamily::Ip, "t").unwrap();
        let (_, set) = index.set(&parsed.value, table, &"s".into()).unwrap();
        assert_eq!(set.find(&[number("10.255.0.1")]), Some(0));
        assert_eq!(set.find(&[number("192.168.1.1")]), Some(1));
        assert_eq!(set.find(&[number("172.16.0.9")]), Some(2));
        assert_eq!(set.find(&[number("172.16.0.10")]), None);
        let (_, map) = index.set(&parsed.value, table, &"m".into()).unwrap();
        assert_eq!(map.find(&[number("10.0.0.1"), Atom::Number(80)]), Some(0));
        assert_eq!((map.odd().collect::<Vec<_>>(), map.any()), (vec![1], Some(2)));
    }

    #[test]
    fn a_set_that_a_rule_changes_is_dynamic_without_its_flag() {
        let parsed = crate::parse::nft::parse(TEXT);
        let index = Index::new(&parsed);
        let dynamic: Vec<bool> = parsed.value.sets.iter().map(|s| index.is_dynamic(s)).collect();
        assert_eq!(dynamic, [false, true, false]);
        assert_eq!(index.bases().len(), 1);
    }

    #[test]
    fn an_unknown_statement_is_no_gap_but_a_lost_end_is() {
        let rule = |rule: &str| format!("table ip t {{\n\tchain c {{\n\t\t{rule}\n\t}}\n}}\n");
        let gap = |text: &str| Index::new(&crate::parse::nft::parse(text)).gap().is_some();
        assert!(!gap(&rule("frobnicate the packet accept")));
        assert!(gap("table ip t {\n\tchain c {\n\t\taccept\n"));
        assert!(!gap(&rule("accept")));
    }
}
