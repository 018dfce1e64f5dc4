//! What must always hold, judged by the vendor's ledger and the journal on the disk. Of orgwave it uses the journal's
//! reader, to know what was promised; all counting and comparing is its own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use orgwave_core::org::Entry;
use orgwave_core::org::Input;
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;
use orgwave_journal::{FILE_NAME, Stored};
use orgwave_sandbox::{KeyCheck, LedgerEntry, LedgerEvent, Route, secret_fingerprint};
use serde_json::{Value, json};

use crate::leaks;
use crate::process::Ran;
use crate::stage::{SENT_TOKEN, Stage, state_of};

/// The updates in a ledger.
pub fn writes(ledger: &[LedgerEntry]) -> impl Iterator<Item = &LedgerEntry> {
    ledger.iter().filter(|entry| entry.event == LedgerEvent::Request && entry.operation == Some(Route::Write))
}

/// A step: an org's place, and its operation's.
type StepPlace = (usize, usize);

/// What the journal says of one step.
#[derive(Debug, Default, Clone, PartialEq)]
struct Promised {
    intents: usize,
    /// How often it was proven that a write was not applied.
    proofs: usize,
    /// The last outcome, if nothing came after it.
    outcome: Option<Status>,
}

/// Watches the processes of one run.
pub struct Witness<'a> {
    stage: &'a Stage,
    /// When each process began, in milliseconds since the epoch. What came in before is of the ones before, though
    /// the ledger may get it only later.
    began: Vec<u64>,
    /// Steps with their word for ever, and how many writes they had had by then.
    settled: HashMap<StepPlace, (Status, usize)>,
}

/// A row of `results.csv`, by column.
pub type Row = BTreeMap<String, String>;

impl<'a> Witness<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        Self { stage, began: Vec::new(), settled: HashMap::new() }
    }

    /// A process is about to begin.
    #[expect(clippy::disallowed_methods, reason = "the ledger says when a request came by the time of day")]
    pub fn before(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        self.began.push(u64::try_from(now.as_millis()).unwrap());
    }

    /// A process has ended, however it did.
    pub fn after(&mut self, ran: &Ran) {
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
        leaks::assert_none(self.stage.folder());
        let ledger = self.stage.vendor.ledger();
        self.no_other_org_was_written(&ledger);
        self.no_two_writes_at_once(&ledger);
        let run = self.stage.run_folders().pop();
        self.waits_were_kept(&ledger, run.as_deref(), ran);
        let Some(run) = run else {
            assert_eq!(writes(&ledger).count(), 0, "written without a run");
            return;
        };
        self.every_write_was_promised(&ledger, &promised(&run));
    }

    fn no_other_org_was_written(&self, ledger: &[LedgerEntry]) {
        for entry in ledger.iter().filter(|entry| entry.event == LedgerEvent::Request) {
            assert_eq!(entry.key, KeyCheck::Ok, "{}", entry.to_json());
            assert_eq!(entry.scheme, Some("partner-api-token"), "{}", entry.to_json());
        }
        for write in writes(ledger) {
            let place = self.place_of(write);
            let org = &self.stage.orgs[place];
            assert!(!org.is_skipped && !org.is_unchanged, "{} was written: {}", org.name, write.to_json());
            // One whose connection ended as it began was never read.
            let Some(sent) = write.sent() else { continue };
            if let Some(other) = self.step_of(write).1.checked_sub(1).map(|other| &org.others[other]) {
                assert!(other.is_changed(), "{} was written: {}", org.name, write.to_json());
                assert_eq!(sent[other.member], json!(true), "{}", write.to_json());
                continue;
            }
            for (pointer, value) in org.desired() {
                assert_eq!(sent.pointer(pointer), Some(&shown(&value)), "{}", write.to_json());
            }
        }
    }

    fn no_two_writes_at_once(&self, ledger: &[LedgerEntry]) {
        let mut ended: HashMap<usize, u64> = HashMap::new();
        for write in writes(ledger) {
            let last = ended.insert(self.place_of(write), write.done_us);
            assert!(last.is_none_or(|last| last <= write.at_us), "two at once: {}", write.to_json());
        }
    }

    /// Over all processes of the run. Only a pause that a process received so shortly before its kill that the journal
    /// doesn't have it, or while it made the plan and there was none, holds for this process alone.
    fn waits_were_kept(&self, ledger: &[LedgerEntry], run: Option<&Path>, ran: &Ran) {
        let (since, pauses) = run.map_or((u64::MAX, Vec::new()), pauses);
        let mut not_before: HashMap<&str, u64> = HashMap::new();
        for (number, first) in self.began.iter().enumerate() {
            let next = self.began.get(number + 1).copied().unwrap_or(u64::MAX);
            let mut lost = Vec::new();
            for entry in ledger.iter().filter(|entry| (*first..next).contains(&entry.at_ms)) {
                let Some(org) = entry.org.as_deref() else { continue };
                let free = not_before.get(org).copied().unwrap_or(0);
                assert!(
                    entry.at_us >= free,
                    "asked before its time, {free} us: {}; processes began at {:?} ms; pauses {pauses:?}",
                    entry.to_json(),
                    self.began
                );
                let Some(wait) = entry.retry_after.as_deref().and_then(in_seconds) else {
                    continue;
                };
                not_before.insert(org, entry.done_us + 1_000_000 * wait);
                let place = self.place_of(entry);
                let is_kept = pauses.iter().any(|(index, told_at, until)| {
                    // Received by this process: a later one may have received the same for the org.
                    *index == place
                        && (entry.at_ms..next).contains(told_at)
                        && *until <= told_at + 1_000 * wait + 1
                        && *told_at < entry.at_ms + 1_000 * wait
                });
                if !is_kept {
                    lost.push(org);
                    let is_last = number + 1 == self.began.len();
                    let may_be_lost = !is_last || ran.was_killed() || entry.at_ms < since;
                    assert!(may_be_lost, "not in the journal: {}", entry.to_json());
                }
            }
            for org in lost {
                not_before.remove(org);
            }
        }
    }

    fn every_write_was_promised(&mut self, ledger: &[LedgerEntry], promised: &BTreeMap<StepPlace, Promised>) {
        let mut sent: HashMap<StepPlace, usize> = HashMap::new();
        for write in writes(ledger) {
            *sent.entry(self.step_of(write)).or_default() += 1;
        }
        for step in sent.keys() {
            assert!(promised.contains_key(step), "{step:?} was written without an intent");
        }
        for (step, promised) in promised {
            let sent = sent.get(step).copied().unwrap_or_default();
            let name = format!("{}, {}", self.stage.orgs[step.0].name, step.1);
            assert!(sent <= promised.intents, "{name}: {sent} writes, {promised:?}");
            assert!(sent <= 1 + promised.proofs, "{name}: {sent} writes, {promised:?}");
            match (self.settled.get(step), promised.outcome) {
                (Some((status, before)), outcome) => {
                    assert_eq!(sent, *before, "{name} was written again after it was {status:?}");
                    assert_eq!(outcome, Some(*status), "{name} was {status:?} for ever");
                }
                (None, Some(status)) if status.is_settled() => {
                    self.settled.insert(*step, (status, sent));
                }
                (None, _) => {}
            }
        }
    }

    /// The step that a write is of.
    fn step_of(&self, write: &LedgerEntry) -> StepPlace {
        let name =
            write.operation_name.as_deref().unwrap_or_else(|| panic!("of nothing: {}", write.to_json()));
        let operations = self.stage.operations();
        let place = operations.iter().position(|known| *known == name);
        (self.place_of(write), place.unwrap_or_else(|| panic!("of another: {}", write.to_json())))
    }

    fn place_of(&self, entry: &LedgerEntry) -> usize {
        let org = entry.org.as_deref().unwrap_or_else(|| panic!("without an org: {}", entry.to_json()));
        self.stage.orgs.iter().position(|known| known.id.as_str() == org).unwrap()
    }

    /// The run is finished: its results say what is live, of every row of the manifest once.
    pub fn at_the_end(&self, run: &Path) -> Vec<Row> {
        let rows = rows_of(&run.join("results.csv"));
        let ledger = self.stage.vendor.ledger();
        let listed: Vec<&str> = rows.iter().map(|row| row["org_uuid"].as_str()).collect();
        let typed: Vec<&str> = self.stage.orgs.iter().map(|org| org.id.as_str()).collect();
        assert_eq!(listed, typed, "every row once, in order");
        let journal = promised(run);
        if self.stage.operations().len() > 1 {
            self.steps_at_the_end(run, &rows, &journal);
            return rows;
        }
        for (place, (row, org)) in rows.iter().zip(&self.stage.orgs).enumerate() {
            let promised = journal.get(&(place, 0)).cloned().unwrap_or_default();
            let live = settings(&self.stage.vendor.state(&org.id).unwrap());
            let was_seen = ledger
                .iter()
                .filter(|entry| entry.operation == Some(Route::Read) && entry.status == Some(200))
                .filter(|entry| entry.org.as_deref() == Some(org.id.as_str()))
                .any(|entry| {
                    let state = entry.state().unwrap();
                    org.desired().iter().all(|(pointer, value)| state.pointer(pointer) == Some(&shown(value)))
                });
            let status = row["status"].as_str();
            match (status, org.is_skipped, org.is_unchanged) {
                // Omitted; or its writes were seen not applied, time and again.
                ("skipped", true, _) | ("failed", false, false) => {
                    assert_eq!(live, settings(&org.before), "{row:?}");
                }
                ("unchanged", false, true) | ("applied", false, false) => {
                    assert_eq!(live, settings(&org.wanted()), "{row:?}");
                    assert!(row["verified"] == "true" && was_seen || status == "unchanged", "{row:?}");
                }
                _ => panic!("{row:?}"),
            }
            let journalled = promised.outcome.map(Status::as_str);
            assert!(journalled.is_none_or(|journalled| journalled == status), "{row:?}, {journalled:?}");
        }
        rows
    }
}

impl Witness<'_> {
    /// The same of a run of several operations: every step says what is live, and every row is the worst of its steps.
    fn steps_at_the_end(&self, run: &Path, rows: &[Row], journal: &BTreeMap<StepPlace, Promised>) {
        let operations = self.stage.operations();
        let mut steps = rows_of(&run.join("steps.csv")).into_iter().peekable();
        for (place, (row, org)) in rows.iter().zip(&self.stage.orgs).enumerate() {
            let mut worst = None;
            let mut attempts = 0;
            let mut last = None;
            while let Some(step) = steps.next_if(|step| step["org_uuid"] == org.id.as_str()) {
                let status = status_named(&step["status"]);
                worst = worst.max(Some((status.severity(), step["status"].clone())));
                attempts += step["attempts"].parse::<u32>().unwrap();
                let operation = operations.iter().position(|known| *known == step["operation"]);
                if org.is_skipped {
                    continue;
                }
                let operation = operation.unwrap_or_else(|| panic!("{step:?}"));
                assert!(last < Some(operation), "in their order: {step:?}");
                last = Some(operation);
                let live = settings(&state_of(&self.stage.vendor, &org.id, operations[operation]));
                let (before, wanted) = match operation.checked_sub(1).map(|other| &org.others[other]) {
                    Some(other) => (settings(&other.before), settings(&other.wanted())),
                    None => (settings(&org.before), settings(&org.wanted())),
                };
                match status {
                    Status::Applied | Status::Unchanged => assert_eq!(live, wanted, "{step:?}"),
                    // Its writes were seen not applied, time and again; and what comes after it.
                    Status::Failed | Status::NotAttempted => assert_eq!(live, before, "{step:?}"),
                    _ => panic!("{step:?}"),
                }
                let journalled = journal.get(&(place, operation)).and_then(|promised| promised.outcome);
                assert!(journalled.is_none_or(|journalled| journalled == status), "{step:?}, {journalled:?}");
            }
            let (_, worst) = worst.unwrap_or((0, "skipped".to_owned()));
            assert_eq!(row["status"], worst, "{row:?}");
            assert_eq!(row["attempts"], attempts.to_string(), "{row:?}");
            if !org.is_skipped && !org.is_unchanged {
                assert_eq!(row["operations"], operations.join(";"), "{row:?}");
            }
        }
        assert_eq!(steps.next(), None, "every step once, in the order of the rows");
    }
}

fn status_named(name: &str) -> Status {
    *Status::ALL.iter().find(|status| status.as_str() == name).unwrap_or_else(|| panic!("{name:?}"))
}

/// A value as the ledger shows it.
fn shown(value: &Value) -> Value {
    match value.as_str() {
        Some(SENT_TOKEN) => json!(secret_fingerprint(SENT_TOKEN)),
        _ => value.clone(),
    }
}

/// All but what the vendor itself keeps.
fn settings(state: &Value) -> Value {
    let mut state = state.clone();
    for kept in ["integrationAuditMap", "doorsValidated", "misconfiguredDoors"] {
        state.as_object_mut().unwrap().remove(kept);
    }
    state
}

/// What a journal says of each step that it names. Its order is judged on the way: an org's next step begins only once those
/// before it have ended well, and another org's step of an operation only once the operation's canary has ended.
fn promised(run: &Path) -> BTreeMap<StepPlace, Promised> {
    let stored = Stored::open_read_only(&run.join(FILE_NAME)).unwrap();
    let mut all: BTreeMap<StepPlace, Promised> = BTreeMap::new();
    let mut proven: HashSet<usize> = HashSet::new();
    stored
        .entries(|entry| match entry {
            Entry::Intent { index, place, .. } => {
                let (org, place) = (index as usize, usize::from(place));
                for ((other, of), step) in &all {
                    let is_well = step.outcome.is_some_and(Status::is_well);
                    assert!(*other != org || *of >= place || is_well, "{org}: {place} after {step:?}");
                    let is_canary = *of == place && *other != org && !proven.contains(&place);
                    assert!(!is_canary || step.outcome.is_some(), "{org}: {place} beside the canary {other}");
                }
                let step = all.entry((org, place)).or_default();
                step.intents += 1;
                step.outcome = None;
            }
            Entry::Step { index, place, inputs, .. } => {
                let step = all.entry((index as usize, usize::from(place))).or_default();
                step.proofs += proofs(&inputs);
                step.outcome = None;
            }
            Entry::Outcome { inputs, outcome } => {
                let step = (outcome.index as usize, usize::from(outcome.place));
                if outcome.status == Status::Applied {
                    proven.insert(step.1);
                }
                let step = all.entry(step).or_default();
                step.proofs += proofs(&inputs);
                step.outcome = Some(outcome.status);
            }
            _ => {}
        })
        .unwrap();
    all
}

/// How often a write was proven not applied.
fn proofs(inputs: &[Input]) -> usize {
    let is_proof =
        |input: &&Input| matches!(input, Input::NotApplied | Input::StillAsBefore { attempts_left: true });
    inputs.iter().filter(is_proof).count()
}

/// When the run began, and what its journal says of waiting: which org, since when, until when; in milliseconds.
fn pauses(run: &Path) -> (u64, Vec<(usize, u64, u64)>) {
    let stored = Stored::open_read_only(&run.join(FILE_NAME)).unwrap();
    let millis = |at: Timestamp| u64::try_from(at.as_millis()).unwrap();
    let mut pauses = Vec::new();
    stored
        .entries(|entry| {
            if let Entry::Pause { index: Some(index), pause } = entry {
                pauses.push((index as usize, millis(pause.told_at), millis(pause.not_before)));
            }
        })
        .unwrap();
    (millis(stored.header().started), pauses)
}

/// The rows of a CSV, by column.
pub fn rows_of(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

/// A wait in whole seconds. More than a day counts as absent, and may be a moment.
fn in_seconds(text: &str) -> Option<u64> {
    text.parse().ok().filter(|seconds| *seconds <= 86_400)
}
