//! Options printed from their values, in the form that iptables-save gives them.

use std::fmt;
use std::net::IpAddr;

use super::{Kind, Opt, Radix, Rate, RateUnit, Value, list_of};
use crate::parse::iptables::record::{Net, Span};

pub(super) struct Shown<'a> {
    pub(super) opt: &'a Opt,
    pub(super) text: &'a str,
    pub(super) items: &'a [Value],
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.opt.spec.name)?;
        match self.opt.value {
            Value::None => Ok(()),
            value => {
                f.write_str(" ")?;
                self.value(f, value)
            }
        }
    }
}

impl Shown<'_> {
    fn value(&self, f: &mut fmt::Formatter<'_>, value: Value) -> fmt::Result {
        let kind = self.opt.spec.kind;
        match value {
            Value::None => Ok(()),
            Value::Number(n) if named(kind, n).is_some() => f.write_str(named(kind, n).unwrap_or_default()),
            Value::Number(n) => number(f, n, radix(kind)),
            Value::Range(first, last) => {
                let (separator, radix) = match kind {
                    Kind::Range(separator, radix) => (separator, radix),
                    Kind::RangeOrName(separator) => (separator, Radix::Dec),
                    _ => (':', Radix::Dec),
                };
                number(f, first, radix)?;
                write!(f, "{separator}")?;
                if last == u64::MAX { Ok(()) } else { number(f, last, radix) }
            }
            Value::Pair(a, b) if matches!(kind, Kind::Class) => write!(f, "{a:04x}:{b:04x}"),
            Value::Pair(a, b) => write!(f, "{a}:{b}"),
            Value::Mark(mark) => {
                let Kind::Mark(masked) = kind else { return write!(f, "{:#x}/{:#x}", mark.value, mark.mask) };
                number(f, u64::from(mark.value), masked.radix)?;
                if mark.mask == masked.full && !masked.always {
                    return Ok(());
                }
                f.write_str("/")?;
                number(f, u64::from(mark.mask), masked.radix)
            }
            Value::Net(net) => self::net(f, &net, matches!(kind, Kind::NetLen)),
            Value::Addr(addr) => write!(f, "{addr}"),
            Value::Bits(bits) => self.bits(f, bits),
            Value::Choice(name) => f.write_str(name),
            Value::Rate(rate) => self.rate(f, rate),
            Value::Clock(s) => write!(f, "{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60),
            Value::Date(seconds) => date(f, seconds),
            Value::Micros(us) => micros(f, us),
            Value::Set { name, dirs } | Value::Words(name, dirs) => {
                self.word(f, name)?;
                f.write_str(" ")?;
                self.word(f, dirs)
            }
            Value::List { .. } => {
                for (i, item) in list_of(self.items, value).iter().enumerate() {
                    if i > 0 {
                        f.write_str(",")?;
                    }
                    self.value(f, *item)?;
                }
                Ok(())
            }
            Value::Text(span) | Value::Unread(span) => self.word(f, span),
        }
    }

    /// A word as it stands, with its quotes.
    fn word(&self, f: &mut fmt::Formatter<'_>, span: Span) -> fmt::Result {
        f.write_str(crate::parse::iptables::token::as_written(self.text, span))
    }

    fn bits(&self, f: &mut fmt::Formatter<'_>, bits: u32) -> fmt::Result {
        let mut separator = "";
        for bit in (0..32).filter(|b| bits & (1 << b) != 0) {
            f.write_str(separator)?;
            separator = ",";
            match self.opt.spec.kind {
                Kind::Bits(names) => f.write_str(names.get(bit).copied().unwrap_or("?"))?,
                _ => write!(f, "{bit}")?,
            }
        }
        Ok(())
    }

    fn rate(&self, f: &mut fmt::Formatter<'_>, rate: Rate) -> fmt::Result {
        let per_second = !matches!(self.opt.spec.kind, Kind::Burst);
        let (unit, bytes) = match rate.unit {
            RateUnit::Second => ("/sec", false),
            RateUnit::Minute => ("/min", false),
            RateUnit::Hour => ("/hour", false),
            RateUnit::Day => ("/day", false),
            RateUnit::Bytes => ("b", true),
            RateUnit::KiBytes => ("kb", true),
            RateUnit::MiBytes => ("mb", true),
        };
        write!(f, "{}{unit}{}", rate.amount, if bytes && per_second { "/s" } else { "" })
    }
}

/// The name that the tool prints for a number.
fn named(kind: Kind, n: u64) -> Option<&'static str> {
    match kind {
        Kind::Names(names) => names.iter().find(|name| name.1 == n).map(|name| name.0),
        _ => None,
    }
}

fn radix(kind: Kind) -> Radix {
    match kind {
        Kind::Number(radix) | Kind::Range(_, radix) | Kind::Named(radix, _) => radix,
        _ => Radix::Dec,
    }
}

fn number(f: &mut fmt::Formatter<'_>, n: u64, radix: Radix) -> fmt::Result {
    match radix {
        Radix::Dec => write!(f, "{n}"),
        Radix::Hex(digits) => write!(f, "0x{n:0digits$x}"),
    }
}

/// An address under a mask: a prefix length where the mask is one, nothing where all bits count (unless `always`).
fn net(f: &mut fmt::Formatter<'_>, net: &Net, always: bool) -> fmt::Result {
    let (addr, mask, whole): (IpAddr, IpAddr, bool) = match *net {
        Net::V4 { addr, mask } => (addr.into(), mask.into(), mask.to_bits() == u32::MAX),
        Net::V6 { addr, mask } => (addr.into(), mask.into(), mask.to_bits() == u128::MAX),
    };
    match net.prefix() {
        _ if whole && !always => write!(f, "{addr}"),
        Some(prefix) => write!(f, "{addr}/{}", prefix.prefix_len()),
        None => write!(f, "{addr}/{mask}"),
    }
}

/// Days since 1970 of a date of the Gregorian calendar: years are counted from March, so that leap days come last.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date(f: &mut fmt::Formatter<'_>, seconds: i64) -> fmt::Result {
    let (day, rest) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
    // The inverse of `days`, by the same eras.
    let z = day + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * of_year + 2) / 153;
    let (d, month) = (of_year - (153 * m + 2) / 5 + 1, if m < 10 { m + 3 } else { m - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    write!(f, "{year}-{month:02}-{d:02}T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// As libxt_RATEEST prints a time.
fn micros(f: &mut fmt::Formatter<'_>, us: u64) -> fmt::Result {
    let tenths = |unit: u64| (us / unit, us % unit * 10 / unit);
    if us >= 1_000_000 {
        let (whole, tenth) = tenths(1_000_000);
        write!(f, "{whole}.{tenth}s")
    } else if us >= 1000 {
        let (whole, tenth) = tenths(1000);
        write!(f, "{whole}.{tenth}ms")
    } else {
        write!(f, "{us}us")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_go_there_and_back() {
        struct Date(i64);
        impl fmt::Display for Date {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                date(f, self.0)
            }
        }
        assert_eq!(Date(0).to_string(), "1970-01-01T00:00:00");
        assert_eq!(Date(i64::from(i32::MAX)).to_string(), "2038-01-19T03:14:07");
        assert_eq!(days(2024, 2, 29) + 1, days(2024, 3, 1));
        assert_eq!(days(2023, 2, 28) + 1, days(2023, 3, 1));
        assert_eq!(Date(days(2024, 2, 29) * 86400).to_string(), "2024-02-29T00:00:00");
    }
}
