//! Building the body of an update, per org and write.
//!
//! *Includes* everything between the newest read (already an object of raw members) and the bytes that are sent: taking
//! managed maps apart, merging, escaping, allocating the body. *Excludes* parsing the reply that the read came in, and
//! sending. MB/s counts the bytes of the body that comes out.
//!
//! Beside each is what serde_json does with the very body that came out, as a measure of what is possible:
//!
//! * `serde_json value`: writing it from a parsed tree, which would have to be parsed and changed before.
//! * `serde_json value, parsed first`: the whole way of the usual approach, text to tree to text.
//! * `serde_json raw`: writing it as one raw text, that is a copy: nothing can be faster.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group};
use orgwave_core::operation::Operation;
use orgwave_core::payload::update_body;
use orgwave_core::plan::PlannedField;
use orgwave_core::policy::WriteMode;
use orgwave_core::secret::Secrets;
use orgwave_core::settings::RawObject;
use serde_json::Value;
use serde_json::value::RawValue;

use super::estate;

criterion_group!(group, payload);

fn payload(criterion: &mut Criterion) {
    let cases: [(&str, WriteMode, Vec<PlannedField>, Option<RawObject>); 8] = [
        ("small", WriteMode::Merge, estate::switches(), Some(estate::settings(1))),
        ("small, unread", WriteMode::NoRead, estate::every_field_of_doors(5), None),
        ("31 fields", WriteMode::Merge, estate::wide(), Some(estate::settings(2))),
        ("31 fields, unread", WriteMode::NoRead, estate::wide(), None),
        ("500 doors, none managed", WriteMode::Merge, estate::switches(), Some(estate::settings(500))),
        (
            "500 doors, a field of each",
            WriteMode::Merge,
            estate::one_field_a_door(500),
            Some(estate::settings(500)),
        ),
        (
            "500 doors, all of each",
            WriteMode::Merge,
            estate::every_field_of_doors(500),
            Some(estate::settings(500)),
        ),
        ("500 doors, unread", WriteMode::NoRead, estate::every_field_of_doors(500), None),
    ];
    let (operation, secrets) = (Operation::default_one(), Secrets::new());
    for (name, mode, fields, live) in cases {
        let build = || {
            update_body(&operation, mode, black_box(&fields), black_box(live.as_ref()), &secrets)
                .expect("the shapes are those of the description")
        };
        let text = String::from_utf8(build()).expect("JSON is UTF-8");
        let tree: Value = serde_json::from_str(&text).expect("the body is JSON");
        let raw = RawValue::from_string(text.clone()).expect("the body is JSON");

        let mut group = criterion.benchmark_group(format!("payload/{name}"));
        group.throughput(Throughput::BytesDecimal(text.len() as u64));
        group.bench_function("ours", |bencher| bencher.iter(build));
        group.bench_function("serde_json value", |bencher| {
            bencher.iter(|| serde_json::to_vec(black_box(&tree)).expect("a tree always serializes"));
        });
        group.bench_function("serde_json value, parsed first", |bencher| {
            bencher.iter(|| {
                let tree: Value = serde_json::from_str(black_box(&text)).expect("the body is JSON");
                serde_json::to_vec(&tree).expect("a tree always serializes")
            });
        });
        group.bench_function("serde_json raw", |bencher| {
            bencher.iter(|| serde_json::to_vec(black_box(&*raw)).expect("raw text always serializes"));
        });
        group.finish();
    }
}
