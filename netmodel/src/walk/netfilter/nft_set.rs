//! Comparisons of nftables: with constants, prefixes, ranges and the elements of sets and maps.

use std::borrow::Cow;

use crate::parse::nft::index::{Index, addr_bits};
use crate::parse::nft::{Elem, Expr, Lookup, Op, Ruleset, Stmt, TableId, Value};
use crate::walk::netfilter::matching::Lookups;
use crate::walk::netfilter::nft_value::{Val, value};
use crate::walk::packet::Packet;
use crate::walk::tri::Tri;

/// So many elements of a map are followed at most where the key is not known.
const MOST: usize = 64;

/// Where a rule stands, and what it may ask.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) ruleset: &'c Ruleset,
    pub(super) index: &'c Index,
    pub(super) table: TableId,
    pub(super) lookups: &'c dyn Lookups,
}

/// What a map gives: each value that it may be, with the reason why it is not known whether it is this one.
pub(super) struct Given<'c> {
    pub(super) values: Vec<(Cow<'c, Expr>, Option<String>)>,
    /// It may also hold nothing for the key, which ends the rule; certainly so if there are no values.
    pub(super) nothing: Option<Option<String>>,
}

impl<'c> Context<'c> {
    /// Whether a condition holds.
    pub(super) fn matches(&self, op: Op, left: &'c Expr, right: &'c Expr, packet: &Packet) -> Tri {
        let got = match self.one_value(left, packet) {
            Ok(got) => got,
            Err(nothing) => return nothing,
        };
        if got.is_absent() {
            return Tri::No;
        }
        match op {
            Op::Eq => self.equal(&got, right, packet),
            // A negated look-up in a set whose key is there: the rule goes on if it is not in.
            Op::Ne => !self.equal(&got, right, packet),
            Op::AnyBit => self.any_bit(&got, right, packet),
            Op::NoBit => !self.any_bit(&got, right, packet),
            Op::Lt | Op::Gt | Op::Le | Op::Ge => order(op, &got, &value(right, packet, self.lookups)),
        }
    }

    /// The value of an expression that may hold a map, where the map leaves one value; else why the answer is no, or not known.
    fn one_value(&self, expr: &'c Expr, packet: &Packet) -> Result<Val, Tri> {
        let Expr::Map(lookup) = expr else { return Ok(value(expr, packet, self.lookups)) };
        let given = self.lookup(lookup, packet);
        match (&given.values[..], given.nothing) {
            ([], _) => Err(Tri::No),
            ([(one, None)], _) => Ok(value(one, packet, self.lookups)),
            ([(_, why), ..], _) => {
                Err(Tri::unknown(why.clone().unwrap_or_else(|| "the map gives one of several values".to_owned())))
            }
        }
    }

    fn any_bit(&self, got: &Val, right: &'c Expr, packet: &Packet) -> Tri {
        if matches!(right, Expr::Set(_) | Expr::SetRef(_)) {
            return self.equal(got, right, packet);
        }
        match (got, value(right, packet, self.lookups).known()) {
            (Val::Number { bits, known, what }, Some(mask)) => {
                if bits & known & mask != 0 {
                    Tri::Yes
                } else if mask & !known != 0 {
                    Tri::unknown(format!("{what} is not known"))
                } else {
                    Tri::No
                }
            }
            (Val::Unknown(why), _) => Tri::unknown(why.clone()),
            _ => Tri::unknown("a comparison of bits that is not known here"),
        }
    }

    /// Whether a value is equal to a constant, or in a prefix, range or set.
    pub(super) fn equal(&self, got: &Val, right: &'c Expr, packet: &Packet) -> Tri {
        match right {
            Expr::Set(elems) => self.any(got, elems.iter(), packet),
            Expr::List(parts) => parts.iter().fold(Tri::No, |any, part| any.or(|| self.equal(got, part, packet))),
            Expr::SetRef(name) => {
                let Some((set, index)) = self.index.set(self.ruleset, self.table, name) else {
                    return Tri::unknown(format!("there is no set {name}"));
                };
                if self.index.is_dynamic(set) {
                    return Tri::unknown(format!("the members of set {name} come and go"));
                }
                let found = self.find(got, &set.elems, index, packet);
                let sure = found.iter().find(|(_, why)| why.is_none()).map(|(elem, _)| elem_holds(elem));
                match (sure, found.first()) {
                    (Some(tri), _) => tri,
                    (None, Some((_, why))) => Tri::unknown(why.clone().unwrap_or_default()),
                    (None, None) => Tri::No,
                }
            }
            Expr::Concat(parts) => match got {
                Val::Many(values) if values.len() == parts.len() => {
                    values.iter().zip(parts).fold(Tri::Yes, |all, (v, part)| all.and(|| self.equal(v, part, packet)))
                }
                Val::Unknown(why) => Tri::unknown(why.clone()),
                _ => Tri::unknown("things side by side are compared with one"),
            },
            Expr::Value(constant) => equals(got, constant, self.lookups),
            Expr::Range(ends) => in_range(got, &ends.0, &ends.1),
            Expr::Any => Tri::Yes,
            other => match (got.as_known(), value(other, packet, self.lookups).as_known()) {
                (Some(a), Some(b)) => Tri::from(a == b),
                _ => Tri::unknown("what it is compared with is not known"),
            },
        }
    }

    fn any(&self, got: &Val, elems: impl Iterator<Item = &'c Elem>, packet: &Packet) -> Tri {
        let mut any = Tri::No;
        for elem in elems {
            match self.equal(got, &elem.key, packet).and(|| elem_holds(elem)) {
                Tri::Yes => return Tri::Yes,
                Tri::No => {}
                unknown @ Tri::Unknown(_) => any = unknown,
            }
        }
        any
    }

    /// The elements that a key may find: one without a reason is the one, those before it may be.
    fn find(
        &self,
        got: &Val,
        elems: &'c [Elem],
        index: &crate::parse::nft::index::SetIndex,
        packet: &Packet,
    ) -> Vec<(&'c Elem, Option<String>)> {
        let mut found = Vec::new();
        let mut ask = |elem: &'c Elem| match self.equal(got, &elem.key, packet) {
            Tri::Yes => {
                found.push((elem, None));
                true
            }
            Tri::No => false,
            Tri::Unknown(why) => {
                found.push((elem, Some(why)));
                false
            }
        };
        let sure = match got.key() {
            Some(key) => match index.find(&key).and_then(|i| elems.get(i)) {
                Some(elem) => return vec![(elem, None)],
                None => index.odd().filter_map(|i| elems.get(i)).any(&mut ask),
            },
            None => elems.iter().filter(|e| e.key != Expr::Any).any(&mut ask),
        };
        if !sure && let Some(elem) = index.any().and_then(|i| elems.get(i)) {
            let why = found.first().and_then(|(_, why): &(&Elem, Option<String>)| why.clone());
            found.push((elem, why));
        }
        found
    }

    /// What a map gives for its key.
    pub(super) fn lookup(&self, lookup: &'c Lookup, packet: &Packet) -> Given<'c> {
        let unknown = |why: String| Given { values: Vec::new(), nothing: Some(Some(why)) };
        let key = value(&lookup.key, packet, self.lookups);
        if key.is_absent() {
            return Given { values: Vec::new(), nothing: Some(None) };
        }
        let (elems, index) = match &lookup.data {
            Expr::Set(elems) => (&elems[..], None),
            Expr::SetRef(name) => match self.index.set(self.ruleset, self.table, name) {
                Some((set, _)) if self.index.is_dynamic(set) => return unknown(format!("the members of map {name} come and go")),
                Some((set, index)) => (&set.elems[..], Some(index)),
                None => return unknown(format!("there is no map {name}")),
            },
            _ => return unknown("a look-up in something that is no map".to_owned()),
        };
        if let Val::Chance { first, count } = key {
            return by_chance(elems, first, count);
        }
        let found = match index {
            Some(index) => self.find(&key, elems, index, packet),
            None => self.scan(&key, elems, packet),
        };
        let mut given = Given { values: Vec::new(), nothing: None };
        if !found.iter().any(|(_, why)| why.is_none()) {
            given.nothing = Some(found.first().and_then(|(_, why)| why.clone()));
        }
        if found.len() > MOST {
            return unknown("the key is not known, and the map has many elements".to_owned());
        }
        for (elem, why) in found {
            let chance = match elem_holds(elem) {
                Tri::Unknown(why) => Some(why),
                _ => None,
            };
            if chance.is_some() && given.nothing.is_none() {
                given.nothing = Some(chance.clone());
            }
            match &elem.data {
                Some(data) => given.values.push((Cow::Borrowed(data), why.or(chance))),
                None => return unknown("an element of the map gives nothing".to_owned()),
            }
        }
        given
    }

    fn scan(&self, key: &Val, elems: &'c [Elem], packet: &Packet) -> Vec<(&'c Elem, Option<String>)> {
        let mut found = Vec::new();
        for elem in elems.iter().filter(|e| e.key != Expr::Any) {
            match self.equal(key, &elem.key, packet) {
                Tri::Yes => {
                    found.push((elem, None));
                    return found;
                }
                Tri::No => {}
                Tri::Unknown(why) => found.push((elem, Some(why))),
            }
        }
        if let Some(elem) = elems.iter().find(|e| e.key == Expr::Any) {
            let why = found.first().and_then(|(_, why): &(&Elem, Option<String>)| why.clone());
            found.push((elem, why));
        }
        found
    }
}

/// Load balancing: every element is followed that one of the numbers finds.
fn by_chance(elems: &[Elem], first: u32, count: u32) -> Given<'_> {
    let last = u64::from(first) + u64::from(count.max(1)) - 1;
    let why = || Some("it is a matter of chance".to_owned());
    let (mut values, mut covered) = (Vec::new(), 0u64);
    for elem in elems {
        let span = match &elem.key {
            Expr::Value(Value::Number(n)) => Some((*n, *n)),
            Expr::Range(ends) => match **ends {
                (Value::Number(low), Value::Number(high)) => Some((low, high)),
                _ => None,
            },
            Expr::Any => Some((u64::from(first), last)),
            _ => None,
        };
        let Some((low, high)) = span else { continue };
        let (low, high) = (low.max(u64::from(first)), high.min(last));
        if low <= high
            && let Some(data) = &elem.data
        {
            covered += high - low + 1;
            values.push((Cow::Borrowed(data), why()));
        }
    }
    let whole = covered >= u64::from(count.max(1));
    if whole && values.len() == 1 {
        values[0].1 = None;
    }
    Given { nothing: (!whole).then(why), values }
}

/// Whether the statements at an element let the rule go on.
fn elem_holds(elem: &Elem) -> Tri {
    let stmts = elem.extra.iter().flat_map(|extra| &extra.stmts);
    let counts = stmts.into_iter().any(|s| matches!(s, Stmt::Limit(_) | Stmt::Quota(_) | Stmt::CtCount { .. } | Stmt::Other(_)));
    if counts { Tri::unknown("the element counts the packets before") } else { Tri::Yes }
}

impl Val {
    /// The bits of a number or address that is wholly known.
    fn as_known(&self) -> Option<u128> {
        match self {
            Self::Addr(addr) => Some(addr_bits(*addr)),
            other => other.known(),
        }
    }
}

/// Whether a value is equal to a constant, or in a prefix.
fn equals(got: &Val, constant: &Value, lookups: &dyn Lookups) -> Tri {
    if let Value::Symbol(word) = constant {
        return Tri::unknown(format!("what `{word}` stands for is not known here"));
    }
    match (got, constant) {
        (Val::Unknown(why), _) => Tri::unknown(why.clone()),
        (Val::Chance { first, count }, Value::Number(n)) => {
            let low = u64::from(*first);
            if (low..low + u64::from(*count)).contains(n) { Tri::unknown("it is a matter of chance") } else { Tri::No }
        }
        (Val::Addr(addr), Value::Prefix(net)) => Tri::from(net.contains(addr)),
        (Val::Addr(addr), Value::Addr(other)) => Tri::from(addr == other),
        (Val::Name(name), Value::Iface(other) | Value::Text(other)) => Tri::from(name == other),
        (Val::Name(name), Value::IfacePrefix(begin)) => Tri::from(name.starts_with(&**begin)),
        // nft prints the index of a device that is not there any more: no packet comes by it.
        (Val::Name(_), Value::Number(_)) => Tri::No,
        (Val::AddrType { addr, end, limit }, Value::Number(kind)) => {
            match u32::try_from(*kind).ok().and_then(|k| 1u16.checked_shl(k)) {
                Some(bit) => lookups.addr_type(*addr, *end, bit, *limit),
                None => Tri::No,
            }
        }
        // `exists` is 1 and `missing` 0.
        (Val::Route(devices), Value::Number(exists)) => Tri::from(devices.is_empty() == (*exists == 0)),
        (Val::Route(devices), Value::Iface(name)) => match &devices[..] {
            [one] => Tri::from(one == name),
            several if several.contains(name) => Tri::unknown("one of several routes is taken"),
            _ => Tri::No,
        },
        (Val::Number { bits, known, what }, _) => match Val::from(constant).as_known() {
            Some(number) if (bits ^ number) & known != 0 => Tri::No,
            Some(_) if *known == u128::MAX => Tri::Yes,
            Some(_) => Tri::unknown(format!("{what} is not known")),
            None => Tri::unknown("a number is compared with something else"),
        },
        (Val::Addr(addr), other) => match Val::from(other).as_known() {
            Some(number) => Tri::from(addr_bits(*addr) == number),
            None => Tri::unknown("an address is compared with something else"),
        },
        _ => Tri::unknown("the comparison is not known here"),
    }
}

fn in_range(got: &Val, low: &Value, high: &Value) -> Tri {
    let (Some(low), Some(high)) = (Val::from(low).as_known(), Val::from(high).as_known()) else {
        return Tri::unknown("a range whose ends are not known here");
    };
    match got {
        Val::Number { bits, known, what } => {
            // The least and the greatest number that it may be.
            let (least, most) = (bits & known, (bits & known) | !known);
            if low <= least && most <= high {
                Tri::Yes
            } else if most < low || least > high {
                Tri::No
            } else {
                Tri::unknown(format!("{what} is not known"))
            }
        }
        Val::Addr(addr) => Tri::from((low..=high).contains(&addr_bits(*addr))),
        Val::Chance { first, count } => {
            let (first, last) = (u128::from(*first), u128::from(*first) + u128::from(*count).max(1) - 1);
            if last < low || first > high {
                Tri::No
            } else if low <= first && last <= high {
                Tri::Yes
            } else {
                Tri::unknown("it is a matter of chance")
            }
        }
        Val::Unknown(why) => Tri::unknown(why.clone()),
        _ => Tri::unknown("a range of something that is not known here"),
    }
}

fn order(op: Op, got: &Val, right: &Val) -> Tri {
    let Some(number) = right.as_known() else { return Tri::unknown("what it is compared with is not known") };
    let range = |low: u128, high: u128| match (u64::try_from(low), u64::try_from(high.min(u128::from(u64::MAX)))) {
        (Ok(low), Ok(high)) => in_range(got, &Value::Number(low), &Value::Number(high)),
        _ => Tri::unknown("the numbers are too big"),
    };
    if let Val::Addr(addr) = got {
        let bits = addr_bits(*addr);
        return Tri::from(match op {
            Op::Lt => bits < number,
            Op::Gt => bits > number,
            Op::Le => bits <= number,
            _ => bits >= number,
        });
    }
    match op {
        Op::Lt => number.checked_sub(1).map_or(Tri::No, |high| range(0, high)),
        Op::Le => range(0, number),
        Op::Gt => range(number + 1, u128::MAX),
        _ => range(number, u128::MAX),
    }
}
