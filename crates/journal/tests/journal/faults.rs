use std::fs;
use std::path::Path;
use std::sync::mpsc;

use orgwave_core::org::Entry;
use orgwave_journal::faults::Fault;
use orgwave_journal::{FILE_NAME, SqliteJournal, Stored};

use crate::story;

/// What came of a small run on a disk with a fault.
struct Aftermath {
    said: Vec<Entry>,
    /// Per entry whether it was acknowledged.
    acknowledged: Vec<bool>,
    /// What a later process finds.
    found: Vec<Entry>,
}

/// Says a run, each entry durably. `paced` waits for each acknowledgement, so that each entry is a group of its own.
fn run_with(fault: Fault, paced: bool) -> Aftermath {
    let dir = tempfile::tempdir().unwrap();
    let path = story::publish(dir.path(), 4).path().to_owned();
    let journal = SqliteJournal::open_faulty(&path, fault).unwrap();
    let said = story::run(4);
    let mut acknowledged = Vec::new();
    let (sender, answers) = mpsc::channel();
    for entry in said.clone() {
        let sender = sender.clone();
        journal.record_durably(entry, Box::new(move |result| sender.send(result.is_ok()).unwrap()));
        if paced {
            acknowledged.push(answers.recv().unwrap());
        }
    }
    drop(sender);
    acknowledged.extend(answers.iter());
    if acknowledged.iter().any(|good| !good) {
        let first = journal.flush().unwrap_err().to_string();
        assert_eq!(journal.flush().unwrap_err().to_string(), first, "the error stays the same");
    }
    drop(journal);
    // An untroubled end folds the log in and takes it away; after an error nothing is touched.
    let log = dir.path().join(format!("{FILE_NAME}-wal"));
    assert_eq!(log.exists(), acknowledged.contains(&false) || matches!(fault, Fault::Tidy(_)));

    let mut found = Vec::new();
    // The writing end checks every page; the reading end the chain and every transition.
    drop(SqliteJournal::open(&path).unwrap());
    let stored = Stored::open_read_only(&path).unwrap();
    stored.entries(|entry| found.push(entry)).unwrap();
    stored.records().unwrap();
    Aftermath { said, acknowledged, found }
}

impl Aftermath {
    /// What must hold after any fault; gives how many were acknowledged.
    fn check(&self, what: &str) -> usize {
        let good = self.acknowledged.iter().take_while(|good| **good).count();
        assert_eq!(self.acknowledged.len(), self.said.len(), "{what}: each is answered");
        assert!(self.acknowledged[good..].iter().all(|good| !good), "{what}: acknowledged after a failure");
        assert!(self.found.len() >= good, "{what}: {good} acknowledged, {} found", self.found.len());
        assert_eq!(self.found, self.said[..self.found.len()], "{what}: a beginning of what was said");
        good
    }
}

#[test]
fn the_nth_append_fails() {
    let entries = u32::try_from(story::run(4).len()).unwrap();
    for n in 1..=entries {
        let after = run_with(Fault::Append(n), true);
        let good = after.check(&format!("append {n}"));
        assert_eq!((good, after.found.len()), (n as usize - 1, n as usize - 1), "append {n}");
        run_with(Fault::Append(n), false).check(&format!("append {n} in a group"));
    }
}

#[test]
fn the_nth_commit_fails_and_nothing_of_it_lands() {
    let entries = u32::try_from(story::run(4).len()).unwrap();
    for n in 1..=entries {
        let after = run_with(Fault::Commit(n), true);
        let good = after.check(&format!("commit {n}"));
        assert_eq!((good, after.found.len()), (n as usize - 1, n as usize - 1), "commit {n}");
    }
    for n in 1..=3 {
        run_with(Fault::Commit(n), false).check(&format!("commit {n} of groups"));
    }
}

#[test]
fn the_nth_sync_fails_and_the_group_lands_after_all() {
    let entries = u32::try_from(story::run(4).len()).unwrap();
    for n in 1..=entries {
        let after = run_with(Fault::Sync(n), true);
        let good = after.check(&format!("sync {n}"));
        assert_eq!((good, after.found.len()), (n as usize - 1, n as usize), "sync {n}");
    }
}

#[test]
fn a_failed_checkpoint_takes_nothing_back_and_stops_the_rest() {
    let after = run_with(Fault::Tidy(3), true);
    assert_eq!(after.check("checkpoint"), 3);
    assert_eq!(after.found.len(), 3);
}

#[test]
fn the_error_says_what_failed_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = story::publish(dir.path(), 1).path().to_owned();
    let journal = SqliteJournal::open_faulty(&path, Fault::Commit(1)).unwrap();
    journal.record(story::intent(0));
    let error = journal.flush().unwrap_err();
    assert_eq!(error.to_string(), "can't commit to the journal");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, std::io::Error::from(std::io::ErrorKind::StorageFull).to_string());
}

#[test]
fn a_journal_taken_from_its_place_is_no_longer_written() {
    type Take = fn(&Path, &Path);
    let ways: [(&str, Take); 3] = [
        ("removed", |run, _| fs::remove_dir_all(run).unwrap()),
        ("moved", |run, aside| fs::rename(run, aside).unwrap()),
        ("replaced", |run, aside| {
            fs::rename(run.join(FILE_NAME), aside).unwrap();
            fs::copy(aside, run.join(FILE_NAME)).unwrap();
        }),
    ];
    for (way, take) in ways {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        fs::create_dir(&run).unwrap();
        let journal = story::publish(&run, 2);
        journal.record(story::intent(0));
        journal.flush().unwrap();
        take(&run, &dir.path().join("aside"));
        journal.record(story::intent(1));
        let error = journal.flush().unwrap_err();
        assert!(error.is_gone(), "{way}: {error}");
        assert_eq!(error.to_string(), "can't find the journal where it was", "{way}");
    }
}
