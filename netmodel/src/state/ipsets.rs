//! IP sets: what is in them, and whether a packet matches one.

use std::net::IpAddr;

use bundle::{Capture, Key};

use super::{Doc, Node};
use crate::parse::ipset::{self, Ipsets, Member};
use crate::source::{Fact, Missing};

/// Which end of a packet a dimension of a set is compared with (`--match-set NAME src,dst`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The source.
    Src,
    /// The destination.
    Dst,
}

/// What sets may ask of a packet; `None` is not known.
#[derive(Clone, Copy, Debug)]
pub struct SetPacket<'a> {
    /// The source address.
    pub src: Option<IpAddr>,
    /// The destination address.
    pub dst: Option<IpAddr>,
    /// The IP protocol.
    pub protocol: Option<u8>,
    /// The source port.
    pub sport: Option<u16>,
    /// The destination port.
    pub dport: Option<u16>,
    /// The incoming device.
    pub iif: Option<&'a str>,
    /// The outgoing device.
    pub oif: Option<&'a str>,
    /// The mark.
    pub mark: Option<u32>,
}

/// Whether a packet is in a set.
#[derive(Clone, Debug)]
pub enum InSet<'n> {
    /// It is, by this member.
    Yes(Fact<'n, Member>),
    /// It is not.
    No,
}

impl Node {
    /// All sets.
    ///
    /// # Errors
    /// [`Missing`] when the capture is absent.
    pub fn ipsets(&self) -> Result<&Doc<Ipsets>, Missing> {
        self.cells.ipsets.get(|| self.doc(Capture::IpsetSave, ipset::parse))
    }

    /// Whether a packet matches `--match-set NAME SIDES`.
    ///
    /// # Errors
    /// [`Missing`] is the third answer, unknown: the capture is absent or not whole, the set is not in it, its type is not known, or
    /// the set asks for something of the packet that is not known.
    pub fn ipset_contains(&self, name: &str, sides: &[Side], packet: &SetPacket<'_>) -> Result<InSet<'_>, Missing> {
        let _ = (sides, packet);
        Err(Missing::new(&Key::node(Capture::IpsetSave), format!("ipset {name}"), "not written yet"))
    }
}
