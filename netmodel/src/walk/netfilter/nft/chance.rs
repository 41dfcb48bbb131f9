//! Load balancing of nftables: how many of the numbers that `numgen` or a hash may give satisfy a condition, or find an element.

use super::Odds;
use super::lookup::Context;
use super::value::{Val, value};
use crate::parse::nft::{Elem, Expr, Op, Value};
use crate::walk::packet::Packet;
use crate::walk::tri::Tri;

/// So many numbers are tried.
const MOST: u32 = 65_536;

/// The share of packets that satisfy a condition on a number left to chance; `None` where it is no such condition, or not all is known.
pub(super) fn share<'c>(context: &Context<'c>, op: Op, left: &'c Expr, right: &'c Expr, packet: &Packet) -> Option<f64> {
    if !matches!(left, Expr::Numgen { .. } | Expr::Jhash(_) | Expr::Symhash { .. }) {
        return None;
    }
    let Val::Chance { first, count } = value(context, left, packet) else { return None };
    if count > MOST {
        return None;
    }
    let mut hits = 0u32;
    for n in 0..count {
        match context.compare(op, &Val::number(first.saturating_add(n)), right, packet) {
            Tri::Yes => hits += 1,
            Tri::No => {}
            Tri::Unknown(_) => return None,
        }
    }
    Some(f64::from(hits) / f64::from(count.max(1)))
}

/// Every element that one of the numbers finds, with its share, and the share that finds none.
pub(super) fn elements(elems: &[Elem], first: u32, count: u32) -> (Vec<(&Expr, Odds)>, Option<Odds>) {
    let last = u64::from(first) + u64::from(count.max(1)) - 1;
    let all = f64::from(count.max(1));
    let share = |numbers: u64| u32::try_from(numbers).map_or(1.0, |n| f64::from(n) / all);
    let (mut values, mut covered) = (Vec::new(), 0u64);
    let mut any = None;
    for elem in elems {
        let span = match &elem.key {
            Expr::Value(Value::Number(n)) => Some((*n, *n)),
            Expr::Range(ends) => match **ends {
                (Value::Number(low), Value::Number(high)) => Some((low, high)),
                _ => None,
            },
            Expr::Any => {
                any = elem.data.as_ref();
                None
            }
            _ => None,
        };
        let Some((low, high)) = span else { continue };
        let (low, high) = (low.max(u64::from(first)), high.min(last));
        if low <= high
            && let Some(data) = &elem.data
        {
            covered += high - low + 1;
            values.push((data, Odds::chance(share(high - low + 1))));
        }
    }
    let rest = u64::from(count.max(1)).saturating_sub(covered);
    let nothing = (rest > 0).then(|| Odds::chance(share(rest)));
    match (any, nothing) {
        (Some(data), Some(odds)) => {
            values.push((data, odds));
            (values, None)
        }
        (_, nothing) => (values, nothing),
    }
}
