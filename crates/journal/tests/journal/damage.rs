use std::fs;
use std::path::Path;

use orgwave_core::org::Entry;
use orgwave_journal::{FILE_NAME, JournalError, SqliteJournal, Stored};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::story;

const ORGS: u32 = 60;

/// Everything a reader can ask for.
fn read(path: &Path) -> Result<Vec<Entry>, JournalError> {
    let stored = Stored::open_read_only(path)?;
    let mut entries = Vec::new();
    let whole = stored.entries(|entry| entries.push(entry));
    let records = stored.records();
    assert_eq!(whole.is_ok(), records.is_ok(), "the two ways of reading agree");
    let records = records?;
    for (id, record) in records.iter() {
        stored.progress(id, record)?;
    }
    stored.timeline()?;
    stored.finish()?;
    Ok(entries)
}

/// An error, or a beginning of what was said.
fn refused_or_a_beginning(dir: &Path) {
    let path = dir.join(FILE_NAME);
    // The writing end may refuse it or not, and must not panic.
    let _ = SqliteJournal::open(&path);
    if let Ok(entries) = read(&path) {
        let said = story::run(ORGS);
        assert!(entries.len() <= said.len());
        assert_eq!(entries, said[..entries.len()]);
    }
}

/// The file of a run that ended, all in one piece.
fn ended() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), ORGS);
    story::tell(&journal, story::run(ORGS));
    let path = journal.path().to_owned();
    drop(journal);
    fs::read(path).unwrap()
}

/// File and log of a run that was killed: nothing is folded in.
fn killed() -> (Vec<u8>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), ORGS);
    for (place, entry) in story::run(ORGS).into_iter().enumerate() {
        journal.record(entry);
        if place % 25 == 0 {
            journal.flush().unwrap();
        }
    }
    journal.flush().unwrap();
    let log = dir.path().join(format!("{FILE_NAME}-wal"));
    (fs::read(journal.path()).unwrap(), fs::read(log).unwrap())
}

/// Cuts off what is behind a place, or flips bits at it.
fn spoil(bytes: &mut Vec<u8>, place: Index, flip: Option<u8>) {
    let place = place.index(bytes.len());
    match flip {
        Some(bits) => bytes[place] ^= bits,
        None => bytes.truncate(place),
    }
}

fn any_flip() -> impl Strategy<Value = Option<u8>> {
    prop::option::weighted(0.8, 1..=u8::MAX)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn in_the_file_of_a_run_that_ended(place: Index, flip in any_flip()) {
        let dir = tempfile::tempdir().unwrap();
        let mut file = FILES.ended.clone();
        spoil(&mut file, place, flip);
        fs::write(dir.path().join(FILE_NAME), file).unwrap();
        refused_or_a_beginning(dir.path());
    }

    #[test]
    fn in_the_log_of_a_run_that_was_killed(place: Index, flip in any_flip()) {
        let dir = tempfile::tempdir().unwrap();
        let (file, mut log) = FILES.killed.clone();
        spoil(&mut log, place, flip);
        fs::write(dir.path().join(FILE_NAME), file).unwrap();
        fs::write(dir.path().join(format!("{FILE_NAME}-wal")), log).unwrap();
        refused_or_a_beginning(dir.path());
    }
}

/// Made once: the cases only spoil copies.
static FILES: std::sync::LazyLock<Files> =
    std::sync::LazyLock::new(|| Files { ended: ended(), killed: killed() });

struct Files {
    ended: Vec<u8>,
    killed: (Vec<u8>, Vec<u8>),
}

#[test]
fn unspoilt_files_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE_NAME), &FILES.ended).unwrap();
    assert_eq!(read(&dir.path().join(FILE_NAME)).unwrap(), story::run(ORGS));

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE_NAME), &FILES.killed.0).unwrap();
    fs::write(dir.path().join(format!("{FILE_NAME}-wal")), &FILES.killed.1).unwrap();
    assert_eq!(read(&dir.path().join(FILE_NAME)).unwrap(), story::run(ORGS));
}

/// The log of a killed run, one byte of it flipped at a place.
fn flipped_at(place: impl Fn(usize) -> usize) -> Result<Vec<Entry>, JournalError> {
    let dir = tempfile::tempdir().unwrap();
    let (file, mut log) = FILES.killed.clone();
    let place = place(log.len());
    log[place] ^= 0x40;
    fs::write(dir.path().join(FILE_NAME), file).unwrap();
    fs::write(dir.path().join(format!("{FILE_NAME}-wal")), log).unwrap();
    let path = dir.path().join(FILE_NAME);
    let read = read(&path);
    let written = SqliteJournal::open(&path).map(drop);
    assert_eq!(read.as_ref().err().map(ToString::to_string), written.err().map(|error| error.to_string()));
    read
}

#[test]
fn a_flip_in_the_log_with_commits_behind_it_is_found() {
    for place in [0, 4, 9, 13, 17, 21, 25, 31] {
        let error = flipped_at(|_| place).unwrap_err().to_string();
        assert!(error.contains("run.db-wal, has a bad header"), "header, byte {place}: {error}");
    }
    // Each field of the first frame, and a page.
    for place in [33, 37, 41, 45, 49, 53, 60, 2_000] {
        let error = flipped_at(|_| place).unwrap_err().to_string();
        assert!(error.contains("run.db-wal, is bad at frame 1,"), "byte {place}: {error}");
    }
    for part in [4, 3, 2] {
        let error = flipped_at(|length| length / part).unwrap_err().to_string();
        assert!(error.starts_with("the journal is damaged: its log, run.db-wal, is bad at frame"), "{error}");
    }
}

#[test]
fn a_torn_end_of_the_log_is_what_a_power_cut_leaves() {
    let entries = flipped_at(|length| length - 1).unwrap();
    let said = story::run(ORGS);
    assert!(!entries.is_empty() && entries.len() < said.len());
    assert_eq!(entries, said[..entries.len()]);
}

#[test]
fn a_log_that_is_missing_is_missed() {
    for away in [None, Some(0), Some(32)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        fs::write(&path, &FILES.killed.0).unwrap();
        if let Some(length) = away {
            fs::write(dir.path().join(format!("{FILE_NAME}-wal")), &FILES.killed.1[..length]).unwrap();
        }
        // Twice: the first reader may leave an empty log.
        for _ in 0..2 {
            let error = read(&path).unwrap_err().to_string();
            assert_eq!(error, "the journal is damaged: its log, run.db-wal, is missing");
            assert_eq!(SqliteJournal::open(&path).unwrap_err().to_string(), error);
        }
    }
}

/// Resumes a run and leaves the folder as a kill would: copied while the writer is at work.
fn killed_after(dir: &Path, entries: Vec<Entry>) -> tempfile::TempDir {
    let journal = SqliteJournal::open(&dir.join(FILE_NAME)).unwrap();
    story::tell(&journal, entries);
    journal.flush().unwrap();
    let copy = tempfile::tempdir().unwrap();
    for name in [FILE_NAME.to_owned(), format!("{FILE_NAME}-wal")] {
        fs::copy(dir.join(&name), copy.path().join(name)).unwrap();
    }
    copy
}

#[test]
fn a_missing_log_is_noticed_from_the_first_commit_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    drop(story::publish(dir.path(), ORGS));
    let began = || Entry::Began { at: story::at(0) };
    let finished = || story::run(ORGS).pop().unwrap();
    for process in 0..3 {
        let killed = killed_after(dir.path(), vec![began()]);
        let (path, log) = (killed.path().join(FILE_NAME), killed.path().join(format!("{FILE_NAME}-wal")));
        // Neither a reader nor a writer that is closed without a word takes the log away.
        drop(read(&path).unwrap());
        drop(SqliteJournal::open(&path).unwrap());
        drop(read(&path).unwrap());
        fs::remove_file(log).unwrap();
        assert!(read(&path).is_err(), "process {process}");

        // One plain file is left of a process that said its end, and a copy of it is a journal.
        let journal = SqliteJournal::open(&dir.path().join(FILE_NAME)).unwrap();
        story::tell(&journal, [began(), finished()]);
        drop(journal);
        let names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE_NAME], "process {process}");
        let copy = tempfile::tempdir().unwrap();
        fs::copy(dir.path().join(FILE_NAME), copy.path().join(FILE_NAME)).unwrap();
        drop(read(&copy.path().join(FILE_NAME)).unwrap());
        SqliteJournal::open(&copy.path().join(FILE_NAME)).unwrap().flush().unwrap();
    }
}

#[test]
fn a_run_that_was_killed_before_its_first_commit_misses_no_log() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), ORGS);
    let copy = tempfile::tempdir().unwrap();
    fs::copy(journal.path(), copy.path().join(FILE_NAME)).unwrap();
    assert_eq!(read(&copy.path().join(FILE_NAME)).unwrap(), []);
    drop(SqliteJournal::open(&copy.path().join(FILE_NAME)).unwrap());
    assert_eq!(read(&copy.path().join(FILE_NAME)).unwrap(), []);
}
