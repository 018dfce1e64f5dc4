//! Guards the inner parts against growing slower, by counting instructions instead of time ([`counted`]).
//!
//! ```text
//! cargo bench --workspace --bench instructions                      every room: fail if one is 10 % over what is recorded
//! cargo bench -p orgwave-core --bench instructions                  this room alone; nothing else has to be compiled
//! cargo bench -p orgwave-core --bench instructions -- payload       the cases whose name has the word
//! cargo bench -p orgwave-core --bench instructions -- --record      write orgwave-core.txt anew
//! ```

mod counted;
#[path = "../inner/estate.rs"]
mod estate;
#[path = "../rows.rs"]
mod rows;

use std::hint::black_box;
use std::io::Cursor;
use std::process::ExitCode;

use orgwave_core::compare::{Context, judge};
use orgwave_core::ids::Ruuid;
use orgwave_core::manifest::{Inputs, Manifest, Problems, Source};
use orgwave_core::operation::{Catalog, Operation, Operations};
use orgwave_core::org::{Input, OrgState};
use orgwave_core::payload::update_body;
use orgwave_core::plan::{LineParser, PlannedField};
use orgwave_core::policy::WriteMode;
use orgwave_core::secret::{SealKey, SecretText, Secrets};

use rows::Field;

fn main() -> ExitCode {
    counted::main(&[
        ("check, a thousand narrow rows", |runs| check(rows::narrow, runs)),
        ("check, a thousand wide rows", |runs| check(rows::wide, runs)),
        ("rows, a thousand narrow ones", |runs| parse(rows::narrow, runs)),
        ("rows, a thousand wide ones", |runs| parse(rows::wide, runs)),
        ("payload, small", |runs| payload(WriteMode::Merge, &estate::switches(), Some(1), 100 * runs)),
        ("payload, 31 fields", |runs| payload(WriteMode::Merge, &estate::wide(), Some(2), 100 * runs)),
        ("payload, 31 fields, unread", |runs| {
            payload(WriteMode::NoRead, &estate::wide(), None, 100 * runs);
        }),
        ("payload, 500 doors, none managed", |runs| {
            payload(WriteMode::Merge, &estate::switches(), Some(500), runs);
        }),
        ("payload, 500 doors, a field of each", |runs| {
            payload(WriteMode::Merge, &estate::one_field_a_door(500), Some(500), runs);
        }),
        ("payload, 500 doors, all of each", |runs| {
            payload(WriteMode::Merge, &estate::every_field_of_doors(500), Some(500), runs);
        }),
        ("payload, unread", |runs| {
            payload(WriteMode::NoRead, &estate::every_field_of_doors(5), None, 100 * runs);
        }),
        ("judge, 31 fields", |runs| judged(&estate::wide(), 2, 100 * runs)),
        ("judge, 500 doors, a field of each", |runs| judged(&estate::one_field_a_door(500), 500, runs)),
        ("org state, a thousand walks", |runs| walk(1000 * runs)),
        ("plan line, 31 fields, read", |runs| read_line(100 * runs)),
        ("plan line, 31 fields, written", |runs| write_line(100 * runs)),
        ("ruuid, a thousand parsed", |runs| ids(1000 * runs)),
    ])
}

fn manifest(row: fn(u64, bool) -> Vec<Field>) -> String {
    let lines = (0..1000).map(|number| rows::line(rows::id(number), &row(number, true)));
    std::iter::once(rows::header(&row(0, true))).chain(lines).collect()
}

fn read(text: &str) -> Manifest<Cursor<&[u8]>> {
    let mut unexpected = |problem| panic!("{problem}");
    let inputs = Inputs::bare(Catalog::built_in(), Source::new("orgs.csv", Cursor::new(text.as_bytes())));
    let manifest = Manifest::read(inputs, &mut Problems::new(&mut unexpected));
    manifest.expect("memory can be read").expect("nothing is wrong with it")
}

/// One walk over a manifest: what `orgwave check` does.
fn check(row: fn(u64, bool) -> Vec<Field>, runs: u64) {
    let text = manifest(row);
    for _ in 0..runs {
        black_box(read(black_box(&text)));
    }
}

/// The second walk, which makes of each row what is wanted of its org.
fn parse(row: fn(u64, bool) -> Vec<Field>, runs: u64) {
    let text = manifest(row);
    let mut manifest = read(&text);
    for _ in 0..runs {
        let rows = manifest.rows().expect("memory can be read");
        black_box(rows.map(|row| row.expect("it was checked").steps[0].desired.managed.len()).sum::<usize>());
    }
}

fn payload(mode: WriteMode, fields: &[PlannedField], doors: Option<usize>, runs: u64) {
    let (live, secrets) = (doors.map(estate::settings), Secrets::new());
    let operation = Operation::default_one();
    for _ in 0..runs {
        let body = update_body(&operation, mode, black_box(fields), black_box(live.as_ref()), &secrets);
        black_box(body.expect("the shapes are those of the description"));
    }
}

fn judged(fields: &[PlannedField], doors: usize, runs: u64) {
    let (secrets, seal) = (Secrets::new(), SealKey::derive(&SecretText::new("a key".to_owned()), "a plan"));
    let (operation, live) = (Operation::default_one(), estate::settings(doors));
    for _ in 0..runs {
        let context = Context { operation: &operation, secrets: &secrets, seal: &seal };
        black_box(judge(black_box(fields), &[], black_box(&live), context).expect("known shapes"));
    }
}

fn walk(runs: u64) {
    let walk =
        [Input::Differs, Input::Intent, Input::Acked { warned: false }, Input::Verify, Input::LiveAsDesired];
    for _ in 0..runs {
        let step = |state: OrgState, input: &Input| state.next(*black_box(input)).expect("a legal walk");
        black_box(walk.iter().fold(OrgState::new(), step));
    }
}

fn read_line(runs: u64) {
    let mut parser = LineParser::new(Operations::one(Operation::default_one()));
    let mut text = Vec::new();
    estate::wide_line().write_json(&mut text);
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    for _ in 0..runs {
        black_box(parser.read(black_box(&text)).expect("it was written by us"));
    }
}

fn write_line(runs: u64) {
    let (line, mut buffer) = (estate::wide_line(), Vec::new());
    for _ in 0..runs {
        buffer.clear();
        black_box(&line).write_json(&mut buffer);
        black_box(&buffer);
    }
}

fn ids(runs: u64) {
    let text = rows::id(4711).to_string();
    for _ in 0..runs {
        black_box(black_box(&text).parse::<Ruuid>().expect("an id"));
    }
}
