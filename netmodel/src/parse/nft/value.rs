//! Words to values: by the type that is expected, else by their looks.

use std::collections::HashSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::expr::{BinOp, Expr, Name, Value};
use super::kind::{Kind, Kinds};
use crate::parse::names::Seeded;

/// Names, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: HashSet<Name, Seeded>,
    /// Expressions of lists that are being read, the innermost last: so that each list is allocated once, in its size.
    pub(super) pending: Vec<Expr>,
}

impl Names {
    /// The shared name of a word.
    pub(super) fn get(&mut self, word: &str) -> Name {
        if let Some(name) = self.known.get(word) {
            return name.clone();
        }
        let name = Name::from(word);
        self.known.insert(name.clone());
        name
    }
}

/// A number, decimal or hexadecimal with `0x`.
pub(super) fn number(word: &str) -> Option<Value> {
    let first = word.as_bytes().first()?;
    if !first.is_ascii_digit() {
        return None;
    }
    let (digits, radix) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).map_or((word, 10), |hex| (hex, 16));
    // from_str_radix takes a sign; and most words that begin with a digit are addresses.
    let digit = |b: u8| if radix == 16 { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
    if !digits.bytes().all(digit) {
        return None;
    }
    if let Ok(number) = u64::from_str_radix(digits, radix) {
        return Some(Value::Number(number));
    }
    u128::from_str_radix(digits, radix).ok().map(|big| Value::Big(Box::new(big)))
}

/// A number that fits 64 bits.
pub(super) fn int(word: &str) -> Option<u64> {
    match number(word)? {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

/// A duration in milliseconds: `1d2h3m4s5ms`, or plain seconds.
pub(super) fn duration_ms(word: &str) -> Option<u64> {
    if let Ok(seconds) = word.parse::<u64>() {
        return seconds.checked_mul(1000);
    }
    let mut rest = word;
    let mut total = 0u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let amount: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        let unit = match rest.get(..letters)? {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return None,
        };
        total = total.checked_add(amount.checked_mul(unit)?)?;
        rest = rest.get(letters..)?;
    }
    Some(total)
}

/// How many bytes a unit is.
pub(super) fn byte_unit(word: &str) -> Option<u64> {
    Some(match word {
        "bytes" => 1,
        "kbytes" => 1 << 10,
        "mbytes" => 1 << 20,
        "gbytes" => 1 << 30,
        _ => return None,
    })
}

fn mac(word: &str) -> Option<Value> {
    let mut bytes = [0u8; 6];
    let mut parts = word.split(':');
    for byte in &mut bytes {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 2 {
            return None;
        }
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(Value::Mac(bytes))
}

fn address(word: &str) -> Option<Value> {
    if let Some((addr, len)) = word.split_once('/') {
        let addr: IpAddr = addr.parse().ok()?;
        return IpNet::new(addr, len.parse().ok()?).ok().map(Value::Prefix);
    }
    word.parse().ok().map(Value::Addr)
}

fn iface(word: &str, names: &mut Names) -> Value {
    // A star at the end is a wildcard, unless escaped: then it is part of the name (nft(8), "ifname").
    if let Some(name) = word.strip_suffix("\\*") {
        return Value::Iface(names.get(&format!("{name}*")));
    }
    match word.strip_suffix('*') {
        Some(begin) => Value::IfacePrefix(names.get(begin)),
        None => Value::Iface(names.get(word)),
    }
}

/// `MAJOR:MINOR` in hexadecimal, either may be empty.
fn tc_handle(word: &str) -> Option<u64> {
    let (major, minor) = word.split_once(':')?;
    let half = |text: &str| if text.is_empty() { Some(0) } else { u16::from_str_radix(text, 16).ok() };
    Some(u64::from(half(major)?) << 16 | u64::from(half(minor)?))
}

/// A word as a value of a type. What it is not stays a symbol.
pub(super) fn typed(kind: Kind, word: &str, quoted: bool, names: &mut Names) -> Value {
    let found = match kind {
        Kind::Ip4 | Kind::Ip6 | Kind::Ip => address(word).or_else(|| number(word)),
        Kind::Mac => mac(word),
        Kind::Iface | Kind::FibOif => {
            let plain = if kind == Kind::FibOif { kind.symbol(word).map(Value::Number) } else { None };
            let index = if quoted { None } else { number(word) };
            plain.or(index).or_else(|| Some(iface(word, names)))
        }
        Kind::Text => Some(Value::Text(names.get(word))),
        Kind::Time => number(word).or_else(|| duration_ms(word).map(|ms| Value::Number(ms / 1000))),
        Kind::Priority => kind.symbol(word).or_else(|| tc_handle(word)).map(Value::Number).or_else(|| number(word)),
        Kind::Unknown => return guess(word, names),
        _ => number(word).or_else(|| kind.symbol(word).map(Value::Number)),
    };
    found.unwrap_or_else(|| Value::Symbol(names.get(word)))
}

/// A word by its looks; what looks like nothing is a symbol, to be typed later.
pub(super) fn guess(word: &str, names: &mut Names) -> Value {
    let first = word.as_bytes().first().copied().unwrap_or_default();
    let plain = if first.is_ascii_digit() {
        number(word).or_else(|| address(word)).or_else(|| mac(word))
    } else if (first == b':' || first.is_ascii_hexdigit()) && word.contains(':') {
        address(word).or_else(|| mac(word))
    } else {
        None
    };
    plain.unwrap_or_else(|| Value::Symbol(names.get(word)))
}

/// Gives the constants of an expression the types that they are compared with, and folds what is constant.
pub(super) fn coerce(expr: Expr, kinds: &Kinds, names: &mut Names) -> Expr {
    match expr {
        Expr::Value(value) => Expr::Value(coerce_value(value, kinds.first(), names)),
        Expr::Range(ends) => {
            let (low, high) = *ends;
            let kind = kinds.first();
            Expr::Range(Box::new((coerce_value(low, kind, names), coerce_value(high, kind, names))))
        }
        Expr::Concat(mut parts) => {
            for (i, part) in parts.iter_mut().enumerate() {
                retype(part, &Kinds::one(kinds.get(i)), names);
            }
            Expr::Concat(parts)
        }
        Expr::List(mut parts) => {
            for part in &mut parts {
                retype(part, kinds, names);
            }
            fold_list(parts, kinds.first())
        }
        Expr::Set(mut elems) => {
            for elem in &mut elems {
                retype(&mut elem.key, kinds, names);
            }
            Expr::Set(elems)
        }
        Expr::Binary(op, sides) => {
            let (left, right) = *sides;
            // What is shifted by is a number, whatever is shifted.
            let right_kinds = if matches!(op, BinOp::Shl | BinOp::Shr) { Kinds::one(Kind::Integer) } else { *kinds };
            op.apply(coerce(left, kinds, names), coerce(right, &right_kinds, names))
        }
        other => other,
    }
}

/// The same in place.
pub(super) fn retype(expr: &mut Expr, kinds: &Kinds, names: &mut Names) {
    let taken = std::mem::replace(expr, Expr::Any);
    *expr = coerce(taken, kinds, names);
}

/// Several words of a bit mask are their bits together.
pub(super) fn fold_list(parts: Box<[Expr]>, kind: Kind) -> Expr {
    // A label is the number of a bit, not the bit.
    if kind.is_bitmask() && kind != Kind::CtLabel && !parts.is_empty() {
        let bits = parts.iter().try_fold(0u64, |bits, part| match part {
            Expr::Value(Value::Number(more)) => Some(bits | more),
            _ => None,
        });
        if let Some(bits) = bits {
            return Expr::number(bits);
        }
    }
    Expr::List(parts)
}

fn coerce_value(value: Value, kind: Kind, names: &mut Names) -> Value {
    match value {
        Value::Symbol(word) if kind != Kind::Unknown => typed(kind, &word, true, names),
        Value::Number(number) if kind == Kind::Text => Value::Text(names.get(&number.to_string())),
        Value::Addr(addr) if matches!(kind, Kind::Text | Kind::Iface) => typed(kind, &addr.to_string(), true, names),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_milliseconds() {
        assert_eq!(duration_ms("1d1h59m59s884ms"), Some(93_599_884));
        assert_eq!(duration_ms("10800s"), Some(10_800_000));
        assert_eq!(duration_ms("30"), Some(30_000));
        assert_eq!(duration_ms("5x"), None);
        assert_eq!(duration_ms("99999999999999999999d"), None);
    }

    #[test]
    fn a_name_is_what_its_type_makes_of_it() {
        let mut names = Names::default();
        assert_eq!(typed(Kind::Protocol, "tcp", false, &mut names), Value::Number(6));
        assert_eq!(typed(Kind::Protocol, "0x6", false, &mut names), Value::Number(6));
        assert_eq!(typed(Kind::Iface, "veth*", true, &mut names), Value::IfacePrefix("veth".into()));
        assert_eq!(typed(Kind::Iface, "odd\\*", true, &mut names), Value::Iface("odd*".into()));
        assert_eq!(typed(Kind::Port, "gopher", false, &mut names), Value::Symbol("gopher".into()));
        assert_eq!(typed(Kind::Priority, "1:2", false, &mut names), Value::Number(0x1_0002));
        assert_eq!(guess("00:11:22:33:44:55", &mut names), Value::Mac([0, 0x11, 0x22, 0x33, 0x44, 0x55]));
        assert_eq!(guess("17:00", &mut names), Value::Symbol("17:00".into()));
    }
}
