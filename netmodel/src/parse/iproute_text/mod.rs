//! The text forms of iproute2 (`ip`, `bridge`), read into the records of the JSON forms: who asks need not care which one was taken.
//!
//! ```text
//! 2: eth0@if4: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
//!     link/ether 4a:ab:a5:41:4e:02 brd ff:ff:ff:ff:ff:ff link-netnsid 0
//!     inet 192.168.50.11/24 brd 192.168.50.255 scope global eth0
//!        valid_lft forever preferred_lft forever
//! ```
//!
//! Versions of 2010 to today, with any of `-d -s -o -br -4 -6`, and busybox. A value that is not what its word announces (a masked
//! or cut address) is a problem and no record; a word that is not known is a problem beside the record. iproute2's text is not
//! translated. Left out: `ip monitor`, colour codes.

pub mod addr;
mod addr_brief;
pub mod any;
pub mod bridge_link;
pub mod bridge_vlan;
pub mod fdb;
mod link_detail;
mod link_header;
pub(super) mod link_records;
mod link_stats;
pub mod neigh;
pub mod nexthop;
pub mod route;
pub mod rule;
pub(super) mod words;

#[cfg(test)]
pub(super) mod testing;

use serde::Serialize;

use super::ip_route::Table;

/// What the command line told and the text therefore leaves out: `ip route show table 100` prints no `table 100`, and
/// `bridge fdb show dev flannel.1` no `dev flannel.1`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Asked<'a> {
    /// The table of routes.
    pub table: Option<Table>,
    /// The device.
    pub dev: Option<&'a str>,
}
