//! A plan's line to and from JSON: done once for each org when a plan is written, and again when it is applied.
//!
//! *Includes* allocating the line; the text's buffer is used again, as a writer does. *Excludes* the seal over the bytes and the file. MB/s counts the
//! line's bytes.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use orgwave_core::operation::{Operation, Operations};
use orgwave_core::plan::{LineParser, PlanLine, PlannedField, PlannedStep, Typed, Verdict};

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
    let mut parser = LineParser::new(Operations::one(Operation::default_one()));
    let mut group = criterion.benchmark_group("plan line");
    for (name, line) in &lines {
        let mut text = Vec::new();
        line.write_json(&mut text);
        let text = String::from_utf8(text).expect("JSON is UTF-8");
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("parse", name), &text, |bencher, text| {
            bencher.iter(|| parser.read(black_box(text)).expect("it was written by us"));
        });
        group.bench_with_input(BenchmarkId::new("serialize", name), line, |bencher, line| {
            let mut out = Vec::new();
            bencher.iter(|| {
                out.clear();
                black_box(line).write_json(&mut out);
                black_box(&out).len()
            });
        });
    }
    group.finish();
}
