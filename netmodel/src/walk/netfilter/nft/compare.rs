//! Comparisons of nftables: with constants, prefixes, ranges and the elements of sets.

use super::lookup::{Context, elem_holds};
use super::value::{Val, value};
use crate::parse::nft::index::addr_bits;
use crate::parse::nft::{Elem, Expr, Op, Value};
use crate::walk::packet::Packet;
use crate::walk::tri::Tri;

impl<'c> Context<'c> {
    /// Whether a condition holds.
    pub(super) fn matches(&self, op: Op, left: &'c Expr, right: &'c Expr, packet: &Packet) -> Tri {
        if let (Op::Eq | Op::Ne, Expr::SetRef(name)) = (op, right) {
            let Some(answer) = self.in_named_set(left, name, packet) else { return Tri::No };
            return if op == Op::Eq { answer } else { !answer };
        }
        match self.one_value(left, packet) {
            Ok(got) => self.compare(op, &got, right, packet),
            Err(nothing) => nothing,
        }
    }

    /// Whether a value satisfies a condition; never where the packet has no such value.
    pub(super) fn compare(&self, op: Op, got: &Val, right: &'c Expr, packet: &Packet) -> Tri {
        if got.is_absent() {
            return Tri::No;
        }
        match op {
            Op::Eq => self.equal(got, right, packet),
            // A negated look-up in a set whose key is there: the rule goes on if it is not in.
            Op::Ne => !self.equal(got, right, packet),
            Op::AnyBit => self.any_bit(got, right, packet),
            Op::NoBit => !self.any_bit(got, right, packet),
            Op::Lt | Op::Gt | Op::Le | Op::Ge => order(op, got, &value(self, right, packet)),
        }
    }

    fn any_bit(&self, got: &Val, right: &'c Expr, packet: &Packet) -> Tri {
        if matches!(right, Expr::Set(_) | Expr::SetRef(_)) {
            return self.equal(got, right, packet);
        }
        match (got, value(self, right, packet).known()) {
            (Val::Number { bits, known, what }, Some(mask)) => {
                if bits & known & mask != 0 {
                    Tri::Yes
                } else if mask & !known != 0 {
                    Tri::unknown(format!("{what} is not known"))
                } else {
                    Tri::No
                }
            }
            (Val::Unknown(why), _) => Tri::Unknown(why.clone()),
            _ => Tri::unknown("a comparison of bits that is not known here"),
        }
    }

    /// Whether a value is equal to a constant, or in a prefix, range or set.
    pub(super) fn equal(&self, got: &Val, right: &'c Expr, packet: &Packet) -> Tri {
        match right {
            Expr::Set(elems) => self.any(got, elems.iter(), packet),
            Expr::List(parts) => parts.iter().fold(Tri::No, |any, part| any.or(|| self.equal(got, part, packet))),
            Expr::SetRef(name) => self.find_in(got, name, packet),
            Expr::Concat(parts) => match got {
                Val::Many(values) if values.len() == parts.len() => {
                    values.iter().zip(parts).fold(Tri::Yes, |all, (v, part)| all.and(|| self.equal(v, part, packet)))
                }
                Val::Unknown(why) => Tri::Unknown(why.clone()),
                _ => Tri::unknown("things side by side are compared with one"),
            },
            Expr::Value(constant) => equals(got, constant),
            Expr::Range(ends) => in_range(got, &ends.0, &ends.1),
            Expr::Any => Tri::Yes,
            other => match (got.as_known(), value(self, other, packet).as_known()) {
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
}

impl Val {
    /// The bits of a number or address that is wholly known.
    pub(super) fn as_known(&self) -> Option<u128> {
        match self {
            Self::Addr(addr) => Some(addr_bits(*addr)),
            other => other.known(),
        }
    }
}

/// Whether a value is equal to a constant, or in a prefix.
fn equals(got: &Val, constant: &Value) -> Tri {
    if let Value::Symbol(word) = constant {
        return Tri::unknown(format!("what `{word}` stands for is not known here"));
    }
    match (got, constant) {
        (Val::Unknown(why), _) => Tri::Unknown(why.clone()),
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
        Val::Unknown(why) => Tri::Unknown(why.clone()),
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
