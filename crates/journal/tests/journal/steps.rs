use std::path::Path;

use orgwave_core::ids::StepId;
use orgwave_core::operation::OperationDigest;
use orgwave_core::org::{Entry, Input};
use orgwave_core::status::Status;
use orgwave_journal::{FILE_NAME, SqliteJournal, Stored, replay};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use crate::story;

/// An empty journal of a run of this many orgs and three operations.
fn publish(dir: &Path, orgs: u32) -> SqliteJournal {
    let mut header = story::header(orgs);
    let digest = |name: &str| OperationDigest { name: name.to_owned(), digest: "00".to_owned() };
    header.operations = ["envoy", "toast", "org-mfa"].map(digest).into();
    SqliteJournal::create(dir, &header).unwrap().publish().unwrap()
}

fn bodies(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut select = connection.prepare("SELECT body FROM entry ORDER BY seq").unwrap();
    select.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn each_step_has_a_record_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let journal = publish(dir.path(), 2);
    journal.record(Entry::Began { at: story::at(0) });
    story::tell(&journal, story::applied(1));
    story::tell(&journal, story::applied(1).map(|entry| story::at_place(1, entry)));
    story::tell(&journal, [story::intent(1), story::step(1, Input::Lost)].map(|e| story::at_place(2, e)));
    journal.flush().unwrap();
    let stored = Stored::open_read_only(journal.path()).unwrap();
    let records = stored.records().unwrap();
    assert!(records.of(0).len() == 3 && records.of(0).iter().all(|record| !record.is_known()));
    assert_eq!(records.of(2), [], "beyond the orgs of the run");
    let outcomes: Vec<_> = records.of(1).iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Some(Status::Applied), Some(Status::Applied), None]);
    let steps: Vec<_> = stored.steps(&records).map(Result::unwrap).collect();
    let ids: Vec<_> = steps.iter().map(|step| (step.id.org, step.id.place)).collect();
    assert_eq!(ids, [(1, 0), (1, 1), (1, 2)]);
    assert!(!steps[1].is_in_doubt() && steps[2].is_in_doubt() && !steps[2].before.is_empty());
    assert_eq!(records.step(StepId { org: 1, place: 3 }), None, "beyond the operations of the run");
}

#[test]
fn an_entry_of_an_operation_that_the_run_does_not_have_is_damage() {
    let entry = story::at_place(3, story::intent(1));
    let says = "the journal is damaged: entry 1 is of operation 3, and the run has 3";
    assert_eq!(replay(2, 3, [&entry]).unwrap_err().to_string(), says);
    let dir = tempfile::tempdir().unwrap();
    let journal = publish(dir.path(), 2);
    journal.record(entry);
    journal.flush().unwrap();
    let stored = Stored::open_read_only(journal.path()).unwrap();
    assert_eq!(stored.records().unwrap_err().to_string(), says);
}

#[test]
fn what_one_step_came_to_says_nothing_of_another() {
    // An outcome that no write has led to, after one that did, of another operation.
    let applied = story::applied(0);
    let other = story::at_place(1, story::outcome(0, Status::Applied));
    let error = replay(1, 2, applied.iter().chain([&other])).unwrap_err();
    assert!(error.to_string().contains("doesn't follow from its earlier entries"), "{error}");
    let other = story::at_place(1, story::outcome(0, Status::NotAttempted));
    let records = replay(1, 2, applied.iter().chain([&other])).unwrap();
    assert!(records.of(0)[0].is_settled() && !records.of(0)[1].is_settled());
}

#[test]
fn steps_of_the_first_operation_are_recorded_as_ever() {
    let dir = tempfile::tempdir().unwrap();
    let journal = publish(dir.path(), 1);
    story::tell(&journal, story::applied(0));
    story::tell(&journal, story::applied(0).map(|entry| story::at_place(1, entry)));
    journal.flush().unwrap();
    let names: Vec<bool> = bodies(journal.path()).iter().map(|body| body.contains("\"place\":1")).collect();
    assert_eq!(names, [[false; 5], [true; 5]].concat());
    assert!(bodies(journal.path())[..5].iter().all(|body| !body.contains("place")));
}

/// A journal as it was written when every run was of the default operation.
const OF_FORMAT_1: [(Option<u32>, &str); 8] = [
    (None, r#"{"began":{"at":"2026-11-24T07:30:32.000Z"}}"#),
    (None, r#"{"wave":{"at":"2026-11-24T07:30:32.001Z","wave":1,"orgs":2}}"#),
    (
        Some(0),
        r#"{"intent":{"index":0,"started_at":"2026-11-24T07:30:32.000Z","before":[[0,{"json":false}]]}}"#,
    ),
    (Some(0), r#"{"step":{"index":0,"input":{"acked":{"warned":false}}}}"#),
    (Some(0), r#"{"step":{"index":0,"input":"verify"}}"#),
    (Some(0), r#"{"step":{"index":0,"input":"live_as_desired"}}"#),
    (
        Some(0),
        r#"{"outcome":{"index":0,"status":"applied","action":"update","attempts":1,"http_status":200,"verified":"true"}}"#,
    ),
    (
        Some(1),
        r#"{"intent":{"index":1,"started_at":"2026-11-24T07:30:32.001Z","before":[[0,{"json":true}]]}}"#,
    ),
];

const HEADER_OF_FORMAT_1: &str = r#"{"format":1,"run_id":"20261124T073032Z-7f3a","plan_id":"plan-1","plan_seal":"seal-1","fresh_plan":true,"endpoint":"https://127.0.0.1:1","key_fingerprint":"KEY","tool":"orgwave 0.1.0","started":"2026-11-24T07:30:32.000Z","orgs":2,"write":"merge","verify":"all","max_failures":"10%","strict":false}"#;

fn write_by_hand(path: &Path, header: &str, entries: &[(Option<u32>, &str)]) {
    let link = |digest: Sha256| i64::from_be_bytes(*digest.finalize().first_chunk().unwrap());
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA application_id = 1869768567; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;
             CREATE TABLE header (body TEXT NOT NULL, chain INTEGER NOT NULL) STRICT;
             CREATE TABLE entry (seq INTEGER PRIMARY KEY, org INTEGER, body TEXT NOT NULL, chain INTEGER NOT NULL) STRICT;",
        )
        .unwrap();
    let mut chain = link(Sha256::new().chain_update(header));
    connection.execute("INSERT INTO header VALUES (?1, ?2)", (header, chain)).unwrap();
    for (org, body) in entries {
        let head = Sha256::new().chain_update(chain.to_be_bytes());
        let org_bytes = org.map_or(-1, i64::from).to_be_bytes();
        chain = link(head.chain_update(org_bytes).chain_update(body));
        let row = (org, body, chain);
        connection.execute("INSERT INTO entry (org, body, chain) VALUES (?1, ?2, ?3)", row).unwrap();
    }
}

#[test]
fn a_run_of_the_first_format_is_read_and_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    let key = serde_json::to_string(&story::header(2).key_fingerprint).unwrap();
    let header = HEADER_OF_FORMAT_1.replace("\"KEY\"", &key);
    let ended = (None, r#"{"finished":{"at":"2026-11-24T07:31:00.000Z","wrote":true}}"#);
    write_by_hand(&path, &header, &[&OF_FORMAT_1[..], &[ended]].concat());
    let stored = Stored::open_read_only(&path).unwrap();
    assert_eq!((stored.header().format, stored.header().places()), (1, 1));
    let records = stored.records().unwrap();
    assert_eq!(records.of(0)[0].outcome, Some(Status::Applied));
    assert!(records.of(1)[0].state.is_open() && records.of(1)[0].outcome.is_none());
    drop(stored);

    let journal = SqliteJournal::open(&path).unwrap();
    journal.record(Entry::Began { at: story::at(60_000) });
    story::tell(&journal, [story::step(1, Input::Verify), story::step(1, Input::LiveAsDesired)]);
    journal.record(story::outcome(1, Status::Applied));
    journal.flush().unwrap();
    let stored = Stored::open_read_only(&path).unwrap();
    let records = stored.records().unwrap();
    let steps: Vec<_> = stored.steps(&records).map(|step| step.unwrap().outcome.unwrap().status).collect();
    assert_eq!(steps, [Status::Applied; 2]);
}
