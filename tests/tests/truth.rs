//! The walk against what real packets did: every flow of the lab's captures (`../shared/captures/*/truth.txt`), one by one.
//!
//! A line says what was sent and whether it was answered: `FAIL pod-pod cross node: kl-pa1 tcp 10.244.2.2:8080 => FAIL timeout`. The
//! captures stand beside the repository, not in it; where they are missing the test says so, and with `COLDPATH_LAB=required` fails.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use bundle::Bundle;
use coldpath_tests::import;
use netmodel::state::Node;
use netmodel::walk::{Disposition, NsId, Origin, Packet, Probe, Trace, World, trace};

/// One line of truth.
struct Flow {
    worked: bool,
    line: String,
    from: String,
    how: String,
    to: SocketAddr,
    /// A port that the client was bound to.
    sport: Option<u16>,
}

fn flows(truth: &str) -> Vec<Flow> {
    let mut found = Vec::new();
    for line in truth.lines() {
        let Some(worked) = line.strip_prefix("ok ").map(|_| true).or(line.strip_prefix("FAIL ").map(|_| false)) else { continue };
        let Some((asked, _)) = line.split_once(" => ") else { continue };
        let words: Vec<&str> = asked.split_whitespace().collect();
        let [.., from, how, to] = words.as_slice() else { panic!("a line of truth names its flow: {line}") };
        let to = to.parse().unwrap_or_else(|_| panic!("an address and a port: {line}"));
        found.push(Flow { worked, line: line.to_owned(), from: (*from).to_owned(), how: (*how).to_owned(), to, sport: None });
    }
    // "UDP from src port 40000": pod a1 asks the cluster's DNS.
    for line in truth.lines().filter(|l| l.starts_with("extra: UDP from src port ")) {
        let (port, result) = line["extra: UDP from src port ".len()..].split_once(" => ").expect("a result");
        found.push(Flow {
            worked: result.starts_with("OK"),
            line: line.to_owned(),
            from: "kl-pa1".to_owned(),
            how: "udp".to_owned(),
            to: "10.96.0.10:53".parse().expect("the cluster's DNS"),
            sport: Some(port.parse().expect("a port")),
        });
    }
    found
}

/// What the captures' README says of its names.
fn address(name: &str) -> Option<IpAddr> {
    let text = match name {
        "kl-pa1" => "10.244.1.2",
        "kl-pa2" => "10.244.1.3",
        "kl-pb1" => "10.244.2.2",
        "kl-pb2" => "10.244.2.3",
        "kl-ext" => "203.0.113.10",
        _ => return None,
    };
    Some(text.parse().expect("an address"))
}

fn walk(world: &World<'_>, flow: &Flow) -> Trace {
    let mut packet = match flow.how.as_str() {
        "udp" => Packet::new(netmodel::family::Family::V4).udp(flow.to.port()),
        _ => Packet::new(netmodel::family::Family::V4).tcp(flow.to.port()),
    };
    // TCP and UDP ask for path MTU discovery by default; `big` and `put` fill packets in one direction.
    let full = 1450;
    let (there, back) = match flow.how.as_str() {
        "big" => (60, full),
        "put" => (full, 60),
        _ => (60, 60),
    };
    let source = address(&flow.from);
    (packet.src, packet.dst, packet.sport) = (source, Some(flow.to.ip()), flow.sport.or(Some(54321)));
    (packet.length, packet.df) = (Some(there), Some(true));
    let from = match flow.from.as_str() {
        "kl-na" => Origin::Socket(NsId::node(0)),
        "kl-nb" => Origin::Socket(NsId::node(1)),
        "kl-ext" => {
            let owner = world.owners(flow.to.ip()).find(|(ns, _)| ns.pod.is_none()).expect("outside talks to nodes").0;
            Origin::Device(owner, "eth0".into())
        }
        pod => {
            let address = source.unwrap_or_else(|| panic!("{pod} is a pod"));
            Origin::Socket(world.owners(address).find(|(ns, _)| ns.pod.is_some()).expect("the pod was captured").0)
        }
    };
    trace(world, &Probe { from, packet, reply: true, answer_length: Some(back) })
}

/// Why the walk of a flow is not what real packets did; `None` where it is.
fn disagreement(flow: &Flow, trace: &Trace) -> Option<String> {
    let arrives: f64 = trace.paths.iter().filter(|p| p.disposition == Disposition::Delivered).map(|p| p.share).sum();
    let undecided = trace.paths.iter().any(|p| p.disposition == Disposition::Undecided || !p.blockers.is_empty());
    // A Service with several endpoints takes one of them: both is right where only a share arrives.
    let right = if flow.worked { arrives > 0.0 } else { arrives < 0.999 };
    if right && !undecided {
        return None;
    }
    let ends: Vec<String> =
        trace.paths.iter().map(|p| format!("{} ({:.2}): {}", p.disposition.name(), p.share, p.reason)).collect();
    Some(format!("{}\n    {}", flow.line, ends.join("\n    ")))
}

#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn scenarios() -> Option<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/captures");
    let Ok(entries) = fs::read_dir(&folder) else {
        assert!(std::env::var_os("COLDPATH_LAB").is_none(), "{} is not there", folder.display());
        eprintln!("SKIPPED: {} is not there", folder.display());
        return None;
    };
    let mut found: Vec<PathBuf> = entries.map(|e| e.expect("readable").path()).filter(|p| p.join("truth.txt").exists()).collect();
    found.sort();
    Some(found)
}

/// `vm-*` nodes have fewer commands and one node; the captures' README says that pod → own ClusterIP is not to be judged there.
fn is_judged(scenario: &str, flow: &Flow) -> bool {
    !(scenario.starts_with("vm-") && flow.line.contains("own ClusterIP"))
}

#[test]
fn every_flow_of_the_captures_goes_as_real_packets_went() {
    let Some(scenarios) = scenarios() else { return };
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut judged = 0;
    for scenario in &scenarios {
        let name = scenario.file_name().expect("a name").to_string_lossy().into_owned();
        let truth = fs::read_to_string(scenario.join("truth.txt")).expect("readable");
        let flows = flows(&truth);
        let nodes: Vec<Node> = ["node-a", "node-b"]
            .iter()
            .filter(|node| scenario.join(node).exists())
            .map(|node| {
                let imported = import::node(scenario, node).expect("imports");
                Node::new(Bundle::from_texts(*node, imported.manifest, imported.texts))
            })
            .collect();
        let world = World::new(nodes.iter().collect());
        for flow in flows.iter().filter(|flow| is_judged(&name, flow)) {
            judged += 1;
            if let Some(why) = disagreement(flow, &walk(&world, flow)) {
                wrong.entry(name.clone()).or_default().push(why);
            }
        }
    }
    let count: usize = wrong.values().map(Vec::len).sum();
    let lines: Vec<String> = wrong.iter().map(|(name, all)| format!("{name}\n  {}", all.join("\n  "))).collect();
    assert!(wrong.is_empty(), "{count} of {judged} flows disagree:\n{}", lines.join("\n"));
    assert!(judged > 500, "only {judged} flows were judged");
}
