//! A frame comes in by a device.

use std::sync::Arc;

use bundle::Netns;

use crate::walk::connection::Ends;
use crate::walk::device::{self, Frame, Mac, Passed, Received};
use crate::walk::netfilter::Hook;
use crate::walk::packet::Dev;
use crate::walk::route::{self, RouteKey, RouteOutcome};
use crate::walk::trace::{Disposition, Stage};
use crate::walk::walker::way::{Note, Way};
use crate::walk::walker::{Walker, named};
use crate::walk::world::NsId;

impl Walker<'_, '_> {
    /// Somebody outside of all that was captured sends a frame to this device.
    pub(super) fn comes_from_outside(&mut self, way: Way, ns: NsId, dev: &Arc<str>) {
        let mut way = way;
        if way.asked.is_none() {
            way.asked = Ends::of(&way.packet);
        }
        let frame = self.frame_for_host(ns, dev);
        self.receive(way, ns, dev, frame);
    }

    /// `__netif_receive_skb_core()` (net/core/dev.c): ingress hooks, then the bridge, the VLAN or the stack.
    pub(super) fn receive(&mut self, way: Way, ns: NsId, dev: &Arc<str>, frame: Frame) {
        let Some(way) = self.spend(way, ns) else { return };
        for way in self.ingress(way, ns, dev) {
            match device::receive(self.world, ns, dev, &frame) {
                Received::Stack { ns, dev, passed } => {
                    let way = self.passed(way, passed);
                    self.stack(way, ns, &dev);
                }
                Received::Bridge { ns, bridge, port, passed } => {
                    let way = self.passed(way, passed);
                    self.bridge(way, ns, &bridge, &port, frame);
                }
                Received::Lost { reason, evidence } => {
                    self.end(way, Disposition::Dropped, Note::new(ns, Stage::Device, reason).by(evidence));
                }
                Received::Unknown { reason, evidence } => self.unclear(way, ns, Stage::Device, reason, evidence),
            }
        }
    }

    /// A frame for this node itself: for the device's own address, or that of the bridge it is a port of.
    fn frame_for_host(&self, ns: NsId, dev: &str) -> Frame {
        let mac = || {
            let links = self.state(ns).links().ok()?;
            let link = links.by_name(dev)?;
            let master = link.master.as_deref().and_then(|name| links.by_name(name));
            Mac::parse(master.unwrap_or(link).mac.as_deref()?)
        };
        Frame { src: None, dst: mac(), vlan: None }
    }

    /// Steps for the devices that a frame only passed.
    pub(super) fn passed(&self, mut way: Way, passed: Vec<Passed>) -> Way {
        if self.record {
            for Passed { ns, dev, action, evidence } in passed {
                self.write(&mut way, Note::new(ns, Stage::Device, format!("{dev}: {action}")).by(evidence));
            }
        }
        way
    }

    /// The IP stack takes a packet that came in by a device (`ip_rcv()`, net/ipv4/ip_input.c).
    pub(super) fn stack(&mut self, mut way: Way, ns: NsId, dev: &Arc<str>) {
        way.packet.iif = named(dev);
        way.packet.oif = Dev::None;
        // br_netfilter has shown it to PREROUTING already.
        if std::mem::take(&mut way.bridge_prerouted) {
            self.routed_in(way, ns, dev);
            return;
        }
        for way in self.hook(way, ns, Hook::Prerouting, &named(dev), &Dev::None) {
            self.routed_in(way, ns, dev);
        }
    }

    /// `ip_route_input_slow()` (net/ipv4/route.c): may it come from there, and where does it go.
    pub(super) fn routed_in(&mut self, mut way: Way, ns: NsId, dev: &Arc<str>) {
        let node = self.state(ns);
        let packet = &way.packet;
        let Some(dst) = packet.dst else {
            let missing =
                crate::source::Missing::new(&node.key(bundle::Capture::IpRoute4), "the route", "the destination is not known");
            self.unknown(way, ns, Stage::Routing, &missing);
            return;
        };
        let key = RouteKey {
            dst,
            src: packet.src,
            iif: Some(dev),
            oif: None,
            mark: packet.mark,
            protocol: packet.protocol,
            sport: packet.sport,
            dport: packet.dport,
            tos: packet.tos,
        };
        match route::source_check(node, &key) {
            Ok(None) => {}
            // Of a pod often no more than links and routes is captured; one interface and one route fail no check.
            Err(missing) if node.netns() != Netns::Node => {
                if !way.assumed.contains(&missing) {
                    way.assumed.push(missing);
                }
            }
            Ok(Some(refusal)) => {
                self.refuse(way, ns, Stage::SourceCheck, refusal);
                return;
            }
            Err(missing) => {
                self.unknown(way, ns, Stage::SourceCheck, &missing);
                return;
            }
        }
        let all = match route::input(node, &key) {
            Ok(all) => all,
            Err(missing) => {
                self.unknown(way, ns, Stage::Routing, &missing);
                return;
            }
        };
        for (way, routed) in self.fork_routes(way, ns, all, false) {
            match routed.outcome {
                RouteOutcome::Forward => self.forward(way, ns, dev, &routed),
                RouteOutcome::Multicast => {
                    let note = Note::new(ns, Stage::Routing, "multicast is not followed");
                    self.end(way, Disposition::Undecided, note);
                }
                _ => self.deliver(way, ns, dev),
            }
        }
    }

    /// Something other than a rule stops the packet.
    pub(super) fn refuse(&mut self, way: Way, ns: NsId, stage: Stage, refusal: crate::walk::route::Refusal) {
        self.end(way, refusal.disposition, Note::new(ns, stage, refusal.reason).by(refusal.evidence));
    }
}
