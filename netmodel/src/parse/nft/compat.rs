//! Which tables belong to iptables-nft: they hold rules of iptables, which `iptables-nft-save` shows whole and nft only in part.

use serde::Serialize;

use super::record::{NftFamily, Ruleset, Table, TableId};
use super::stmt::Stmt;

/// Whether a table belongs to iptables-nft, ebtables-nft or arptables-nft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// It does not: its name is none of theirs, or it holds what they cannot make (sets, `vmap`, base chains with other names).
    Native,
    /// It has their names for table and base chains, at their hooks and priorities, and nothing that they cannot make; but nothing
    /// either that only they make. A person may have written it so with nft.
    Likely,
    /// nft warned so, or a rule holds an extension of iptables (`xt`), which nothing else makes.
    Certain,
}

/// The tables of iptables-nft and its sisters (iptables 1.8, `xtables_ipv4` and so on in iptables/nft.c).
const TABLES: &[(NftFamily, &[&str])] = &[
    (NftFamily::Ip, &["filter", "nat", "mangle", "raw", "security"]),
    (NftFamily::Ip6, &["filter", "nat", "mangle", "raw", "security"]),
    (NftFamily::Arp, &["filter"]),
    (NftFamily::Bridge, &["filter", "nat", "broute"]),
];

/// Whether a table may hold extensions of iptables, by its family and name.
#[must_use]
pub fn may_hold_extensions(table: &Table) -> bool {
    TABLES.iter().any(|(family, names)| *family == table.family && names.contains(&&*table.name))
}

/// Who owns a table.
#[must_use]
pub fn owner(ruleset: &Ruleset, id: TableId) -> Owner {
    let Some(table) = ruleset.table_record(id) else { return Owner::Native };
    if table.warned {
        return Owner::Certain;
    }
    if !may_hold_extensions(table) {
        return Owner::Native;
    }
    let rules = ruleset.rules.iter().filter(|r| ruleset.chain_record(r.chain).is_some_and(|c| c.table == id));
    let mut native = ruleset.sets.iter().any(|s| s.table == id);
    for rule in rules {
        for stmt in ruleset.stmts(rule) {
            match stmt {
                Stmt::Xt(xt) if !xt.is_hidden() => return Owner::Certain,
                Stmt::Vmap(_) | Stmt::SetUpdate(_) | Stmt::Meter(_) | Stmt::FlowAdd(_) => native = true,
                _ => {}
            }
        }
    }
    let foreign =
        ruleset.base_chains().any(|(_, chain, base)| chain.table == id && !is_builtin(table.family, &chain.name, base.priority));
    if native || foreign { Owner::Native } else { Owner::Likely }
}

/// Whether a base chain has a name of iptables' built-in chains and a priority that they have.
fn is_builtin(family: NftFamily, name: &str, priority: Option<i32>) -> bool {
    let priority = priority.unwrap_or(i32::MIN);
    let names = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING", "BROUTING"];
    let priorities: &[i32] = match family {
        NftFamily::Bridge => &[-300, -250, -200, 100, 300],
        NftFamily::Arp => &[0],
        _ => &[-300, -150, -100, 0, 50, 100],
    };
    names.contains(&name) && priorities.contains(&priority)
}
