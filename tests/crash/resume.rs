//! Resuming a run: who may, with what, and what is left unchanged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use orgwave_core::org::Entry as Noted;
use orgwave_core::run::{Finish, RunHeader, StopReason};
use orgwave_core::timestamp::Timestamp;
use orgwave_journal::{FILE_NAME, SqliteJournal, Stored};
use orgwave_sandbox::{LedgerEntry, Route};

use crate::chains::files_of;
use crate::process::{Live, Ran};
use crate::stage::{PACE, Stage, when_free};
use crate::steps::killed;
use crate::witness::{Witness, rows_of};

/// A run that was killed after one of its writes was answered. It made one call at a time, so that none of them is
/// still in progress.
fn killed_run(seed: u64) -> (Stage, PathBuf) {
    let stage = Stage::new(seed, 9, &[]);
    assert!(killed(alone(&stage), "AfterReply", 3).was_killed());
    let run = stage.only_run();
    (stage, run)
}

/// Applies the rollout, one call at a time.
fn alone(stage: &Stage) -> Command {
    let mut command =
        stage.bare(&["apply", "rollout.toml", "--yes", "--rate", "unlimited", "--concurrency", "1"]);
    command.args(["--endpoint", &stage.vendor.url(), "--token-file", "key"]);
    command
}

/// A command refused what it was given, and nothing was sent.
fn refused(stage: &Stage, code: i32, hint: &str, refuse: impl FnOnce() -> Ran) {
    let before = stage.vendor.ledger().len();
    let ran = refuse();
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert!(ran.stderr.contains(hint), "{hint:?} is not said: {ran:?}");
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    assert_eq!(stage.vendor.ledger().len(), before, "something was sent");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn another_key_is_refused_with_a_hint() {
    let (stage, run) = killed_run(11);
    stage.write_key("key2", "another-partner-key");
    let url = stage.vendor.url();
    let with = |args: &[&str]| {
        let mut command = stage.bare(args);
        command.args(["--endpoint", &url, "--token-file", "key2"]);
        Live::start(command).finish()
    };
    refused(&stage, 12, "retry.toml", || with(&["resume", text(&run)]));
    // What it names is there once it has been followed: a killed run has no files yet.
    assert!(!run.join("retry.toml").exists());
    let hint = with(&["resume", text(&run)]).stderr;
    let (report, apply) = hint.split_once("with a new key: ").unwrap().1.split_once(" && ").unwrap();
    let words = |line: &str| -> Vec<String> { line.split_whitespace().skip(1).map(str::to_owned).collect() };
    let report = words(report);
    let ran = stage.run_bare(&report.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(words(apply)[1].ends_with("retry.toml") && Path::new(&words(apply)[1]).exists(), "{hint}");
    // Now that it is there, that is all there is to say.
    refused(&stage, 12, "with a new key: orgwave apply", || with(&["resume", text(&run)]));
    refused(&stage, 66, "no run of this key", || with(&["resume"]));
}

#[test]
fn another_endpoint_is_refused() {
    let (stage, run) = killed_run(12);
    let other = Stage::new(12, 9, &[]);
    refused(&other, 12, &stage.vendor.url(), || {
        let mut command = stage.bare(&["resume", text(&run), "--endpoint", &other.vendor.url()]);
        command.args(["--token-file", "key"]);
        Live::start(command).finish()
    });
}

#[test]
fn a_run_of_the_sandbox_ended_with_it() {
    let stage = Stage::new(13, 4, &[]);
    let ran = stage.run_bare(&["apply", "rollout.toml", "--sandbox", "--yes", "--ack", "none"]);
    assert!(ran.code.is_some(), "{ran:?}");
    let run = stage.only_run();
    refused(&stage, 64, "sandbox", || stage.run(&["resume", text(&run)]));
}

#[test]
fn a_damaged_journal_is_refused_with_what_to_do() {
    let (stage, run) = killed_run(14);
    // An end folds the log into the file, so that what is damaged is read.
    let journal = when_free(|| SqliteJournal::open(&run.join(FILE_NAME)));
    let stop = Some(StopReason::Interrupted);
    journal.record(Noted::Finished(Finish { at: Timestamp::from_millis(0), stop, wrote: true }));
    drop(journal);
    assert!(!run.join("run.db-wal").exists());
    let whole = fs::read(run.join(FILE_NAME)).unwrap();
    let refuse = |bytes: &[u8]| {
        fs::write(run.join(FILE_NAME), bytes).unwrap();
        refused(&stage, 65, "apply the rollout again", || stage.run(&["resume", text(&run)]));
    };
    refuse(b"");
    refuse(b"no database at all, whatever its name says");
    refuse(&whole[..whole.len() / 2]);
    refuse(&whole[..100]);
    let mut chance = fastrand::Rng::with_seed(14);
    let entries: Vec<usize> =
        (0..whole.len()).filter(|place| whole[*place..].starts_with(b"\"org\":")).collect();
    assert!(entries.len() > 5, "{}", entries.len());
    for _ in 0..20 {
        let mut bytes = whole.clone();
        // Somewhere in what an entry says.
        bytes[chance.choice(&entries).unwrap() + chance.usize(..6)] ^= 1 << chance.u8(..8);
        refuse(&bytes);
    }
    fs::write(run.join(FILE_NAME), &whole).unwrap();
    let ran = stage.run(&["resume", text(&run)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_log_that_was_lost_or_damaged_is_refused_with_what_to_do() {
    let (stage, run) = killed_run(18);
    let log = run.join("run.db-wal");
    let whole = fs::read(&log).unwrap();
    let refuse = |what: &str| {
        for said in [what, "apply the rollout again"] {
            refused(&stage, 65, said, || stage.run(&["resume", text(&run)]));
        }
        assert!(!run.join("results.csv").exists(), "reports of half a run");
        refused(&stage, 65, what, || stage.run_bare(&["report", text(&run)]));
    };
    let mut bytes = whole.clone();
    bytes[whole.len() / 4] ^= 1;
    fs::write(&log, bytes).unwrap();
    refuse("run.db-wal, is bad at frame");
    fs::remove_file(&log).unwrap();
    refuse("run.db-wal, is missing");
    fs::write(&log, &whole).unwrap();
    let ran = stage.run(&["resume", text(&run)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    Witness::new(&stage).at_the_end(&run);
    // A run that said its end needs no log: a copy of its file is enough.
    let _ = fs::remove_file(&log);
    let ran = stage.run_bare(&["report", text(&run)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_journal_of_a_newer_format_or_of_another_plan_is_refused() {
    let (stage, run) = killed_run(15);
    let header = Stored::open_read_only(&run.join(FILE_NAME)).unwrap().header().clone();
    let replace = |header: &RunHeader| {
        for name in ["run.db", "run.db-wal", "run.db-shm"] {
            let _ = fs::remove_file(run.join(name));
        }
        // Opening what was made may refuse it already: what counts is that it has its name.
        let _ = when_free(|| SqliteJournal::create(&run, header)).publish();
        assert!(run.join(FILE_NAME).exists());
    };
    replace(&RunHeader { format: header.format + 1, ..header.clone() });
    refused(&stage, 65, &format!("format {}", header.format + 1), || stage.run(&["resume", text(&run)]));
    replace(&RunHeader { plan_id: "20200101T000000Z-0000000000000000".to_owned(), ..header.clone() });
    refused(&stage, 12, "don't belong together", || stage.run(&["resume", text(&run)]));
    replace(&RunHeader { plan_seal: "0".repeat(64), ..header });
    refused(&stage, 12, "don't belong together", || stage.run(&["resume", text(&run)]));
}

#[test]
fn a_plan_that_was_changed_in_the_runs_folder_is_refused() {
    let (stage, run) = killed_run(16);
    let plan = run.join("plan.jsonl");
    let whole = fs::read_to_string(&plan).unwrap();
    for (what, changed) in [
        ("a value", whole.replacen("77", "78", 1)),
        ("a name", whole.replacen("Org 1", "Org 2", 1)),
        ("an expiry", whole.replacen("\"expires\":\"2", "\"expires\":\"3", 1)),
        (
            "a line",
            whole.lines().enumerate().filter(|(n, _)| *n != 3).map(|(_, l)| [l, "\n"].concat()).collect(),
        ),
    ] {
        assert_ne!(changed, whole, "{what}");
        fs::write(&plan, changed).unwrap();
        for command in ["resume", "verify", "undo"] {
            refused(&stage, 12, "plan", || {
                let mut command = stage.bare(&[command, text(&run)]);
                command.args(["--endpoint", &stage.vendor.url(), "--token-file", "key"]);
                Live::start(command).finish()
            });
        }
    }
    fs::write(&plan, &whole).unwrap();
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn past_expiry_doubt_is_settled_and_nothing_new_is_sent() {
    let stage = Stage::new(17, 9, &["ok applied delay=30s on write nth 1 share=0.4"]);
    let mut witness = Witness::new(&stage);
    witness.before();
    let held = || {
        let ledger = stage.vendor.ledger();
        crate::witness::writes(&ledger).any(|write| write.fault.is_some())
    };
    let mut process = Live::start(stage.command(&["apply", "rollout.toml", "--yes", "--expires", "1s"]));
    assert!(process.until(held));
    assert!(process.survives_for(Duration::from_secs(1)), "the run lasts longer than its plan");
    witness.after(&process.kill());
    let (run, sent) = (stage.only_run(), stage.writes());
    witness.before();
    let ran = stage.run(&["resume"]);
    witness.after(&ran);
    assert_eq!(ran.code, Some(12), "{ran:?}");
    assert_eq!(stage.writes(), sent, "something new was sent");
    let rows = rows_of(&run.join("results.csv"));
    let with = |status: &str| rows.iter().filter(|row| row["status"] == status).count();
    assert_eq!(with("applied"), sent, "{rows:?}");
    assert_eq!(with("unknown"), 0, "{rows:?}");
    assert!(with("not_attempted") > 0, "{rows:?}");
}

#[test]
fn a_retry_after_is_kept_over_a_kill_and_a_resume() {
    for call in ["write nth 1", "read nth 2"] {
        let stage = Stage::new(21, 9, &[&format!("429 retry-after=3 on {call} share=0.5")]);
        let mut witness = Witness::new(&stage);
        let throttled = || stage.vendor.ledger().iter().any(|entry| entry.retry_after.is_some());
        witness.before();
        let mut process = Live::start(stage.command(&["apply", "rollout.toml", "--yes"]));
        assert!(process.until(throttled), "{call}");
        // Many times as long as the journal lets an entry wait for others.
        assert!(process.survives_for(Duration::from_millis(800)), "{call}");
        witness.after(&process.kill());
        let refused = stage.vendor.ledger().into_iter().find(|entry| entry.retry_after.is_some()).unwrap();
        witness.before();
        let ran = stage.run(&["resume"]);
        witness.after(&ran);
        assert_eq!(ran.code, Some(0), "{call}: {ran:?}");
        witness.at_the_end(&stage.only_run());
        let ledger = stage.vendor.ledger();
        let next = ledger.iter().find(|entry| entry.org == refused.org && entry.seq > refused.seq).unwrap();
        assert!(next.at_us >= refused.done_us + 3_000_000, "{call}: {}", next.to_json());
    }
}

#[test]
fn lost_files_come_back_byte_for_byte_without_a_call() {
    let stage = Stage::new(18, 9, &["400 on write nth 1 share=0.3"]);
    let first = stage.run(&["apply", "rollout.toml", "--yes"]);
    let run = stage.only_run();
    let (files, sent) = (files_of(&run), stage.vendor.ledger().len());
    assert!(files.len() > 10, "{:?}", files.keys());
    for name in ["results.csv", "changes.csv", "retry.csv", "retry.toml", "summary.json"] {
        fs::remove_file(run.join(name)).unwrap();
        let ran = stage.run(&["resume"]);
        assert_eq!(ran.code, first.code, "{name}: {ran:?}");
        assert_eq!(files_of(&run), files, "{name}");
    }
    for name in files.keys() {
        fs::remove_file(run.join(name)).unwrap();
    }
    let ran = stage.run_bare(&["report", text(&run)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(files_of(&run), files);
    let ran = stage.run(&["resume", text(&run)]);
    assert_eq!(ran.code, first.code, "{ran:?}");
    assert_eq!(stage.vendor.ledger().len(), sent);
}

#[test]
fn the_default_is_the_newest_run_that_is_not_finished() {
    let (stage, first) = killed_run(19);
    assert!(killed(alone(&stage), "BeforeSend", 1).was_killed());
    let second = stage.run_folders().into_iter().find(|run| *run != first).unwrap();
    // Two runs of one second differ by chance in their names, and by the journal: put the second first.
    let folders = stage.path("reports");
    let (older, newer) = (folders.join("20300101T000000Z-b"), folders.join("20300101T000000Z-a"));
    fs::rename(&first, &older).unwrap();
    fs::rename(&second, &newer).unwrap();
    let (first, second) = (older, newer);
    let listed = stage.run_bare(&["runs", "--json"]).stdout;
    let place = |run: &Path| listed.find(text(run.strip_prefix(stage.folder()).unwrap())).unwrap();
    assert!(place(&second) < place(&first), "the newest first: {listed}");
    let is_done = |run: &Path| run.join("summary.json").exists();
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(is_done(&second) && !is_done(&first));
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(is_done(&first) && is_done(&second));
    let sent = stage.vendor.ledger().len();
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("nothing to resume"), "{ran:?}");
    assert_eq!(stage.vendor.ledger().len(), sent);
}

#[test]
fn the_failure_budget_starts_anew_and_what_failed_stays() {
    let stage = Stage::new(20, 16, &["400 on write"]);
    let apply = ["apply", "rollout.toml", "--yes", "--waves", "rest", "--max-failures", "1"];
    let mut command = stage.bare(&apply);
    command.args(["--endpoint", &stage.vendor.url(), "--token-file", "key"]).args(PACE);
    let mut ran = Live::start(command).finish();
    let mut rejected = 0;
    let mut rounds = 0;
    while ran.code == Some(4) {
        let rows = rows_of(&stage.only_run().join("results.csv"));
        let now = rows.iter().filter(|row| row["status"] == "rejected").count();
        assert!(now > rejected, "a budget that is spent already: {ran:?}");
        assert_eq!(stage.writes(), now, "no org is asked twice");
        rejected = now;
        rounds += 1;
        if !rows.iter().any(|row| row["status"] == "not_attempted") {
            break;
        }
        ran = stage.run(&["resume"]);
    }
    assert!(matches!(ran.code, Some(3 | 4)), "{ran:?}");
    assert!(rounds > 1, "{rounds}");
}

#[test]
fn swapped_plan_or_journal_is_refused_by_every_command() {
    let (stage, first) = killed_run(22);
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let edited = stage.orgs[1].id;
    stage.vendor.edit(&edited, &crate::stage::object(serde_json::json!({"saveClips": false})));
    let ran = stage.run(&["apply", "rollout.toml", "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let second = stage.run_folders().into_iter().find(|run| *run != first).unwrap();
    for name in ["plan.jsonl", FILE_NAME] {
        let own = fs::read(second.join(name)).unwrap();
        fs::copy(first.join(name), second.join(name)).unwrap();
        let (files, sent) = (files_of(&second), stage.vendor.ledger().len());
        for command in ["resume", "report", "verify", "undo"] {
            let mut bare = stage.bare(&[command, text(&second)]);
            if command != "report" {
                bare.args(["--endpoint", &stage.vendor.url(), "--token-file", "key"]);
            }
            let ran = Live::start(bare).finish();
            assert_eq!(ran.code, Some(12), "{name} {command}: {ran:?}");
            assert!(ran.stderr.contains("don't belong together"), "{name} {command}: {ran:?}");
        }
        assert_eq!(files_of(&second), files, "{name}: what another run came to was written here");
        // Without a name, a run that is whole is resumed.
        let ran = stage.run(&["resume"]);
        assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
        assert_eq!(stage.vendor.ledger().len(), sent, "{name}");
        fs::write(second.join(name), own).unwrap();
    }
    let ran = stage.run(&["resume", text(&second)]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_resume_keeps_mode_waves_and_verify_policy() {
    let stage = Stage::new(23, 12, &[]);
    let mut command = alone(&stage);
    command.args(["--write", "patch", "--verify", "none", "--waves", "rest"]);
    assert!(killed(command, "AfterReply", 2).was_killed());
    for flags in [["--write", "merge"], ["--verify", "all"], ["--waves", "1,rest"], ["--max-failures", "1"]] {
        let ran = stage.run(&[&["resume"], &flags[..]].concat());
        assert_eq!(ran.code, Some(64), "{ran:?}");
    }
    let sent = stage.vendor.ledger().len();
    let ran = stage.run(&["resume", "--concurrency", "2", "--max-duration", "5m"]);
    assert_eq!(ran.code, Some(64), "a flag of the pace given twice: {ran:?}");
    let mut command =
        stage.bare(&["resume", "--rate", "unlimited", "--max-duration", "5m", "--timeout", "9s"]);
    command.args(["--endpoint", &stage.vendor.url(), "--token-file", "key", "--quiet-period", "200ms"]);
    let ran = Live::start(command).finish();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ledger = stage.vendor.ledger();
    let mut written = 0;
    for write in crate::witness::writes(&ledger[sent..]) {
        let body = write.sent().unwrap();
        let fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        let managed = ["apiToken", "badgeFaceVerificationMode", "doorInfoMap", "saveClips"];
        assert!(fields.iter().all(|field| managed.contains(field)), "not a patch: {fields:?}");
        let looked = |entry: &&LedgerEntry| entry.org == write.org && entry.seq > write.seq;
        assert_eq!(ledger.iter().find(looked).map(|entry| entry.seq), None, "nothing is read back");
        written += 1;
    }
    assert!(written > 3, "{written}");
    let rows = rows_of(&stage.only_run().join("results.csv"));
    let waves: std::collections::BTreeSet<&str> = rows.iter().map(|row| row["wave"].as_str()).collect();
    assert_eq!(waves.into_iter().collect::<Vec<_>>(), ["", "1"]);
}

#[test]
fn writes_before_a_kill_are_read_again_at_the_end_of_their_wave() {
    let stage = Stage::new(14, 20, &[]);
    let mut command = alone(&stage);
    command.args(["--waves", "1,rest", "--verify", "settled"]);
    assert!(killed(command, "AfterReply", 6).was_killed());
    let killed_after = stage.vendor.ledger().len();
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ledger = stage.vendor.ledger();
    for (place, org) in stage.orgs.iter().enumerate().filter(|(_, org)| !org.is_skipped && !org.is_unchanged)
    {
        let calls = |operation| {
            let mine = move |(_, entry): &(usize, &LedgerEntry)| {
                entry.org.as_deref() == Some(org.id.as_str()) && entry.operation == Some(operation)
            };
            ledger.iter().enumerate().filter(mine).map(|(at, _)| at)
        };
        let written: Vec<usize> = calls(Route::Write).collect();
        let reads = calls(Route::Read).filter(|at| written.last().is_some_and(|last| at > last)).count();
        // The canary's wave had ended by then.
        let by_resume = calls(Route::Read).filter(|at| *at >= killed_after).count();
        assert!(reads >= 2 && (place == 0) == (by_resume == 0), "org {place}: {reads}, {by_resume}");
    }
}
