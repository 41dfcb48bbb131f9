//! A local socket sends or receives.

use std::sync::Arc;

use crate::source::Evidence;
use crate::walk::connection::Ends;
use crate::walk::netfilter::Hook;
use crate::walk::packet::{Dev, ICMP, ICMPV6, TCP, UDP};
use crate::walk::route::{self, RouteKey, RouteOutcome, Routed};
use crate::walk::trace::{Arrival, Disposition, Stage};
use crate::walk::walker::way::{Note, Way};
use crate::walk::walker::{Walker, destination, named};
use crate::walk::world::NsId;

impl<'n> Walker<'_, 'n> {
    /// A socket of this namespace, bound to a device or not, sends the packet (`ip_queue_xmit()`, `ip_send_skb()`): routed first, since
    /// the source address and the device are needed, and only then shown to OUTPUT.
    pub(super) fn send(&mut self, way: Way, ns: NsId, bound: Option<&str>) {
        let Some(way) = self.spend(way, ns) else { return };
        for (mut way, routed) in self.routed_out(way, ns, bound, false) {
            way.route_mark = None;
            if way.packet.src.is_none() {
                way.packet.src = routed.prefsrc;
            }
            if way.asked.is_none() {
                way.asked = Ends::of(&way.packet);
            }
            self.out(way, ns, &routed, bound);
        }
    }

    /// The routes that a packet of this namespace may take; ways without one end here.
    fn routed_out(&mut self, way: Way, ns: NsId, bound: Option<&str>, again: bool) -> Vec<(Way, Routed<'n>)> {
        let node = self.state(ns);
        let packet = &way.packet;
        let Some(dst) = packet.dst else {
            let missing =
                crate::source::Missing::new(&node.key(bundle::Capture::IpRoute4), "the route", "the destination is not known");
            self.unknown(way, ns, Stage::Routing, &missing);
            return Vec::new();
        };
        let key = RouteKey {
            dst,
            src: packet.src,
            iif: None,
            oif: bound,
            mark: way.route_mark.unwrap_or(packet.mark),
            protocol: packet.protocol,
            sport: packet.sport,
            dport: packet.dport,
            tos: packet.tos,
        };
        match route::output(node, &key) {
            Ok(all) => self.fork_routes(way, ns, all, again),
            Err(missing) => {
                self.unknown(way, ns, Stage::Routing, &missing);
                Vec::new()
            }
        }
    }

    /// One way for each route; those that lead nowhere end.
    pub(super) fn fork_routes(&mut self, way: Way, ns: NsId, all: Vec<Routed<'n>>, again: bool) -> Vec<(Way, Routed<'n>)> {
        let mut out = Vec::with_capacity(all.len());
        let count = all.len();
        let mut original = Some(way);
        for (i, routed) in all.into_iter().enumerate() {
            let taken = if i + 1 == count { original.take() } else { original.clone() };
            let Some(mut way) = taken else { break };
            way.share *= routed.share;
            for blocker in &routed.blockers {
                way.assume(ns, Some(blocker.evidence.clone()), blocker.reason.clone());
            }
            let to = destination(&way.packet);
            let refused = |way: Way, this: &mut Self, disposition, what: &str| {
                let evidence = routed.evidence();
                this.end(way, disposition, Note::new(ns, Stage::Routing, format!("{to}: {what}")).by(evidence));
            };
            match routed.outcome {
                RouteOutcome::Forward | RouteOutcome::Local | RouteOutcome::Broadcast | RouteOutcome::Multicast => {
                    if self.record {
                        let note = Note::new(ns, Stage::Routing, describe(&routed, again)).by(routed.evidence()).decides();
                        self.write(&mut way, note);
                    }
                    out.push((way, routed));
                }
                RouteOutcome::NoRoute => refused(way, self, Disposition::Unroutable, "no route"),
                RouteOutcome::Blackhole => refused(way, self, Disposition::Dropped, "a blackhole route drops it"),
                RouteOutcome::Unreachable => refused(way, self, Disposition::Unroutable, "an unreachable route refuses it"),
                RouteOutcome::Prohibit => refused(way, self, Disposition::Rejected, "a prohibit route refuses it"),
            }
        }
        out
    }

    /// OUTPUT, and what follows. Rules that change the mark (in mangle) or the destination (in nat) have the packet routed again
    /// (`ip_route_me_harder()`, net/ipv4/netfilter.c).
    pub(super) fn out(&mut self, way: Way, ns: NsId, routed: &Routed<'_>, bound: Option<&str>) {
        let oif = routed.dev.as_ref().map_or(Dev::Unknown, named);
        let mut way = way;
        way.next_hop = routed.gateway.or(way.packet.dst);
        let before = (way.packet.mark, way.packet.dst, way.packet.src, way.packet.tos);
        for way in self.hook(way, ns, Hook::Output, &Dev::None, &oif) {
            let after = (way.packet.mark, way.packet.dst, way.packet.src, way.packet.tos);
            if after == before {
                self.sent(way, ns, routed);
            } else {
                for (way, routed) in self.routed_out(way, ns, bound, true) {
                    self.sent(way, ns, &routed);
                }
            }
        }
    }

    /// Behind OUTPUT: to this namespace itself over loopback, or out.
    pub(super) fn sent(&mut self, way: Way, ns: NsId, routed: &Routed<'_>) {
        if routed.outcome == RouteOutcome::Local {
            self.loop_back(way, ns);
        } else {
            self.leave(way, ns, routed, false);
        }
    }

    /// `loopback_xmit()` (drivers/net/loopback.c): the packet comes in again by `lo`, with its connection and its route, so that it
    /// passes PREROUTING and INPUT but is not routed again.
    fn loop_back(&mut self, way: Way, ns: NsId) {
        let lo: Arc<str> = "lo".into();
        for way in self.hook(way, ns, Hook::Postrouting, &Dev::None, &named(&lo)) {
            for way in self.hook(way, ns, Hook::Prerouting, &named(&lo), &Dev::None) {
                self.deliver(way, ns, &lo);
            }
        }
    }

    /// INPUT, and the receiver (`ip_local_deliver()`).
    pub(super) fn deliver(&mut self, way: Way, ns: NsId, dev: &Arc<str>) {
        let Some(way) = self.spend(way, ns) else { return };
        for way in self.hook(way, ns, Hook::Input, &named(dev), &Dev::None) {
            self.receive_locally(way, ns, dev);
        }
    }

    /// What takes the packet in this namespace.
    fn receive_locally(&mut self, mut way: Way, ns: NsId, dev: &str) {
        if let Some(wrapped) = way.wrapped.take() {
            self.unwrap(way, ns, dev, *wrapped);
            return;
        }
        let arrival = Arrival { ns, left_by: None, packet: way.packet.clone() };
        match self.listener(&way, ns) {
            Listener::Takes(evidence) => {
                let action = match way.packet.protocol {
                    Some(ICMP | ICMPV6) => "answered by the kernel".to_owned(),
                    _ => format!("delivered to {}", destination(&way.packet)),
                };
                self.arrived(way, &arrival, Note::new(ns, Stage::Deliver, action).by(evidence));
            }
            Listener::Nobody(evidence) if !way.is_answer() => {
                let action = format!("nobody listens on {}", destination(&way.packet));
                self.end(way, Disposition::Rejected, Note::new(ns, Stage::Deliver, action).by(evidence));
            }
            Listener::Ignores(evidence) if !way.is_answer() => {
                let action = "the kernel does not answer pings (icmp_echo_ignore_all)";
                self.end(way, Disposition::Dropped, Note::new(ns, Stage::Deliver, action).by(evidence));
            }
            Listener::Nobody(_) | Listener::Ignores(_) => {
                // An answer goes to the socket that asked, which no capture of listeners shows.
                let action = format!("delivered to {}", destination(&way.packet));
                self.arrived(way, &arrival, Note::new(ns, Stage::Deliver, action));
            }
        }
    }

    fn listener(&self, way: &Way, ns: NsId) -> Listener {
        let node = self.state(ns);
        let packet = &way.packet;
        match (packet.protocol, packet.dst, packet.dport) {
            (Some(ICMP | ICMPV6), ..) => {
                let key = match packet.protocol {
                    Some(ICMP) => "net.ipv4.icmp_echo_ignore_all",
                    _ => "net.ipv6.icmp.echo_ignore_all",
                };
                match node.sysctl_int(key) {
                    Ok(fact) if fact.value != 0 => Listener::Ignores(Some(fact.evidence())),
                    _ => Listener::Takes(None),
                }
            }
            (Some(protocol @ (TCP | UDP)), Some(dst), Some(port)) => match node.listens(protocol == TCP, dst, port) {
                Ok(Some(evidence)) => Listener::Takes(Some(evidence)),
                Ok(None) => Listener::Nobody(None),
                // Who listens was not captured: the network's part is done.
                Err(_) => Listener::Takes(None),
            },
            _ => Listener::Takes(None),
        }
    }
}

/// Who takes a packet.
enum Listener {
    Takes(Option<Evidence>),
    Nobody(Option<Evidence>),
    Ignores(Option<Evidence>),
}

fn describe(routed: &Routed<'_>, again: bool) -> String {
    let again = if again { "routed again: " } else { "" };
    let dev = routed.dev.as_deref().unwrap_or("?");
    match (routed.outcome, routed.gateway) {
        (RouteOutcome::Local, _) => format!("{again}local address of this namespace"),
        (_, Some(gateway)) => format!("{again}via {gateway} on {dev}"),
        _ => format!("{again}on the link of {dev}"),
    }
}
