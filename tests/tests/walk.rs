//! The walk over two healthy nodes, and over what one change makes of them: what ends the way, with its line, and what must not.

use std::collections::BTreeMap;

use bundle::{Bundle, Capture, Key};
use coldpath_tests::fixture;
use netmodel::family::Family;
use netmodel::state::Node;
use netmodel::walk::{Disposition, NsId, Origin, Packet, Probe, Stage, Trace, World, trace, verdict};

type Texts = BTreeMap<Key, String>;

/// Node a of the healthy base with a change; node b as it is.
struct Nodes(Vec<Node>);

impl Nodes {
    fn changed(change: impl Fn(&mut Texts)) -> Self {
        let nodes = ["node-a", "node-b"].map(|name| {
            let base = format!("iptables-nft-vxlan/{name}");
            let (manifest, mut texts) = fixture::base(&base).expect("the base is there");
            if name == "node-a" {
                change(&mut texts);
            }
            Node::new(Bundle::from_texts(base, manifest, texts))
        });
        Self(nodes.into())
    }

    fn healthy() -> Self {
        Self::changed(|_| {})
    }

    fn tcp(&self, from: Origin, src: Option<&str>, dst: &str, port: u16) -> Trace {
        let mut packet = Packet::new(Family::V4).tcp(port);
        (packet.src, packet.dst) = (src.map(|s| s.parse().expect("an address")), Some(dst.parse().expect("an address")));
        (packet.sport, packet.length, packet.df) = (Some(54321), Some(60), Some(true));
        let world = World::new(self.0.iter().collect());
        let probe = Probe { from, packet, reply: true, answer_length: None };
        let told = trace(&world, &probe);
        let brief = verdict(&world, &probe);
        assert_eq!(told.disposition, brief.disposition, "told or not, it is the same walk");
        assert_eq!(told.paths.len(), brief.paths.len());
        told
    }

    fn pod_a1(&self) -> Origin {
        let world = World::new(self.0.iter().collect());
        let owner = world.owners("10.244.1.2".parse().expect("an address")).find(|(ns, _)| ns.pod.is_some());
        Origin::Socket(owner.expect("pod a1 was captured").0)
    }

    /// Pod a1 on node a asks pod b1 on node b.
    fn a1_to_b1(&self) -> Trace {
        self.tcp(self.pod_a1(), None, "10.244.2.2", 8080)
    }
}

fn edit(texts: &mut Texts, capture: Capture, from: &str, to: &str) {
    let text = texts.get_mut(&Key::node(capture)).expect("the base has the capture");
    assert!(text.contains(from), "the base says {from}");
    *text = text.replacen(from, to, 1);
}

/// The stage, capture and text that ended the first path.
fn decided(trace: &Trace) -> (Stage, String, String) {
    let step = trace.paths[0].deciding().next().expect("something decided");
    let evidence = step.evidence.first().map(|e| (e.capture.clone(), e.text.clone())).unwrap_or_default();
    (step.stage, evidence.0, evidence.1)
}

#[test]
fn healthy_nodes_deliver_and_bring_the_answer() {
    let nodes = Nodes::healthy();
    let trace = nodes.a1_to_b1();
    assert_eq!(trace.disposition, Disposition::Delivered);
    let path = &trace.paths[0];
    assert!(path.blockers.is_empty() && path.reply.is_some());
    let arrival = path.arrival.as_ref().expect("it arrived");
    assert_eq!((arrival.ns.node, arrival.packet.src), (1, Some("10.244.1.2".parse().expect("an address"))), "not masqueraded");
    let wrapped = path.steps.iter().filter(|s| s.stage == Stage::Encapsulate).count();
    assert_eq!(wrapped, 1);
}

#[test]
fn a_service_forks_over_its_endpoints_and_its_answer_has_its_address() {
    let nodes = Nodes::healthy();
    let trace = nodes.tcp(nodes.pod_a1(), None, "10.96.0.10", 53);
    assert_eq!(trace.disposition, Disposition::Delivered);
    assert_eq!(trace.paths.len(), 2);
    assert!((trace.paths.iter().map(|p| p.share).sum::<f64>() - 1.0).abs() < 1e-9);
    for path in &trace.paths {
        let last = path.reply.as_ref().and_then(|r| r.last()).expect("an answer");
        assert_eq!(last.packet.src, Some("10.96.0.10".parse().expect("an address")));
    }
}

#[test]
fn a_drop_at_forward_is_named_and_an_accept_before_it_is_enough() {
    let save = Capture::IptablesNftSave;
    let rule = "-A FORWARD -m comment --comment \"flanneld forward\" -j FLANNEL-FWD";
    let dropped = Nodes::changed(|t| edit(t, save, rule, &format!("-A FORWARD -p tcp -m tcp --dport 8080 -j DROP\n{rule}")));
    let trace = dropped.a1_to_b1();
    assert_eq!(trace.disposition, Disposition::Dropped);
    let (stage, capture, text) = decided(&trace);
    assert_eq!((stage.name(), capture.as_str()), ("forward", "node/iptables-nft-save.txt"));
    assert!(text.contains("--dport 8080 -j DROP"), "{text}");
    let late = Nodes::changed(|t| edit(t, save, rule, &format!("{rule}\n-A FORWARD -p tcp -m tcp --dport 8080 -j DROP")));
    assert_eq!(late.a1_to_b1().disposition, Disposition::Delivered, "flannel's accept comes first");
}

#[test]
fn a_rate_limit_before_a_drop_leaves_it_undecided_and_is_the_blocker() {
    let rule = "-A FORWARD -m comment --comment \"flanneld forward\" -j FLANNEL-FWD";
    let limited = "-A FORWARD -m limit --limit 1/sec -j DROP";
    let nodes = Nodes::changed(|t| edit(t, Capture::IptablesNftSave, rule, &format!("{limited}\n{rule}")));
    let trace = nodes.a1_to_b1();
    assert_eq!(trace.disposition, Disposition::Undecided);
    let blockers = trace.paths.iter().flat_map(|p| &p.blockers);
    assert!(blockers.filter_map(|b| b.evidence.as_ref()).any(|e| e.text.contains(limited)), "{:#?}", trace.paths[0].blockers);
}

#[test]
fn a_ruleset_that_was_not_captured_is_not_clear() {
    let nodes = Nodes::changed(|t| {
        t.remove(&Key::node(Capture::IptablesNftSave)).expect("the base has it");
    });
    assert_eq!(nodes.a1_to_b1().disposition, Disposition::Undecided);
}

#[test]
fn without_forwarding_nothing_passes_but_the_node_itself_still_sends() {
    let nodes = Nodes::changed(|t| {
        edit(t, Capture::Sysctl, "net.ipv4.conf.cni0.forwarding = 1", "net.ipv4.conf.cni0.forwarding = 0");
    });
    let trace = nodes.a1_to_b1();
    assert_eq!(trace.disposition, Disposition::Dropped);
    let (stage, _, text) = decided(&trace);
    assert_eq!((stage, text.as_str()), (Stage::Forward, "net.ipv4.conf.cni0.forwarding = 0"));
    let own = nodes.tcp(Origin::Socket(NsId::node(0)), None, "10.244.2.2", 8080);
    assert_eq!(own.disposition, Disposition::Delivered);
}

#[test]
fn a_full_table_takes_no_new_connection() {
    let nodes = Nodes::changed(|texts| {
        let sysctl = texts.get_mut(&Key::node(Capture::Sysctl)).expect("the base has it");
        let lines = sysctl.lines().map(|line| match line.split_once(" = ") {
            Some((key @ ("net.netfilter.nf_conntrack_count" | "net.netfilter.nf_conntrack_max"), _)) => {
                format!("{key} = 65536\n")
            }
            _ => format!("{line}\n"),
        });
        *sysctl = lines.collect();
    });
    let trace = nodes.a1_to_b1();
    assert_eq!((trace.disposition, decided(&trace).0), (Disposition::Dropped, Stage::Conntrack));
}

#[test]
fn without_kube_proxys_rules_a_services_address_leads_nowhere() {
    let nodes = Nodes::changed(|texts| {
        let save = texts.get_mut(&Key::node(Capture::IptablesNftSave)).expect("the base has it");
        *save = save.lines().filter(|l| !l.contains("-j KUBE-SERVICES")).map(|l| format!("{l}\n")).collect();
    });
    let trace = nodes.tcp(nodes.pod_a1(), None, "10.96.0.22", 80);
    assert_eq!(trace.disposition, Disposition::Unroutable);
    assert!(trace.paths[0].reason.contains("which nobody out there has"), "{}", trace.paths[0].reason);
}

#[test]
fn from_outside_a_node_port_is_answered_from_the_nodes_address() {
    let nodes = Nodes::healthy();
    let from = Origin::Device(NsId::node(0), "eth0".into());
    let trace = nodes.tcp(from, Some("203.0.113.10"), "192.168.50.11", 30080);
    assert_eq!(trace.disposition, Disposition::Delivered);
    for path in &trace.paths {
        let last = path.reply.as_ref().and_then(|r| r.last()).expect("an answer");
        assert_eq!((last.packet.src, last.packet.sport), (Some("192.168.50.11".parse().expect("an address")), Some(30080)));
    }
}
