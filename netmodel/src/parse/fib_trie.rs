//! /proc/net/fib_trie: the kernel's IPv4 routing tables as a trie; where no `ip` is at hand it tells the addresses of a namespace.
//!
//! ```text
//! Main:
//!   +-- 0.0.0.0/0 3 0 5
//!      |-- 0.0.0.0
//!         /0 universe UNICAST
//! Local:
//!            |-- 192.168.50.11
//!               /32 host LOCAL
//! ```
//!
//! Printed by `fib_trie_seq_show` (net/ipv4/fib_trie.c). While no policy rule was ever added, `main` and `local` are one trie and both
//! heads show all of it. Inner nodes (`+--`) are passed over; devices and gateways are not in the file.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::Ipv4Net;

use serde::Serialize;

use super::Parsed;
use super::ip_route::{RouteKind, Table};
use super::json::Names;
use crate::source::{At, Problem, lines};

/// A route as far as the file shows it.
#[derive(Clone, Debug, Serialize)]
pub struct FibEntry {
    /// The line of its length and type.
    pub at: At,
    /// The table under whose head it stands; `main` and `local` may be one.
    pub table: Table,
    /// Its destination.
    pub dst: Ipv4Net,
    /// `universe`, `site`, `link`, `host`, `nowhere`.
    pub scope: Arc<str>,
    /// What it does.
    pub kind: RouteKind,
}

/// Reads /proc/net/fib_trie.
#[must_use]
pub fn parse(text: &str) -> Parsed<Vec<FibEntry>> {
    let mut out = Parsed::<Vec<FibEntry>>::default();
    let mut names = Names::default();
    let (mut table, mut leaf) = (None, None);
    for (at, line) in lines(text) {
        let line = line.trim_ascii();
        let done = if line.is_empty() || line.starts_with("+--") {
            Ok(())
        } else if let Some(head) = line.strip_suffix(':') {
            leaf = None;
            self::table(head).map(|t| table = Some(t))
        } else if let Some(addr) = line.strip_prefix("|-- ") {
            leaf = addr.trim_ascii().parse::<Ipv4Addr>().ok();
            leaf.map(|_| ()).ok_or_else(|| format!("`{addr}` is not an address"))
        } else {
            entry(at, line, table.as_ref(), leaf, &mut names).map(|e| out.value.push(e))
        };
        if let Err(what) = done {
            out.problems.push(Problem { at, what });
        }
    }
    out
}

/// The addresses of this namespace, each once, in order, with the line that says so.
#[must_use]
pub fn local_addresses(entries: &[FibEntry]) -> Vec<(Ipv4Addr, At)> {
    let local = |e: &&FibEntry| e.kind == RouteKind::Local && e.dst.prefix_len() == 32;
    let mut all: Vec<_> = entries.iter().filter(local).map(|e| (e.dst.addr(), e.at)).collect();
    all.sort_unstable();
    all.dedup_by_key(|(addr, _)| *addr);
    all
}

fn table(head: &str) -> Result<Table, String> {
    match head {
        "Main" => Ok(Table::MAIN),
        "Local" => Ok(Table::LOCAL),
        "Default" => Ok(Table::DEFAULT),
        _ => {
            head.strip_prefix("Id ").and_then(|id| id.parse().ok()).map(Table::Id).ok_or_else(|| format!("`{head}` is no table"))
        }
    }
}

/// `/24 link UNICAST`, perhaps with `tos=…` behind it.
fn entry(at: At, line: &str, table: Option<&Table>, leaf: Option<Ipv4Addr>, names: &mut Names) -> Result<FibEntry, String> {
    let mut words = line.split_ascii_whitespace();
    let (len, scope, kind) = (words.next(), words.next(), words.next());
    let len = len.and_then(|l| l.strip_prefix('/')).and_then(|l| l.parse().ok());
    let (Some(len), Some(scope), Some(kind)) = (len, scope, kind) else {
        return Err("not a length, a scope and a type".to_owned());
    };
    let leaf = leaf.ok_or("no address stands before it")?;
    let kind = match kind {
        "UNICAST" => RouteKind::Unicast,
        "LOCAL" => RouteKind::Local,
        "BROADCAST" => RouteKind::Broadcast,
        "ANYCAST" => RouteKind::Anycast,
        "MULTICAST" => RouteKind::Multicast,
        "BLACKHOLE" => RouteKind::Blackhole,
        "UNREACHABLE" => RouteKind::Unreachable,
        "PROHIBIT" => RouteKind::Prohibit,
        "THROW" => RouteKind::Throw,
        other => RouteKind::Other(names.get(other)),
    };
    Ok(FibEntry {
        at,
        table: table.ok_or("no table stands before it")?.clone(),
        dst: Ipv4Net::new(leaf, len).map_err(|_| format!("`/{len}` is not a prefix length"))?,
        scope: names.get(scope),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::ip_addr;
    use crate::parse::iproute_text::testing::fixture;

    #[test]
    fn its_local_addresses_are_those_of_the_links() {
        // One trie for main and local, and with policy rules one for each.
        for (trie, addr) in [("node.txt", "addr-node.json"), ("rules.txt", "addr-details.json")] {
            let got = parse(&fixture("proc-net-fib_trie", trie));
            assert_eq!(got.problems, []);
            let local: Vec<_> = local_addresses(&got.value).into_iter().map(|(a, _)| a).collect();
            let links = ip_addr::parse(&fixture("ip-addr-text", addr)).value;
            let mut want: Vec<_> = links
                .iter()
                .flat_map(|l| &l.addresses)
                .filter_map(|a| match a.addr.addr() {
                    std::net::IpAddr::V4(addr) => Some(addr),
                    std::net::IpAddr::V6(_) => None,
                })
                .collect();
            want.sort_unstable();
            assert_eq!(local, want, "{trie}");
        }
    }

    #[test]
    fn tables_types_and_lines_out_of_place() {
        let text = "   /0 universe UNICAST\nId 77:\n  |-- 10.53.0.0\n     /16 universe THROW\n     /x host LOCAL\nOther:\n  |-- 10.x.0.0\n     /32 host LOCAL\n";
        let got = parse(text);
        assert_eq!((&got.value[0].table, &got.value[0].kind, got.value.len()), (&Table::Id(77), &RouteKind::Throw, 1));
        assert_eq!(got.problems.iter().map(|p| p.at.line).collect::<Vec<_>>(), [1, 5, 6, 7, 8]);
        assert!(local_addresses(&got.value).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(Main:|Id [0-9]{0,3}:|\\|-- [0-9.]{0,9}|/[0-9]{0,3} host LOCAL|\n|\u{e9}){0,30}") {
            let _ = local_addresses(&parse(&text).value);
        }
    }
}
