//! The answer: made where the packet arrived, walked back from there, and held against what the sender waits for.

use crate::walk::connection::Ends;
use crate::walk::packet::{ICMP, ICMPV6, Packet, TCP};
use crate::walk::trace::{Arrival, Disposition, Origin, Stage};
use crate::walk::walker::way::{Note, Way};
use crate::walk::walker::{Walker, end_point};

impl Walker<'_, '_> {
    /// The receiver answers.
    pub(super) fn answer(&mut self, mut way: Way, arrival: &Arrival) {
        way.there = Some(std::mem::take(&mut way.steps));
        way.scrub(true);
        way.budget = way.budget.max(100);
        way.packet = answer_to(&arrival.packet);
        if let Some(length) = self.probe.answer_length {
            way.packet.length = Some(length);
        }
        match &arrival.left_by {
            None => {
                way = self.noted(way, || Note::new(arrival.ns, Stage::Start, "the answer sets out"));
                self.send(way, arrival.ns, None);
            }
            Some((dev, _)) => {
                // What was wrapped comes back wrapped, from the other end of the tunnel.
                if let Some(wrapped) = &mut way.wrapped {
                    wrapped.turn_round();
                    // Both ends of a tunnel send to its port, from one that a hash of the inner packet picks.
                    (way.packet.sport, way.packet.dport) = (None, arrival.packet.dport);
                }
                way =
                    self.noted(way, || Note::new(arrival.ns, Stage::Start, format!("the answer comes in from outside by {dev}")));
                self.comes_from_outside(way, arrival.ns, dev);
            }
        }
    }

    /// The answer is somewhere: is it where the sender waits for it, and from whom it waits for it?
    pub(super) fn answer_arrived(&mut self, way: Way, arrival: &Arrival, note: Note) {
        let ns = arrival.ns;
        let Some(asked) = way.asked else {
            self.end(way, Disposition::Undecided, note);
            return;
        };
        let awaited = asked.reversed();
        let place = match (&self.probe.from, &arrival.left_by) {
            (Origin::Socket(from), None) => *from == ns,
            (Origin::Device(from, _), Some(_)) => from.node == ns.node,
            _ => false,
        };
        if !place {
            let action = match &arrival.left_by {
                Some((dev, _)) => format!("it leaves by {dev} and does not come back to the sender"),
                None => "it is delivered here, and not to the sender".to_owned(),
            };
            self.end(way, Disposition::Dropped, Note::new(ns, Stage::Deliver, action));
            return;
        }
        if Ends::of(&way.packet) != Some(awaited) {
            let action = format!(
                "it comes from {} to {}, and the sender waits for one from {} to {}",
                end_point(way.packet.src, way.packet.sport),
                end_point(way.packet.dst, way.packet.dport),
                end_point(Some(awaited.src), awaited.sport),
                end_point(Some(awaited.dst), awaited.dport),
            );
            self.end(way, Disposition::Dropped, Note::new(ns, Stage::Deliver, action));
            return;
        }
        self.end(way, Disposition::Delivered, note);
    }
}

/// The answer to a packet as it arrived.
pub(super) fn answer_to(packet: &Packet) -> Packet {
    let mut back = Packet::new(packet.family);
    (back.src, back.dst) = (packet.dst, packet.src);
    (back.sport, back.dport) = (packet.dport, packet.sport);
    back.protocol = packet.protocol;
    back.length = packet.length;
    back.df = packet.df;
    if packet.protocol == Some(TCP) {
        back.tcp_flags = Some(0x12);
    }
    back.icmp = match (packet.protocol, packet.icmp) {
        (Some(ICMP), Some((8, _))) => Some((0, 0)),
        (Some(ICMPV6), Some((128, _))) => Some((129, 0)),
        _ => packet.icmp,
    };
    back
}
