//! Named sets and maps.

use serde::Serialize;

use super::TableId;
use crate::parse::nft::expr::{Elem, Name};
use crate::parse::nft::kind::Kinds;
use crate::parse::nft::stmt::Stmt;
use crate::source::At;

/// A named set or map.
#[derive(Clone, Debug, Serialize)]
pub struct Set {
    /// Where it is declared.
    pub at: At,
    /// Its table.
    pub table: TableId,
    /// Its name.
    pub name: Name,
    /// Its handle.
    pub handle: Option<u64>,
    /// The types of its key.
    pub key: SetType,
    /// The types of its data, for a map.
    pub data: Option<SetType>,
    /// Its flags.
    pub flags: SetFlags,
    /// How long elements live, in milliseconds.
    pub timeout: Option<u64>,
    /// How often dead elements are removed, in milliseconds.
    pub gc_interval: Option<u64>,
    /// How many elements it may have.
    pub size: Option<u64>,
    /// `memory` or `performance`.
    pub policy: Option<Name>,
    /// Whether neighbouring intervals are joined.
    pub auto_merge: bool,
    /// Its comment.
    pub comment: Option<Name>,
    /// Statements that every new element gets.
    pub stmts: Vec<Stmt>,
    /// Its elements. Empty in listings made with `-t`.
    pub elems: Vec<Elem>,
    /// Whether it is the hidden set of a meter.
    pub meter: bool,
}

impl Set {
    /// Whether it maps keys to something.
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.data.is_some()
    }

    /// A set of which only elements are there (`add element`).
    pub(in crate::parse::nft) fn implied(at: At, table: TableId, name: Name, elems: Vec<Elem>) -> Self {
        Self {
            at,
            table,
            name,
            handle: None,
            key: SetType::default(),
            data: None,
            flags: SetFlags::default(),
            timeout: None,
            gc_interval: None,
            size: None,
            policy: None,
            auto_merge: false,
            comment: None,
            stmts: Vec::new(),
            elems,
            meter: false,
        }
    }
}

/// The types of a set's keys or data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SetType {
    /// The types, one a part.
    pub kinds: Kinds,
    /// What is printed: `ipv4_addr . inet_service`, or the expressions of `typeof`.
    pub text: Option<Name>,
}

/// Flags of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(clippy::struct_excessive_bools)]
pub struct SetFlags {
    /// Elements cannot change while it is used.
    pub constant: bool,
    /// Elements may be ranges.
    pub interval: bool,
    /// Rules add elements. JSON of nft 1.0.6 does not show it.
    pub dynamic: bool,
    /// Elements may have a timeout.
    pub timeout: bool,
    /// Others.
    pub other: Vec<Name>,
}
