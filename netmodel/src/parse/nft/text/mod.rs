//! `nft [-n] [-a] [-s] list ruleset`, and the commands `add table|chain|rule|set|map|element` of scripts.
//!
//! ```text
//! # Warning: table ip nat is managed by iptables-nft, do not touch!
//! table ip nat { # handle 1
//!         chain KUBE-POSTROUTING { # handle 15
//!                 type nat hook postrouting priority srcnat; policy accept;
//!                 meta mark & 0x00004000 != 0x00004000 counter packets 197 bytes 15820 return # handle 50
//!                 counter packets 28 bytes 1680 meta mark set mark xor 0x4000 # handle 51
//!                  counter packets 28 bytes 1680 masquerade fully-random # handle 52
//!         }
//! }
//! ```
//!
//! Rules of iptables-nft keep a statement for every extension, also for those of which nft prints only the blank around them: the
//! last rule above begins with one. This is counted in tables that iptables-nft may own, and from the text's own indentation.
//! Left out: `define`, `include`, variables, and commands that take away (`flush`, `delete`): they are kept as problems.

mod block;
mod expr;
mod lex;
mod part;
mod rule;
mod stmt;

use super::builder::Builder;
use super::record::Ruleset;
use super::stmt::Stmt;
use super::value::Names;
use crate::parse::Parsed;

/// Reads the text.
#[must_use]
pub fn parse(text: &str) -> Parsed<Ruleset> {
    let mut reader = block::Reader::new(text, Builder::default());
    reader.read();
    reader.finish()
}

/// One statement that nft's JSON gives as text.
pub(super) fn one_stmt(text: &str, names: &mut Names) -> Stmt {
    let mut toks = Vec::new();
    lex::tokens(text, &mut toks);
    let mut cursor = expr::Cursor::new(text, &toks, names, (0, 0));
    match cursor.stmt() {
        Ok(stmt) if cursor.peek().is_none() => stmt,
        _ => Stmt::Other(text.into()),
    }
}
