use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use orgwave_core::ids::StepId;
use orgwave_core::org::Entry;
use orgwave_core::org::Input;
use orgwave_core::run::{Finish, StopReason};
use orgwave_core::status::Status;
use orgwave_journal::{FILE_NAME, JournalError, SqliteJournal, Stored};
use rusqlite::Connection;

use crate::story;

fn refusal(path: &Path) -> JournalError {
    let reading = Stored::open_read_only(path).unwrap_err();
    let writing = SqliteJournal::open(path).unwrap_err();
    assert_eq!(reading.to_string(), writing.to_string(), "both ends refuse it alike");
    reading
}

/// Alters a journal behind its back.
fn tamper(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_draft_is_no_run() {
    let dir = tempfile::tempdir().unwrap();
    let draft = SqliteJournal::create(dir.path(), &story::header(3)).unwrap();
    assert!(!dir.path().join(FILE_NAME).exists());
    let journal = draft.publish().unwrap();
    assert_eq!(journal.path(), dir.path().join(FILE_NAME));
    assert_eq!(Stored::open_read_only(journal.path()).unwrap().header(), &story::header(3));
    drop(journal);
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [FILE_NAME], "one plain file is left of a run that ended well");
}

/// Switching the mode rewrites the file's first page. Under the name that others look for, a process that died
/// with it would leave a journal that can't be read without being written.
#[test]
fn a_draft_is_in_its_mode_before_it_has_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let draft = SqliteJournal::create(dir.path(), &story::header(3)).unwrap();
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["run.db.new"], "one plain file is renamed");
    let before = fs::read(dir.path().join("run.db.new")).unwrap();
    // SQLite's own two marks of the mode, for writing and for reading.
    assert_eq!(before[18..20], [2, 2]);
    let journal = draft.publish().unwrap();
    assert_eq!(fs::read(journal.path()).unwrap(), before, "the switch changed the file under its name");
}

#[test]
fn a_draft_that_was_never_used_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteJournal::create(dir.path(), &story::header(3)).unwrap());
    let journal = SqliteJournal::create(dir.path(), &story::header(4)).unwrap().publish().unwrap();
    assert_eq!(journal.header().orgs, 4);
}

#[test]
fn a_journal_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    drop(story::publish(dir.path(), 3));
    let error = SqliteJournal::create(dir.path(), &story::header(4)).unwrap_err();
    assert!(matches!(error, JournalError::Exists));

    let other = tempfile::tempdir().unwrap();
    let draft = SqliteJournal::create(other.path(), &story::header(4)).unwrap();
    fs::write(other.path().join(FILE_NAME), "someone else's").unwrap();
    assert!(matches!(draft.publish().unwrap_err(), JournalError::Exists));
    assert_eq!(fs::read(other.path().join(FILE_NAME)).unwrap(), b"someone else's");
}

#[test]
fn every_file_is_its_owners_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mode =
        |entry: fs::DirEntry| (entry.file_name(), entry.metadata().unwrap().permissions().mode() & 0o777);
    let modes = || fs::read_dir(dir.path()).unwrap().map(|entry| mode(entry.unwrap())).collect::<Vec<_>>();

    let draft = SqliteJournal::create(dir.path(), &story::header(3)).unwrap();
    assert_eq!(modes(), [("run.db.new".into(), 0o600)]);
    let journal = draft.publish().unwrap();
    journal.record(story::intent(0));
    journal.flush().unwrap();
    let mut while_open = modes();
    while_open.sort();
    assert_eq!(
        while_open,
        [("run.db".into(), 0o600), ("run.db-shm".into(), 0o600), ("run.db-wal".into(), 0o600)]
    );
}

#[test]
fn one_writer_at_a_time_and_readers_always() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 3);
    assert!(matches!(SqliteJournal::open(journal.path()).unwrap_err(), JournalError::InUse));
    assert!(matches!(SqliteJournal::create(dir.path(), &story::header(3)).unwrap_err(), JournalError::InUse));

    let early = Stored::open_read_only(journal.path()).unwrap();
    assert_eq!(early.timeline().unwrap(), []);
    journal.record(Entry::Began { at: story::at(0) });
    journal.flush().unwrap();
    assert_eq!(early.timeline().unwrap(), [], "a reader sees one moment");
    let late = Stored::open_read_only(journal.path()).unwrap();
    assert_eq!(late.timeline().unwrap(), [Entry::Began { at: story::at(0) }]);

    let path = journal.path().to_owned();
    drop(journal);
    SqliteJournal::open(&path).expect("free again, though readers still hold it");
}

#[test]
fn a_reader_of_a_run_that_has_ended_leaves_no_file_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let journal = story::publish(dir.path(), 1);
    let path = journal.path().to_owned();
    journal.record(Entry::Began { at: story::at(0) });
    journal.record(Entry::Finished(Finish { at: story::at(5), stop: None, wrote: false }));
    journal.flush().unwrap();
    // As long as there is a writer, its log is its own.
    drop(Stored::open_read_only(&path).unwrap());
    assert_eq!(names(), [FILE_NAME, "run.db-shm", "run.db-wal"]);
    drop(journal);

    let (first, second) = (Stored::open_read_only(&path).unwrap(), Stored::open_read_only(&path).unwrap());
    drop(first);
    assert!(second.finish().unwrap().is_some(), "another reader continues");
    drop(second);
    assert_eq!(names(), [FILE_NAME]);
    // Of a run that was killed the log stays, with any reader.
    let journal = SqliteJournal::open(&path).unwrap();
    journal.record(Entry::Began { at: story::at(6) });
    journal.flush().unwrap();
    drop(journal);
    drop(Stored::open_read_only(&path).unwrap());
    assert!(names().contains(&"run.db-wal".into()));
    assert_eq!(Stored::open_read_only(&path).unwrap().timeline().unwrap().len(), 3);
}

#[test]
fn another_process_goes_on_where_the_first_ended() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 2);
    let path = journal.path().to_owned();
    let stopped = Finish { at: story::at(5), stop: Some(StopReason::Interrupted), wrote: true };
    for entry in [
        Entry::Began { at: story::at(0) },
        story::intent(0),
        story::step(0, [Input::Lost]),
        story::outcome(0, [Input::Stopped], Status::Unknown),
        story::outcome(1, [], Status::NotAttempted),
        Entry::Finished(stopped.clone()),
    ] {
        journal.record(entry);
    }
    drop(journal);
    assert_eq!(Stored::open_read_only(&path).unwrap().finish().unwrap(), Some(stopped));

    let journal = SqliteJournal::open(&path).unwrap();
    journal.record(Entry::Began { at: story::at(9) });
    journal.record(story::step(0, [Input::Verify]));
    journal.record(story::outcome(0, [Input::LiveAsDesired], Status::Applied));
    journal.flush().unwrap();
    let stored = Stored::open_read_only(&path).unwrap();
    assert_eq!(stored.finish().unwrap(), None, "still at work");
    let records = stored.records().unwrap();
    assert_eq!(records.of(0)[0].outcome, Some(Status::Applied));
    assert_eq!(
        records.of(1)[0].outcome,
        Some(Status::NotAttempted),
        "holds until something happens to the org"
    );
    assert!(records.of(0)[0].is_settled() && !records.of(1)[0].is_settled());

    journal.record(story::intent(1));
    journal.flush().unwrap();
    let stored = Stored::open_read_only(&path).unwrap();
    let records = stored.records().unwrap();
    assert_eq!(records.of(1)[0].outcome, None, "an intent withdraws what was said before");
    let orgs =
        [0, 1].map(|index| stored.progress(StepId { org: index, place: 0 }, &records.of(index)[0]).unwrap());
    let statuses = orgs.each_ref().map(|org| org.outcome.as_ref().map(|outcome| outcome.status));
    assert_eq!(statuses, [Some(Status::Applied), None]);
    let Entry::Intent { before, .. } = story::intent(1) else { unreachable!() };
    assert_eq!(orgs[1].before, Some(before));
    assert_eq!(records.of(1)[0].started_at, Some(story::at(1)));
}

#[test]
fn what_is_no_journal_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    assert!(matches!(refusal(&path), JournalError::Io { .. }), "no file");
    fs::write(&path, "").unwrap();
    assert!(matches!(refusal(&path), JournalError::Empty));
    fs::write(&path, "line,org_uuid,org_name\r\n".repeat(300)).unwrap();
    assert!(matches!(refusal(&path), JournalError::NotAJournal));
    fs::remove_file(&path).unwrap();
    tamper(&path, "CREATE TABLE header (body TEXT)");
    assert!(matches!(refusal(&path), JournalError::NotAJournal), "someone else's database");
}

#[test]
fn what_cannot_be_believed_is_refused() {
    for (sql, says) in [
        ("PRAGMA user_version = 7", "the journal has format 7, and this orgwave reads format 3"),
        ("PRAGMA user_version = 2", "the journal has format 2, and this orgwave reads format 3"),
        ("PRAGMA user_version = 0", "the journal is damaged: it has no format"),
        ("DELETE FROM header", "the journal is damaged: it has no header"),
        (
            "UPDATE header SET body = replace(body, 'merge', 'patch')",
            "the journal is damaged: its header was altered",
        ),
        ("DROP TABLE header", "the journal is damaged: can't read the journal's header"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = story::publish(dir.path(), 3).path().to_owned();
        tamper(&path, sql);
        assert_eq!(refusal(&path).to_string(), says, "{sql}");
    }
}

#[test]
fn entries_that_were_altered_are_found() {
    for (sql, says) in [
        (
            "UPDATE entry SET body = replace(body, 'acked', 'lost') WHERE seq = 4",
            "entry 4 was altered, or one before it is missing",
        ),
        ("DELETE FROM entry WHERE seq = 9", "entry 10 was altered, or one before it is missing"),
        ("UPDATE entry SET seq = -9 WHERE seq = 9", "entry -9 was altered, or one before it is missing"),
        (
            "UPDATE entry SET chain = chain + 1 WHERE seq = 3",
            "entry 3 was altered, or one before it is missing",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let journal = story::publish(dir.path(), 3);
        let path = journal.path().to_owned();
        story::tell(&journal, story::run(3));
        drop(journal);
        tamper(&path, sql);
        let error = Stored::open_read_only(&path).unwrap().records().unwrap_err();
        assert_eq!(error.to_string(), format!("the journal is damaged: {says}"), "{sql}");
    }
}

#[test]
fn the_plan_must_be_the_very_one() {
    let dir = tempfile::tempdir().unwrap();
    let journal = story::publish(dir.path(), 3);
    let stored = Stored::open_read_only(journal.path()).unwrap();
    stored.expect_plan("plan-1", "seal-1").unwrap();
    for (id, seal, says) in [
        ("plan-2", "seal-1", "the journal is of plan plan-1, not of plan plan-2"),
        (
            "plan-1",
            "seal-2",
            "the journal is of plan plan-1, not of plan plan-1 as it is now: its seal differs",
        ),
    ] {
        assert_eq!(stored.expect_plan(id, seal).unwrap_err().to_string(), says);
    }
}
