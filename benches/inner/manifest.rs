//! Reading a manifest of 20,000 rows from memory.
//!
//! `check` *includes* one walk: encoding, delimiter, records, every cell's rules, duplicate orgs, digest. It is what
//! `orgwave check` does of a bare CSV but for reading the file. `rows` *includes* the second walk on top, which makes of
//! each row what is wanted of its org, and allocates it. MB/s counts the bytes of the file, once.

use std::hint::black_box;
use std::io::Cursor;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group};
use orgwave_core::manifest::{Inputs, Manifest, Problems, Source};
use orgwave_core::operation::Catalog;

use super::rows;

const ROWS: u64 = 20_000;

criterion_group! {
    name = group;
    config = Criterion::default().sample_size(20);
    targets = manifest
}

/// Rows as four kinds of users write them.
fn files() -> [(&'static str, String); 4] {
    let made = |row: fn(u64, bool) -> Vec<rows::Field>| {
        let lines = (0..ROWS).map(|number| rows::line(rows::id(number), &row(number, true)));
        std::iter::once(rows::header(&row(0, true))).chain(lines).collect()
    };
    let mut mixed = String::from(
        "org_uuid,org_name,wave,enabled,saveClips,indexFaces,createSeekPoints,badgeFaceVerificationMode,note,_ticket\n",
    );
    let mut quoted = String::from("org_uuid;org_name;saveClips;doorInfoMap.front.doorName;note\r\n");
    for number in 0..ROWS {
        let org = rows::id(number);
        mixed.push_str(&format!(
            "{org},Client {number} Ltd,{},TRUE,false,,<keep>,SUPERVISED,as agreed by phone,CHG-{number}\n",
            1 + number % 4
        ));
        quoted.push_str(&format!(
            "{org};\"Client \"\"{number}\"\"; Zürich\";true;\"Entrance, north\";\"two\r\nlines\"\r\n"
        ));
    }
    [("narrow", made(rows::narrow)), ("wide", made(rows::wide)), ("mixed", mixed), ("quoted", quoted)]
}

fn read(text: &str) -> Manifest<Cursor<&[u8]>> {
    let mut unexpected = |problem| panic!("{problem}");
    let mut problems = Problems::new(&mut unexpected);
    Manifest::read(
        Inputs::bare(Catalog::built_in(), Source::new("orgs.csv", Cursor::new(text.as_bytes()))),
        &mut problems,
    )
    .expect("memory can be read")
    .expect("nothing is wrong with it")
}

fn manifest(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("manifest");
    for (name, text) in files() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("check", name), &text, |bencher, text| {
            bencher.iter_batched(|| (), |()| read(black_box(text)), BatchSize::LargeInput);
        });
        group.bench_with_input(BenchmarkId::new("rows", name), &text, |bencher, text| {
            bencher.iter(|| {
                let mut manifest = read(black_box(text));
                let rows = manifest.rows().expect("memory can be read");
                rows.map(|row| row.expect("it was checked").steps[0].desired.managed.len()).sum::<usize>()
            });
        });
    }
    group.finish();
}
