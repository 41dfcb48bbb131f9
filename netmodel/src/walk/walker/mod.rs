//! Sends a packet through the world as the kernel does, hook by hook, and its answer back.
//!
//! Each stage takes a [`Way`], changes it, and hands it to the next stage; where several things may happen, the way forks. A way ends in
//! [`Walker::end`]. Which stage follows which is the kernel's order: `input` (a frame comes in), `forward`, `local` (a socket sends or
//! receives), `leave` (it goes out by a device), `hooks` (what a netfilter hook does with connection tracking, NAT and ipvs in between),
//! `bridged` (br_netfilter), `tunnel`, `answer`.
//!
//! Left out: fragments and their reassembly, TCP beyond the first packet of each direction, IPsec transforms, multicast.

mod answer;
mod bridged;
mod forward;
mod hooks;
mod input;
mod ipvs;
mod leave;
mod local;
mod nat;
mod neighbour;
mod outside;
mod tunnel;
mod way;

use std::sync::Arc;

use crate::source::Missing;
use crate::state::Node;
use crate::walk::packet::{Dev, Packet};
use crate::walk::trace::{Arrival, Disposition, Origin, Path, PathBlocker, Probe, Stage, Trace};
use crate::walk::world::{NsId, World};
use way::{Note, Way};

/// So many ways are followed at most for one packet; a Service with more endpoints is followed to the first ones.
const MAX_PATHS: usize = 2_000;

/// Walks a packet, with every step in words.
#[must_use]
pub fn trace(world: &World<'_>, probe: &Probe) -> Trace {
    Walker { world, probe, record: true, done: Vec::new() }.run()
}

/// The same with the deciding steps only: what the analyzer asks by the thousand.
#[must_use]
pub fn verdict(world: &World<'_>, probe: &Probe) -> Trace {
    Walker { world, probe, record: false, done: Vec::new() }.run()
}

struct Walker<'w, 'n> {
    world: &'w World<'n>,
    probe: &'w Probe,
    record: bool,
    done: Vec<Path>,
}

impl<'n> Walker<'_, 'n> {
    fn run(mut self) -> Trace {
        let mut packet = self.probe.packet.clone();
        packet.bridged = Some(false);
        let way = Way::new(packet);
        match &self.probe.from {
            Origin::Socket(ns) => {
                let way = self.noted(way, || Note::new(*ns, Stage::Start, "a local socket sends"));
                self.send(way, *ns, None);
            }
            Origin::Device(ns, dev) => {
                let way = self.noted(way, || Note::new(*ns, Stage::Start, format!("comes in from outside by {dev}")));
                self.comes_from_outside(way, *ns, dev);
            }
        }
        summarize(self.done)
    }

    fn state(&self, ns: NsId) -> &'n Node {
        self.world.ns(ns).expect("a way is only ever in namespaces of the world")
    }

    /// Adds a step that decides nothing; made only where somebody reads it.
    fn noted(&self, mut way: Way, note: impl FnOnce() -> Note) -> Way {
        if self.record {
            self.write(&mut way, note());
        }
        way
    }

    fn write(&self, way: &mut Way, note: Note) {
        let Note { ns, stage, chain, action, evidence, decides } = note;
        let packet = way.packet.clone();
        way.steps.push(crate::walk::trace::Step { ns, stage, chain, action, evidence, decides, packet });
    }

    /// The way ends here.
    fn end(&mut self, mut way: Way, disposition: Disposition, note: Note) {
        let note = note.decides();
        let mut reason = note.action.clone();
        if way.is_answer() && disposition != Disposition::Delivered {
            reason = format!("the answer: {reason}");
        }
        self.write(&mut way, note);
        let last = way.steps.to_vec();
        let (steps, reply) = match way.there {
            Some(there) => (there.to_vec(), Some(last)),
            None => (last, None),
        };
        let Way { share, blockers, assumed, arrival, .. } = way;
        self.done.push(Path { disposition, reason, share, blockers, assumed, steps, reply, arrival });
    }

    /// The bundles do not say what happens next.
    fn unknown(&mut self, mut way: Way, ns: NsId, stage: Stage, missing: &Missing) {
        let blocker = PathBlocker { ns, evidence: None, reason: missing.to_string() };
        way.blockers.push(blocker);
        self.end(way, Disposition::Undecided, Note::new(ns, stage, missing.to_string()));
    }

    /// The same where a line or a device is to blame.
    fn unclear(&mut self, mut way: Way, ns: NsId, stage: Stage, reason: String, evidence: Option<crate::source::Evidence>) {
        way.assume(ns, evidence.clone(), reason.clone());
        self.end(way, Disposition::Undecided, Note::new(ns, stage, reason).by(evidence));
    }

    /// The packet is where it should be: its answer sets out, if it is asked for.
    fn arrived(&mut self, mut way: Way, arrival: &Arrival, note: Note) {
        if way.is_answer() {
            self.answer_arrived(way, arrival, note);
            return;
        }
        way.arrival = Some(arrival.clone());
        if self.probe.reply {
            self.write(&mut way, note.decides());
            self.answer(way, arrival);
        } else {
            self.end(way, Disposition::Delivered, note);
        }
    }

    /// Whether the way may still go on; a loop ends here.
    fn spend(&mut self, mut way: Way, ns: NsId) -> Option<Way> {
        if self.done.len() >= MAX_PATHS {
            way.blockers.push(PathBlocker { ns, evidence: None, reason: format!("more than {MAX_PATHS} ways lead on") });
            self.end(way, Disposition::Undecided, Note::new(ns, Stage::Device, "too many ways lead on"));
            return None;
        }
        way.budget = way.budget.saturating_sub(1);
        if way.budget == 0 {
            self.end(way, Disposition::Dropped, Note::new(ns, Stage::Device, "goes round in a loop"));
            return None;
        }
        Some(way)
    }
}

/// The names of devices, as the netfilter engine wants them.
fn named(dev: &Arc<str>) -> Dev {
    Dev::Named(Arc::clone(dev))
}

/// What a packet is called in a step: `10.244.1.2:40000`.
fn end_point(addr: Option<std::net::IpAddr>, port: Option<u16>) -> String {
    match (addr, port) {
        (Some(addr), Some(port)) => std::net::SocketAddr::new(addr, port).to_string(),
        (Some(addr), None) => addr.to_string(),
        (None, Some(port)) => format!("?:{port}"),
        (None, None) => "?".to_owned(),
    }
}

fn destination(packet: &Packet) -> String {
    end_point(packet.dst, packet.dport)
}

/// All paths together.
fn summarize(paths: Vec<Path>) -> Trace {
    let first = paths.first().map_or(Disposition::Undecided, |p| p.disposition);
    let alike = paths.iter().all(|p| p.disposition == first);
    let assumed = paths.iter().any(|p| !p.blockers.is_empty());
    let disposition = if alike {
        first
    } else if assumed {
        Disposition::Undecided
    } else {
        // A share of the packets is lost by design: the trace is as bad as the worst share.
        paths.iter().map(|p| p.disposition).max().unwrap_or(Disposition::Undecided)
    };
    Trace { disposition, paths }
}
