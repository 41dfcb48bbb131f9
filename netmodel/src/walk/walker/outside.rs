//! A packet leaves what was captured. What is out there is not known; but what is *not* there often is: no host outside has a Service's
//! address or that of a pod behind a tunnel, and none knows the way to one.

use std::net::IpAddr;
use std::sync::Arc;

use crate::source::Evidence;
use crate::state::Node;
use crate::state::pod_network::{Overlay, Part, Shown};
use crate::state::services::ServiceKind;
use crate::walk::trace::{Arrival, Disposition, Stage};
use crate::walk::walker::way::{Note, Way};
use crate::walk::walker::{Walker, end_point};
use crate::walk::world::NsId;

/// Why nobody out there answers.
struct Silence {
    disposition: Disposition,
    why: String,
    evidence: Vec<Evidence>,
}

impl<'n> Walker<'_, 'n> {
    /// A packet leaves by a device of the edge.
    pub(super) fn leaves(&mut self, way: Way, ns: NsId, dev: &Arc<str>, reason: &str) {
        // An answer is held against what the sender waits for, wherever it is.
        if !way.is_answer() {
            // A router that was not captured brings it to a node that was.
            if let Some((there, by)) = self.node_that_has(way.packet.dst, ns) {
                let action = format!("leaves by {dev}, {reason}; {} has the address", self.state(there).name());
                let mut way = self.noted(way, || Note::new(ns, Stage::Device, action));
                way.scrub(true);
                self.comes_from_outside(way, there, &by);
                return;
            }
            if let Some(Silence { disposition, why, evidence }) = self.silence(&way, ns) {
                let action = format!("leaves what was captured by {dev}, {reason}: {why}");
                self.end(way, disposition, Note::new(ns, Stage::Device, action).by(evidence));
                return;
            }
        }
        let arrival = Arrival { ns, left_by: Some((Arc::clone(dev), None)), packet: way.packet.clone() };
        let action = format!("leaves what was captured by {dev}, {reason}");
        self.arrived(way, &arrival, Note::new(ns, Stage::Device, action));
    }

    /// Another node's own namespace that has the address, and the device.
    fn node_that_has(&self, addr: Option<IpAddr>, from: NsId) -> Option<(NsId, Arc<str>)> {
        let (ns, dev) = self.world.owners(addr?).find(|(ns, _)| ns.pod.is_none() && ns.node != from.node)?;
        Some((ns, dev.into()))
    }

    fn silence(&self, way: &Way, ns: NsId) -> Option<Silence> {
        if way.wrapped.is_none() {
            let dst = way.packet.dst?;
            if let Some(silence) = self.not_out_there(dst, way.next_hop, ns) {
                return Some(silence);
            }
        }
        if self.probe.reply { self.no_way_back(way, ns) } else { None }
    }

    /// Addresses that only the cluster has.
    fn not_out_there(&self, dst: IpAddr, next_hop: Option<IpAddr>, ns: NsId) -> Option<Silence> {
        let unroutable = |why, evidence| Some(Silence { disposition: Disposition::Unroutable, why, evidence });
        if self.world.owners(dst).next().is_some() {
            return unroutable(format!("the owner of {dst} is not reached that way"), Vec::new());
        }
        for node in self.world.nodes() {
            let service = node.services().of_addr(dst).find(|s| s.kind == ServiceKind::ClusterIp);
            if service.is_some() {
                return unroutable(format!("{dst} is a Service's address, which nobody out there has"), Vec::new());
            }
            let Ok(network) = node.pod_network() else { continue };
            if let Some(shown) = covering(&network.service_cidr, dst) {
                let why = format!("{dst} is in the Service CIDR, which nobody out there has");
                return unroutable(why, shown.evidence.clone());
            }
        }
        let network = self.state(NsId::node(ns.node)).pod_network().ok()?;
        let shown = covering(&network.cluster_cidr, dst)?;
        let by_peer =
            |hop| network.peers.as_ref().is_ok_and(|p| p.value.iter().any(|p| p.gateway == Some(hop) || p.node == Some(hop)));
        let tunnelled = network.overlay.as_ref().is_ok_and(|o| !matches!(o.value, Overlay::HostGw));
        if tunnelled || network.overlay.is_ok() && !next_hop.is_some_and(by_peer) {
            let why = format!("{dst} is in the cluster's pod CIDR, and this is not the way to a pod");
            return unroutable(why, shown.evidence.clone());
        }
        None
    }

    /// Sources to which nobody out there knows the way, or not this one.
    fn no_way_back(&self, way: &Way, ns: NsId) -> Option<Silence> {
        let node: &'n Node = self.state(NsId::node(ns.node));
        let inner = way.wrapped.as_ref().map(|wrapped| &wrapped.packet);
        let src = inner.unwrap_or(&way.packet).src?;
        let lost = |why: String, evidence| Some(Silence { disposition: Disposition::Dropped, why, evidence });
        if node.services().of_addr(src).any(|s| s.kind == ServiceKind::ClusterIp) {
            let why = format!("it comes from {src}, a Service's address, to which no answer finds its way");
            return lost(why, Vec::new());
        }
        let own = self.world.owners(src).any(|(owner, _)| owner.node == ns.node);
        let network = node.pod_network().ok();
        let is_pod = network.is_some_and(|n| covering(&n.pod_cidr, src).is_some());
        if inner.is_some() {
            if own || is_pod || network.is_none() {
                return None;
            }
            let why = format!("its answer to {} does not come back through the tunnel", end_point(Some(src), None));
            return lost(why, Vec::new());
        }
        let overlay = network.and_then(|n| n.overlay.as_ref().ok()).filter(|o| !matches!(o.value, Overlay::HostGw));
        if is_pod && let Some(overlay) = overlay {
            let evidence = overlay.evidence.clone();
            let why = format!("it comes from the pod's own address {src}, to which nobody out there knows the way");
            return lost(why, evidence);
        }
        None
    }
}

/// What shows a CIDR that covers an address.
fn covering(part: &Part<Vec<ipnet::IpNet>>, addr: IpAddr) -> Option<&Shown<Vec<ipnet::IpNet>>> {
    part.as_ref().ok().filter(|shown| shown.value.iter().any(|net| net.contains(&addr)))
}
