//! One way of a packet through the world while it is walked: where it is, what it carries, what was assumed.

use std::sync::Arc;

use crate::source::{Evidence, Missing};
use crate::walk::connection::Connection;
use crate::walk::device::{Frame, Tunnel};
use crate::walk::packet::Packet;
use crate::walk::trace::{Arrival, PathBlocker, Stage, Step};
use crate::walk::world::NsId;

/// The packet that a tunnel has wrapped, while the outer one travels.
#[derive(Clone, Debug)]
pub(super) struct Wrapped {
    /// As it was given to the tunnel's device.
    pub(super) packet: Packet,
    /// The frame inside, for tunnels that carry frames.
    pub(super) frame: Option<Frame>,
    /// What the tunnel's header says.
    pub(super) protocol: Tunnel,
    /// What was wrapped before.
    pub(super) outer: Option<Box<Wrapped>>,
}

/// A list of steps that grows at its end and is shared by the ways that fork from it.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    step: Step,
    before: Steps,
}

impl Steps {
    pub(super) fn push(&mut self, step: Step) {
        let before = std::mem::take(self);
        self.0 = Some(Arc::new(Link { step, before }));
    }

    pub(super) fn to_vec(&self) -> Vec<Step> {
        let mut all = Vec::new();
        let mut at = &self.0;
        while let Some(link) = at {
            all.push(link.step.clone());
            at = &link.before.0;
        }
        all.reverse();
        all
    }
}

/// A way.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) packet: Packet,
    /// The connection that the packet belongs to, in the namespace where it is.
    pub(super) connection: Option<usize>,
    pub(super) connections: Vec<Connection>,
    pub(super) wrapped: Option<Box<Wrapped>>,
    pub(super) share: f64,
    pub(super) blockers: Vec<PathBlocker>,
    pub(super) assumed: Vec<Missing>,
    pub(super) steps: Steps,
    /// The steps there, while the answer is walked.
    pub(super) there: Option<Steps>,
    /// The ends that the sender's socket knows.
    pub(super) asked: Option<crate::walk::connection::Ends>,
    pub(super) arrival: Option<Arrival>,
    /// So many devices and hooks may still be passed.
    pub(super) budget: u32,
    /// The IP hooks before routing were passed already, on the bridge (`ip_sabotage_in()`, net/bridge/br_netfilter_hooks.c).
    pub(super) bridge_prerouted: bool,
    /// The mark that the look-up of the next route sees, where it is not that of the packet.
    pub(super) route_mark: Option<Option<u32>>,
    /// Where the packet is sent to on the link, for MASQUERADE.
    pub(super) next_hop: Option<std::net::IpAddr>,
    /// `skb->ipvs_property`: ipvs translated it; its hooks pass it over.
    pub(super) by_ipvs: bool,
    /// What ipvs translated, for the answers: namespace, client, virtual and real end.
    pub(super) ipvs: Vec<super::ipvs::Translation>,
}

impl Way {
    pub(super) fn new(packet: Packet) -> Self {
        Self {
            packet,
            connection: None,
            connections: Vec::new(),
            wrapped: None,
            share: 1.0,
            blockers: Vec::new(),
            assumed: Vec::new(),
            steps: Steps::default(),
            there: None,
            asked: None,
            arrival: None,
            budget: 200,
            bridge_prerouted: false,
            route_mark: None,
            next_hop: None,
            by_ipvs: false,
            ipvs: Vec::new(),
        }
    }

    /// Whether the answer is on its way.
    pub(super) fn is_answer(&self) -> bool {
        self.there.is_some()
    }

    pub(super) fn assume(&mut self, ns: NsId, evidence: Option<Evidence>, reason: impl Into<String>) {
        let blocker = PathBlocker { ns, evidence, reason: reason.into() };
        if !self.blockers.contains(&blocker) {
            self.blockers.push(blocker);
        }
    }

    /// The packet leaves the namespace: connection tracking and marks of the socket buffer are the next one's
    /// (`skb_scrub_packet()`, net/core/skbuff.c).
    pub(super) fn scrub(&mut self, other_namespace: bool) {
        self.connection = None;
        self.bridge_prerouted = false;
        self.by_ipvs = false;
        let packet = &mut self.packet;
        packet.ct_state = Some(crate::walk::packet::CtState::New);
        packet.ct_dir = Some(crate::walk::packet::Direction::Original);
        packet.ct_original = None;
        packet.ct_zone = Some(0);
        packet.connmark = Some(0);
        (packet.snat, packet.dnat) = (Some(false), Some(false));
        (packet.physin, packet.physout) = (crate::walk::packet::Dev::None, crate::walk::packet::Dev::None);
        packet.bridged = Some(false);
        if other_namespace {
            packet.mark = Some(0);
        }
    }
}

/// What a step says, before it is made.
pub(super) struct Note {
    pub(super) ns: NsId,
    pub(super) stage: Stage,
    pub(super) chain: Option<(String, String)>,
    pub(super) action: String,
    pub(super) evidence: Vec<Evidence>,
    pub(super) decides: bool,
}

impl Note {
    pub(super) fn new(ns: NsId, stage: Stage, action: impl Into<String>) -> Self {
        Self { ns, stage, chain: None, action: action.into(), evidence: Vec::new(), decides: false }
    }

    pub(super) fn by(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.evidence.extend(evidence);
        self
    }

    pub(super) fn in_chain(mut self, table: impl Into<String>, chain: impl Into<String>) -> Self {
        self.chain = Some((table.into(), chain.into()));
        self
    }

    pub(super) fn decides(mut self) -> Self {
        self.decides = true;
        self
    }
}
