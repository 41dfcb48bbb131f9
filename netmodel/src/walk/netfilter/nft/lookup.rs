//! Look-ups of nftables: sets and maps by name or in place, by the key that a packet gives.

use super::value::{Val, value};
use super::{Odds, chance};
use crate::parse::nft::index::{Atom, Index, SetIndex};
use crate::parse::nft::{Elem, Expr, Lookup, Name, Ruleset, Stmt, TableId};
use crate::walk::netfilter::matching::Lookups;
use crate::walk::netfilter::passage::HookPoint;
use crate::walk::packet::Packet;
use crate::walk::tri::{Tri, Why};

/// So many elements of a map are followed at most where the key is not known.
const MOST: usize = 64;
/// The most parts of a key.
const PARTS: usize = 8;

/// Where a rule stands, and what it may ask.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) ruleset: &'c Ruleset,
    pub(super) index: &'c Index,
    pub(super) table: TableId,
    pub(super) lookups: &'c dyn Lookups,
    pub(super) at: HookPoint,
}

/// What a map gives.
pub(super) enum Given<'c> {
    /// It holds nothing for the key, or the packet has no such key: the rule ends.
    Nothing,
    /// This.
    One(&'c Expr),
    /// One of these, or nothing.
    Several { values: Vec<(&'c Expr, Odds)>, nothing: Option<Odds> },
    /// Nobody knows.
    Unknown(Why),
}

/// A key as far as it is known.
enum Key {
    Known([Atom; PARTS], usize),
    /// A part of it is not known.
    Open(Val),
    /// The packet has no such thing.
    Absent,
}

/// What a key finds among elements.
enum Found<'c> {
    Nothing,
    One(&'c Elem),
    /// One of these, each with why it is not known; the last may be certain if none before it is the one.
    Several(Vec<(&'c Elem, Option<Why>)>),
}

impl<'c> Context<'c> {
    /// The value of an expression that may hold a map, where the map leaves one value; else why the answer is no, or not known.
    pub(super) fn one_value(&self, expr: &'c Expr, packet: &Packet) -> Result<Val, Tri> {
        let Expr::Map(lookup) = expr else { return Ok(value(self, expr, packet)) };
        match self.lookup(lookup, packet) {
            Given::Nothing => Err(Tri::No),
            Given::One(data) => Ok(value(self, data, packet)),
            Given::Several { values, .. } => {
                let why = values.into_iter().find_map(|(_, odds)| odds.unknown);
                Err(Tri::Unknown(why.unwrap_or_else(|| "the map gives one of several values".into())))
            }
            Given::Unknown(why) => Err(Tri::Unknown(why)),
        }
    }

    fn key(&self, expr: &'c Expr, packet: &Packet) -> Key {
        let parts = match expr {
            Expr::Concat(parts) if parts.len() <= PARTS => &parts[..],
            one => std::slice::from_ref(one),
        };
        let mut atoms: [Atom; PARTS] = std::array::from_fn(|_| Atom::Number(0));
        for (atom, part) in atoms.iter_mut().zip(parts) {
            let value = value(self, part, packet);
            if value.is_absent() {
                return Key::Absent;
            }
            match value.atom() {
                Some(known) => *atom = known,
                None => {
                    let whole = super::value::value(self, expr, packet);
                    return if whole.is_absent() { Key::Absent } else { Key::Open(whole) };
                }
            }
        }
        Key::Known(atoms, parts.len())
    }

    /// Whether an expression's value is in a named set; `None` where the packet has no such value.
    pub(super) fn in_named_set(&self, left: &'c Expr, name: &Name, packet: &Packet) -> Option<Tri> {
        let (elems, index) = match self.named(name, "set") {
            Ok(found) => found,
            Err(why) => return Some(Tri::Unknown(why)),
        };
        let left = match left {
            Expr::Map(_) => match self.one_value(left, packet) {
                Ok(got) if got.is_absent() => return None,
                Ok(got) => return Some(self.find_in(&got, name, packet)),
                Err(nothing) => return Some(nothing),
            },
            left => left,
        };
        match self.key(left, packet) {
            Key::Absent => None,
            Key::Known(atoms, len) => Some(is_in(&self.find(&atoms[..len], || value(self, left, packet), elems, index, packet))),
            Key::Open(got) => Some(is_in(&self.scan(&got, elems, packet))),
        }
    }

    /// Whether a value is in a named set.
    pub(super) fn find_in(&self, got: &Val, name: &Name, packet: &Packet) -> Tri {
        match self.named(name, "set") {
            Ok((elems, index)) => is_in(&match got.key() {
                Some(key) => self.find(&key, || got.clone(), elems, index, packet),
                None => self.scan(got, elems, packet),
            }),
            Err(why) => Tri::Unknown(why),
        }
    }

    /// The elements of a set or map that does not change.
    fn named(&self, name: &Name, what: &str) -> Result<(&'c [Elem], &'c SetIndex), Why> {
        match self.index.set(self.ruleset, self.table, name) {
            Some((set, _)) if self.index.is_dynamic(set) => Err(format!("the members of {what} {name} come and go").into()),
            Some((set, index)) => Ok((&set.elems, index)),
            None => Err(format!("there is no {what} {name}").into()),
        }
    }

    /// The elements that a known key finds.
    fn find(
        &self,
        key: &[Atom],
        got: impl FnOnce() -> Val,
        elems: &'c [Elem],
        index: &'c SetIndex,
        packet: &Packet,
    ) -> Found<'c> {
        if let Some(elem) = index.find(key).and_then(|i| elems.get(i)) {
            return Found::One(elem);
        }
        let mut odd = index.odd().filter_map(|i| elems.get(i)).peekable();
        let any = || index.any().and_then(|i| elems.get(i));
        if odd.peek().is_none() {
            return any().map_or(Found::Nothing, Found::One);
        }
        self.among(&got(), odd, any(), packet)
    }

    fn scan(&self, got: &Val, elems: &'c [Elem], packet: &Packet) -> Found<'c> {
        let any = elems.iter().find(|e| e.key == Expr::Any);
        self.among(got, elems.iter().filter(|e| e.key != Expr::Any), any, packet)
    }

    /// The first element that surely has the value, after those that may.
    fn among(&self, got: &Val, elems: impl Iterator<Item = &'c Elem>, any: Option<&'c Elem>, packet: &Packet) -> Found<'c> {
        let mut found: Vec<(&'c Elem, Option<Why>)> = Vec::new();
        let mut sure = None;
        for elem in elems {
            match self.equal(got, &elem.key, packet) {
                Tri::Yes => {
                    sure = Some(elem);
                    break;
                }
                Tri::No => {}
                Tri::Unknown(why) => found.push((elem, Some(why))),
            }
        }
        match sure.or(any) {
            Some(elem) if found.is_empty() => return Found::One(elem),
            Some(elem) => found.push((elem, None)),
            None => {}
        }
        if found.is_empty() { Found::Nothing } else { Found::Several(found) }
    }

    /// What a map gives for its key.
    pub(super) fn lookup(&self, lookup: &'c Lookup, packet: &Packet) -> Given<'c> {
        let (elems, index) = match &lookup.data {
            Expr::Set(elems) => (&elems[..], None),
            Expr::SetRef(name) => match self.named(name, "map") {
                Ok((elems, index)) => (elems, Some(index)),
                Err(why) => return if self.lacks_key(lookup, packet) { Given::Nothing } else { Given::Unknown(why) },
            },
            _ => return Given::Unknown("a look-up in something that is no map".into()),
        };
        let found = match (self.key(&lookup.key, packet), index) {
            (Key::Absent, _) => return Given::Nothing,
            (Key::Open(Val::Chance { first, count }), _) => {
                let (values, nothing) = chance::elements(elems, first, count);
                return match (&values[..], nothing) {
                    ([], _) => Given::Nothing,
                    ([(one, _)], None) => Given::One(one),
                    (_, nothing) => Given::Several { values, nothing },
                };
            }
            (Key::Known(atoms, len), Some(index)) => {
                self.find(&atoms[..len], || value(self, &lookup.key, packet), elems, index, packet)
            }
            (Key::Known(..), None) => self.scan(&value(self, &lookup.key, packet), elems, packet),
            (Key::Open(got), _) => self.scan(&got, elems, packet),
        };
        given(found)
    }

    fn lacks_key(&self, lookup: &'c Lookup, packet: &Packet) -> bool {
        matches!(self.key(&lookup.key, packet), Key::Absent)
    }
}

fn given(found: Found<'_>) -> Given<'_> {
    let none = || Why::from("an element of the map gives nothing");
    let elems = match found {
        Found::Nothing => return Given::Nothing,
        Found::One(elem) => match (&elem.data, elem_holds(elem)) {
            (Some(data), Tri::Unknown(why)) => {
                let odds = Odds::unknown(why);
                return Given::Several { values: vec![(data, odds.clone())], nothing: Some(odds) };
            }
            (Some(data), _) => return Given::One(data),
            (None, _) => return Given::Unknown(none()),
        },
        Found::Several(elems) if elems.len() > MOST => {
            return Given::Unknown("the key is not known, and the map has many elements".into());
        }
        Found::Several(elems) => elems,
    };
    let mut nothing = None;
    if elems.iter().all(|(_, why)| why.is_some()) {
        nothing = elems.first().and_then(|(_, why)| why.clone());
    }
    let first = elems.first().and_then(|(_, why)| why.clone());
    let mut values = Vec::with_capacity(elems.len());
    for (elem, why) in elems {
        let counts = match elem_holds(elem) {
            Tri::Unknown(why) => Some(why),
            _ => None,
        };
        nothing = nothing.or_else(|| counts.clone());
        match &elem.data {
            Some(data) => values.push((data, Odds { unknown: why.or(counts).or_else(|| first.clone()), weight: 1.0 })),
            None => return Given::Unknown(none()),
        }
    }
    Given::Several { values, nothing: nothing.map(Odds::unknown) }
}

/// Whether one of the elements is the one.
fn is_in(found: &Found<'_>) -> Tri {
    match found {
        Found::Nothing => Tri::No,
        Found::One(elem) => elem_holds(elem),
        Found::Several(elems) => {
            let sure = elems.iter().find(|(_, why)| why.is_none()).map(|(elem, _)| elem_holds(elem));
            let open = || Tri::Unknown(elems.first().and_then(|(_, why)| why.clone()).unwrap_or_default());
            sure.unwrap_or_else(open)
        }
    }
}

/// Whether the statements at an element let the rule go on.
pub(super) fn elem_holds(elem: &Elem) -> Tri {
    let stmts = elem.extra.iter().flat_map(|extra| &extra.stmts);
    let counts = stmts.into_iter().any(|s| matches!(s, Stmt::Limit(_) | Stmt::Quota(_) | Stmt::CtCount { .. } | Stmt::Other(_)));
    if counts { Tri::unknown("the element counts the packets before") } else { Tri::Yes }
}
