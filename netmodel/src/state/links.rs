//! Links with their addresses and relations.

use std::net::IpAddr;

use bundle::Capture;

use super::{Doc, Node};
use crate::parse::ip_addr::{self, Address, Link, LinkStats};
use crate::source::{Evidence, Fact, Missing, Source};

/// The links of the node's namespace.
#[derive(Debug)]
pub struct Links {
    doc: Doc<Vec<Link>>,
    /// `ip -s -d link`, for what `ip addr` does not print.
    stats: Option<Doc<Vec<Link>>>,
}

impl Node {
    /// The links, with their addresses.
    ///
    /// # Errors
    /// [`Missing`] when the capture `ip-addr` is absent.
    pub fn links(&self) -> Result<&Links, Missing> {
        self.cells.links.get(|| {
            Ok(Links { doc: self.doc(Capture::IpAddr, ip_addr::parse)?, stats: self.doc(Capture::IpLink, ip_addr::parse).ok() })
        })
    }

    /// A link, or `None` where it is proven that there is none of that name.
    ///
    /// # Errors
    /// [`Missing`] when the links are not known, or not all of them and this one is not among them.
    pub fn link(&self, name: &str) -> Result<Option<&Link>, Missing> {
        let links = self.links()?;
        match links.by_name(name) {
            Some(link) => Ok(Some(link)),
            None => links.complete().map(|()| None),
        }
    }
}

impl Links {
    /// The capture.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.doc.source
    }

    /// The document.
    #[must_use]
    pub fn doc(&self) -> &Doc<Vec<Link>> {
        &self.doc
    }

    /// All links, in the kernel's order.
    pub fn iter(&self) -> std::slice::Iter<'_, Link> {
        self.doc.iter()
    }

    /// The link of that name, or with that alternative name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Link> {
        self.iter().find(|l| &*l.name == name).or_else(|| self.iter().find(|l| l.altnames.iter().any(|a| &**a == name)))
    }

    /// The link with that index.
    #[must_use]
    pub fn by_index(&self, index: u32) -> Option<&Link> {
        self.iter().find(|l| l.index == Some(index))
    }

    /// The link that has an address, and the address.
    #[must_use]
    pub fn by_address(&self, addr: IpAddr) -> Option<(&Link, &Address)> {
        self.iter().find_map(|l| l.addresses.iter().find(|a| a.addr.addr() == addr).map(|a| (l, a)))
    }

    /// The ports of a bridge, the slaves of a bond.
    pub fn ports_of<'a>(&'a self, master: &'a str) -> impl Iterator<Item = &'a Link> {
        self.iter().filter(move |l| l.master.as_deref() == Some(master))
    }

    /// That a link is *not* there can be concluded.
    ///
    /// # Errors
    /// [`Missing`] when the capture is not whole or not fully understood.
    pub fn complete(&self) -> Result<(), Missing> {
        self.doc.complete()
    }

    /// The counters of a link, from `ip-link` (or `ip-addr`, if that has them).
    ///
    /// # Errors
    /// [`Missing`] when neither capture has them.
    pub fn stats(&self, link: &Link) -> Result<Fact<'_, LinkStats>, Missing> {
        let with_stats = self.stats.iter().chain([&self.doc]);
        with_stats
            .filter_map(|doc| {
                let found = doc.iter().find(|l| l.name == link.name)?;
                Some(doc.fact(found.stats?, found.at))
            })
            .next()
            .ok_or_else(|| Missing::new(&self.doc.source.key, format!("counters of {}", link.name), "no capture has them"))
    }

    /// Evidence of a link that shows the named JSON keys only: `"ifname":"flannel.1" … "mtu":1450`. The name is always shown.
    #[must_use]
    pub fn evidence(&self, link: &Link, keys: &[&str]) -> Evidence {
        self.doc.source.evidence_text(link.at, crate::parse::json::excerpt(self.doc.text(link.at), "ifname", keys))
    }

    /// Evidence of an address of a link.
    #[must_use]
    pub fn address_evidence(&self, link: &Link, address: &Address) -> Evidence {
        let mut evidence = self.evidence(link, &[]);
        evidence.text.push_str(" … ");
        evidence.text.push_str(&crate::parse::json::excerpt(self.doc.text(address.at), "local", &["prefixlen", "scope"]));
        evidence
    }
}
