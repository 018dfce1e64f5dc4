//! RUUIDs from and to text. *Includes* the check of the alphabet and the sixteen bytes; nothing allocates.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group};
use orgwave_core::ids::Ruuid;

use super::rows;

criterion_group!(group, ids);

fn ids(criterion: &mut Criterion) {
    let texts: Vec<String> = (0..1000).map(|number| rows::id(number).to_string()).collect();
    let ids: Vec<Ruuid> = (0..1000).map(rows::id).collect();
    let mut group = criterion.benchmark_group("ruuid, a thousand");
    group.throughput(Throughput::Elements(1000));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            let parsed = texts.iter().map(|text| black_box(text).parse::<Ruuid>());
            parsed.flatten().count()
        });
    });
    group.bench_function("from bytes", |bencher| {
        bencher.iter(|| {
            ids.iter().filter(|id| Ruuid::from_bytes(*black_box(id.as_bytes())).is_canonical()).count()
        });
    });
    group.finish();
}
