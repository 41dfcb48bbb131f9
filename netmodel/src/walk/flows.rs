//! The flows that matter to people, by name: between pods, to Services, outside, to the nodes' own ports.
//!
//! Only which flows there are is worked out here, from what the bundles show; walking them is `trace`'s business. What a flow's name
//! promises holds: where no pod of another node is known, there is no flow between nodes, and it is said what was missing.

mod parties;

use std::collections::HashSet;
use std::net::IpAddr;

use crate::family::Family;
use crate::state::Node;
use crate::state::kube::CmdlineDoc;
use crate::state::pod_network::Overlay;
use crate::state::services::{ServiceKind, ServicePort};
use crate::walk::endpoint::entry::{outside, way_back};
use crate::walk::endpoint::names;
use crate::walk::endpoint::{Protocol, first_packet};
use crate::walk::trace::{Origin, Probe};
use crate::walk::world::{NsId, World};
use parties::{Parties, Party};

/// A kind of flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowKind {
    /// Between two pods of one node.
    PodToPodOnNode,
    /// Between two pods of different nodes.
    PodToPodOnPeer,
    /// From a pod to a ClusterIP; DNS first.
    PodToClusterIp,
    /// From a pod to a Service that it is an endpoint of (hairpin).
    PodToItself,
    /// From a pod to an external or load balancer address of a Service.
    PodToExternalIp,
    /// From a pod to an address outside.
    PodToOutside,
    /// From a node to a pod, as kubelet's probes go.
    NodeToPod,
    /// From a node to a ClusterIP.
    NodeToClusterIp,
    /// From outside to a NodePort.
    OutsideToNodePort,
    /// From another node to a node's overlay port.
    PeerToOverlay,
    /// From the control plane to kubelet (logs, exec, metrics).
    ControlPlaneToKubelet,
}

impl FlowKind {
    /// All, in the order in which they are listed.
    pub const ALL: [Self; 11] = [
        Self::PodToPodOnNode,
        Self::PodToPodOnPeer,
        Self::PodToClusterIp,
        Self::PodToItself,
        Self::PodToExternalIp,
        Self::PodToOutside,
        Self::NodeToPod,
        Self::NodeToClusterIp,
        Self::OutsideToNodePort,
        Self::PeerToOverlay,
        Self::ControlPlaneToKubelet,
    ];

    /// As in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PodToPodOnNode => "pod-to-pod-on-node",
            Self::PodToPodOnPeer => "pod-to-pod-on-peer",
            Self::PodToClusterIp => "pod-to-cluster-ip",
            Self::PodToItself => "pod-to-itself",
            Self::PodToExternalIp => "pod-to-external-ip",
            Self::PodToOutside => "pod-to-outside",
            Self::NodeToPod => "node-to-pod",
            Self::NodeToClusterIp => "node-to-cluster-ip",
            Self::OutsideToNodePort => "outside-to-node-port",
            Self::PeerToOverlay => "peer-to-overlay",
            Self::ControlPlaneToKubelet => "control-plane-to-kubelet",
        }
    }

    /// For people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::PodToPodOnNode => "pod to pod, same node",
            Self::PodToPodOnPeer => "pod to pod, other node",
            Self::PodToClusterIp => "pod to ClusterIP",
            Self::PodToItself => "pod to itself by its Service",
            Self::PodToExternalIp => "pod to a Service's external address",
            Self::PodToOutside => "pod to outside",
            Self::NodeToPod => "node to pod",
            Self::NodeToClusterIp => "node to ClusterIP",
            Self::OutsideToNodePort => "outside to NodePort",
            Self::PeerToOverlay => "other node to overlay port",
            Self::ControlPlaneToKubelet => "control plane to kubelet",
        }
    }
}

/// A flow that can be walked.
#[derive(Clone, Debug)]
pub struct Flow {
    /// What kind of flow it is.
    pub kind: FlowKind,
    /// Where it begins, for people: `pod default/a1 on node-a`.
    pub from: String,
    /// Where it goes, for people: `10.96.0.10:53 (Service kube-system/kube-dns:dns)`.
    pub to: String,
    /// The protocol.
    pub protocol: Protocol,
    /// What to walk.
    pub probe: Probe,
}

/// Why flows of a kind are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Of which kind.
    pub kind: FlowKind,
    /// Why, in lower case.
    pub why: String,
}

/// The flows of a world.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    /// The flows, by kind.
    pub flows: Vec<Flow>,
    /// How many of a kind were left out by the limit.
    pub left_out: Vec<(FlowKind, usize)>,
    /// Why there are none, or not all, of a kind.
    pub gaps: Vec<Gap>,
}

/// Which flows are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// At most so many of a kind: the first pod of each node asks every Service before the second one does.
    pub per_kind: usize,
    /// Whether answers are walked, too.
    pub reply: bool,
}

/// Whether kubelet runs on a node: a process, or its configuration.
fn runs_kubelet(node: &Node) -> bool {
    // k3s and RKE2 run it as a part of themselves.
    let is_kubelet = |name: &str| ["kubelet", "k3s", "rke2"].iter().any(|program| name.starts_with(program));
    let process = |doc: &CmdlineDoc| doc.source.key.instance.as_deref().is_some_and(is_kubelet);
    node.kube_cmdlines().iter().any(process) || !node.kubelet_configs().is_empty()
}

/// The flows between the pods, Services and nodes of a world.
#[must_use]
pub fn flows(world: &World<'_>, selection: &Selection) -> Flows {
    let parties = Parties::of(world);
    let mut list = List { world, selection, parties: &parties, out: Flows::default() };
    for (node, why) in &parties.without_pods {
        list.gap(FlowKind::PodToPodOnNode, format!("{node}: {why}"));
    }
    list.pods();
    list.services();
    list.nodes();
    list.out.flows.sort_by_key(|f| f.kind);
    list.out
}

/// The port on which kubelet serves (`--port`, KubeletConfiguration.port).
const KUBELET_PORT: u16 = 10_250;

struct List<'a, 'n> {
    world: &'a World<'n>,
    selection: &'a Selection,
    parties: &'a Parties,
    out: Flows,
}

impl List<'_, '_> {
    fn gap(&mut self, kind: FlowKind, why: String) {
        self.out.gaps.push(Gap { kind, why });
    }

    /// Adds flows up to the limit, and counts the rest.
    fn add<T>(&mut self, kind: FlowKind, all: impl Iterator<Item = T>, mut flow: impl FnMut(&Self, T) -> Option<Flow>) {
        let mut left = 0;
        let mut taken = 0;
        for one in all {
            if taken >= self.selection.per_kind {
                left += 1;
            } else if let Some(made) = flow(self, one) {
                self.out.flows.push(made);
                taken += 1;
            }
        }
        if left > 0 {
            self.out.left_out.push((kind, left));
        }
    }

    fn flow(
        &self,
        kind: FlowKind,
        from: &Party,
        dst: IpAddr,
        protocol: Protocol,
        port: Option<u16>,
        to: Option<String>,
    ) -> Option<Flow> {
        let family = Family::of(dst);
        let src = from.addr(family)?;
        let number = protocol.number(family);
        let whole = match (port, dst) {
            (Some(port), IpAddr::V4(_)) => format!("{dst}:{port}"),
            (Some(port), IpAddr::V6(_)) => format!("[{dst}]:{port}"),
            (None, _) => dst.to_string(),
        };
        let what = to.unwrap_or_else(|| names::of_address(self.world, dst, number, port));
        // What is bound to an address and what has it chosen come to the same where there is one; where there are several, the walk chooses.
        let src = (!from.chosen).then_some(src);
        let packet = first_packet(protocol, src, dst, port);
        let probe = Probe { from: from.origin.clone(), packet, reply: self.selection.reply, answer_length: None };
        Some(Flow { kind, from: from.name.clone(), to: format!("{whole} ({what})"), protocol, probe })
    }

    /// To a pod: at a port at which a Service reaches it, else a ping.
    fn to_pod(&self, kind: FlowKind, from: &Party, to: &Party, family: Family) -> Option<Flow> {
        let dst = to.addr(family)?;
        let (protocol, port) = self.parties.port_of(dst);
        self.flow(kind, from, dst, protocol, port, Some(to.name.clone()))
    }

    fn to_service(&self, kind: FlowKind, from: &Party, port: &ServicePort) -> Option<Flow> {
        let name = port.name.as_deref().map(|name| format!("Service {name}"));
        self.flow(kind, from, port.addr?, Protocol::of(port.protocol)?, Some(port.port), name)
    }

    fn pods(&mut self) {
        let parties = self.parties;
        let pods = &parties.pods;
        let pairs = |same: bool| {
            let pairs = pods.iter().enumerate().flat_map(move |(i, a)| pods.iter().enumerate().map(move |(j, b)| (i, j, a, b)));
            let pairs = pairs.filter(move |(i, j, a, b)| i != j && (a.node == b.node) == same);
            pairs
                .flat_map(|(_, _, a, b)| Family::ALL.map(|family| (a, b, family)))
                .filter(|(a, b, f)| a.addr(*f).is_some() && b.addr(*f).is_some())
        };
        for (kind, same) in [(FlowKind::PodToPodOnNode, true), (FlowKind::PodToPodOnPeer, false)] {
            self.add(kind, pairs(same), |list, (a, b, family)| list.to_pod(kind, a, b, family));
        }
        let kind = FlowKind::PodToPodOnPeer;
        let far =
            pods.iter().flat_map(|pod| parties.peers.iter().filter(|peer| peer.seen_by == pod.node).map(move |peer| (pod, peer)));
        self.add(kind, far, |list, (pod, peer)| {
            let (protocol, port) = list.parties.port_of(peer.pod);
            list.flow(kind, pod, peer.pod, protocol, port, Some(format!("a pod on {}", peer.name)))
        });
        let kind = FlowKind::PodToOutside;
        let each = pods.iter().flat_map(|pod| Family::ALL.map(|family| (pod, family))).filter(|(pod, f)| pod.addr(*f).is_some());
        self.add(kind, each, |list, (pod, family)| {
            list.flow(kind, pod, outside(list.world, family), Protocol::Tcp, Some(443), Some("outside".to_owned()))
        });
    }

    fn services(&mut self) {
        let (world, parties) = (self.world, self.parties);
        let of = |party: &Party, wanted: fn(ServiceKind) -> bool| {
            let services = world.nodes().get(party.node as usize).map(|n| n.services());
            let mut ports: Vec<&ServicePort> =
                services.into_iter().flat_map(|s| s.iter()).filter(|p| wanted(p.kind) && p.addr.is_some()).collect();
            ports.sort_by_key(|p| p.port != 53);
            ports
        };
        let cluster: fn(ServiceKind) -> bool = |kind| kind == ServiceKind::ClusterIp;
        let external: fn(ServiceKind) -> bool = |kind| matches!(kind, ServiceKind::ExternalIp | ServiceKind::LoadBalancer);
        let is_own = |pod: &Party, p: &ServicePort| p.endpoints.iter().any(|(addr, _)| pod.addrs.contains(addr));
        for (kind, wanted) in [(FlowKind::PodToClusterIp, cluster), (FlowKind::PodToExternalIp, external)] {
            let each = parties.pods_in_turn().flat_map(|pod| of(pod, wanted).into_iter().map(move |port| (pod, port)));
            // A pod that asks its own Service is a kind of its own.
            let each = each.filter(|(pod, port)| kind != FlowKind::PodToClusterIp || !is_own(pod, port));
            self.add(kind, each, |list, (pod, port)| list.to_service(kind, pod, port));
        }
        let kind = FlowKind::PodToItself;
        let own = parties
            .pods_in_turn()
            .flat_map(|pod| of(pod, cluster).into_iter().filter(move |port| is_own(pod, port)).map(move |port| (pod, port)));
        self.add(kind, own, |list, (pod, port)| list.to_service(kind, pod, port));
        let kind = FlowKind::NodeToClusterIp;
        let each = parties.nodes.iter().flat_map(|node| of(node, cluster).into_iter().map(move |port| (node, port)));
        self.add(kind, each, |list, (node, port)| list.to_service(kind, node, port));
        let unknown: Vec<String> = world
            .nodes()
            .iter()
            .filter_map(|n| Some((n, n.services().gaps.first()?)))
            .map(|(n, gap)| format!("{}: {gap}", n.name()))
            .collect();
        for why in unknown {
            self.gap(FlowKind::PodToClusterIp, why);
        }
    }

    fn nodes(&mut self) {
        let (world, parties) = (self.world, self.parties);
        let kind = FlowKind::NodeToPod;
        let each = parties.nodes.iter().flat_map(|node| parties.pods.iter().map(move |pod| (node, pod)));
        let each = each
            .flat_map(|(node, pod)| Family::ALL.map(|f| (node, pod, f)))
            .filter(|(n, p, f)| n.addr(*f).is_some() && p.addr(*f).is_some());
        self.add(kind, each, |list, (node, pod, family)| list.to_pod(kind, node, pod, family));

        let kind = FlowKind::OutsideToNodePort;
        let mut ports = Vec::new();
        for node in &parties.nodes {
            let mut seen = HashSet::new();
            let services = world.nodes().get(node.node as usize).map(|n| n.services());
            for port in services.into_iter().flat_map(|s| s.iter()).filter(|p| p.kind == ServiceKind::NodePort) {
                // ipvs has one at each address of the node: one is enough, at that by which others know it.
                for addr in node.addrs.iter().filter(|a| port.addr.is_none_or(|own| own == **a)) {
                    if seen.insert((*addr, port.protocol, port.port)) {
                        ports.push((node, port, *addr));
                    }
                }
            }
        }
        self.add(kind, ports.into_iter(), |list, (node, port, addr)| {
            let client = list.one_outside(outside(list.world, Family::of(addr)), node)?;
            let name = port.name.as_deref().unwrap_or("a Service");
            list.flow(
                kind,
                &client,
                addr,
                Protocol::of(port.protocol)?,
                Some(port.port),
                Some(format!("NodePort of {name} on {}", node.name)),
            )
        });
        self.overlays();
        self.kubelets();
    }

    /// What arrives from `src`, of which no bundle is there, at a node.
    fn one_outside(&self, src: IpAddr, node: &Party) -> Option<Party> {
        let state = self.world.nodes().get(node.node as usize)?;
        let dev = way_back(state, src).ok()?;
        Some(Party::outside(src, node.node, &dev))
    }

    fn overlays(&mut self) {
        let kind = FlowKind::PeerToOverlay;
        let (world, parties) = (self.world, self.parties);
        let mut flows = Vec::new();
        for node in &parties.nodes {
            let Some(state) = world.nodes().get(node.node as usize) else { continue };
            let overlay = match state.pod_network().and_then(|n| n.overlay.as_ref().map_err(Clone::clone)) {
                Ok(overlay) => &overlay.value,
                Err(missing) => {
                    self.gap(kind, format!("{}: {missing}", node.name));
                    continue;
                }
            };
            let (Overlay::Vxlan { port: Some(port), .. } | Overlay::Geneve { port: Some(port), .. }) = overlay else { continue };
            let family = match overlay {
                Overlay::Vxlan { local: Some(local), .. } => Family::of(*local),
                _ => Family::V4,
            };
            let Some(dst) = node.addr(family) else { continue };
            let given = parties.nodes.iter().filter(|peer| peer.node != node.node).cloned();
            let others = parties.peers.iter().filter(|p| p.seen_by == node.node).filter_map(|p| p.node);
            let others = others.filter_map(|addr| self.one_outside(addr, node));
            flows.extend(given.chain(others).map(|peer| (peer, dst, *port, format!("overlay port of {}", node.name))));
        }
        self.add(kind, flows.into_iter(), |list, (peer, dst, port, to)| {
            list.flow(kind, &peer, dst, Protocol::Udp, Some(port), Some(to))
        });
    }

    fn kubelets(&mut self) {
        let kind = FlowKind::ControlPlaneToKubelet;
        let (world, parties) = (self.world, self.parties);
        let api: Vec<IpAddr> = parties.api_servers(world);
        if api.is_empty() {
            self.gap(kind, "no Service default/kubernetes is known, whose endpoints are the control plane".to_owned());
        }
        let each = api.into_iter().flat_map(|addr| parties.nodes.iter().map(move |node| (addr, node)));
        let runs = |node: &Party| world.nodes().get(node.node as usize).is_some_and(|state| runs_kubelet(state));
        for node in parties.nodes.iter().filter(|node| !runs(node)) {
            self.gap(kind, format!("{}: no capture shows that kubelet runs there", node.name));
        }
        let each = each.filter(|(addr, node)| runs(node) && !node.addrs.contains(addr));
        self.add(kind, each, |list, (addr, node)| {
            let owner: Option<NsId> = names::owners(world, addr).map(|(ns, _)| ns).next();
            let client = match owner {
                Some(ns) => Party { origin: Origin::Socket(ns), ..Party::outside(addr, ns.node, "") },
                None => list.one_outside(addr, node)?,
            };
            let client = Party { name: format!("control plane {addr}"), ..client };
            let dst = node.addr(Family::of(addr))?;
            list.flow(kind, &client, dst, Protocol::Tcp, Some(KUBELET_PORT), Some(format!("kubelet of {}", node.name)))
        });
    }
}

#[cfg(test)]
mod tests {
    use bundle::{Capture, Key, Netns};

    use super::*;
    use crate::state::testing::with_pods;

    /// A node with two pods, `default/kubernetes`, a Service with a NodePort that leads to the first pod, and a peer.
    fn node(pods: &[u32]) -> Node {
        let addr = r#"[{"ifindex":2,"ifname":"eth0","flags":["UP"],"addr_info":[{"local":"192.168.50.11","prefixlen":24,"scope":"global"}]}]"#;
        let routes = r#"[{"type":"unicast","dst":"default","gateway":"192.168.50.1","dev":"eth0","table":"main","flags":[]}]"#;
        let rules = r#"[{"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"}]"#;
        let save = "*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-NODEPORTS - [0:0]\n:KUBE-SVC-W - [0:0]\n:KUBE-SVC-K - [0:0]\n\
            -A KUBE-SERVICES -d 10.96.0.20/32 -p tcp -m comment --comment \"default/web:http cluster IP\" -m tcp --dport 80 -j KUBE-SVC-W\n\
            -A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment \"default/kubernetes:https cluster IP\" -m tcp --dport 443 -j KUBE-SVC-K\n\
            -A KUBE-NODEPORTS -p tcp -m comment --comment \"default/web:http\" -m tcp --dport 30080 -j KUBE-SVC-W\n\
            -A KUBE-SVC-W -p tcp -m tcp -j DNAT --to-destination 10.244.1.1:8080\n\
            -A KUBE-SVC-K -p tcp -m tcp -j DNAT --to-destination 192.168.50.10:6443\nCOMMIT\n";
        let kubelet = Key { netns: Netns::Node, capture: Capture::KubeCmdline, instance: Some("kubelet[714]".into()) };
        let mut texts = vec![
            (kubelet, "/usr/bin/kubelet\n".to_owned()),
            (Key::node(Capture::IpAddr), addr.to_owned()),
            (Key::node(Capture::IpRoute4), routes.to_owned()),
            (Key::node(Capture::IpRule4), rules.to_owned()),
            (Key::node(Capture::IptablesNftSave), save.to_owned()),
        ];
        for number in pods {
            let pod = format!(
                r#"[{{"ifindex":2,"ifname":"eth0","flags":["UP"],"addr_info":[{{"local":"10.244.1.{number}","prefixlen":24,"scope":"global"}}]}}]"#
            );
            texts.push((Key { netns: Netns::Pod(*number), capture: Capture::IpAddr, instance: None }, pod));
        }
        with_pods(texts, Vec::new(), pods)
    }

    fn named(node: &Node, per_kind: usize) -> (Vec<String>, Flows) {
        let flows = flows(&World::new(vec![node]), &Selection { per_kind, reply: true });
        (flows.flows.iter().map(|f| format!("{}: {} {} -> {}", f.kind.name(), f.protocol.name(), f.from, f.to)).collect(), flows)
    }

    #[test]
    fn every_kind_that_the_bundle_shows() {
        let (list, flows) = named(&node(&[1, 2]), 100);
        insta::assert_snapshot!(list.join("\n"));
        assert!(flows.left_out.is_empty());
        assert!(flows.gaps.iter().any(|g| g.kind == FlowKind::PeerToOverlay), "{:?}", flows.gaps);
    }

    #[test]
    fn the_limit_is_fair_and_said() {
        // The second pod is no endpoint of a Service, so that it has two to ask; the first one has one, and itself.
        let (list, flows) = named(&node(&[1, 2]), 1);
        let to_services: Vec<&String> = list.iter().filter(|f| f.starts_with("pod-to-cluster-ip")).collect();
        assert!(matches!(to_services[..], [only] if only.contains("10.244.1.1")), "{list:?}");
        assert!(flows.left_out.contains(&(FlowKind::PodToClusterIp, 2)), "{:?}", flows.left_out);
    }

    #[test]
    fn a_node_without_pods_says_so() {
        let (list, flows) = named(&node(&[]), 100);
        assert!(list.iter().all(|f| !f.starts_with("pod-")), "{list:?}");
        assert!(flows.gaps.iter().any(|g| g.why == "node-a: no pod's namespace was captured"), "{:?}", flows.gaps);
    }
}
