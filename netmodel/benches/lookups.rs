//! What is asked of a parsed node: longest-prefix matches among 20,000 routes, a packet's way through 1,000 Services.

mod common;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bundle::{Bundle, Capture, Key};
use common::generate::{self, Cluster, Random, SEED};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netmodel::parse::ip_route::Table;
use netmodel::walk::{Dev, Hook, Packet, evaluate};
use netmodel::{Family, Node};

fn node(texts: Vec<(Capture, String)>) -> Node {
    let manifest = serde_json::json!({
        "format": {"major": 1, "minor": 0}, "collector": {"name": "bench", "version": "0", "root": true},
        "node": {"name": "node-a", "kernel": "", "arch": ""}, "started_at": "2026-01-01T00:00:00Z",
    });
    let manifest = serde_json::from_value(manifest).expect("a manifest");
    Node::new(Bundle::from_texts("bench", manifest, texts.into_iter().map(|(capture, text)| (Key::node(capture), text))))
}

fn lookups(c: &mut Criterion) {
    let mut group = c.benchmark_group("routes");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    let node = node(vec![(Capture::IpRoute4, generate::routes_json(20_000, SEED))]);
    let routes = node.routes(Family::V4).expect("the capture is there");
    let mut random = Random::new(SEED);
    let addresses: Vec<IpAddr> = (0..1_024).map(|_| Ipv4Addr::from(0x0a00_0000 + random.below(20_000 << 8)).into()).collect();
    group.throughput(Throughput::Elements(addresses.len() as u64));
    group.bench_function("longest-prefix-of-20000", |b| {
        b.iter(|| addresses.iter().map(|&to| routes.lookup(&Table::MAIN, black_box(to)).len()).sum::<usize>());
    });
    group.finish();
}

fn walk(c: &mut Criterion) {
    let mut group = c.benchmark_group("walk");
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    let cluster = Cluster::new(1_000, SEED);
    let node = node(vec![
        (Capture::IptablesNftSave, generate::iptables_save(&cluster)),
        (Capture::IptablesLegacySave, String::new()),
        (Capture::NftRuleset, generate::nft_of_iptables(&cluster)),
    ]);
    let client = IpAddr::from([10, 244, 1, 2]);
    let packet = |to: IpAddr| Packet::new(Family::V4).between(client, to).tcp(80).via(Dev::named("cni0"), Dev::named("eth0"));
    let service = |i: usize| packet(cluster.services[i].address.into());
    // The text is parsed at the first question, which is not what is measured.
    black_box(evaluate(&node, Hook::Forward, &service(0)).expect("the captures are there"));
    for (name, hook, packet) in [
        ("prerouting-first-service", Hook::Prerouting, service(0)),
        ("prerouting-last-service", Hook::Prerouting, service(999)),
        ("prerouting-no-service", Hook::Prerouting, packet(IpAddr::from([10, 244, 2, 2]))),
        ("forward", Hook::Forward, service(0)),
    ] {
        group.bench_function(name, |b| b.iter(|| evaluate(&node, hook, black_box(&packet)).expect("the captures are there")));
    }
    group.finish();
}

criterion_group!(benches, lookups, walk);
criterion_main!(benches);
