//! Each parser beside the baseline over the same text, in turn, the best of many short runs: `cargo bench -p coldpath-netmodel --bench
//! ratio [FORMAT…] [SIZE…]`.
//!
//! Criterion's means are those of the machine as much as the parser's. Other work on the machine only ever makes a run slower, so of
//! runs that are taken one after the other the fastest of each say what the parser costs, also on a machine that is not idle.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

mod common;

use std::time::{Duration, Instant};

use common::cpu;

fn main() {
    let asked = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let (sizes, asked): (Vec<String>, Vec<String>) = asked.partition(|arg| arg.parse::<u32>().is_ok());
    println!(
        "{:<26} {:>8} {:>9} {:>11} {:>14} {:>16}",
        "format", "records", "text (MB)", "typed MB/s", "baseline MB/s", "baseline/typed"
    );
    for format in common::FORMATS {
        if !asked.is_empty() && !asked.iter().any(|name| format.name.contains(&**name)) {
            continue;
        }
        for &size in format.sizes.iter().filter(|size| sizes.is_empty() || sizes.contains(&size.to_string())) {
            let text = (format.make)(size);
            let (mut typed, mut baseline) = (Duration::MAX, Duration::MAX);
            let begin = Instant::now();
            let mut runs = 0;
            while runs < 5 || (runs < 200 && begin.elapsed() < Duration::from_secs(3)) {
                typed = typed.min(time(format.parse, &text));
                baseline = baseline.min(time(format.baseline, &text));
                runs += 1;
            }
            let speed = |time: Duration| text.len() as f64 / 1e6 / time.as_secs_f64();
            let (typed, baseline) = (speed(typed), speed(baseline));
            let megabytes = text.len() as f64 / 1e6;
            println!("{:<26} {size:>8} {megabytes:>9.1} {typed:>11.0} {baseline:>14.0} {:>16.2}", format.name, baseline / typed);
        }
    }
}

fn time(read: fn(&str) -> usize, text: &str) -> Duration {
    let start = cpu();
    std::hint::black_box(read(std::hint::black_box(text)));
    cpu().saturating_sub(start)
}
