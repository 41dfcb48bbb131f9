//! A tunnel wraps a packet, and unwraps it at the other end.

use crate::walk::device::{self, Decapsulated, Encapsulated, Frame};
use crate::walk::trace::{Disposition, Stage};
use crate::walk::walker::Walker;
use crate::walk::walker::way::{Note, Way, Wrapped};
use crate::walk::world::NsId;

impl Wrapped {
    /// What is inside becomes the answer to what was inside.
    pub(super) fn turn_round(&mut self) {
        self.packet = super::answer::answer_to(&self.packet);
        // To whom the frame inside is addressed is the other end's choice: it is taken to be right.
        self.frame = self.frame.map(|_| Frame::default());
        if let Some(outer) = &mut self.outer {
            outer.turn_round();
        }
    }
}

impl Walker<'_, '_> {
    /// A tunnel's device wraps the packet, and the outer packet is sent as a local one of the namespace that the tunnel was made in
    /// (`iptunnel_xmit()`, net/ipv4/ip_tunnel_core.c).
    pub(super) fn wrap(&mut self, mut way: Way, ns: NsId, wrapping: Encapsulated) {
        let Encapsulated { ns: underlay, tunnel, protocol, outer, bound, route_mark, frame, evidence, .. } = wrapping;
        let inner = std::mem::replace(&mut way.packet, outer);
        let before = way.wrapped.take();
        way.wrapped = Some(Box::new(Wrapped { packet: inner, frame, protocol, outer: before }));
        let mark = way.packet.mark;
        way.scrub(underlay != ns);
        way.packet.mark = mark;
        way.route_mark = Some(route_mark);
        way = self.noted(way, || Note::new(ns, Stage::Encapsulate, format!("{tunnel} wraps it")).by(evidence).decides());
        self.send(way, underlay, bound.as_deref());
    }

    /// An outer packet has arrived by a device: the tunnel that takes it hands on what is inside.
    pub(super) fn unwrap(&mut self, mut way: Way, ns: NsId, dev: &str, wrapped: Wrapped) {
        match device::decapsulate(self.world, ns, &way.packet, &wrapped.protocol, dev) {
            Decapsulated::By { ns: there, dev, evidence } => {
                let mark = way.packet.mark;
                let Wrapped { packet, frame, outer, .. } = wrapped;
                way.packet = packet;
                way.wrapped = outer;
                way.scrub(there != ns);
                if there == ns {
                    way.packet.mark = mark;
                }
                way =
                    self.noted(way, || Note::new(there, Stage::Decapsulate, format!("{dev} unwraps it")).by(evidence).decides());
                self.receive(way, there, &dev, frame.unwrap_or_default());
            }
            Decapsulated::Refused { reason, evidence, port_unreachable } => {
                let disposition = if port_unreachable { Disposition::Rejected } else { Disposition::Dropped };
                self.end(way, disposition, Note::new(ns, Stage::Decapsulate, reason).by(evidence));
            }
            Decapsulated::Unknown { reason, evidence } => {
                way.assume(ns, evidence.clone(), reason.clone());
                self.end(way, Disposition::Undecided, Note::new(ns, Stage::Decapsulate, reason).by(evidence));
            }
        }
    }
}
