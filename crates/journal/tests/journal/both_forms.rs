use std::path::Path;
use std::sync::mpsc;
use std::thread;

use orgwave_core::run::Entry;
use orgwave_journal::{FILE_NAME, MemoryJournal, RunJournal, SqliteJournal, Stored};

use crate::story;

/// A form of journal, and how to look into it behind its back.
trait Form {
    type Journal: RunJournal;
    fn begin(dir: &Path) -> Self::Journal;
    fn entries(journal: &Self::Journal) -> Vec<Entry>;
}

struct Memory;
struct Sqlite;

impl Form for Memory {
    type Journal = MemoryJournal;

    fn begin(_: &Path) -> MemoryJournal {
        MemoryJournal::new()
    }

    fn entries(journal: &MemoryJournal) -> Vec<Entry> {
        journal.entries()
    }
}

impl Form for Sqlite {
    type Journal = SqliteJournal;

    fn begin(dir: &Path) -> SqliteJournal {
        story::publish(dir, 10_000)
    }

    fn entries(journal: &SqliteJournal) -> Vec<Entry> {
        stored(journal.path())
    }
}

fn stored(path: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    Stored::open_read_only(path).unwrap().entries(|entry| entries.push(entry)).unwrap();
    entries
}

fn keeps_the_order_of_the_calls<F: Form>() {
    let dir = tempfile::tempdir().unwrap();
    let journal = F::begin(dir.path());
    let said = story::run(50);
    for (place, entry) in said.iter().enumerate() {
        if place % 7 == 0 {
            journal.record_together(vec![entry.clone()]);
        } else if place % 3 == 0 {
            journal.record_durably(entry.clone(), Box::new(|result| result.unwrap()));
        } else {
            journal.record(entry.clone());
        }
    }
    journal.flush().unwrap();
    assert_eq!(F::entries(&journal), said);
}

fn acknowledges_each_once_and_in_order<F: Form>() {
    let dir = tempfile::tempdir().unwrap();
    let journal = F::begin(dir.path());
    let (sender, acknowledged) = mpsc::channel();
    for index in 0..200 {
        let sender = sender.clone();
        journal.record_durably(
            story::intent(index),
            Box::new(move |result| sender.send(result.map(|()| index)).unwrap()),
        );
    }
    drop(sender);
    let order: Vec<u32> = acknowledged.iter().map(Result::unwrap).collect();
    assert_eq!(order, (0..200).collect::<Vec<_>>());
}

fn what_is_acknowledged_is_there_with_all_before_it<F: Form>() {
    let dir = tempfile::tempdir().unwrap();
    let journal = F::begin(dir.path());
    let said = story::run(5);
    for (place, entry) in said.iter().enumerate() {
        journal.record(entry.clone());
        if place % 4 == 3 {
            let (sender, answer) = mpsc::channel();
            journal.when_durable(Box::new(move |result| sender.send(result).unwrap()));
            answer.recv().unwrap().unwrap();
            assert_eq!(F::entries(&journal), said[..=place]);
        }
    }
}

fn takes_entries_from_many_threads<F: Form>() {
    let dir = tempfile::tempdir().unwrap();
    let journal = F::begin(dir.path());
    thread::scope(|scope| {
        for thread in 0..4_u32 {
            let journal = &journal;
            scope.spawn(move || {
                for index in 0..250 {
                    journal.record_durably(
                        story::intent(thread * 1_000 + index),
                        Box::new(|result| result.unwrap()),
                    );
                }
            });
        }
    });
    journal.flush().unwrap();
    let entries = F::entries(&journal);
    assert_eq!(entries.len(), 1_000);
    for thread in 0..4_u32 {
        let own: Vec<u32> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Intent { index, .. } if index / 1_000 == thread => Some(index % 1_000),
                _ => None,
            })
            .collect();
        assert_eq!(own, (0..250).collect::<Vec<_>>(), "thread {thread}");
    }
}

macro_rules! on_both_forms {
    ($($property:ident),* $(,)?) => {
        mod memory {
            $(#[test] fn $property() { super::$property::<super::Memory>(); })*
        }
        mod sqlite {
            $(#[test] fn $property() { super::$property::<super::Sqlite>(); })*
        }
    };
}

on_both_forms!(
    keeps_the_order_of_the_calls,
    acknowledges_each_once_and_in_order,
    what_is_acknowledged_is_there_with_all_before_it,
    takes_entries_from_many_threads,
);

#[test]
fn both_give_the_same_records() {
    let dir = tempfile::tempdir().unwrap();
    let (memory, sqlite) = (MemoryJournal::new(), story::publish(dir.path(), 30));
    for entry in story::run(20) {
        memory.record(entry.clone());
        sqlite.record(entry);
    }
    sqlite.flush().unwrap();
    let stored = Stored::open_read_only(sqlite.path()).unwrap();
    assert_eq!(memory.records(30).unwrap(), stored.records().unwrap());
}

#[test]
fn a_dropped_journal_has_committed_what_was_queued() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 40);
    let said = story::run(40);
    for entry in said.clone() {
        journal.record(entry);
    }
    drop(journal);
    assert_eq!(stored(&dir.path().join(FILE_NAME)), said);
}

#[test]
fn what_nobody_waits_for_becomes_durable_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 1);
    journal.record(story::intent(0));
    while stored(journal.path()).is_empty() {
        thread::yield_now();
    }
    assert_eq!(stored(journal.path()), [story::intent(0)]);
}
