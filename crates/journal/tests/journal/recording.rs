use std::path::Path;
use std::sync::mpsc;
use std::thread;

use orgwave_core::org::Entry;
use orgwave_journal::{FILE_NAME, Stored};

use crate::story;

fn stored(path: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    Stored::open_read_only(path).unwrap().entries(|entry| entries.push(entry)).unwrap();
    entries
}

#[test]
fn keeps_the_order_of_the_calls() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 10_000);
    let said = story::run(50);
    for (place, entry) in said.iter().enumerate() {
        if place % 3 == 0 {
            journal.record_durably(entry.clone(), Box::new(|result| result.unwrap()));
        } else {
            journal.record(entry.clone());
        }
    }
    journal.flush().unwrap();
    assert_eq!(stored(journal.path()), said);
}

#[test]
fn acknowledges_each_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 10_000);
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

#[test]
fn what_is_acknowledged_is_there_with_all_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 10_000);
    let said = story::run(5);
    for (place, entry) in said.iter().enumerate() {
        journal.record(entry.clone());
        if place % 4 == 3 {
            journal.flush().unwrap();
            assert_eq!(stored(journal.path()), said[..=place]);
        }
    }
}

#[test]
fn takes_entries_from_many_threads() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 10_000);
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
    let entries = stored(journal.path());
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
fn an_entry_not_waited_for_becomes_durable_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 1);
    journal.record(story::intent(0));
    while stored(journal.path()).is_empty() {
        thread::yield_now();
    }
    assert_eq!(stored(journal.path()), [story::intent(0)]);
}
