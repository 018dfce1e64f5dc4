//! SIGKILL at every named step: the binary pauses there, says so, and is killed.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::chains::files_of;
use crate::process::{Live, Ran};
use crate::stage::Stage;
use crate::witness::Witness;

/// Starts a command that is killed at a step, if it comes there.
fn killed_at(stage: &Stage, args: &[&str], step: &str, count: u32) -> Ran {
    killed(stage.command(args), step, count)
}

/// The same, whatever the command is.
pub fn killed(mut command: Command, step: &str, count: u32) -> Ran {
    command.env("ORGWAVE_HOLD_AT", format!("{step}:{count}"));
    let mut process = Live::start(command);
    if process.says("held at ") { process.kill() } else { process.finish() }
}

/// Applies a rollout with a kill at a step, resumes a kill at the same step, continues to the end.
fn dies_twice_at(step: &str, count: u32, after_the_first: impl Fn(&Stage)) {
    let stage = Stage::new(u64::from(count), 9, &["reset applied on write nth 1 share=0.3"]);
    let mut witness = Witness::new(&stage);
    witness.before();
    let first = killed_at(&stage, &["apply", "rollout.toml", "--yes"], step, count);
    assert!(first.was_killed(), "{step}:{count} never came: {first:?}");
    witness.after(&first);
    after_the_first(&stage);
    for hold in [true, false] {
        let begun = !stage.run_folders().is_empty();
        let args: &[&str] = if begun { &["resume"] } else { &["apply", "rollout.toml", "--yes"] };
        witness.before();
        let ran = if hold { killed_at(&stage, args, step, count) } else { stage.run(args) };
        witness.after(&ran);
        assert!(ran.was_killed() && hold || ran.code == Some(0), "{step}:{count}: {ran:?}");
    }
    let rows = witness.at_the_end(&stage.only_run());
    assert!(rows.iter().all(|row| row["status"] != "failed"), "{rows:?}");
}

fn no_run(stage: &Stage) {
    assert_eq!(stage.run_folders(), Vec::<std::path::PathBuf>::new());
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(66), "{ran:?}");
    assert_eq!(stage.writes(), 0);
}

#[test]
fn while_planning() {
    for count in [1, 4] {
        dies_twice_at("OrgPlanned", count, no_run);
    }
}

#[test]
fn between_the_plan_and_the_journals_name() {
    dies_twice_at("PlanWritten", 1, no_run);
    dies_twice_at("JournalDrafted", 1, no_run);
    dies_twice_at("PlanMarked", 1, no_run);
}

#[test]
fn between_the_journals_name_and_the_first_intent() {
    for step in ["JournalPublished", "PlanRemembered"] {
        dies_twice_at(step, 1, |stage| {
            assert_eq!(stage.writes(), 0);
            stage.only_run();
        });
    }
}

#[test]
fn before_an_intent_is_durable() {
    for count in [1, 3] {
        dies_twice_at("BeforeIntent", count, |stage| assert!(stage.writes() < count as usize));
    }
}

#[test]
fn after_an_intent_is_durable() {
    for count in [1, 3] {
        dies_twice_at("IntentDurable", count, |stage| assert!(stage.writes() < count as usize));
    }
}

#[test]
fn before_the_send() {
    for count in [1, 3] {
        dies_twice_at("BeforeSend", count, |_| ());
    }
}

#[test]
fn after_the_reply() {
    for count in [1, 3] {
        dies_twice_at("AfterReply", count, |stage| assert!(stage.writes() >= count as usize));
    }
}

#[test]
fn after_the_send() {
    for applied in ["applied", "unapplied"] {
        let stage = Stage::new(3, 9, &[&format!("ok {applied} delay=30s on write nth 1 share=0.4")]);
        let mut witness = Witness::new(&stage);
        loop {
            let begun = !stage.run_folders().is_empty();
            let args: &[&str] = if begun { &["resume"] } else { &["apply", "rollout.toml", "--yes"] };
            let held = || {
                let ledger = stage.vendor.ledger();
                crate::witness::writes(&ledger).filter(|write| write.fault.is_some()).count()
            };
            let before = held();
            witness.before();
            let mut process = Live::start(stage.command(args));
            let ran = if process.until(|| held() > before) { process.kill() } else { process.finish() };
            witness.after(&ran);
            if !ran.was_killed() {
                assert_eq!(ran.code, Some(0), "{ran:?}");
                break;
            }
        }
        let rows = witness.at_the_end(&stage.only_run());
        let written = stage.orgs.iter().filter(|org| !org.is_skipped && !org.is_unchanged).count();
        assert_eq!(rows.iter().filter(|row| row["status"] == "applied").count(), written);
        if applied == "applied" {
            assert_eq!(stage.writes(), written, "what was applied is found, and not sent again");
        } else {
            assert!(stage.writes() > written);
        }
    }
}

#[test]
fn before_the_reports() {
    dies_twice_at("JournalFlushed", 1, |stage| assert!(!stage.only_run().join("results.csv").exists()));
}

#[test]
fn while_a_report_gets_its_name() {
    for count in 1..=5 {
        dies_twice_at("BeforeName", count, |stage| assert!(!temporaries(&stage.only_run()).is_empty()));
    }
}

/// Files that never got their names.
pub fn temporaries(run: &Path) -> Vec<String> {
    let is_half = |name: &OsString| Path::new(name).extension().is_some_and(|end| end == "tmp");
    files_of(run).into_keys().filter(is_half).map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn temporary_files_of_a_kill_are_removed_by_the_next_report() {
    for again in [&["resume", "-q"][..], &["report", "-q"]] {
        let stage = Stage::new(6, 9, &[]);
        let died = killed_at(&stage, &["apply", "rollout.toml", "--yes"], "BeforeName", 2);
        assert!(died.was_killed(), "{died:?}");
        let run = stage.only_run();
        assert!(!temporaries(&run).is_empty());
        std::fs::write(run.join(".mine.tmp"), "another file").unwrap();
        let ran = match again {
            ["report", ..] => stage.run_bare(&[again, &[run.to_str().unwrap()]].concat()),
            _ => stage.run(again),
        };
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(temporaries(&run), [".mine.tmp"], "{again:?}");
    }
}

#[test]
fn a_report_does_not_overwrite_files_of_a_run_in_progress() {
    let stage = Stage::new(7, 9, &[]);
    let mut command = stage.command(&["apply", "rollout.toml", "--yes"]);
    command.env("ORGWAVE_HOLD_AT", "BeforeName:2");
    let mut first = Live::start(command);
    assert!(first.says("held at"));
    let run = stage.only_run();
    let files = files_of(&run);
    let ran = stage.run_bare(&["report", run.to_str().unwrap()]);
    assert_eq!(ran.code, Some(11), "{ran:?}");
    assert_eq!(files_of(&run), files);
    first.kill();
    let ran = stage.run_bare(&["report", run.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_plan_whose_run_died_before_its_id_was_remembered_is_used() {
    let stage = Stage::new(5, 6, &[]);
    stage.plan(&[]);
    let died = killed_at(&stage, &["apply", "p.jsonl", "--yes"], "JournalPublished", 1);
    assert!(died.was_killed(), "{died:?}");
    let again = stage.run(&["apply", "p.jsonl", "--yes"]);
    assert_eq!(again.code, Some(12), "{again:?}");
    assert!(again.stderr.contains("orgwave resume"), "{again:?}");
    assert_eq!(stage.writes(), 0);
    let resumed = stage.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
}

#[test]
fn plan_is_reusable_if_its_run_died_before_the_journal() {
    let stage = Stage::new(8, 6, &[]);
    stage.plan(&[]);
    let died = killed_at(&stage, &["apply", "p.jsonl", "--yes"], "PlanMarked", 1);
    assert!(died.was_killed(), "{died:?}");
    assert!(stage.path("p.jsonl.used").exists());
    assert_eq!(stage.writes(), 0);
    let again = stage.run(&["apply", "p.jsonl", "--yes"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    let third = stage.run(&["apply", "p.jsonl", "--yes"]);
    assert_eq!(third.code, Some(12), "{third:?}");
}
