//! For unit tests: traces made by hand, so that what is shown of them does not depend on how they came about.

use std::net::IpAddr;

use bundle::{Bundle, CollectorInfo, FORMAT, Key, Manifest, NetnsInfo, NodeIdentity};
use netmodel::walk::endpoint::{Protocol, Resolved, first_packet};
use netmodel::walk::hook::Hook;
use netmodel::walk::{Arrival, Disposition, NsId, Origin, Packet, Path, PathBlocker, Probe, Stage, Step, Trace, World};
use netmodel::{Evidence, Missing, Node};

use super::Walked;

/// Two nodes with two pods each, a question and its trace.
pub(super) struct Sketch {
    nodes: Vec<Node>,
    resolved: Resolved,
    trace: Trace,
}

impl Sketch {
    pub(super) fn with<R>(&self, see: impl FnOnce(&Walked<'_>) -> R) -> R {
        let world = World::new(self.nodes.iter().collect());
        see(&Walked { world: &world, resolved: &self.resolved, trace: &self.trace })
    }
}

const A: NsId = NsId { node: 0, pod: None };
const B: NsId = NsId { node: 1, pod: None };
const A1: NsId = NsId { node: 0, pod: Some(0) };
const B1: NsId = NsId { node: 1, pod: Some(0) };

fn node(name: &str, pods: &[&str]) -> Node {
    let pod =
        |(number, name): (u32, &&str)| NetnsInfo { number, inode: 0, pod: Some((*name).to_owned()), found_by: "test".to_owned() };
    let manifest = Manifest {
        format: FORMAT,
        collector: CollectorInfo { name: "test".to_owned(), version: "0".to_owned(), root: true },
        node: NodeIdentity { name: name.to_owned(), ..NodeIdentity::default() },
        started_at: time::macros::datetime!(2026-11-21 10:15:00 +00:00),
        finished_at: None,
        cut_short: None,
        netns: (1..).zip(pods).map(pod).collect(),
        captures: Vec::new(),
    };
    Node::new(Bundle::from_texts(name, manifest, Vec::<(Key, String)>::new()))
}

fn addr(text: &str) -> IpAddr {
    text.parse().expect("an address of a test")
}

fn line(number: u32, text: &str) -> Evidence {
    Evidence { capture: "node/iptables-nft-save.txt".to_owned(), line: number, text: text.to_owned() }
}

struct Steps {
    packet: Packet,
    steps: Vec<Step>,
}

impl Steps {
    fn step(&mut self, ns: NsId, stage: Stage, action: &str, decides: bool, evidence: &[Evidence]) -> &mut Self {
        let chain = matches!(stage, Stage::Nat | Stage::Hook(_)).then(|| ("nat".to_owned(), "KUBE-SEP-A".to_owned()));
        let (action, evidence, packet) = (action.to_owned(), evidence.to_vec(), self.packet.clone());
        self.steps.push(Step { ns, stage, chain, action, evidence, decides, packet });
        self
    }

    fn to(&mut self, dst: &str, port: u16) -> &mut Self {
        (self.packet.dst, self.packet.dport) = (Some(addr(dst)), Some(port));
        self
    }
}

fn path(disposition: Disposition, reason: &str, share: f64, steps: Vec<Step>) -> Path {
    let (blockers, assumed) = (Vec::new(), Vec::new());
    Path { disposition, reason: reason.to_owned(), share, blockers, assumed, steps, reply: None, arrival: None }
}

fn sketch(packet: Packet, to: &str, disposition: Disposition, paths: Vec<Path>) -> Sketch {
    let mut probe = Probe { from: Origin::Socket(A1), packet, reply: true, answer_length: None };
    probe.packet.src = None;
    Sketch {
        nodes: vec![node("node-a", &["default/a1", "default/a2"]), node("node-b", &["default/b1", "default/b2"])],
        resolved: Resolved {
            probe,
            protocol: Protocol::Tcp,
            from: "pod default/a1 on node-a".to_owned(),
            to: to.to_owned(),
            notes: vec!["port 80, the only one for tcp that is known there".to_owned()],
        },
        trace: Trace { disposition, paths },
    }
}

fn start() -> Steps {
    let packet = first_packet(Protocol::Tcp, Some(addr("10.244.1.2")), addr("10.96.0.20"), Some(80));
    let mut steps = Steps { packet, steps: Vec::new() };
    steps.step(A1, Stage::Start, "a socket sends it", false, &[]);
    let route = Evidence { capture: "pods/1/ip-route4.json".to_owned(), line: 1, text: r#"{"dst":"default"}"#.to_owned() };
    steps.step(A1, Stage::Routing, "by way of 10.244.1.1 out of eth0", true, &[route]);
    steps.step(A, Stage::Bridge, "cni0 takes it up", false, &[]);
    steps.step(A, Stage::Conntrack, "a new connection", false, &[]);
    steps
}

/// A Service with two endpoints; what goes to the second one is dropped.
pub(super) fn one_of_two_dropped() -> Sketch {
    let rule = line(171, "[1:35] -A KUBE-SVC-A -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-A");
    let mut good = start();
    good.to("10.244.2.2", 8080).step(A, Stage::Nat, "destination becomes 10.244.2.2:8080", true, std::slice::from_ref(&rule));
    good.step(B1, Stage::Deliver, "to a socket on port 8080", true, &[]);
    let mut bad = start();
    bad.to("10.244.2.9", 8080).step(A, Stage::Nat, "destination becomes 10.244.2.9:8080", true, &[rule]);
    let drop = line(40, "[9:540] -A FORWARD -d 10.244.2.9/32 -j DROP");
    bad.step(A, Stage::Hook(Hook::Forward), "dropped", true, &[drop]);
    let packet = good.steps[0].packet.clone();
    let arrival = Arrival { ns: B1, left_by: None, packet: good.packet.clone() };
    let delivered =
        Path { arrival: Some(arrival), reply: Some(Vec::new()), ..path(Disposition::Delivered, "delivered", 0.5, good.steps) };
    let dropped = path(Disposition::Dropped, "dropped by rule 3 of FORWARD", 0.5, bad.steps);
    sketch(packet, "Service default/web:http", Disposition::Dropped, vec![delivered, dropped])
}

/// To a pod of another node in a tunnel, and its answer.
pub(super) fn over_the_overlay() -> Sketch {
    let mut steps = start();
    let packet = steps.steps[0].packet.clone();
    steps.to("10.244.2.2", 8080).step(
        A,
        Stage::Nat,
        "destination becomes 10.244.2.2:8080",
        true,
        &[line(171, "-A KUBE-SVC-A -j KUBE-SEP-A")],
    );
    steps.step(A, Stage::Routing, "by way of 10.244.2.0 out of flannel.1", true, &[]);
    let inner = steps.packet.clone();
    steps.packet = first_packet(Protocol::Udp, Some(addr("192.168.50.11")), addr("192.168.50.12"), Some(8472));
    (steps.packet.sport, steps.packet.length) = (None, Some(110));
    let fdb = Evidence { capture: "node/bridge-fdb.json".to_owned(), line: 1, text: r#"{"dst":"192.168.50.12"}"#.to_owned() };
    steps.step(A, Stage::Encapsulate, "VXLAN 1 to 192.168.50.12", true, &[fdb]);
    steps.step(A, Stage::Routing, "out of eth0", true, &[]);
    steps.step(B, Stage::Device, "comes in by eth0", false, &[]);
    steps.packet = inner;
    steps.step(B, Stage::Decapsulate, "flannel.1 takes it out of VXLAN 1", true, &[]);
    steps.step(B, Stage::Routing, "out of cni0", true, &[]);
    steps.step(B1, Stage::Deliver, "to a socket on port 8080", true, &[]);
    let arrival = Arrival { ns: B1, left_by: None, packet: steps.packet.clone() };
    let mut back = Steps { packet: steps.packet.clone(), steps: Vec::new() };
    std::mem::swap(&mut back.packet.src, &mut back.packet.dst);
    std::mem::swap(&mut back.packet.sport, &mut back.packet.dport);
    back.step(B1, Stage::Start, "the answer", false, &[]);
    back.step(B, Stage::Conntrack, "of a connection that is known", false, &[]);
    (back.packet.src, back.packet.sport) = (Some(addr("10.96.0.20")), Some(80));
    back.step(A, Stage::Nat, "the translation is turned back", true, &[]);
    back.step(A1, Stage::Deliver, "to the socket that asked", true, &[]);
    let mut only = path(Disposition::Delivered, "delivered", 1.0, steps.steps);
    only.assumed.push(Missing {
        capture: "pods/1/iptables-nft-save.txt".to_owned(),
        what: "the pod's own rules".to_owned(),
        why: "not in this version's catalogue".to_owned(),
    });
    (only.arrival, only.reply) = (Some(arrival), Some(back.steps));
    sketch(packet, "Service default/web:http", Disposition::Delivered, vec![only])
}

/// A rate limit before a drop.
pub(super) fn undecided() -> Sketch {
    let mut steps = start();
    let packet = steps.steps[0].packet.clone();
    let limit = line(30, "[5:300] -A FORWARD -m limit --limit 5/min -j ACCEPT");
    steps.step(A, Stage::Hook(Hook::Forward), "dropped", true, &[line(31, "[7:420] -A FORWARD -j DROP")]);
    let blocker = PathBlocker { ns: A, evidence: Some(limit), reason: "the rate at that moment is not known".to_owned() };
    let mut dropped = path(Disposition::Dropped, "dropped by rule 2 of FORWARD", 1.0, steps.steps);
    dropped.blockers.push(blocker.clone());
    let mut through = path(Disposition::Delivered, "delivered", 1.0, start().steps);
    through.blockers.push(blocker);
    through.arrival = Some(Arrival { ns: A, left_by: Some(("eth0".into(), Some(addr("192.168.50.1")))), packet: packet.clone() });
    sketch(packet, "outside of what was captured", Disposition::Undecided, vec![dropped, through])
}

/// A bundle that wants to write to the terminal.
pub(super) fn hostile() -> Sketch {
    let bad = "x\u{1b}[2J\u{9b}1m\ny\u{7}";
    let mut sketch = undecided();
    sketch.nodes = vec![node(bad, &[bad]), node("node-b", &[bad])];
    (sketch.resolved.from, sketch.resolved.to) = (bad.to_owned(), bad.to_owned());
    sketch.resolved.notes.push(bad.to_owned());
    for path in &mut sketch.trace.paths {
        path.reason = bad.to_owned();
        path.assumed.push(Missing { capture: bad.to_owned(), what: bad.to_owned(), why: bad.to_owned() });
        path.blockers.iter_mut().for_each(|b| (b.reason, b.evidence) = (bad.to_owned(), Some(line(1, bad))));
        for step in &mut path.steps {
            (step.action, step.decides) = (bad.to_owned(), true);
            step.chain = Some((bad.to_owned(), bad.to_owned()));
            step.evidence = vec![Evidence { capture: bad.to_owned(), line: 1, text: bad.to_owned() }];
        }
    }
    sketch
}
