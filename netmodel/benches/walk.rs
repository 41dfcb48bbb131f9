//! Whole walks: a pod asks a Service, and the answer comes back, on a node with 1,000 and with 50,000 Services, of iptables and of
//! nftables mode. The first walk on a node builds the index; the others use it.
//!
//! The node is the base `iptables-nft-vxlan/node-a` with generated rules in the place of its own.

mod common;

use std::hint::black_box;
use std::path::Path;

use bundle::{Bundle, Capture, Content, Key, Limits};
use common::generate::{Cluster, SEED, iptables_save, nft_of_kube_proxy};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netmodel::Node;
use netmodel::walk::endpoint::{Protocol, first_packet};
use netmodel::walk::{NsId, Origin, Probe, World, trace, verdict};

/// The base with another ruleset.
fn node(capture: Capture, rules: &str) -> Node {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/bases/iptables-nft-vxlan/node-a");
    let base = Bundle::open(&path, &Limits::default()).expect("the base is a bundle");
    let rulesets = [Capture::IptablesNftSave, Capture::NftRuleset];
    let texts = base.keys().filter_map(|key| match base.get(key) {
        Content::Text(text) if !rulesets.contains(&key.capture) => Some((key.clone(), text.body.to_string())),
        Content::Text(_) => Some((key.clone(), String::new())),
        Content::Absent(_) => None,
    });
    let mut texts: Vec<(Key, String)> = texts.filter(|(key, _)| *key != Key::node(capture)).collect();
    texts.push((Key::node(capture), rules.to_owned()));
    Node::new(Bundle::from_texts("bench", base.manifest().clone(), texts))
}

/// The first pod asks every Service in turn.
fn probes(cluster: &Cluster) -> Vec<Probe> {
    let pod = Origin::Socket(NsId { node: 0, pod: Some(0) });
    let services = cluster.services.iter().step_by((cluster.services.len() / 997).max(1));
    services
        .map(|service| {
            let packet = first_packet(Protocol::Tcp, None, service.address.into(), Some(80));
            Probe { from: pod.clone(), packet, reply: true, answer_length: None }
        })
        .collect()
}

fn walks(criterion: &mut Criterion) {
    for services in [1_000, 50_000] {
        let cluster = Cluster::new(services, SEED);
        let modes = [
            ("iptables", Capture::IptablesNftSave, iptables_save(&cluster)),
            ("nftables", Capture::NftRuleset, nft_of_kube_proxy(&cluster)),
        ];
        for (mode, capture, rules) in modes {
            let node = node(capture, &rules);
            let world = World::new(vec![&node]);
            let probes = probes(&cluster);
            // A walk that is undecided at its first step would be fast, and no measure.
            let first = trace(&world, &probes[0]);
            assert_eq!(first.paths.len(), 3, "three endpoints: {first:?}");
            let mut group = criterion.benchmark_group(format!("walk/{mode}/{services} Services"));
            group.throughput(Throughput::Elements(1)).sample_size(30);
            let mut turn = probes.iter().cycle();
            group.bench_function("verdict", |b| {
                b.iter(|| black_box(verdict(&world, turn.next().expect("the cycle does not end"))));
            });
            group.bench_function("trace", |b| {
                b.iter(|| black_box(trace(&world, turn.next().expect("the cycle does not end"))));
            });
            group.finish();
        }
    }
}

criterion_group!(benches, walks);
criterion_main!(benches);
