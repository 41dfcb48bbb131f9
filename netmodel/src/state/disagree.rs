//! Where two captures of one node say different things about the same fact.
//!
//! Captures are taken moments apart: counters, entries, rules, and links that come and go with pods are no disagreement. What is compared is
//! what stands still: tables, chains and policies in the two views of nftables, index and MTU of a link, the source address of a connected
//! route, registered legacy tables, and how complete the list of connections is. Left out: which of the two is right.

use bundle::Capture;

use super::{Doc, Node};
use crate::family::Family;
use crate::parse::ip_addr;
use crate::parse::ip_route::Table;
use crate::parse::iptables::{self, Policy};
use crate::parse::ipvs_list;
use crate::parse::nft;
use crate::source::{Evidence, Missing, lines};
use crate::state::netfilter::Backend;

/// Fewer listed connections than this tell nothing about the list.
const MANY_CONNECTIONS: i64 = 256;

/// Two sources that say different things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// What they disagree on, in words.
    pub what: String,
    /// What each of them says. Where one says nothing the evidence is the other's.
    pub evidence: Vec<Evidence>,
}

impl Node {
    /// What captures of this node disagree on. A capture that is absent or not whole disagrees with none.
    pub fn disagreements(&self) -> Vec<Disagreement> {
        let mut all = Vec::new();
        for family in Family::ALL {
            nft_views(self, family, &mut all).unwrap_or(());
            legacy_tables(self, family, &mut all).unwrap_or(());
            connected_routes(self, family, &mut all).unwrap_or(());
        }
        links(self, &mut all).unwrap_or(());
        connections(self, &mut all).unwrap_or(());
        virtual_services(self, &mut all).unwrap_or(());
        if let Ok(network) = self.pod_network() {
            let conflicts = network.conflicts.iter();
            all.extend(conflicts.map(|c| Disagreement { what: c.what.clone(), evidence: c.evidence.clone() }));
        }
        all
    }
}

/// Tables, chains and policies of iptables-nft-save against those that nft lists.
fn nft_views(node: &Node, family: Family, all: &mut Vec<Disagreement>) -> Result<(), Missing> {
    let save = node.iptables(Backend::Nft, family)?;
    let nft = node.nft()?;
    save.complete()?;
    nft.complete()?;
    node.source(save.source.key.capture)?;
    node.source(nft.source.key.capture)?;
    let nft_family = if family == Family::V4 { nft::NftFamily::Ip } else { nft::NftFamily::Ip6 };
    for (table, record) in (0..).map(iptables::TableId).zip(&save.tables) {
        let (name, evidence) = (record.kind.name(), save.source.evidence(record.at));
        let Some(other) = nft.table(nft_family, name) else {
            let what = format!("the table {} {name}: iptables-nft-save shows it, nft does not", nft_family.name());
            all.push(Disagreement { what, evidence: vec![evidence] });
            continue;
        };
        for (_, chain) in save.chains_of(table) {
            let chain_name = chain.name.of(&save.source.text);
            let evidence = save.source.evidence(chain.at);
            let Some(found) = nft.chain(other, &chain_name.into()).and_then(|id| nft.chain_record(id)) else {
                // Of a table that is there iptables-nft-save prints all built-in chains, also those that are not, with `ACCEPT [0:0]`.
                if chain.policy == Policy::Accept {
                    continue;
                }
                let what = format!("the chain {chain_name} of {name}: iptables-nft-save shows it, nft does not");
                all.push(Disagreement { what, evidence: vec![evidence] });
                continue;
            };
            let policies = (chain.policy, found.base.as_deref().map(|b| &b.policy));
            if matches!(policies, (Policy::Accept, Some(nft::Policy::Drop)) | (Policy::Drop, Some(nft::Policy::Accept))) {
                let what = format!("the policy of {chain_name} of {name}");
                all.push(Disagreement { what, evidence: vec![evidence, nft.source.evidence(found.at)] });
            }
        }
        // iptables-nft-save leaves out base chains that are none of its own, and says so.
        for chain in nft.chains.iter().filter(|c| c.table == other && c.base.is_none()) {
            if save.chain(&save.source.text, table, &chain.name).is_none() {
                let what = format!("the chain {} of {name}: nft shows it, iptables-nft-save does not", chain.name);
                all.push(Disagreement { what, evidence: vec![nft.source.evidence(chain.at), evidence.clone()] });
            }
        }
    }
    Ok(())
}

/// Tables that iptables-legacy-save shows against those that the kernel says are registered.
fn legacy_tables(node: &Node, family: Family, all: &mut Vec<Disagreement>) -> Result<(), Missing> {
    let (save, names) = match family {
        Family::V4 => (Capture::IptablesLegacySave, Capture::IpTablesNames),
        Family::V6 => (Capture::Ip6tablesLegacySave, Capture::Ip6TablesNames),
    };
    // Of an absent capture nothing is known, also where that proves that there are no rules.
    node.source(save)?;
    let save = node.iptables(Backend::Legacy, family)?;
    let names = node.source(names)?;
    save.complete()?;
    names.whole()?;
    let registered: Vec<_> = lines(&names.text).filter(|(_, name)| !name.trim().is_empty()).collect();
    for table in &save.tables {
        let name = table.kind.name();
        if !registered.iter().any(|(_, known)| known.trim() == name) {
            let what = format!("the legacy table {name}: iptables-legacy-save shows it, {} does not name it", names.key.path());
            all.push(Disagreement { what, evidence: vec![save.source.evidence(table.at)] });
        }
    }
    for (at, name) in registered {
        if !save.tables.iter().any(|t| t.kind.name() == name.trim()) {
            let what =
                format!("the legacy table {}: the kernel has it, {} does not show it", name.trim(), save.source.key.path());
            all.push(Disagreement { what, evidence: vec![names.evidence(at)] });
        }
    }
    Ok(())
}

/// Index and MTU of links in the two listings of links.
fn links(node: &Node, all: &mut Vec<Disagreement>) -> Result<(), Missing> {
    let addr = node.links()?;
    let link = Doc::new(node.source(Capture::IpLink)?, ip_addr::parse);
    for one in addr.iter() {
        let Some(other) = link.iter().find(|l| l.name == one.name) else { continue };
        let evidence = |key| {
            let excerpt = crate::parse::json::excerpt(link.text(other.at), "ifname", &[key]);
            vec![addr.evidence(one, &[key]), link.source.evidence_text(other.at, excerpt)]
        };
        if let (Some(a), Some(b)) = (one.index, other.index)
            && a != b
        {
            all.push(Disagreement { what: format!("the index of {}: {a} or {b}", one.name), evidence: evidence("ifindex") });
        }
        if let (Some(a), Some(b)) = (one.mtu, other.mtu)
            && a != b
        {
            all.push(Disagreement { what: format!("the MTU of {}: {a} or {b}", one.name), evidence: evidence("mtu") });
        }
    }
    Ok(())
}

/// Connected routes whose source address no link has: the kernel takes such a route away together with the address.
fn connected_routes(node: &Node, family: Family, all: &mut Vec<Disagreement>) -> Result<(), Missing> {
    let (links, routes) = (node.links()?, node.routes(family)?);
    links.complete()?;
    for route in routes.table(&Table::MAIN) {
        let Some(source) = route.prefsrc.filter(|_| route.protocol.as_deref() == Some("kernel")) else { continue };
        if links.by_address(source).is_none() {
            let what = format!("the address {source}: a connected route has it as its source, and no link has it");
            all.push(Disagreement { what, evidence: vec![routes.evidence(route)] });
        }
    }
    Ok(())
}

/// Far fewer connections than the kernel counts: the list was capped, or is of one family only.
fn connections(node: &Node, all: &mut Vec<Disagreement>) -> Result<(), Missing> {
    let count = node.conntrack_count()?;
    let table = node.conntrack()?;
    table.complete()?;
    let listed = i64::try_from(table.entries.len()).unwrap_or(i64::MAX);
    if count.value >= MANY_CONNECTIONS && listed < count.value / 2 {
        let what = format!("the tracked connections: the kernel counts {}, {listed} are listed", count.value);
        all.push(Disagreement { what, evidence: vec![count.evidence()] });
    }
    Ok(())
}

/// ipvs services in the tool's output and none in the kernel's, or the reverse.
fn virtual_services(node: &Node, all: &mut Vec<Disagreement>) -> Result<(), Missing> {
    let tool = node.ipvs()?;
    let kernel = Doc::new(node.source(Capture::ProcIpVs)?, ipvs_list::parse);
    tool.complete()?;
    kernel.complete()?;
    let (shown, other) = match (tool.services.first(), kernel.services.first()) {
        (Some(service), None) => (tool.source.evidence(service.at), &kernel.source),
        (None, Some(service)) => (kernel.source.evidence(service.at), &tool.source),
        _ => return Ok(()),
    };
    let what = format!("ipvs services: {} shows some, {} none", shown.capture, other.key.path());
    all.push(Disagreement { what, evidence: vec![shown] });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::node;

    const SAVE: &str = "*filter\n:FORWARD DROP [0:0]\n:KUBE - [0:0]\nCOMMIT\n";
    const NFT: &str = r#"{"nftables": [{"table": {"family": "ip", "name": "filter", "handle": 1}}, {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1, "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}}, {"chain": {"family": "ip", "table": "filter", "name": "KUBE", "handle": 2}}]}"#;

    fn what(captures: &[(Capture, &str)]) -> Vec<String> {
        node(captures).disagreements().into_iter().map(|d| d.what).collect()
    }

    fn views(save: &str, nft: &str) -> Vec<String> {
        what(&[(Capture::IptablesNftSave, save), (Capture::NftRuleset, nft)])
    }

    #[test]
    fn the_two_views_of_nftables_are_held_against_each_other() {
        assert_eq!(views(SAVE, NFT), [] as [&str; 0]);
        assert_eq!(
            views(SAVE, &NFT.replace(r#""policy": "drop""#, r#""policy": "accept""#)),
            ["the policy of FORWARD of filter"]
        );
        assert_eq!(views(SAVE, r#"{"nftables": []}"#), ["the table ip filter: iptables-nft-save shows it, nft does not"]);
        let other = NFT.replace("KUBE", "OTHER");
        assert_eq!(views(SAVE, &other).len(), 2, "{:?}", views(SAVE, &other));
        // A capture that is not there says nothing.
        assert_eq!(what(&[(Capture::IptablesNftSave, SAVE)]), [] as [&str; 0]);
    }

    #[test]
    fn legacy_tables_are_what_the_kernel_registered() {
        let legacy = |save, names| what(&[(Capture::IptablesLegacySave, save), (Capture::IpTablesNames, names)]);
        assert_eq!(legacy("*nat\nCOMMIT\n", "nat\n"), [] as [&str; 0]);
        assert_eq!(legacy("", ""), [] as [&str; 0]);
        assert_eq!(legacy("*nat\nCOMMIT\n", "").len(), 1);
        assert_eq!(legacy("", "filter\nnat\n").len(), 2);
    }

    #[test]
    fn links_routes_and_connections_are_compared() {
        let addr = r#"[{"ifindex":2,"ifname":"eth0","flags":[],"mtu":1500,"addr_info":[{"family":"inet","local":"10.0.0.1","prefixlen":24}]}]"#;
        let link =
            r#"[{"ifindex":2,"ifname":"eth0","flags":[],"mtu":1400},{"ifindex":3,"ifname":"veth9","flags":[],"mtu":9000}]"#;
        assert_eq!(what(&[(Capture::IpAddr, addr), (Capture::IpLink, link)]), ["the MTU of eth0: 1500 or 1400"]);
        let route = |src: &str| {
            format!(r#"[{{"dst":"10.0.0.0/24","dev":"eth0","protocol":"kernel","scope":"link","prefsrc":"{src}","flags":[]}}]"#)
        };
        assert_eq!(what(&[(Capture::IpAddr, addr), (Capture::IpRoute4, &route("10.0.0.1"))]), [] as [&str; 0]);
        assert_eq!(what(&[(Capture::IpAddr, addr), (Capture::IpRoute4, &route("10.0.0.9"))]).len(), 1);
        let count = |n: u32| format!("net.netfilter.nf_conntrack_count = {n}\n");
        assert_eq!(what(&[(Capture::Sysctl, &count(5000)), (Capture::Conntrack, "")]).len(), 1);
        assert_eq!(what(&[(Capture::Sysctl, &count(20)), (Capture::Conntrack, "")]), [] as [&str; 0]);
    }
}
