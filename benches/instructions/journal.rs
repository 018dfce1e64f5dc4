//! Guards the journal against growing slower, by counting instructions instead of time ([`counted`]): what an org's entries
//! cost from encoding to the file, and what it costs to read them again.

mod counted;
#[expect(dead_code, reason = "the story has more to tell than is needed here")]
#[path = "../../crates/journal/tests/story/mod.rs"]
mod story;

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;

use orgwave_core::change::Before;
use orgwave_core::org::{Entry, Input};
use orgwave_core::status::Status;
use orgwave_journal::Stored;

fn main() -> ExitCode {
    counted::main(&[
        ("journal, a thousand orgs recorded, unread", |runs| record(unread, runs)),
        ("journal, a thousand orgs recorded, read back", |runs| record(read_back, runs)),
        ("journal, a thousand orgs replayed", replay),
    ])
}

/// What a run with `--no-read` records of an org.
fn unread(index: u32) -> Vec<Entry> {
    let mut intent = story::intent(index);
    if let Entry::Intent { before, .. } = &mut intent {
        *before = Before::Unread;
    }
    let inputs = [Input::Acked { warned: false }, Input::Trusted];
    vec![intent, story::outcome(index, inputs, Status::Applied)]
}

/// What a run records of an org that is read, written and read back, and that was as the plan saw it.
fn read_back(index: u32) -> Vec<Entry> {
    let mut entries = story::applied(index);
    if let Entry::Intent { before, .. } = &mut entries[0] {
        *before = Before::AsPlanned;
    }
    entries.into()
}

/// Groups of 64 intents are waited for, as with 64 orgs in flight.
fn record(entries: fn(u32) -> Vec<Entry>, runs: u64) {
    let dir = tempfile::tempdir().expect("a folder for temporary files");
    write(dir.path(), entries, runs);
}

fn write(dir: &Path, entries: fn(u32) -> Vec<Entry>, runs: u64) {
    let orgs = u32::try_from(1000 * runs).expect("some thousand");
    let journal = story::publish(dir, orgs);
    for first in (0..orgs).step_by(64) {
        let group = first..orgs.min(first + 64);
        for index in group.clone() {
            let [intent, ..] = &entries(index)[..] else { unreachable!("an intent is first") };
            journal.record(intent.clone());
        }
        journal.flush().expect("the disk has room");
        story::tell(&journal, group.flat_map(|index| entries(index).split_off(1)));
    }
    journal.flush().expect("the disk has room");
}

/// What a resume and a report read.
fn replay(runs: u64) {
    let dir = tempfile::tempdir().expect("a folder for temporary files");
    write(dir.path(), read_back, 1);
    for _ in 0..runs {
        let stored =
            Stored::open_read_only(&dir.path().join(orgwave_journal::FILE_NAME)).expect("it was made");
        let records = stored.records().expect("it is whole");
        assert_eq!(stored.steps(&records).filter(|step| black_box(step).is_ok()).count(), 1000);
    }
}
