//! ipvs: a virtual service takes a packet, a destination gets it, and the answer is translated back.
//!
//! As net/netfilter/ipvs/ip_vs_core.c (`ip_vs_in_hook`, `ip_vs_out_hook`) and ip_vs_xmit.c (`ip_vs_nat_xmit`) have it. Its hooks hang at
//! NF_IP_PRI_NAT_SRC - 2 and - 1 in INPUT, at NF_IP_PRI_NAT_DST + 1 and + 2 in OUTPUT, at 100 in FORWARD. Left out: connections that ipvs
//! has already (persistence), and what a scheduler knows of load: each destination with a weight may get the packet.

use std::net::IpAddr;

use bundle::{AbsentWhy, Capture, Content};

use crate::parse::ipvs::{Destination, Forwarding, Proto, VirtualAddr, VirtualService};
use crate::source::{Fact, Missing};
use crate::state::modules::ModuleState;
use crate::walk::packet::{CtState, Packet, SCTP, TCP, UDP};
use crate::walk::route::{self, RouteKey, RouteOutcome};
use crate::walk::trace::{Disposition, Stage};
use crate::walk::walker::Walker;
use crate::walk::walker::end_point;
use crate::walk::walker::way::{Note, Way};
use crate::walk::world::NsId;

/// What ipvs translated, for the answers.
#[derive(Clone, Debug)]
pub(super) struct Translation {
    ns: NsId,
    protocol: Option<u8>,
    client: (Option<IpAddr>, Option<u16>),
    virt: (Option<IpAddr>, Option<u16>),
    real: (IpAddr, Option<u16>),
}

/// What ipvs has for a packet.
struct Taken<'n> {
    service: Fact<'n, &'n VirtualService>,
    /// Destinations that get new connections.
    open: Vec<&'n Destination>,
}

impl<'n> Walker<'_, 'n> {
    /// Requests from outside to a virtual address of this node (`ip_vs_in_hook` at INPUT).
    pub(super) fn ipvs_input(&mut self, way: Way, ns: NsId) -> Vec<Way> {
        self.ipvs_request(way, ns)
    }

    /// Answers and requests of local sockets (OUTPUT).
    pub(super) fn ipvs_local(&mut self, way: Way, ns: NsId) -> Vec<Way> {
        let ways = self.ipvs_answer(way, ns);
        ways.into_iter().flat_map(|way| self.ipvs_request(way, ns)).collect()
    }

    /// `ip_vs_out_hook`: the answer of a real server gets the virtual service's address again.
    pub(super) fn ipvs_answer(&mut self, mut way: Way, ns: NsId) -> Vec<Way> {
        if way.by_ipvs || way.ipvs.is_empty() {
            return vec![way];
        }
        let packet = &way.packet;
        let found = way.ipvs.iter().find(|t| {
            t.ns == ns
                && t.protocol == packet.protocol
                && (packet.src, packet.sport) == (Some(t.real.0), t.real.1)
                && (packet.dst, packet.dport) == t.client
        });
        let Some(found) = found.cloned() else { return vec![way] };
        (way.packet.src, way.packet.sport) = found.virt;
        way.by_ipvs = true;
        let note = || Note::new(ns, Stage::Ipvs, format!("source becomes {}", end_point(found.virt.0, found.virt.1))).decides();
        vec![self.noted(way, note)]
    }

    /// `ip_vs_in_hook`: where a service takes the packet the ways that lead on are walked from here, and none is returned.
    fn ipvs_request(&mut self, way: Way, ns: NsId) -> Vec<Way> {
        if way.by_ipvs {
            return vec![way];
        }
        let taken = match self.ipvs_takes(&way.packet, ns) {
            Ok(None) => return vec![way],
            Ok(Some(taken)) => taken,
            Err(missing) => {
                self.unknown(way, ns, Stage::Ipvs, &missing);
                return Vec::new();
            }
        };
        let Taken { service, open } = taken;
        if open.is_empty() {
            // `ip_vs_leave()`: answered with "port unreachable".
            let why = "the virtual service has no destination with a weight: refused with icmp-port-unreachable";
            self.end(way, Disposition::Rejected, Note::new(ns, Stage::Ipvs, why).by([service.evidence()]));
            return Vec::new();
        }
        // Weighted schedulers share by weight; the others by what they see of connections, of which each destination may get one.
        let weighted = matches!(&*service.value.scheduler, "wrr" | "wlc" | "mh" | "sed" | "nq");
        let weight = |d: &Destination| if weighted { f64::from(d.weight) } else { 1.0 };
        let all: f64 = open.iter().map(|d| weight(d)).sum();
        let mut stay = Vec::new();
        for destination in open {
            let mut way = way.clone();
            way.share *= weight(destination) / all;
            stay.extend(self.ipvs_sends(way, ns, &service, destination));
        }
        stay
    }

    /// The service that takes a packet: by firewall mark first, then by address and port, then by address alone
    /// (`ip_vs_service_find()`, ip_vs_ctl.c).
    fn ipvs_takes(&self, packet: &Packet, ns: NsId) -> Result<Option<Taken<'n>>, Missing> {
        let node = self.state(ns);
        let key = node.key(Capture::IpvsSave);
        if let Content::Absent(absence) = node.bundle().get(&key)
            && (matches!(absence.why, AbsentWhy::NotLoaded) || ns.pod.is_some())
        {
            return Ok(None);
        }
        let doc = match node.ipvs() {
            Ok(doc) => doc,
            Err(missing) => {
                return if matches!(node.module_state("ip_vs"), Ok(ModuleState::Absent(_))) { Ok(None) } else { Err(missing) };
            }
        };
        if doc.services.is_empty() {
            return doc.complete().map(|()| None);
        }
        let by_mark = match packet.mark {
            Some(0) => None,
            Some(mark) => doc.fwmark_service(mark, packet.family),
            None if doc.services.iter().any(|s| matches!(s.virt, VirtualAddr::FwMark(_))) => {
                return Err(Missing::new(&key, "the service of the packet's mark", "the mark is not known"));
            }
            None => None,
        };
        let proto = match packet.protocol {
            Some(TCP) => Some(Proto::Tcp),
            Some(UDP) => Some(Proto::Udp),
            Some(SCTP) => Some(Proto::Sctp),
            _ => None,
        };
        let by_addr = || doc.service(proto?, packet.dst?, packet.dport?);
        let Some(service) = by_mark.or_else(by_addr) else { return Ok(None) };
        let open = service.destinations.iter().filter(|d| d.weight > 0).collect();
        Ok(Some(Taken { service: doc.fact(service, service.at), open }))
    }

    /// `ip_vs_nat_xmit()`: the destination is translated and the packet sent as a local one, past FORWARD. A way is returned only where
    /// the destination is this node itself: then it goes on where it is.
    fn ipvs_sends(
        &mut self,
        mut way: Way,
        ns: NsId,
        service: &Fact<'n, &'n VirtualService>,
        destination: &Destination,
    ) -> Option<Way> {
        let node = self.state(ns);
        if destination.forwarding != Forwarding::Masquerade {
            let how = "direct routing and tunnelling of ipvs are not followed";
            let evidence = [service.evidence(), service.source.evidence(destination.at)];
            way.assume(ns, Some(service.source.evidence(destination.at)), how);
            self.end(way, Disposition::Undecided, Note::new(ns, Stage::Ipvs, how).by(evidence));
            return None;
        }
        let port = if destination.port == 0 { way.packet.dport } else { Some(destination.port) };
        way.ipvs.push(Translation {
            ns,
            protocol: way.packet.protocol,
            client: (way.packet.src, way.packet.sport),
            virt: (way.packet.dst, way.packet.dport),
            real: (destination.addr, port),
        });
        (way.packet.dst, way.packet.dport) = (Some(destination.addr), port);
        way.by_ipvs = true;
        let tracked = match node.sysctl_int("net.ipv4.vs.conntrack") {
            Ok(fact) => fact.value != 0,
            Err(missing) => {
                self.unknown(way, ns, Stage::Ipvs, &missing);
                return None;
            }
        };
        if self.record {
            let action = format!("destination becomes {}", end_point(way.packet.dst, way.packet.dport));
            let evidence = [service.evidence(), service.source.evidence(destination.at)];
            self.write(&mut way, Note::new(ns, Stage::Ipvs, action).by(evidence).decides());
        }
        match way.connection {
            // `ip_vs_update_conntrack()`: answers are expected from the real server.
            Some(at) if tracked => {
                let reply = &mut way.connections[at].reply;
                (reply.src, reply.sport) = (destination.addr, port);
            }
            // `ip_vs_notrack()`: no rule sees a connection, and nothing is masqueraded.
            _ => {
                way.connection = None;
                way.packet.ct_state = Some(CtState::Untracked);
            }
        }
        let key = RouteKey {
            dst: destination.addr,
            src: None,
            iif: None,
            oif: None,
            mark: way.packet.mark,
            protocol: way.packet.protocol,
            sport: way.packet.sport,
            dport: way.packet.dport,
            tos: way.packet.tos,
        };
        let routes = match route::output(node, &key) {
            Ok(routes) => routes,
            Err(missing) => {
                self.unknown(way, ns, Stage::Routing, &missing);
                return None;
            }
        };
        let mut stays = None;
        for (way, routed) in self.fork_routes(way, ns, routes, true) {
            if routed.outcome == RouteOutcome::Local {
                stays = Some(way);
            } else {
                self.out(way, ns, &routed, None);
            }
        }
        stays
    }
}
