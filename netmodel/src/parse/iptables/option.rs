//! Options of match and target extensions as typed values, and the tables that say which extension has which.
//!
//! What most rules ask (addresses, ports, marks, states) has records of its own in [`MatchKind`](super::MatchKind); all else is an
//! [`Ext`]: a module and its options. Left out: what they mean for a packet, which `walk` knows.

mod read;
mod show;

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

use super::record::{Mark, Net, Span};

pub(super) use read::{list_of, read};

/// A match extension with its options, which stand in [`Ruleset::options_of`](super::Ruleset::options_of). All options must hold;
/// each has its own negation.
#[derive(Clone, Copy)]
pub struct Ext {
    pub(super) module: &'static Module,
    pub(super) first: u32,
    pub(super) end: u32,
}

impl Ext {
    /// The name of the module (`-m NAME`).
    #[must_use]
    pub fn module(&self) -> &'static str {
        self.module.name
    }
}

/// As the module's name; its options stand in the ruleset.
impl Serialize for Ext {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.module())
    }
}

impl PartialEq for Ext {
    fn eq(&self, other: &Self) -> bool {
        (self.module.name, self.first, self.end) == (other.module.name, other.first, other.end)
    }
}

impl fmt::Debug for Ext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ext({} {}..{})", self.module.name, self.first, self.end)
    }
}

/// One option of an extension.
#[derive(Clone, Copy)]
pub struct Opt {
    pub(super) spec: &'static Spec,
    /// Whether it is turned round (`!`).
    pub negated: bool,
    /// Its value.
    pub value: Value,
    /// The option and its value as they stand, without the `!`.
    pub span: Span,
}

impl Opt {
    /// Its name as iptables-save prints it, with the dashes.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.spec.name
    }

    /// The option in the tool's own form, without its negation.
    pub fn display<'a>(&'a self, text: &'a str, items: &'a [Value]) -> impl fmt::Display + 'a {
        show::Shown { opt: self, text, items }
    }
}

impl fmt::Debug for Opt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} {:?}", if self.negated { "! " } else { "" }, self.spec.name, self.value)
    }
}

/// The value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Value {
    /// The option has none.
    None,
    /// A number; its unit is the option's (seconds, bytes, packets, …).
    Number(u64),
    /// Numbers from and to, both included.
    Range(u64, u64),
    /// Two numbers that belong together (`major:minor`, `type:length`).
    Pair(u32, u32),
    /// A value under a mask.
    Mark(Mark),
    /// An address under a mask.
    Net(Net),
    /// An address.
    Addr(IpAddr),
    /// Names of a fixed set, one bit each, in the order of [`Opt::bit_names`].
    Bits(u32),
    /// One name of a fixed set.
    Choice(&'static str),
    /// So much per unit of time.
    Rate(Rate),
    /// Seconds since midnight.
    Clock(u32),
    /// A date and time, in seconds since 1970 as if it were UTC; whether it is depends on `--kerneltz`.
    Date(i64),
    /// A duration in microseconds.
    Micros(u64),
    /// A set of ipset and its dimensions.
    Set {
        /// The set's name.
        name: Span,
        /// `src`/`dst` for each dimension, as they stand there, with commas.
        dirs: Span,
    },
    /// A word and a list behind it (`any DATA:Be,INIT`).
    Words(Span, Span),
    /// Several values, in [`Ruleset::items_of`](super::Ruleset::items_of).
    List {
        /// First of them.
        first: u32,
        /// Behind the last.
        end: u32,
    },
    /// A text without the quotes around it, with backslashes.
    Text(Span),
    /// A value that is not understood (a problem says so).
    Unread(Span),
}

/// So much per unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// How many packets, or bytes.
    pub amount: u64,
    /// How it is written.
    pub unit: RateUnit,
}

/// Of what a rate is, and per which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateUnit {
    /// Packets per second.
    Second,
    /// Packets per minute.
    Minute,
    /// Packets per hour.
    Hour,
    /// Packets per day.
    Day,
    /// Bytes per second, the amount times 1.
    Bytes,
    /// Bytes per second, the amount times 1024.
    KiBytes,
    /// Bytes per second, the amount times 1024².
    MiBytes,
}

impl Opt {
    /// The names of the bits of [`Value::Bits`].
    #[must_use]
    pub fn bit_names(&self) -> &'static [&'static str] {
        match self.spec.kind {
            Kind::Bits(names) => names,
            _ => &[],
        }
    }
}

/// A match or target extension.
pub(super) struct Module {
    pub(super) name: &'static str,
    pub(super) options: &'static [Spec],
}

/// An option of an extension.
pub(super) struct Spec {
    pub(super) name: &'static str,
    /// Another name that iptables takes, or an empty one.
    pub(super) alias: &'static str,
    pub(super) kind: Kind,
}

/// How the value of an option is written.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Flag,
    Number(Radix),
    /// `n` or `n-m` with this separator.
    Range(char, Radix),
    /// Like a range, but a name may stand there (users, groups, log levels).
    RangeOrName(char),
    /// `value[/mask]`.
    Mark(Masked),
    Net,
    Addr,
    Bits(&'static [&'static str]),
    /// Days of the month.
    Days,
    Choice(&'static [&'static str]),
    /// Names that stand for a number.
    Named(Radix, &'static [(&'static str, u64)]),
    Rate,
    /// A number, with `kb` or `mb` for bytes.
    Burst,
    Clock,
    Date,
    Micros,
    /// Two hexadecimal numbers of 16 bits.
    Class,
    /// `type[:length]`, several with commas.
    Pairs,
    /// Addresses with commas.
    Addrs,
    /// Numbers or names with commas; printed as numbers.
    Numbers(&'static [(&'static str, u64)]),
    /// The same, printed as names, the first of a number.
    Names(&'static [(&'static str, u64)]),
    /// `n` or `n:m`, where names may stand for numbers.
    NamedRange(&'static [(&'static str, u64)]),
    /// A network whose prefix length is always printed.
    NetLen,
    /// A set and its dimensions: two words.
    Set,
    /// Two words.
    Words,
    Text,
    /// A text that may be missing.
    MaybeText,
}

/// In which form the tool prints a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Radix {
    Dec,
    /// `0x` and as many digits at least.
    Hex(usize),
}

/// How `value/mask` is printed.
#[derive(Clone, Copy)]
pub(super) struct Masked {
    pub(super) radix: Radix,
    /// The mask that is meant where none is written.
    pub(super) full: u32,
    /// Whether the tool prints a full mask.
    pub(super) always: bool,
}

pub(super) const fn opt(name: &'static str, kind: Kind) -> Spec {
    Spec { name, alias: "", kind }
}

pub(super) const fn flag(name: &'static str) -> Spec {
    opt(name, Kind::Flag)
}

pub(super) const fn number(name: &'static str) -> Spec {
    opt(name, Kind::Number(Radix::Dec))
}

pub(super) const fn hex(name: &'static str, digits: usize) -> Spec {
    opt(name, Kind::Number(Radix::Hex(digits)))
}

pub(super) const fn range(name: &'static str) -> Spec {
    opt(name, Kind::Range(':', Radix::Dec))
}

pub(super) const fn text(name: &'static str) -> Spec {
    opt(name, Kind::Text)
}

/// A mark of 32 bits; a full mask is printed only where `always`.
pub(super) const fn mark(name: &'static str, always: bool) -> Spec {
    opt(name, Kind::Mark(Masked { radix: Radix::Hex(0), full: u32::MAX, always }))
}

impl Spec {
    /// Whether it has no value.
    pub(super) fn is_flag(&self) -> bool {
        matches!(self.kind, Kind::Flag)
    }
}

impl Module {
    /// The option of a name.
    pub(super) fn option(&self, name: &str) -> Option<&'static Spec> {
        self.options.iter().find(|o| o.name == name || (!o.alias.is_empty() && o.alias == name))
    }
}
