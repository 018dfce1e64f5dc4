//! A plan's line to and from JSON: done once for each org when a plan is written, and again when it is applied.
//!
//! *Includes* allocating the line, or the text's buffer. *Excludes* the seal over the bytes and the file. MB/s counts the
//! line's bytes.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use orgwave_core::operation::{Operation, Operations};
use orgwave_core::plan::{PlanLine, PlannedField, PlannedStep, Typed, Verdict};

use super::{estate, rows};

criterion_group!(group, plan);

fn line(fields: Vec<PlannedField>) -> PlanLine {
    PlanLine {
        line: 4711,
        org: rows::id(9),
        name: Some("Client 4711 Ltd".to_owned()),
        wave: Some(3),
        skip: None,
        note: Some("as agreed by phone".to_owned()),
        carried: vec!["CHG-4711".to_owned()],
        verdict: Verdict::Update,
        org_error: None,
        preconditions: Vec::new(),
        steps: vec![PlannedStep {
            fields,
            ..PlannedStep::new(&Operation::default_one(), 0, Verdict::Update)
        }],
        typed: (&Typed {
            row: vec![rows::id(9).to_string(), "Client 4711 Ltd".to_owned(), "TRUE".to_owned()],
            sides: Vec::new(),
        })
            .into(),
    }
}

fn plan(criterion: &mut Criterion) {
    let lines = [
        ("2 fields", line(estate::switches())),
        ("31 fields", estate::wide_line()),
        ("7 fields of 5 doors", line(estate::every_field_of_doors(5))),
        ("7 fields of 500 doors", line(estate::every_field_of_doors(500))),
    ];
    let operations = Operations::one(Operation::default_one());
    let mut group = criterion.benchmark_group("plan line");
    for (name, line) in &lines {
        let text = serde_json::to_string(line).expect("a line always serializes");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("parse", name), &text, |bencher, text| {
            bencher.iter(|| PlanLine::read(black_box(text), &operations).expect("it was written by us"));
        });
        group.bench_with_input(BenchmarkId::new("serialize", name), line, |bencher, line| {
            bencher.iter(|| serde_json::to_vec(black_box(line)).expect("a line always serializes"));
        });
    }
    group.finish();
}
