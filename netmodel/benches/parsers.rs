//! How fast each parser reads, beside the least that any reader of the same text does: `cargo bench -p coldpath-netmodel --bench parsers`.

mod common;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn parsers(c: &mut Criterion) {
    for format in common::FORMATS {
        let mut group = c.benchmark_group(format.name);
        group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
        for &size in format.sizes {
            let text = (format.make)(size);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_with_input(BenchmarkId::new("typed", size), &text, |b, text| b.iter(|| (format.parse)(black_box(text))));
            group.bench_with_input(BenchmarkId::new("baseline", size), &text, |b, text| {
                b.iter(|| (format.baseline)(black_box(text)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, parsers);
criterion_main!(benches);
