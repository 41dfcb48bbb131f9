//! Routes of all tables, with longest-prefix match. Which table is asked is decided by [`super::policy`].

use std::collections::BTreeMap;
use std::net::IpAddr;

use bundle::Capture;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

use super::{Doc, Node, forms};
use crate::family::Family;
use crate::parse::ip_nexthop::NexthopObject;
use crate::parse::ip_route::{Route, Table};
use crate::source::{Evidence, Fact, Missing, Source};

/// The routes of a family.
#[derive(Debug)]
pub struct Routes {
    doc: Doc<Vec<Route>>,
    tables: BTreeMap<Table, RouteTable>,
}

/// A table: routes by their destination, as indices into the document.
#[derive(Debug, Default)]
struct RouteTable {
    all: Vec<u32>,
    v4: PrefixMap<Ipv4Net, Vec<u32>>,
    v6: PrefixMap<Ipv6Net, Vec<u32>>,
}

impl Node {
    /// The routes of a family, of all tables.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn routes(&self, family: Family) -> Result<&Routes, Missing> {
        let (cell, capture) = match family {
            Family::V4 => (&self.cells.routes4, Capture::IpRoute4),
            Family::V6 => (&self.cells.routes6, Capture::IpRoute6),
        };
        cell.get(|| Ok(Routes::new(self.doc_by(capture, |source| forms::routes(source, family))?, family)))
    }

    /// The next-hop objects.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn nexthops(&self) -> Result<&Doc<Vec<NexthopObject>>, Missing> {
        self.cells.nexthops.get(|| self.doc_by(Capture::IpNexthop, forms::nexthops))
    }
}

impl Routes {
    /// Routes of the other family are left out: `ip route show table all` without `-4` prints both.
    fn new(mut doc: Doc<Vec<Route>>, family: Family) -> Self {
        doc.parsed.value.retain(|r| Family::of(r.dst.addr()) == family);
        let mut tables: BTreeMap<Table, RouteTable> = BTreeMap::new();
        let routes = &doc.parsed.value;
        for (i, route) in (0u32..).zip(routes) {
            let table = tables.entry(route.table.clone()).or_default();
            table.all.push(i);
            match route.dst.trunc() {
                IpNet::V4(net) => table.v4.entry(net).or_default().push(i),
                IpNet::V6(net) => table.v6.entry(net).or_default().push(i),
            }
        }
        // As the kernel holds them: routes with a type of service before those without (`fib_find_alias`), then by metric; of equal ones
        // the first in its list, which is the dump's order, is used.
        let rank = |i: &u32| routes.get(*i as usize).map(|r| (r.tos.is_none(), r.metric));
        for table in tables.values_mut() {
            table
                .v4
                .values_mut()
                .chain(table.v6.values_mut())
                .filter(|same| same.len() > 1)
                .for_each(|same| same.sort_by_key(rank));
        }
        Self { doc, tables }
    }

    fn route(&self, index: u32) -> Option<&Route> {
        self.doc.get(index as usize)
    }

    /// The capture.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.doc.source
    }

    /// The document.
    #[must_use]
    pub fn doc(&self) -> &Doc<Vec<Route>> {
        &self.doc
    }

    /// All routes, in the capture's order.
    pub fn iter(&self) -> std::slice::Iter<'_, Route> {
        self.doc.iter()
    }

    /// The routes of a table, in the capture's order.
    pub fn table(&self, table: &Table) -> impl Iterator<Item = &Route> {
        self.tables.get(table).into_iter().flat_map(|t| &t.all).filter_map(|&i| self.route(i))
    }

    /// The routes of a table that cover an address: the longest prefix first, of equal ones the lowest metric first (behind those that
    /// hold for a type of service only). The first is the
    /// one that the kernel uses, unless it is of no use (`dead`, or `linkdown` where `ignore_routes_with_linkdown` is set).
    #[must_use]
    pub fn lookup(&self, table: &Table, addr: IpAddr) -> Vec<&Route> {
        let Some(table) = self.tables.get(table) else { return Vec::new() };
        let mut groups: Vec<&Vec<u32>> = match addr {
            IpAddr::V4(addr) => table.v4.cover_values(&Ipv4Net::from(addr)).collect(),
            IpAddr::V6(addr) => table.v6.cover_values(&Ipv6Net::from(addr)).collect(),
        };
        groups.reverse();
        groups.into_iter().flatten().filter_map(|&i| self.route(i)).collect()
    }

    /// The capture is whole and understood: that a route is *not* there can be concluded.
    ///
    /// # Errors
    /// [`Missing`] when it is not.
    pub fn complete(&self) -> Result<(), Missing> {
        self.doc.complete()
    }

    /// A route with its place.
    #[must_use]
    pub fn fact<'n>(&'n self, route: &'n Route) -> Fact<'n, &'n Route> {
        self.doc.fact(route, route.at)
    }

    /// The text of a route.
    #[must_use]
    pub fn evidence(&self, route: &Route) -> Evidence {
        self.doc.source.evidence(route.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::{node, route_json};

    #[test]
    fn the_longest_prefix_wins_then_the_lowest_metric() {
        let routes =
            route_json(&[("default", "eth0", 0), ("10.0.0.0/8", "a", 0), ("10.244.0.0/16", "b", 20), ("10.244.0.0/16", "c", 10)]);
        let node = node(&[(Capture::IpRoute4, &routes)]);
        let routes = node.routes(Family::V4).unwrap();
        let devs = |addr: &str| -> Vec<String> {
            let found = routes.lookup(&Table::MAIN, addr.parse().unwrap());
            found.iter().map(|r| r.dev.as_deref().unwrap().to_owned()).collect()
        };
        assert_eq!(devs("10.244.1.2"), ["c", "b", "a", "eth0"]);
        assert_eq!(devs("10.245.1.2"), ["a", "eth0"]);
        assert_eq!(devs("1.1.1.1"), ["eth0"]);
        assert!(routes.lookup(&Table::LOCAL, "10.244.1.2".parse().unwrap()).is_empty());
    }

    proptest::proptest! {
        /// Longest-prefix match equals a walk over all routes.
        #[test]
        fn lookup_equals_the_naive_one(nets in proptest::collection::vec((0u32..256, 0u8..=8), 0..12), addr in 0u32..256) {
            let text: Vec<(String, String, u32)> =
                nets.iter().enumerate().map(|(i, &(a, len))| (format!("{}/{}", std::net::Ipv4Addr::from(a << 24), len), format!("d{i}"), 0)).collect();
            let rows: Vec<(&str, &str, u32)> = text.iter().map(|(d, n, m)| (d.as_str(), n.as_str(), *m)).collect();
            let node = node(&[(Capture::IpRoute4, &route_json(&rows))]);
            let routes = node.routes(Family::V4).unwrap();
            let addr = IpAddr::from(std::net::Ipv4Addr::from(addr << 24));
            let naive = routes.iter().filter(|r| r.dst.contains(&addr)).max_by_key(|r| r.dst.prefix_len()).map(|r| r.dst.trunc());
            proptest::prop_assert_eq!(routes.lookup(&Table::MAIN, addr).first().map(|r| r.dst.trunc()), naive);
        }
    }
}
