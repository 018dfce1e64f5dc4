//! A run to tell journals about.

use std::path::Path;

use orgwave_core::change::{Before, Seen};
use orgwave_core::org::Entry;
use orgwave_core::org::Input;
use orgwave_core::outcome::{OrgOutcome, StoredValue};
use orgwave_core::policy::{FailureBudget, VerifyPolicy, WriteMode};
use orgwave_core::reply::Ack;
use orgwave_core::run::{Finish, RUN_FORMAT, RunHeader};
use orgwave_core::secret::{SecretText, key_fingerprint};
use orgwave_core::status::{Action, Status, Verified};
use orgwave_core::timestamp::Timestamp;
use orgwave_journal::SqliteJournal;

/// A moment of the story.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_795_505_432_000 + millis)
}

/// A run of this many orgs.
pub(crate) fn header(orgs: u32) -> RunHeader {
    RunHeader {
        format: RUN_FORMAT,
        run_id: "20261124T073032Z-7f3a".into(),
        plan_id: "plan-1".into(),
        plan_seal: "seal-1".into(),
        fresh_plan: true,
        endpoint: "https://127.0.0.1:1".into(),
        key_fingerprint: key_fingerprint(&SecretText::new("a key".into())),
        tool: "orgwave 0.1.0".into(),
        started: at(0),
        orgs,
        operations: Vec::new(),
        write: WriteMode::Merge,
        verify: VerifyPolicy::All,
        max_failures: FailureBudget::default(),
        strict: false,
        unattended: false,
        rollout: "rollout.toml".to_owned(),
    }
}

/// An empty, published journal in a folder.
pub(crate) fn publish(dir: &Path, orgs: u32) -> SqliteJournal {
    let draft = SqliteJournal::create(dir, &header(orgs)).expect("the folder is empty");
    draft.publish().expect("the folder is ours")
}

/// A write of two settings is about to be sent.
pub(crate) fn intent(index: u32) -> Entry {
    Entry::Intent {
        index,
        place: 0,
        started_at: at(index.into()),
        before: Before::Seen(vec![
            Seen { field: 0, stored: StoredValue::Json(false.into()) },
            Seen { field: 2, stored: StoredValue::Json(index.into()) },
        ]),
    }
}

/// The org's machine had inputs.
pub(crate) fn step(index: u32, inputs: impl Into<Vec<Input>>) -> Entry {
    Entry::Step { index, place: 0, inputs: inputs.into(), ack: None }
}

/// The org is final, by these inputs.
pub(crate) fn outcome(index: u32, inputs: impl Into<Vec<Input>>, status: Status) -> Entry {
    let outcome = OrgOutcome {
        index,
        place: 0,
        status,
        action: Action::Update,
        attempts: 1,
        http_status: Some(200),
        org_error: None,
        ack: Ack::default(),
        verified: Verified::True,
        started_at: Some(at(index.into())),
        finished_at: Some(at(i64::from(index) + 40)),
        may_be_live: true,
        is_unsettled_again: false,
    };
    Entry::Outcome { inputs: inputs.into(), outcome }
}

/// The same entry of another operation.
pub(crate) fn at_place(place: u8, mut entry: Entry) -> Entry {
    match &mut entry {
        Entry::Intent { place: of, .. } | Entry::Step { place: of, .. } => *of = place,
        Entry::Outcome { outcome, .. } => outcome.place = place,
        _ => {}
    }
    entry
}

/// An org's way when all goes well.
pub(crate) fn applied(index: u32) -> [Entry; 3] {
    [
        intent(index),
        step(index, [Input::Acked { warned: false }, Input::Verify]),
        outcome(index, [Input::LiveAsDesired], Status::Applied),
    ]
}

/// A whole run in which all goes well.
pub(crate) fn run(orgs: u32) -> Vec<Entry> {
    let mut entries = vec![Entry::Began { at: at(0) }, Entry::Wave { at: at(1), wave: 1, orgs }];
    entries.extend((0..orgs).flat_map(applied));
    entries.push(Entry::Finished(Finish { at: at(9_000), stop: None, wrote: true }));
    entries
}

/// Tells a journal some entries, one by one.
pub(crate) fn tell(journal: &SqliteJournal, entries: impl IntoIterator<Item = Entry>) {
    for entry in entries {
        journal.record(entry);
    }
}
