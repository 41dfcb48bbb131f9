//! Values of options, as their kind says. A value that is not of that kind is [`Value::Unread`].

use super::{Kind, Masked, Rate, RateUnit, Spec, Value};
use crate::parse::iptables::record::{Mark, Span};
use crate::parse::iptables::token::{Word, Words, span};
use crate::parse::iptables::value;

/// The value of an option; `None` where the line ends before it. `items` takes the parts of lists.
pub(in crate::parse::iptables) fn read(spec: &Spec, words: &mut Words<'_>, items: &mut Vec<Value>) -> Option<Value> {
    match spec.kind {
        Kind::Flag => return Some(Value::None),
        Kind::MaybeText if words.peek().is_none_or(|w| w.is_option() || w.is_not()) => return Some(Value::None),
        _ => {}
    }
    let word = words.next()?;
    let read = match spec.kind {
        Kind::Set => Some(Value::Set { name: word.span, dirs: words.next()?.span }),
        Kind::Words => Some(Value::Words(word.span, words.next()?.span)),
        Kind::Text | Kind::MaybeText => Some(Value::Text(word.span)),
        Kind::Pairs => list(word, items, |part, _| pair(part)),
        Kind::Addrs => list(word, items, |part, _| part.parse().ok().map(Value::Addr)),
        Kind::Numbers(names) | Kind::Names(names) => list(word, items, |part, at| {
            let named = names.iter().find(|n| n.0 == part).map(|n| n.1);
            Some(named.or_else(|| whole(part)).map_or(Value::Text(at), Value::Number))
        }),
        kind => plain(kind, word),
    };
    Some(read.unwrap_or(Value::Unread(word.span)))
}

fn plain(kind: Kind, word: Word<'_>) -> Option<Value> {
    let text = word.text;
    match kind {
        Kind::Number(_) => whole(text).map(Value::Number),
        Kind::Named(_, names) => names.iter().find(|n| n.0 == text).map(|n| n.1).or_else(|| whole(text)).map(Value::Number),
        Kind::Range(separator, _) => numbers(text, separator),
        Kind::RangeOrName(separator) => Some(numbers(text, separator).unwrap_or(Value::Text(word.span))),
        Kind::Mark(masked) => mark(text, masked),
        Kind::NamedRange(names) => {
            let named = names.iter().find(|n| n.0 == text).map(|n| Value::Number(n.1));
            named.or_else(|| numbers(text, ':'))
        }
        Kind::Net | Kind::NetLen => value::net(text).map(Value::Net),
        Kind::Addr => text.parse().ok().map(Value::Addr),
        Kind::Bits(names) => {
            let bits = text.split(',').try_fold(0u32, |bits, name| Some(bits | 1 << names.iter().position(|&n| n == name)?));
            bits.map(Value::Bits)
        }
        Kind::Days => text.split(',').try_fold(0u32, |days, d| day(d).map(|d| days | 1 << d)).map(Value::Bits),
        Kind::Choice(names) => names.iter().find(|&&n| n == text).map(|&n| Value::Choice(n)),
        Kind::Rate => rate(text).map(Value::Rate),
        Kind::Burst => match whole(text) {
            Some(n) => Some(Value::Number(n)),
            None => {
                rate(text).filter(|r| matches!(r.unit, RateUnit::Bytes | RateUnit::KiBytes | RateUnit::MiBytes)).map(Value::Rate)
            }
        },
        Kind::Clock => clock(text).map(Value::Clock),
        Kind::Date => date(text).map(Value::Date),
        Kind::Micros => micros(text).map(Value::Micros),
        Kind::Class => {
            let (major, minor) = text.split_once(':')?;
            let half = |t: &str| u32::from_str_radix(t, 16).ok().filter(|&n| n <= 0xffff);
            Some(Value::Pair(half(major)?, half(minor)?))
        }
        _ => None,
    }
}

/// The parts of a list.
pub(in crate::parse::iptables) fn list_of(items: &[Value], value: Value) -> &[Value] {
    match value {
        Value::List { first, end } => items.get(first as usize..end as usize).unwrap_or_default(),
        _ => &[],
    }
}

fn list(word: Word<'_>, items: &mut Vec<Value>, one: impl Fn(&str, Span) -> Option<Value>) -> Option<Value> {
    let first = items.len();
    let mut at = word.span.start as usize;
    for part in word.text.split(',') {
        match one(part, span(at, at + part.len())) {
            Some(value) => items.push(value),
            None => {
                items.truncate(first);
                return None;
            }
        }
        at += part.len() + 1;
    }
    let Span { start, end } = span(first, items.len());
    Some(Value::List { first: start, end })
}

/// A number of up to 64 bits, decimal or with `0x`.
fn whole(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None if text.starts_with('+') => None,
        None => text.parse().ok(),
    }
}

fn numbers(text: &str, separator: char) -> Option<Value> {
    match text.split_once(separator) {
        Some((first, last)) => {
            let first = if first.is_empty() { 0 } else { whole(first)? };
            Some(Value::Range(first, if last.is_empty() { u64::MAX } else { whole(last)? }))
        }
        None => whole(text).map(Value::Number),
    }
}

fn pair(text: &str) -> Option<Value> {
    match text.split_once(':') {
        Some((kind, length)) => Some(Value::Pair(value::number(kind)?, value::number(length)?)),
        None => whole(text).map(Value::Number),
    }
}

fn mark(text: &str, masked: Masked) -> Option<Value> {
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (value, value::number(mask)?),
        None => (text, masked.full),
    };
    let value = value::number(value).or_else(|| TOS.iter().find(|n| n.0 == value).map(|n| n.1))?;
    // The names of types of service are meant without the two bits of ECN (xt_dscp.h).
    let mask = if text.starts_with(char::is_alphabetic) { 0x3f } else { mask };
    Some(Value::Mark(Mark { value, mask }))
}

/// RFC 1349's types of service under the names that iptables takes.
const TOS: [(&str, u32); 5] = [
    ("Minimize-Delay", 0x10),
    ("Maximize-Throughput", 0x08),
    ("Maximize-Reliability", 0x04),
    ("Minimize-Cost", 0x02),
    ("Normal-Service", 0x00),
];

fn day(text: &str) -> Option<u32> {
    text.parse().ok().filter(|d| (1..=31).contains(d))
}

/// `5/min`, `1000/sec`, `512kb/s`, `1mb`; a bare number is packets per second.
pub(super) fn rate(text: &str) -> Option<Rate> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (amount, unit) = text.split_at_checked(digits)?;
    let unit = match unit {
        "" | "/s" | "/sec" | "/second" => RateUnit::Second,
        "/m" | "/min" | "/minute" => RateUnit::Minute,
        "/h" | "/hour" => RateUnit::Hour,
        "/d" | "/day" => RateUnit::Day,
        "b" | "b/s" | "b/sec" => RateUnit::Bytes,
        "kb" | "kb/s" | "kb/sec" => RateUnit::KiBytes,
        "mb" | "mb/s" | "mb/sec" => RateUnit::MiBytes,
        _ => return None,
    };
    Some(Rate { amount: amount.parse().ok()?, unit })
}

/// `hh:mm[:ss]`.
fn clock(text: &str) -> Option<u32> {
    let mut parts = text.splitn(3, ':').map(|p| p.parse::<u32>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = parts.next().unwrap_or(Some(0))?;
    (hours < 24 && minutes < 60 && seconds < 60).then_some((hours * 60 + minutes) * 60 + seconds)
}

/// `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`.
fn date(text: &str) -> Option<i64> {
    let (day, time) = text.split_once('T').map_or((text, None), |(d, t)| (d, Some(t)));
    let mut parts = day.splitn(3, '-').map(|p| p.parse::<i64>().ok());
    let year = parts.next()?.filter(|y| (1970..=2200).contains(y))?;
    let month = parts.next().unwrap_or(Some(1)).filter(|m| (1..=12).contains(m))?;
    let day = parts.next().unwrap_or(Some(1)).filter(|d| (1..=31).contains(d))?;
    let seconds = match time {
        None => 0,
        Some(hours) if !hours.contains(':') => hours.parse::<u32>().ok().filter(|&h| h < 24)? * 3600,
        Some(time) => clock(time)?,
    };
    Some(super::show::days(year, month, day) * 86400 + i64::from(seconds))
}

/// `250.0ms`, `1.5s`, `12us`.
fn micros(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (amount, unit) = text.split_at_checked(digits)?;
    let unit = match unit {
        "s" => 1_000_000,
        "ms" => 1000,
        "us" => 1,
        _ => return None,
    };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let fraction = match fraction {
        "" => 0,
        f if f.len() <= 6 => f.parse::<u64>().ok()? * unit / 10u64.pow(u32::try_from(f.len()).ok()?),
        _ => return None,
    };
    whole.checked_add(fraction)
}
