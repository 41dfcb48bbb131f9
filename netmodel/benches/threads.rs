//! How fast one text is parsed by one and by two threads at once; prints `FORMAT THREADS MB/s`, for `musl-vs-gnu.sh`.
//!
//! What it shows is the allocator: musl's has one lock for all threads.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

mod common;

use std::thread;
use std::time::{Duration, Instant};

fn main() {
    for (name, size) in
        [("iptables-save", 5_000), ("nft-json-of-kube-proxy", 5_000), ("conntrack", 50_000), ("ip-route-json", 20_000)]
    {
        let format = common::FORMATS.iter().find(|format| format.name == name).expect("a format of that name");
        let text = (format.make)(size);
        for threads in [1, 2] {
            // The best of many short runs: other work on the machine only ever makes one slower.
            let best = (0..15).map(|_| run(format.parse, &text, threads)).min().unwrap_or_default();
            let bytes = (threads * text.len()) as f64;
            println!("{name} {threads} {:.0}", bytes / best.as_secs_f64() / 1e6);
        }
    }
}

/// The time until all threads have parsed the text.
fn run(parse: fn(&str) -> usize, text: &str, threads: usize) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| parse(text));
        }
    });
    start.elapsed()
}
