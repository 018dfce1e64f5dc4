use std::path::Path;

use orgwave_core::ids::StepId;
use orgwave_core::operation::OperationDigest;
use orgwave_core::org::{Entry, Input};
use orgwave_core::status::Status;
use orgwave_journal::{SqliteJournal, Stored, replay};
use rusqlite::Connection;

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
    story::tell(&journal, [story::intent(1), story::step(1, [Input::Lost])].map(|e| story::at_place(2, e)));
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
    assert!(!steps[1].is_in_doubt() && steps[2].is_in_doubt() && steps[2].before.is_some());
    assert_eq!(records.step(StepId { org: 1, place: 3 }), None, "beyond the operations of the run");
}

#[test]
fn an_entry_of_an_operation_outside_the_run_is_damage() {
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
    let other = story::at_place(1, story::outcome(0, [], Status::Applied));
    let error = replay(1, 2, applied.iter().chain([&other])).unwrap_err();
    assert!(error.to_string().contains("doesn't follow from its earlier entries"), "{error}");
    let other = story::at_place(1, story::outcome(0, [], Status::NotAttempted));
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
    assert_eq!(names, [[false; 3], [true; 3]].concat());
    assert!(bodies(journal.path())[..3].iter().all(|body| !body.contains("place")));
}
