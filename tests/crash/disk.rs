//! A disk that is full, and a journal whose n-th commit fails.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use orgwave_core::desired::{DesiredValue, Origin};
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Operation, Operations};
use orgwave_core::org::Entry;
use orgwave_core::org::Input;
use orgwave_core::outcome::{OrgOutcome, StoredValue};
use orgwave_core::plan::{IndexEntry, Places, PlanLine, PlannedField, PlannedStep, RawTyped, Verdict};
use orgwave_core::policy::{FailureBudget, Percent, Rate, RetryPolicy, VerifyPolicy, WriteMode};
use orgwave_core::reply::{Ack, ClientList, Live, Reply};
use orgwave_core::run::{RUN_FORMAT, RunHeader, StopReason};
use orgwave_core::secret::{SealKey, SecretText, Secrets, key_fingerprint};
use orgwave_core::settings::RawObject;
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::gate::Gate;
use orgwave_executor::limits::Limits;
use orgwave_executor::ports::{Journal, PlanSource, ReadApi, TokioClock, WriteApi};
use orgwave_executor::rollout::{Ended, HeldReads, History, Job, Policy, Ports, roll_out};
use orgwave_journal::faults::Fault;
use orgwave_journal::{FILE_NAME, SqliteJournal, Stored};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::leaks;
use crate::process::{self, Ran};
use crate::stage::{LIVE_TOKEN, RUNTIME, Stage, when_free};
use crate::witness::Witness;

/// Runs a command that can make no file longer than this many blocks of 512 bytes.
fn with_room(stage: &Stage, blocks: u32, args: &[&str]) -> Ran {
    let command = stage.command(args);
    let mut limited = Command::new("/bin/sh");
    // The signal that goes with the limit would end the process; ignored, the write fails as on a full disk.
    limited.args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &blocks.to_string()]);
    limited.arg(command.get_program()).args(command.get_args()).env_clear().current_dir(stage.folder());
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    process::Live::start(limited).finish()
}

#[test]
fn a_full_disk_ends_a_run_with_74_and_it_resumes_with_room() {
    let mut cut_while_running = 0;
    for blocks in (16..240).step_by(16) {
        let stage = Stage::new(61, 9, &[]);
        let mut witness = Witness::new(&stage);
        witness.before();
        let ran = with_room(&stage, blocks, &["apply", "rollout.toml", "--yes"]);
        witness.after(&ran);
        if ran.code == Some(0) {
            break;
        }
        assert_eq!(ran.code, Some(74), "{blocks} blocks: {ran:?}");
        cut_while_running += u32::from(stage.writes() > 0);
        let begun = !stage.run_folders().is_empty();
        let args: &[&str] = if begun { &["resume"] } else { &["apply", "rollout.toml", "--yes"] };
        witness.before();
        let ran = stage.run(args);
        witness.after(&ran);
        assert_eq!(ran.code, Some(0), "{blocks} blocks: {ran:?}");
        witness.at_the_end(&stage.only_run());
    }
    assert!(cut_while_running > 0, "no limit was met between the first write and the last");
}

#[test]
fn a_resume_on_a_full_disk_ends_with_74_and_says_to_make_room() {
    let stage = Stage::new(65, 9, &[]);
    let mut command = stage.command(&["apply", "rollout.toml", "--yes"]);
    // The canary is alone: no other write is on its way when the process is killed.
    command.env("ORGWAVE_HOLD_AT", "BeforeSend:1");
    let mut process = process::Live::start(command);
    assert!(process.says("held at"));
    process.kill();
    let run = stage.only_run();
    let sent = stage.writes();
    for blocks in [0, 1, 8] {
        let ran = with_room(&stage, blocks, &["resume", run.to_str().unwrap()]);
        assert_eq!((ran.code, stage.writes()), (Some(74), sent), "{blocks} blocks: {ran:?}");
        assert!(ran.stderr.contains("free space or repair the disk, then `orgwave resume "), "{ran:?}");
        assert!(!ran.stderr.contains("apply the rollout again"), "{ran:?}");
    }
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    Witness::new(&stage).at_the_end(&run);
}

#[test]
fn a_read_only_reports_folder_is_74_before_any_call() {
    let stage = Stage::new(62, 6, &[]);
    // Where even root can make nothing.
    for command in [&["apply", "rollout.toml", "--yes"][..], &["plan", "rollout.toml"]] {
        let ran = stage.run(&[command, &["--reports", "/proc/reports"]].concat());
        assert_eq!((ran.code, stage.writes()), (Some(74), 0), "{ran:?}");
    }
    stage.plan(&[]);
    let ran = stage.run(&["apply", "p.jsonl", "--yes", "--reports", "/proc/reports"]);
    assert_eq!((ran.code, stage.writes()), (Some(74), 0), "{ran:?}");
    let ran = stage.run(&["apply", "p.jsonl", "--yes"]);
    assert_eq!(ran.code, Some(0), "a plan that could not begin isn't used: {ran:?}");
}

#[test]
fn files_that_cannot_be_renamed_end_with_74_and_lose_nothing() {
    let stage = Stage::new(63, 9, &["ok delay=200ms on write"]);
    let mut witness = Witness::new(&stage);
    witness.before();
    let mut process = process::Live::start(stage.command(&["apply", "rollout.toml", "--yes"]));
    assert!(process.until(|| stage.writes() > 0));
    // A folder in the place of a file, and it isn't empty.
    let taken = stage.only_run().join("results.csv");
    std::fs::create_dir_all(taken.join("x")).unwrap();
    let ran = process.finish();
    witness.after(&ran);
    assert_eq!(ran.code, Some(74), "{ran:?}");
    assert!(ran.stderr.contains("orgwave report"), "{ran:?}");
    let sent = stage.vendor.ledger().len();
    std::fs::remove_dir_all(&taken).unwrap();
    witness.before();
    let ran = stage.run(&["resume"]);
    witness.after(&ran);
    assert_eq!((ran.code, stage.vendor.ledger().len()), (Some(0), sent), "{ran:?}");
    witness.at_the_end(&stage.only_run());
}

#[test]
fn a_read_error_of_any_input_sends_nothing() {
    // A file that opens well, and fails when it is read.
    let broken = Path::new("/proc/self/mem");
    let stage = Stage::new(64, 6, &[]);
    let swap = |name: &str, then: &dyn Fn()| {
        let path = stage.path(name);
        let kept = stage.path("kept");
        std::fs::rename(&path, &kept).unwrap();
        std::os::unix::fs::symlink(broken, &path).unwrap();
        let before = stage.writes();
        then();
        assert_eq!(stage.writes(), before, "{name}");
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(&kept, &path).unwrap();
    };
    let fails = |args: &[&str], codes: &[i32]| {
        let ran = stage.run(args);
        assert!(ran.code.is_some_and(|code| codes.contains(&code)), "{ran:?}");
        assert!(!ran.stderr.is_empty() && !ran.stderr.contains("panicked"), "{ran:?}");
    };
    for name in ["orgs.csv", "rollout.toml"] {
        swap(name, &|| fails(&["apply", "rollout.toml", "--yes"], &[65, 66]));
    }
    swap("key", &|| fails(&["apply", "rollout.toml", "--yes"], &[78]));
    stage.plan(&[]);
    swap("p.jsonl", &|| fails(&["apply", "p.jsonl", "--yes"], &[65, 66]));

    let mut command = stage.command(&["apply", "p.jsonl", "--yes"]);
    command.env("ORGWAVE_HOLD_AT", "BeforeSend:2");
    let mut process = process::Live::start(command);
    assert!(process.says("held at"));
    process.kill();
    let run = stage.only_run().strip_prefix(stage.folder()).unwrap().to_owned();
    for name in ["plan.jsonl", "run.db"] {
        swap(run.join(name).to_str().unwrap(), &|| fails(&["resume", run.to_str().unwrap()], &[65, 66, 12]));
    }
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

/// Orgs with one setting, answering at once. Each write is held against what is on the disk at that moment.
#[derive(Clone)]
struct Vendor {
    run: Arc<Path>,
    orgs: Arc<Mutex<HashMap<Ruuid, bool>>>,
    written: Arc<Mutex<HashMap<Ruuid, usize>>>,
}

const ORGS: u32 = 7;

fn org(index: u32) -> Ruuid {
    Ruuid::from_bytes(u128::from(index + 1).to_be_bytes())
}

impl ReadApi for Vendor {
    async fn clients(&self) -> Reply<ClientList> {
        Reply::Good(ClientList::default())
    }

    async fn shared(&self, _: &[Arc<Operation>], _: Ruuid) -> Reply<Vec<Live>> {
        unreachable!("a rollout reads each operation by itself")
    }

    async fn settings(&self, _: &Arc<Operation>, org: Ruuid) -> Reply<Live> {
        let save_clips = self.orgs.lock().unwrap()[&org];
        let settings = json!({
            "orgUuid": org, "integration": "ENVOY", "saveClips": save_clips, "apiToken": LIVE_TOKEN,
        });
        Reply::Good(Live::Connected(RawObject::parse(&settings.to_string()).unwrap(), None))
    }
}

impl WriteApi for Vendor {
    async fn update(&self, _: &Arc<Operation>, org: Ruuid, body: Bytes) -> Reply<Ack> {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let written = {
            let mut written = self.written.lock().unwrap();
            let written = written.entry(org).or_default();
            *written += 1;
            *written
        };
        let promised = journalled(&self.run)[&org].0;
        assert!(written <= promised, "{org}: write {written} with {promised} intents on the disk");
        self.orgs.lock().unwrap().insert(org, body["envoySettings"]["saveClips"].as_bool().unwrap());
        Reply::Good(Ack::default())
    }
}

/// Intents and proofs that a write was not applied, by org.
fn journalled(run: &Path) -> HashMap<Ruuid, (usize, usize)> {
    let mut counts: HashMap<Ruuid, (usize, usize)> = (0..ORGS).map(|index| (org(index), (0, 0))).collect();
    let stored = Stored::open_read_only(&run.join(FILE_NAME)).unwrap();
    stored
        .entries(|entry| match entry {
            Entry::Intent { index, .. } => counts.get_mut(&org(index)).unwrap().0 += 1,
            Entry::Step { index, inputs, .. }
            | Entry::Outcome { inputs, outcome: OrgOutcome { index, .. } } => {
                let is_proof =
                    |input: &&Input| matches!(input, Input::NotApplied | Input::StillAsBefore { .. });
                counts.get_mut(&org(index)).unwrap().1 += inputs.iter().filter(is_proof).count();
            }
            _ => {}
        })
        .unwrap();
    counts
}

struct Port(SqliteJournal);

impl Journal for Port {
    fn record(&self, entry: Entry) {
        self.0.record(entry);
    }

    fn record_durably(&self, entry: Entry, done: Box<dyn FnOnce(Result<(), String>) + Send>) {
        self.0.record_durably(entry, Box::new(|result| done(result.map_err(|error| error.to_string()))));
    }
}

struct Plan;

impl PlanSource for Plan {
    fn load(&self, index: u32) -> io::Result<PlanLine> {
        Ok(PlanLine {
            line: u64::from(index) + 2,
            org: org(index),
            name: None,
            wave: Some(1 + index / 3),
            skip: None,
            note: None,
            carried: Vec::new(),
            verdict: Verdict::Update,
            org_error: None,
            preconditions: Vec::new(),
            steps: vec![PlannedStep {
                fields: vec![PlannedField {
                    path: Operation::default_one().path("saveClips").unwrap(),
                    before: StoredValue::Json(json!(false)),
                    after: DesiredValue::Set(json!(true)),
                    fingerprint: None,
                    from: Origin::Row,
                }],
                ..PlannedStep::new(&Operation::default_one(), 0, Verdict::Update)
            }],
            typed: RawTyped::default(),
        })
    }
}

fn index() -> Vec<IndexEntry> {
    (0..ORGS)
        .map(|index| IndexEntry {
            offset: 0,
            length: 0,
            wave: 1 + index / 3,
            verdict: Verdict::Update,
            updates: Places::first(Verdict::Update),
            rest: None,
        })
        .collect()
}

fn key() -> SecretText {
    SecretText::new("a-key".to_owned())
}

fn header() -> RunHeader {
    RunHeader {
        format: RUN_FORMAT,
        run_id: "r".to_owned(),
        plan_id: "p".to_owned(),
        plan_seal: "s".to_owned(),
        fresh_plan: false,
        endpoint: "https://vendor.example".to_owned(),
        key_fingerprint: key_fingerprint(&key()),
        tool: "a test".to_owned(),
        started: Timestamp::from_millis(0),
        orgs: ORGS,
        operations: Vec::new(),
        write: WriteMode::Merge,
        verify: VerifyPolicy::All,
        max_failures: FailureBudget::Share(Percent::of(100)),
        strict: false,
        unattended: false,
        rollout: "rollout.toml".to_owned(),
    }
}

/// One process of the run. Whether its journal was whole at the end.
fn go_on(vendor: &Vendor, journal: SqliteJournal, history: History) -> (Ended, bool) {
    let limits = Limits {
        rate: Rate::Unlimited,
        org_rate: Rate::Unlimited,
        concurrency: 3,
        timeout: Duration::from_secs(5),
        retry: RetryPolicy { quiet_period: Duration::from_millis(1), ..RetryPolicy::default() },
        max_duration: None,
    };
    let policy = Policy {
        operations: Operations::one(Operation::default_one()),
        keep_going: false,
        run_id: "r".to_owned(),
        plan_id: "p".to_owned(),
        write: WriteMode::Merge,
        verify: VerifyPolicy::All,
        has_canary: true,
        max_failures: FailureBudget::Share(Percent::of(100)),
        ignored: Vec::new(),
        settle_only: false,
    };
    let (journal, seal, secrets) = (Port(journal), SealKey::derive(&key(), "p"), Secrets::new());
    let (_keep, mut control) = mpsc::channel(1);
    let ended = RUNTIME.block_on(async {
        let mut gate = Gate::new(TokioClock::starting_at(Timestamp::from_millis(0)), limits, None);
        let ports = Ports { api: vendor, journal: &journal, plan: &Plan };
        let mut sink = |_: &orgwave_core::event::Event| {};
        roll_out(
            Job {
                index: &index(),
                policy,
                secrets: &secrets,
                seal: &seal,
                history,
                held: HeldReads::default(),
            },
            ports,
            &mut gate,
            &mut control,
            &mut sink,
        )
        .await
    });
    (ended, journal.0.flush().is_ok())
}

/// What a journal left, as the next process needs it.
fn history(run: &Path) -> History {
    let stored = Stored::open_read_only(&run.join(FILE_NAME)).unwrap();
    let mut history = History { resumed: true, ..History::default() };
    for (id, record) in stored.records().unwrap().iter() {
        if record.is_settled() {
            history.settled.extend(record.state.status().map(|status| (id, status)));
        } else if record.had_intent() {
            history.open.insert(id, stored.progress(id, record).unwrap());
        }
    }
    history
}

/// A run whose journal fails once, and the process that resumes it. Whether it failed at all.
fn fails_at(fault: Fault) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    drop(when_free(|| SqliteJournal::create(folder.path(), &header())).publish().unwrap());
    let vendor = Vendor {
        run: folder.path().into(),
        orgs: Arc::new(Mutex::new((0..ORGS).map(|index| (org(index), false)).collect())),
        written: Arc::default(),
    };
    let journal = when_free(|| SqliteJournal::open_faulty(&path, fault));
    let (ended, whole) = go_on(&vendor, journal, History::default());
    if whole {
        assert_eq!(ended.finish.stop, None, "{fault:?}");
        assert_eq!(ended.counts.of(Status::Applied), u64::from(ORGS));
        return false;
    }
    // An entry that waits for the disk when it fails stops the run; at its very end none does.
    let stop = ended.finish.stop;
    assert!(matches!(stop, None | Some(StopReason::JournalFailed(_))), "{fault:?}: {stop:?}");
    let written: usize = vendor.written.lock().unwrap().values().sum();
    assert!(stop.is_some() || written == ORGS as usize, "{fault:?}: {written} written");

    let (ended, whole) = go_on(&vendor, when_free(|| SqliteJournal::open(&path)), history(folder.path()));
    assert!(whole && ended.finish.stop.is_none(), "{fault:?}: {ended:?}");
    assert!(vendor.orgs.lock().unwrap().values().all(|done| *done), "{fault:?}");
    leaks::assert_none(folder.path());
    for (org, (intents, proofs)) in journalled(folder.path()) {
        let written = vendor.written.lock().unwrap().get(&org).copied().unwrap_or(0);
        assert!(written <= intents && written <= 1 + proofs, "{fault:?}: {written}, {intents}, {proofs}");
    }
    true
}

#[test]
fn any_nth_append_commit_or_sync_may_fail_in_a_small_run() {
    for fault in [Fault::Append as fn(u32) -> Fault, Fault::Commit, Fault::Sync] {
        let last = (1..400).find(|n| !fails_at(fault(*n))).expect("a small run ends");
        assert!(last > 3, "only {last} were there to fail");
    }
}
