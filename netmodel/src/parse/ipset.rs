//! `ipset save`: sets and their members.
//!
//! ```text
//! create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0xb2b7044a
//! add KUBE-CLUSTER-IP 10.96.0.10,udp:53
//! create KUBE-NODE-PORT-TCP bitmap:port range 0-65535
//! add KUBE-NODE-PORT-TCP 30080
//! create KUBE-SRC-62BQ7ACBQ327BGVX hash:net family inet hashsize 1024 maxelem 65536 timeout 0 bucketsize 12 initval 0xe400ad1d
//! add KUBE-SRC-62BQ7ACBQ327BGVX 0.0.0.0/1 timeout 0
//! ```
//!
//! Members stay spans: what they mean depends on the set's type, which `state::ipsets` knows.

use std::ops::Range;
use std::sync::Arc;

use super::Parsed;
use crate::source::At;

/// A member of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its line.
    pub at: At,
    /// The element alone (`10.96.0.10,udp:53`).
    pub element: At,
    /// What follows the element (`timeout 0`, `nomatch`, `comment "…"`).
    pub options: At,
    /// `nomatch`: an exception within a set of networks.
    pub nomatch: bool,
}

/// A set.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its `create` line; the first `add` line if that is missing.
    pub at: At,
    /// Its name.
    pub name: Arc<str>,
    /// Its type (`hash:ip,port`, …); `None` if the `create` line is missing.
    pub kind: Option<Arc<str>>,
    /// The options of its `create` line.
    pub options: At,
    /// Whether it holds IPv6 (`family inet6`).
    pub inet6: bool,
    /// Its members, as a range of [`Ipsets::members`].
    pub members: Range<usize>,
}

/// All sets.
#[derive(Clone, Debug, Default)]
pub struct Ipsets {
    /// The sets, in the text's order.
    pub sets: Vec<Set>,
    /// The members of all sets, set by set.
    pub members: Vec<Member>,
}

impl Ipsets {
    /// The set of that name.
    #[must_use]
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|s| &*s.name == name)
    }

    /// The members of a set.
    #[must_use]
    pub fn members_of(&self, set: &Set) -> &[Member] {
        self.members.get(set.members.clone()).unwrap_or_default()
    }
}

/// Reads `ipset save`.
#[must_use]
pub fn parse(_text: &str) -> Parsed<Ipsets> {
    Parsed::default()
}
