//! Each plan once, and one run at a time.

use std::fs;

use crate::process::Live;
use crate::stage::Stage;
use crate::witness::Witness;

#[test]
fn a_used_plan_is_refused_by_either_memory() {
    let stage = Stage::new(31, 6, &[]);
    stage.plan(&[]);
    let ran = stage.run(&["apply", "p.jsonl", "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let sent = stage.vendor.ledger().len();
    let refused = |args: &[&str]| {
        let ran = stage.run(&[&["apply", "p.jsonl", "--yes"], args].concat());
        assert_eq!(ran.code, Some(12), "{ran:?}");
        assert!(ran.stderr.contains("already applied"), "{ran:?}");
        assert_eq!(stage.vendor.ledger().len(), sent);
    };
    refused(&[]);
    // The machine remembers it, whatever folder the run is in.
    refused(&["--reports", "elsewhere"]);
    // The run's folder tells it, on a machine that knows nothing.
    fs::remove_dir_all(stage.path("state")).unwrap();
    refused(&[]);
    assert_eq!(stage.run_folders().len(), 1, "a refused plan leaves no folder");
    // The mark beside the plan shows it where both are gone.
    fs::remove_dir_all(stage.path("reports")).unwrap();
    refused(&[]);
    let mark = fs::read_to_string(stage.path("p.jsonl.used")).unwrap();
    assert!(mark.contains("reports/"), "{mark}");
    // A new plan of that name is another plan.
    fs::remove_file(stage.path("p.jsonl")).unwrap();
    for page in ["p.html", "p.md", "p.csv"] {
        fs::remove_file(stage.path(page)).unwrap();
    }
    stage.plan(&[]);
    let ran = stage.run(&["apply", "p.jsonl", "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_plan_whose_mark_cannot_be_made_is_applied_with_a_warning() {
    let stage = Stage::new(36, 6, &[]);
    // With `.used` behind it, the name is longer than a name may be.
    let name = format!("{}.jsonl", "p".repeat(246));
    fs::rename(stage.plan(&[]), stage.path(&name)).unwrap();
    let ran = stage.run(&["apply", &name, "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("warning:") && ran.stderr.contains(".used can't be written"), "{ran:?}");
    let ran = stage.run(&["apply", &name, "--yes"]);
    assert_eq!(ran.code, Some(12), "{ran:?}");
}

#[test]
fn a_mark_of_an_unknown_run_refuses_and_says_what_to_do() {
    let stage = Stage::new(37, 6, &[]);
    stage.plan(&[]);
    for mark in ["", r#"{"plan_id":"another","run":"/nowhere"}"#] {
        fs::write(stage.path("p.jsonl.used"), mark).unwrap();
        let ran = stage.run(&["apply", "p.jsonl", "--yes"]);
        assert_eq!(ran.code, Some(12), "{ran:?}");
        assert!(ran.stderr.contains("p.jsonl.used") && ran.stderr.contains("remove the mark"), "{ran:?}");
    }
    assert_eq!(stage.writes(), 0);
}

#[test]
fn of_several_that_start_at_once_one_begins() {
    let stage = Stage::new(38, 6, &[]);
    let started: Vec<Live> = (0..4)
        .map(|_| {
            let mut command = stage.command(&["apply", "rollout.toml", "--yes"]);
            command.env("ORGWAVE_HOLD_AT", "BeforeSend:1");
            Live::start(command)
        })
        .collect();
    // It holds its lock until all the others have ended.
    let mut holder = None;
    for mut live in started {
        if live.says("held at") {
            assert!(holder.is_none(), "two began");
            holder = Some(live);
        } else {
            let ran = live.finish();
            assert_eq!(ran.code, Some(11), "{ran:?}");
        }
    }
    holder.expect("one began").kill();
}

#[test]
fn plan_replaced_during_the_lock_wait_is_not_applied() {
    let stage = Stage::new(39, 6, &[]);
    let plan = fs::read(stage.plan(&[])).unwrap();
    let first = held(&stage);
    let args = ["apply", "p.jsonl", "--yes", "--lock-wait", "30s", "--reports", "second"];
    let mut second = Live::start(stage.command(&args));
    assert!(second.until(|| copies(&stage) == 1), "the plan is copied before the lock is waited for");
    fs::write(stage.path("p.jsonl"), plan[..plan.len() / 2].repeat(2)).unwrap();
    first.kill();
    let ran = second.finish();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let folder = fs::read_dir(stage.path("second")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read(folder.join("plan.jsonl")).unwrap(), plan);
}

/// How many runs have a whole copy of the plan.
fn copies(stage: &Stage) -> usize {
    let whole = fs::metadata(stage.path("p.jsonl")).unwrap().len();
    let runs = fs::read_dir(stage.path("second")).into_iter().flatten().map(|run| run.unwrap().path());
    runs.filter(|run| fs::metadata(run.join("plan.jsonl")).is_ok_and(|plan| plan.len() == whole)).count()
}

#[test]
fn second_run_on_a_journal_is_refused_without_any_state() {
    let stage = Stage::new(35, 6, &[]);
    let first = held(&stage);
    let sent = stage.vendor.ledger().len();
    let run = stage.only_run();
    // Whose memory is elsewhere doesn't see the partner's lock; the run's folder has its own.
    let mut command = stage.command(&["resume", run.to_str().unwrap()]);
    command.env("XDG_STATE_HOME", stage.path("elsewhere"));
    let ran = Live::start(command).finish();
    assert_eq!(ran.code, Some(11), "{ran:?}");
    assert!(ran.stderr.contains("another process is working"), "{ran:?}");
    assert_eq!(stage.vendor.ledger().len(), sent);
    first.kill();
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

/// A run that pauses with a write to send.
fn held(stage: &Stage) -> Live {
    let mut command = stage.command(&["apply", "rollout.toml", "--yes"]);
    command.env("ORGWAVE_HOLD_AT", "BeforeSend:1");
    let mut first = Live::start(command);
    assert!(first.says("held at"));
    first
}

#[test]
fn a_second_run_is_refused_and_a_kill_leaves_no_lock() {
    let stage = Stage::new(32, 6, &[]);
    let first = held(&stage);
    let sent = stage.vendor.ledger().len();
    for args in [
        &["apply", "rollout.toml", "--yes"][..],
        &["resume"],
        &["apply", "rollout.toml", "--yes", "--lock-wait", "150ms"],
    ] {
        let ran = stage.run(args);
        assert_eq!(ran.code, Some(11), "{args:?}: {ran:?}");
    }
    assert_eq!(stage.vendor.ledger().len(), sent, "a run that waits for the lock sends nothing");
    // A command that only reads needs no lock.
    let ran = stage.run(&["plan", "rollout.toml", "-o", "p.jsonl"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(first.kill().was_killed());
    let ran = stage.run(&["resume"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn a_run_that_waits_for_the_lock_begins_when_it_is_free() {
    let stage = Stage::new(33, 6, &[]);
    let mut witness = Witness::new(&stage);
    witness.before();
    let first = held(&stage);
    let mut second = Live::start(stage.command(&["resume", "--lock-wait", "30s"]));
    assert!(second.survives_for(std::time::Duration::from_millis(300)), "it waits");
    assert_eq!(stage.writes(), 0);
    witness.after(&first.kill());
    witness.before();
    let ran = second.finish();
    witness.after(&ran);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    witness.at_the_end(&stage.only_run());
}

#[test]
fn another_key_or_another_endpoint_is_not_kept_waiting() {
    let stage = Stage::new(34, 6, &[]);
    let first = held(&stage);
    stage.write_key("key2", "another-partner-key");
    let mut command =
        stage.bare(&["apply", "rollout.toml", "--yes", "--token-file", "key2", "--rate", "unlimited"]);
    command.args(["--endpoint", &stage.vendor.url()]);
    let ran = Live::start(command).finish();
    assert_eq!(ran.code, Some(77), "the vendor refuses the key, and no lock: {ran:?}");
    let other = Stage::new(34, 6, &[]);
    let mut command = other.command(&["apply", "rollout.toml", "--yes"]);
    command.env("XDG_STATE_HOME", stage.path("state"));
    let ran = Live::start(command).finish();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    first.kill();
}
