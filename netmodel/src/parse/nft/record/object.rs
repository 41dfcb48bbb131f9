//! What a table holds beside chains and sets: stateful objects and flow tables.

use serde::Serialize;

use super::{Counter, Hook, TableId};
use crate::parse::nft::expr::{Expr, Name};
use crate::parse::nft::stmt::{Limit, Quota, Synproxy};
use crate::source::At;

/// Kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum ObjectKind {
    Counter,
    Quota,
    Limit,
    CtHelper,
    CtTimeout,
    CtExpectation,
    SecMark,
    Synproxy,
    Tunnel,
}

impl ObjectKind {
    /// The kind of nft's words.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "counter" => Self::Counter,
            "quota" => Self::Quota,
            "limit" => Self::Limit,
            "ct helper" => Self::CtHelper,
            "ct timeout" => Self::CtTimeout,
            "ct expectation" => Self::CtExpectation,
            "secmark" => Self::SecMark,
            "synproxy" => Self::Synproxy,
            "tunnel" => Self::Tunnel,
            _ => return None,
        })
    }
}

/// An object of a table.
#[derive(Clone, Debug, Serialize)]
pub struct Object {
    /// Where it is declared.
    pub at: At,
    /// Its table.
    pub table: TableId,
    /// Its name.
    pub name: Name,
    /// Its handle.
    pub handle: Option<u64>,
    /// Its comment.
    pub comment: Option<Name>,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its properties.
    pub spec: ObjectSpec,
}

/// The properties of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectSpec {
    /// A counter.
    Counter(Option<Counter>),
    /// A quota.
    Quota(Quota),
    /// A limit.
    Limit(Limit),
    /// A SYN proxy.
    Synproxy(Synproxy),
    /// A helper, a timeout, an expectation.
    Ct(CtObject),
    /// Verbatim, where it is something else or was not understood.
    Other(Box<str>),
}

/// A helper, a timeout policy or an expectation of connection tracking.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CtObject {
    /// The helper's type (`ftp`).
    pub helper: Option<Name>,
    /// Protocol (IANA).
    pub protocol: Option<Expr>,
    /// Family, `ip`, `ip6` or `inet`.
    pub l3proto: Option<Name>,
    /// Destination port of the expected connection.
    pub dport: Option<u64>,
    /// How long it is expected, in milliseconds.
    pub timeout: Option<u64>,
    /// How many.
    pub size: Option<u64>,
    /// Timeouts of states, in seconds.
    pub policy: Vec<(Name, u64)>,
}

/// A flow table.
#[derive(Clone, Debug, Serialize)]
pub struct Flowtable {
    /// Where it is declared.
    pub at: At,
    /// Its table.
    pub table: TableId,
    /// Its name.
    pub name: Name,
    /// Its handle.
    pub handle: Option<u64>,
    /// The hook, always ingress today.
    pub hook: Option<Hook>,
    /// Its priority.
    pub priority: Option<i32>,
    /// Its devices.
    pub devices: Vec<Name>,
    /// Its flags (`offload`, `counter`).
    pub flags: Vec<Name>,
}
