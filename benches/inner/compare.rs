//! What is live against what is wanted: `diff` when planning, `judge` before a write, `read back` after it.
//!
//! *Includes* taking apart the maps that are asked about, and the changes that are found. *Excludes* parsing the reply
//! (`read settings` is that part alone: text to raw members). MB/s counts the bytes of the settings as read.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use orgwave_core::change::Before;
use orgwave_core::compare::{Context, diff, judge, read_back};
use orgwave_core::desired::{Desired, Managed};
use orgwave_core::operation::Operation;
use orgwave_core::secret::{SealKey, SecretText, Secrets};
use orgwave_core::settings::RawObject;

use super::estate;

criterion_group!(group, compare);

fn compare(criterion: &mut Criterion) {
    let (secrets, seal) = (Secrets::new(), SealKey::derive(&SecretText::new("a key".to_owned()), "a plan"));
    let operation = Operation::default_one();
    let context = Context { operation: &operation, secrets: &secrets, seal: &seal };
    let mut group = criterion.benchmark_group("compare");
    for (name, doors, desired) in [
        ("small", 1, estate::switches()),
        ("500 doors, none managed", 500, estate::switches()),
        ("500 doors, a field of each", 500, estate::one_field_a_door(500)),
        ("500 doors, all of each", 500, estate::every_field_of_doors(500)),
    ] {
        let text = estate::settings_text(doors);
        let live = estate::settings(doors);
        let managed = desired.iter().map(|field| Managed {
            path: field.path.clone(),
            desired: field.after.clone(),
            origin: field.from.clone(),
        });
        let desired = Desired { managed: managed.collect(), expects: Vec::new() };
        let fields =
            diff(&desired, Some(&live), context).expect("the shapes are those of the description").fields;
        let changes = Before::Unread;

        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("read settings", name), |bencher| {
            bencher.iter(|| RawObject::parse(black_box(&text)).expect("an object"));
        });
        group.bench_function(BenchmarkId::new("diff", name), |bencher| {
            bencher.iter(|| diff(black_box(&desired), Some(black_box(&live)), context));
        });
        group.bench_function(BenchmarkId::new("judge", name), |bencher| {
            bencher.iter(|| judge(black_box(&fields), &[], black_box(&live), context));
        });
        group.bench_function(BenchmarkId::new("read back", name), |bencher| {
            bencher.iter(|| read_back(black_box(&fields), black_box(&changes), black_box(&live), context));
        });
    }
    group.finish();
}
