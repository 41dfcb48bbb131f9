//! `ip -d -j rule`: policy routing rules.
//!
//! ```text
//! [{"priority":0,"src":"all","table":"local","protocol":"kernel"},
//!  {"priority":100,"not":null,"src":"all","fwmark":"0xca6c","table":"51820","protocol":"unspec"},
//!  {"priority":32766,"src":"all","table":"main","protocol":"kernel"}]
//! ```

use std::sync::Arc;

use ipnet::IpNet;

use super::Parsed;
use super::ip_route::Table;
use crate::family::Family;
use crate::source::At;

/// What a policy rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleAction {
    /// Looks in a table; goes on with the next rule where that holds no route.
    Lookup(Table),
    /// Goes on with the rule of that priority.
    Goto(u32),
    /// Does nothing.
    Nop,
    /// Drops silently.
    Blackhole,
    /// Drops; answers "network unreachable".
    Unreachable,
    /// Drops; answers "administratively prohibited".
    Prohibit,
    /// Something else (`l3mdev`, …), by its name.
    Other(Arc<str>),
}

/// A policy rule.
#[derive(Clone, Debug)]
pub struct PolicyRule {
    /// The object in the capture.
    pub at: At,
    /// Its place in the order; lower ones are asked first.
    pub priority: u32,
    /// It holds for what its selectors do *not* match.
    pub not: bool,
    /// The source; `None` for all.
    pub from: Option<IpNet>,
    /// The destination; `None` for all.
    pub to: Option<IpNet>,
    /// The incoming device.
    pub iif: Option<Arc<str>>,
    /// The outgoing device that a socket is bound to.
    pub oif: Option<Arc<str>>,
    /// The packet's mark: value and mask.
    pub fwmark: Option<(u32, u32)>,
    /// The IP protocol, as printed.
    pub ipproto: Option<Arc<str>>,
    /// The source ports.
    pub sport: Option<(u16, u16)>,
    /// The destination ports.
    pub dport: Option<(u16, u16)>,
    /// The type of service, as printed.
    pub tos: Option<Arc<str>>,
    /// Routes with this prefix length or a shorter one count as no route.
    pub suppress_prefixlength: Option<u32>,
    /// Routes over devices of this group count as no route.
    pub suppress_ifgroup: Option<Arc<str>>,
    /// What it does.
    pub action: RuleAction,
    /// Selectors that are not known, by their JSON key.
    pub unknown: Vec<Arc<str>>,
}

/// Reads `ip -j rule`.
#[must_use]
pub fn parse(_text: &str, _family: Family) -> Parsed<Vec<PolicyRule>> {
    Parsed::default()
}
