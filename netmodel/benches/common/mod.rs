//! What the benches share: the generated captures, and each format's parser and baseline by its name.

#![allow(dead_code, unused_imports, unreachable_pub, reason = "each bench takes what it needs of this")]

// The generators live with the tests across crates; this crate must not depend on those.
#[path = "../../../tests/src/generate/mod.rs"]
pub mod generate;

use std::hint::black_box;

use generate::{Cluster, SEED};
use netmodel::Family;
use netmodel::parse;

/// A format: how a text of it is made, and read.
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// Makes a text of that many records (Services, entries, routes, members).
    pub make: fn(u32) -> String,
    /// Reads it, drops what comes of it, and says how many records that was.
    pub parse: fn(&str) -> usize,
    /// The least that any reader does: words, or JSON that is thrown away.
    pub baseline: fn(&str) -> usize,
    /// The sizes that are measured.
    pub sizes: &'static [u32],
}

/// All formats that can be large on a node.
pub const FORMATS: &[Format] = &[
    Format {
        name: "iptables-save",
        make: |n| generate::iptables_save(&Cluster::new(n, SEED)),
        parse: |text| whole(&parse::iptables::parse(text, Family::V4), |set| set.rules.len()),
        baseline: words,
        sizes: &[1_000, 10_000, 50_000],
    },
    Format {
        name: "nft-json-of-kube-proxy",
        make: |n| generate::nft_of_kube_proxy(&Cluster::new(n, SEED)),
        parse: |text| whole(&parse::nft::parse(text), |set| set.rules.len()),
        baseline: json,
        sizes: &[1_000, 10_000, 50_000],
    },
    Format {
        name: "nft-json-of-iptables-nft",
        make: |n| generate::nft_of_iptables(&Cluster::new(n, SEED)),
        parse: |text| whole(&parse::nft::parse(text), |set| set.rules.len()),
        baseline: json,
        sizes: &[1_000, 10_000, 50_000],
    },
    Format {
        name: "conntrack",
        make: |n| generate::conntrack(n as usize, SEED),
        parse: |text| whole(&parse::conntrack::parse(text), |table| table.entries.len()),
        baseline: words,
        sizes: &[10_000, 100_000, 1_000_000],
    },
    Format {
        name: "ip-route-json",
        make: |n| generate::routes_json(n, SEED),
        parse: |text| whole(&parse::ip_route::parse(text, Family::V4), Vec::len),
        baseline: json,
        sizes: &[200, 2_000, 20_000],
    },
    Format {
        name: "ip-route-text",
        make: |n| generate::routes_text(n, SEED),
        parse: |text| {
            let asked = parse::iproute_text::Asked::default();
            whole(&parse::iproute_text::route::parse(text, Family::V4, &asked), Vec::len)
        },
        baseline: words,
        sizes: &[200, 2_000, 20_000],
    },
    Format {
        name: "ipset-save",
        make: |n| generate::ipset(n, SEED),
        parse: |text| whole(&parse::ipset::parse(text), |sets| sets.members.len()),
        baseline: words,
        sizes: &[2_000, 20_000, 200_000],
    },
];

/// What a parser gave, without problems: a bench over a text that is not understood measures nothing.
fn whole<T>(parsed: &parse::Parsed<T>, records: impl Fn(&T) -> usize) -> usize {
    assert!(parsed.problems.is_empty(), "{:?}", parsed.problems.first());
    records(&parsed.value)
}

fn words(text: &str) -> usize {
    text.split_ascii_whitespace().map(black_box).count()
}

fn json(text: &str) -> usize {
    let ignored: serde_json::Result<serde::de::IgnoredAny> = serde_json::from_str(text);
    usize::from(black_box(ignored).is_ok())
}

/// The processor time of this thread, which other work on the machine does not lengthen (clock_gettime(2)).
pub fn cpu() -> std::time::Duration {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID);
    now.map(std::time::Duration::from).expect("Linux and macOS have that clock")
}
