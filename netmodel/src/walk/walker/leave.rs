//! A packet leaves the namespace by a device: POSTROUTING, the device's MTU, the neighbour, and where the frame comes in next.

use std::net::IpAddr;
use std::sync::Arc;

use crate::family::Family;
use crate::source::Evidence;
use crate::walk::device::{self, Emission, Frame, Mac, Outgoing, Sent};
use crate::walk::netfilter::Hook;
use crate::walk::packet::{Dev, TCP};
use crate::walk::route::{self, Neighbour, Routed};
use crate::walk::trace::{Disposition, Stage};
use crate::walk::walker::neighbour::{self, Answers};
use crate::walk::walker::way::{Note, Way};
use crate::walk::walker::{Walker, destination, named};
use crate::walk::world::NsId;

impl Walker<'_, '_> {
    /// `ip_output()` (net/ipv4/ip_output.c).
    pub(super) fn leave(&mut self, mut way: Way, ns: NsId, routed: &Routed<'_>, forwarded: bool) {
        let oif = routed.dev.as_ref().map_or(Dev::Unknown, named);
        let iif = if forwarded { way.packet.iif.clone() } else { Dev::None };
        way.packet.oif = oif.clone();
        way.next_hop = routed.gateway.or(way.packet.dst);
        for way in self.hook(way, ns, Hook::Postrouting, &iif, &oif) {
            let Some(way) = self.fits(way, ns, routed, forwarded) else { continue };
            let Some(dev) = routed.dev.clone() else {
                let missing = crate::source::Missing::new(
                    &self.state(ns).key(bundle::Capture::IpRoute4),
                    format!("the device towards {}", destination(&way.packet)),
                    "the route names none",
                );
                self.unknown(way, ns, Stage::Routing, &missing);
                continue;
            };
            let next_hop = routed.gateway.or(way.packet.dst);
            self.transmit(way, ns, &dev, next_hop);
        }
    }

    /// The MTU that counts on a route: its own, else its device's; with the device and what says so.
    pub(super) fn mtu_of(&self, _way: &Way, ns: NsId, routed: &Routed<'_>) -> Option<(u32, Arc<str>, Vec<Evidence>)> {
        let node = self.state(ns);
        let dev = routed.dev.clone()?;
        if let Some(mtu) = routed.mtu {
            return Some((mtu, dev, routed.evidence()));
        }
        let links = node.links().ok()?;
        let link = links.by_name(&dev)?;
        let evidence = if self.record { vec![links.evidence(link, &["mtu"])] } else { Vec::new() };
        Some((link.mtu?, dev, evidence))
    }

    /// `ip_finish_output()`: what does not fit is fragmented, or refused where it may not be. A local TCP socket makes segments that
    /// fit in the first place.
    fn fits(&mut self, mut way: Way, ns: NsId, routed: &Routed<'_>, forwarded: bool) -> Option<Way> {
        let (Some(length), Some((mtu, dev, evidence))) = (way.packet.length, self.mtu_of(&way, ns, routed)) else {
            return Some(way);
        };
        if u32::from(length) <= mtu {
            return Some(way);
        }
        let fitted = u16::try_from(mtu).unwrap_or(u16::MAX);
        if !forwarded && way.packet.protocol == Some(TCP) && way.wrapped.is_none() {
            way.packet.length = Some(fitted);
            return Some(self.noted(way, || {
                Note::new(ns, Stage::Mtu, format!("segments are made to fit the MTU {mtu} of {dev}")).by(evidence)
            }));
        }
        // A local sender of IPv6 may fragment; a router may not, and was asked before.
        let may = match way.packet.family {
            Family::V6 => way.packet.df == Some(false),
            Family::V4 => way.packet.df == Some(false),
        };
        if may {
            way.packet.length = Some(fitted);
            return Some(self.noted(way, || {
                Note::new(ns, Stage::Mtu, format!("{length} bytes are fragmented to fit the MTU {mtu} of {dev}")).by(evidence)
            }));
        }
        let action = format!("{length} bytes do not fit into the MTU {mtu} of {dev} and may not be fragmented");
        self.end(way, Disposition::TooBig, Note::new(ns, Stage::Mtu, action).by(evidence));
        None
    }

    /// The frame goes out by a device, to the neighbour that is the next hop.
    fn transmit(&mut self, way: Way, ns: NsId, dev: &Arc<str>, next_hop: Option<IpAddr>) {
        let (way, frame) = match next_hop {
            None => (way, Frame::default()),
            Some(next_hop) => match self.resolved(way, ns, dev, next_hop) {
                Some(found) => found,
                None => return,
            },
        };
        let out = Outgoing { packet: &way.packet, frame, next_hop, key: None };
        let sent = device::transmit(self.world, ns, dev, &out);
        self.emitted(way, ns, dev, sent);
    }

    /// The neighbour's address: its entry, or who would answer if the kernel asked.
    fn resolved(&mut self, way: Way, ns: NsId, dev: &Arc<str>, next_hop: IpAddr) -> Option<(Way, Frame)> {
        let src = || Mac::parse(self.state(ns).links().ok()?.by_name(dev)?.mac.as_deref()?);
        let to = |src, dst| Frame { src, dst, vlan: None };
        match route::neighbour(self.world, ns, dev, next_hop) {
            Neighbour::Mac(mac, evidence) => {
                let src = src();
                Some((
                    self.noted(way, || {
                        Note::new(ns, Stage::Neighbour, format!("{next_hop} has the address {mac}")).by([evidence])
                    }),
                    to(src, Some(mac)),
                ))
            }
            Neighbour::NoArp => Some((way, Frame::default())),
            Neighbour::Asks { evidence } => match neighbour::who_answers(self.world, ns, dev, next_hop) {
                Answers::Mac(mac) => Some((way, to(src(), Some(mac)))),
                Answers::Outside => Some((way, to(src(), None))),
                Answers::Nobody => {
                    let action = format!("nobody on the link of {dev} has the address {next_hop}");
                    self.end(way, Disposition::Unroutable, Note::new(ns, Stage::Neighbour, action).by(evidence));
                    None
                }
                Answers::Unknown(reason) => {
                    self.unclear(way, ns, Stage::Neighbour, reason, evidence);
                    None
                }
            },
            Neighbour::Failed(evidence) => {
                let action = format!("{next_hop} does not answer on {dev}");
                self.end(way, Disposition::Unroutable, Note::new(ns, Stage::Neighbour, action).by([evidence]));
                None
            }
            Neighbour::Unknown(reason) => {
                self.unclear(way, ns, Stage::Neighbour, reason, None);
                None
            }
        }
    }

    /// What became of a frame that was given to a device.
    pub(super) fn emitted(&mut self, way: Way, ns: NsId, by: &Arc<str>, sent: Vec<Sent>) {
        let count = sent.len();
        let mut original = Some(way);
        for (i, Sent { passed, to }) in sent.into_iter().enumerate() {
            let taken = if i + 1 == count { original.take() } else { original.clone() };
            let Some(way) = taken else { break };
            let way = self.passed(way, passed);
            self.emission(way, ns, by, to);
        }
    }

    fn emission(&mut self, way: Way, ns: NsId, by: &Arc<str>, emission: Emission) {
        match emission {
            Emission::Arrives { ns: there, dev, frame } => {
                let mut way = self.noted(way, || Note::new(ns, Stage::Device, format!("leaves by {by}, comes in by {dev}")));
                way.scrub(there != ns);
                let Some(way) = self.fits_receiver(way, there, &dev) else { return };
                self.receive(way, there, &dev, frame);
            }
            Emission::Bridge { ns, bridge, frame } => self.bridge_sends(way, ns, &bridge, &frame),
            Emission::Leaves { ns, dev, reason } => self.leaves(way, ns, &dev, &reason),
            Emission::Encapsulated(wrapping) => self.wrap(way, ns, *wrapping),
            Emission::Lost { reason, evidence } => {
                self.end(way, Disposition::Dropped, Note::new(ns, Stage::Device, reason).by(evidence));
            }
            Emission::Unknown { reason, evidence } => self.unclear(way, ns, Stage::Device, reason, evidence),
        }
    }

    /// A device that a frame does not fit drops it silently: a veth by `is_skb_forwardable()` (net/core/dev.c, with room for a VLAN
    /// tag), a network card since its buffers are as large as its MTU says.
    fn fits_receiver(&mut self, way: Way, ns: NsId, dev: &Arc<str>) -> Option<Way> {
        let links = self.state(ns).links().ok();
        let link = links.and_then(|links| links.by_name(dev));
        let (Some(length), Some(mtu)) = (way.packet.length, link.and_then(|l| l.mtu)) else { return Some(way) };
        if u32::from(length) <= mtu + 4 {
            return Some(way);
        }
        let evidence = links.zip(link).map(|(links, link)| links.evidence(link, &["mtu"]));
        let action = format!("{length} bytes do not fit into the MTU {mtu} of {dev}, which receives it: dropped without a word");
        self.end(way, Disposition::TooBig, Note::new(ns, Stage::Mtu, action).by(evidence));
        None
    }
}
