//! nftables rulesets: `nft -j list ruleset` and `nft [-n] [-a] [-s] list ruleset` into the same records.
//!
//! ```text
//! table ip kube-proxy { # handle 5
//!         map service-ips { # handle 49
//!                 type ipv4_addr . inet_proto . inet_service : verdict
//!                 elements = { 10.96.0.10 . 6 . 53 : goto service-QFLOEU7S-default/kube-dns/tcp/dns-tcp }
//!         }
//!         chain services { # handle 26
//!                 ip daddr . meta l4proto . th dport vmap @service-ips # handle 52
//!         }
//! }
//! ```
//!
//! ```text
//! {"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}, {"table": {"family": "ip", "name": "nat", "handle": 1}},
//!  {"rule": {"family": "ip", "table": "nat", "chain": "POSTROUTING", "handle": 3, "expr": [{"jump": {"target": "FLANNEL-POSTRTG"}}]}}]}
//! ```
//!
//! A value gets its type from what it is compared with, so `tcp`, `6` and `0x6` behind `meta l4proto` are the same number. What is
//! not known stays in its place as text ([`Stmt::Other`], [`Expr::Other`], [`Value::Symbol`]): a rule is never shorter than it was.
//!
//! Where the two forms of one ruleset differ, it is nft (1.0.6) and not this reader:
//! - JSON leaves out comments of tables and chains, the flags `dynamic` and `auto-merge` of sets, devices of netdev chains; flags of
//!   tables are garbage there, and `typeof` is shown as plain types. So `dormant` must be asked for with [`Table::dormant`], which may not know.
//! - JSON names extensions of iptables (`{"xt": {"type": "match", "name": "comment"}}`) without their options; text translates
//!   them (`fib daddr type local`, `tcp dport 80`), or prints nothing at all but the blank around it ([`Xt::is_hidden`]).
//! - text `reject` without a type is the default of its table; JSON writes it out.
//!
//! Left out: what a rule does with a packet (`walk`), and the definitions and includes of nft's script language.

mod builder;
pub mod compat;
pub mod expr;
mod fields;
pub mod index;
pub mod json;
pub mod kind;
pub mod record;
pub mod stmt;
mod symbols;
pub mod text;
mod value;

pub use expr::*;
pub use kind::{Kind, Kinds};
pub use record::*;
pub use stmt::*;

use crate::parse::Parsed;

/// Reads a ruleset in either form: text that begins with a brace is JSON.
#[must_use]
pub fn parse(text: &str) -> Parsed<Ruleset> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with(['{', '[']) { json::parse(text) } else { text::parse(text) }
}

#[cfg(test)]
mod tests;
