//! A frame crosses a bridge, and br_netfilter shows it to the hooks of IP (net/bridge/br_netfilter_hooks.c).

use std::sync::Arc;

use crate::family::Family;
use crate::source::{Fact, Missing};
use crate::walk::device::bridge::{self, Decision, Forward};
use crate::walk::device::{self, Emission, Frame, Mac, Outgoing, Received};
use crate::walk::netfilter::Hook;
use crate::walk::packet::Dev;
use crate::walk::route::{self, Neighbour, RouteKey, RouteOutcome};
use crate::walk::trace::{Disposition, Stage};
use crate::walk::walker::neighbour::{self, Answers};
use crate::walk::walker::way::{Note, Way};
use crate::walk::walker::{Walker, named};
use crate::walk::world::NsId;

/// Ports of a bridge, each with the frame as it goes out there.
type Ports = Vec<(Arc<str>, Frame)>;

impl Walker<'_, '_> {
    /// `br_handle_frame()`: a port of a bridge takes a frame.
    pub(super) fn bridge(&mut self, way: Way, ns: NsId, bridge: &Arc<str>, port: &Arc<str>, frame: Frame) {
        for way in self.bridge_hook(way, ns, Hook::Prerouting, port, &Dev::None) {
            match self.shows_ip(ns, bridge, way.packet.family) {
                Ok(true) => self.bridged_prerouting(way, ns, bridge, port, frame),
                Ok(false) => self.bridge_decides(way, ns, bridge, port, &frame),
                Err(missing) => self.unknown(way, ns, Stage::Bridge, &missing),
            }
        }
    }

    /// Whether br_netfilter shows frames of this bridge to the hooks of IP: by the sysctl or by the bridge's own flag (`br_nf_pre_routing()`).
    /// Without the module there is no such sysctl.
    fn shows_ip(&self, ns: NsId, bridge: &str, family: Family) -> Result<bool, Missing> {
        let node = self.state(ns);
        let (key, own) = match family {
            Family::V4 => ("net.bridge.bridge-nf-call-iptables", "nf_call_iptables"),
            Family::V6 => ("net.bridge.bridge-nf-call-ip6tables", "nf_call_ip6tables"),
        };
        let Some(Fact { value, .. }) = node.sysctl_absent(key)? else { return Ok(false) };
        if value.trim() != "0" {
            return Ok(true);
        }
        let Some(link) = node.link(bridge)? else { return Ok(false) };
        let crate::parse::ip_addr::LinkKind::Bridge(flags) = &link.kind else { return Ok(false) };
        let flag = match family {
            Family::V4 => flags.nf_call_iptables,
            Family::V6 => flags.nf_call_ip6tables,
        };
        flag.ok_or_else(|| {
            Missing::new(&node.key(bundle::Capture::IpAddr), format!("{own} of {bridge}"), "the capture does not say it")
        })
    }

    /// `br_nf_pre_routing()` and its finish: PREROUTING sees the bridge as incoming device; a translated destination is routed.
    fn bridged_prerouting(&mut self, mut way: Way, ns: NsId, bridge: &Arc<str>, port: &Arc<str>, frame: Frame) {
        way.packet.bridged = Some(true);
        way.packet.physin = named(port);
        let asked = way.packet.dst;
        for mut way in self.hook(way, ns, Hook::Prerouting, &named(bridge), &Dev::None) {
            way.bridge_prerouted = true;
            if way.packet.dst == asked {
                self.bridge_decides(way, ns, bridge, port, &frame);
            } else {
                self.bridged_dnat(way, ns, bridge, port, frame);
            }
        }
    }

    /// `br_nf_pre_routing_finish()`: a new destination behind the same bridge stays bridged, any other goes up to the IP stack.
    fn bridged_dnat(&mut self, way: Way, ns: NsId, bridge: &Arc<str>, port: &Arc<str>, frame: Frame) {
        let node = self.state(ns);
        let packet = &way.packet;
        let Some(dst) = packet.dst else { return };
        let key = RouteKey {
            dst,
            src: packet.src,
            iif: Some(bridge),
            oif: None,
            mark: packet.mark,
            protocol: packet.protocol,
            sport: packet.sport,
            dport: packet.dport,
            tos: packet.tos,
        };
        let refused = match route::source_check(node, &key) {
            Ok(refused) => refused,
            Err(missing) => return self.unknown(way, ns, Stage::SourceCheck, &missing),
        };
        if let Some(refusal) = refused {
            return self.refuse(way, ns, Stage::SourceCheck, refusal);
        }
        let all = match route::input(node, &key) {
            Ok(all) => all,
            Err(missing) => return self.unknown(way, ns, Stage::Routing, &missing),
        };
        // What goes up to the stack is routed there once more, and said there.
        let record = std::mem::replace(&mut self.record, false);
        let routes = self.fork_routes(way, ns, all, true);
        self.record = record;
        for (mut way, routed) in routes {
            if routed.outcome == RouteOutcome::Forward && routed.dev.as_deref() == Some(&**bridge) {
                // `ip_route_input()` itself refuses to forward where forwarding is off; then the route of a local packet counts, which
                // is bridged too (the fallback in `br_nf_pre_routing_finish()` asks IN_DEV_FORWARD first).
                match route::forwarding(node, way.packet.family, bridge) {
                    Ok(None) => {}
                    Ok(Some(refusal)) => {
                        self.refuse(way, ns, Stage::Forward, refusal);
                        continue;
                    }
                    Err(missing) => {
                        self.unknown(way, ns, Stage::Forward, &missing);
                        continue;
                    }
                }
                let Some(next_hop) = routed.gateway.or(way.packet.dst) else { continue };
                let mac = match route::neighbour(self.world, ns, bridge, next_hop) {
                    Neighbour::Mac(mac, _) => Answers::Mac(mac),
                    _ => neighbour::who_answers(self.world, ns, bridge, next_hop),
                };
                match mac {
                    Answers::Mac(mac) => {
                        way = self.noted(way, || Note::new(ns, Stage::Bridge, "the new destination is behind the same bridge"));
                        let frame = Frame { dst: Some(mac), ..frame };
                        self.bridge_decides(way, ns, bridge, port, &frame);
                    }
                    Answers::Nobody => {
                        let action = format!("nobody behind {bridge} has the address {next_hop}");
                        self.end(way, Disposition::Unroutable, Note::new(ns, Stage::Neighbour, action));
                    }
                    Answers::Outside => {
                        let reason = format!("the address of {next_hop} on the link is not known");
                        self.unclear(way, ns, Stage::Neighbour, reason, None);
                    }
                    Answers::Unknown(reason) => self.unclear(way, ns, Stage::Neighbour, reason, None),
                }
            } else {
                // It goes up, addressed to the bridge itself.
                let own = || Mac::parse(node.links().ok()?.by_name(bridge)?.mac.as_deref()?);
                self.bridge_up(way, ns, bridge, port, Frame { dst: own(), vlan: None, ..frame });
            }
        }
    }

    /// `br_handle_frame_finish()`: up to the stack, or out of other ports.
    fn bridge_decides(&mut self, way: Way, ns: NsId, bridge: &Arc<str>, port: &Arc<str>, frame: &Frame) {
        let Some((way, Forward { local, ports, flooded, .. })) = self.bridge_decision(way, ns, bridge, Some(port), frame) else {
            return;
        };
        if let Some(frame) = local {
            self.bridge_up(way, ns, bridge, port, frame);
            return;
        }
        let Some((way, ports)) = self.takers(way, ns, bridge, ports, flooded, frame) else { return };
        for (out, frame) in ports {
            self.bridge_forward(way.clone(), ns, bridge, port, &out, &frame);
        }
    }

    /// `br_dev_xmit()`: the bridge's own device sends a frame. br_netfilter does not show it to IP's hooks again.
    pub(super) fn bridge_sends(&mut self, way: Way, ns: NsId, bridge: &Arc<str>, frame: &Frame) {
        // Somebody behind the bridge, of whom nothing is known: the port that leads out of what was captured.
        let found = if frame.dst.is_some() {
            self.bridge_decision(way, ns, bridge, None, frame)
        } else {
            let links = self.state(ns).links().ok();
            let ports = links.into_iter().flat_map(|l| l.ports_of(bridge)).map(|p| (Arc::clone(&p.name), *frame)).collect();
            Some((way, Forward { local: None, ports, flooded: true, evidence: Vec::new() }))
        };
        let Some((way, Forward { ports, flooded, .. })) = found else { return };
        let Some((way, ports)) = self.takers(way, ns, bridge, ports, flooded, frame) else { return };
        for (out, frame) in ports {
            for way in self.bridge_hook(way.clone(), ns, Hook::Output, bridge, &named(&out)) {
                for way in self.bridge_hook(way, ns, Hook::Postrouting, bridge, &named(&out)) {
                    self.by_port(way, ns, &out, &frame);
                }
            }
        }
    }

    /// What the bridge decides; the way ends where it drops the frame.
    fn bridge_decision(
        &mut self,
        way: Way,
        ns: NsId,
        bridge: &Arc<str>,
        port: Option<&str>,
        frame: &Frame,
    ) -> Option<(Way, Forward)> {
        match bridge::decide(self.state(ns), bridge, port, frame) {
            Ok(Decision::Forward(forward)) => Some((way, forward)),
            Ok(Decision::Drop { reason, evidence }) => {
                self.end(way, Disposition::Dropped, Note::new(ns, Stage::Bridge, reason).by(evidence));
                None
            }
            Err(missing) => {
                self.unknown(way, ns, Stage::Bridge, &missing);
                None
            }
        }
    }

    /// Of the ports to which a frame is flooded those behind which somebody takes it: the others' receivers pass it over without a word
    /// (PACKET_OTHERHOST). Where nobody known does, those that lead out of what was captured.
    fn takers(
        &mut self,
        way: Way,
        ns: NsId,
        bridge: &Arc<str>,
        ports: Ports,
        flooded: bool,
        frame: &Frame,
    ) -> Option<(Way, Ports)> {
        if !flooded {
            return Some((way, ports));
        }
        let (mut takes, mut leads_out) = (Vec::new(), Vec::new());
        for (port, frame) in ports {
            let out = Outgoing { packet: &way.packet, frame, next_hop: None, key: None };
            for sent in device::transmit(self.world, ns, &port, &out) {
                match sent.to {
                    Emission::Arrives { ns, dev, frame: arriving }
                        if frame.dst.is_some()
                            && !matches!(device::receive(self.world, ns, &dev, &arriving), Received::Lost { .. }) =>
                    {
                        takes.push((Arc::clone(&port), frame));
                    }
                    Emission::Leaves { .. } => leads_out.push((Arc::clone(&port), frame)),
                    _ => {}
                }
            }
        }
        let found = if takes.is_empty() { leads_out } else { takes };
        if found.is_empty() {
            let to = frame.dst.map_or_else(|| "the receiver".to_owned(), |mac| mac.to_string());
            let action = format!("no port of {bridge} leads to {to}");
            self.end(way, Disposition::Dropped, Note::new(ns, Stage::Bridge, action));
            return None;
        }
        Some((way, found))
    }

    /// `br_pass_frame_up()`: the bridge's own device takes the frame, as any device does.
    fn bridge_up(&mut self, way: Way, ns: NsId, bridge: &Arc<str>, port: &Arc<str>, frame: Frame) {
        for way in self.bridge_hook(way, ns, Hook::Input, port, &Dev::None) {
            self.receive(way, ns, bridge, frame);
        }
    }

    /// `br_forward()`: FORWARD and POSTROUTING see it, with the ports as physical devices.
    fn bridge_forward(&mut self, way: Way, ns: NsId, bridge: &Arc<str>, port: &Arc<str>, out: &Arc<str>, frame: &Frame) {
        let dev = named(bridge);
        for mut way in self.bridge_hook(way, ns, Hook::Forward, port, &named(out)) {
            let shown = way.bridge_prerouted;
            way.bridge_prerouted = false;
            let ways = if shown {
                way.packet.bridged = Some(true);
                (way.packet.physin, way.packet.physout) = (named(port), named(out));
                (way.packet.iif, way.packet.oif) = (dev.clone(), dev.clone());
                self.hook(way, ns, Hook::Forward, &dev, &dev)
            } else {
                vec![way]
            };
            for way in ways {
                for way in self.bridge_hook(way, ns, Hook::Postrouting, port, &named(out)) {
                    let ways = if shown { self.hook(way, ns, Hook::Postrouting, &Dev::None, &dev) } else { vec![way] };
                    for way in ways {
                        self.by_port(way, ns, out, frame);
                    }
                }
            }
        }
    }

    fn by_port(&mut self, way: Way, ns: NsId, out: &Arc<str>, frame: &Frame) {
        let Some(way) = self.fits_port(way, ns, out) else { return };
        let next_hop = way.next_hop;
        let out_frame = Outgoing { packet: &way.packet, frame: *frame, next_hop, key: None };
        let sent = device::transmit(self.world, ns, out, &out_frame);
        self.emitted(way, ns, out, sent);
    }

    /// `is_skb_forwardable()`: a port that a frame does not fit drops it silently.
    fn fits_port(&mut self, way: Way, ns: NsId, port: &Arc<str>) -> Option<Way> {
        let links = self.state(ns).links().ok();
        let link = links.and_then(|links| links.by_name(port));
        let (Some(length), Some(mtu)) = (way.packet.length, link.and_then(|l| l.mtu)) else { return Some(way) };
        if u32::from(length) <= mtu + 4 {
            return Some(way);
        }
        let evidence = links.zip(link).map(|(links, link)| links.evidence(link, &["mtu"]));
        let action = format!("{length} bytes do not fit into the MTU {mtu} of the port {port}: dropped without a word");
        self.end(way, Disposition::TooBig, Note::new(ns, Stage::Mtu, action).by(evidence));
        None
    }
}
