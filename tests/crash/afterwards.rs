//! Holding what is live against what was wanted, and taking it back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::process::{Live, Ran};
use crate::stage::{Org, SENT_TOKEN, Stage, object};

fn applied(seed: u64) -> (Stage, String) {
    let stage = Stage::new(seed, 10, &[]);
    let ran = stage.run(&["apply", "rollout.toml", "--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let run = stage.only_run().to_str().unwrap().to_owned();
    (stage, run)
}

fn written(stage: &Stage) -> Vec<Org> {
    stage.orgs.iter().filter(|org| !org.is_skipped && !org.is_unchanged).cloned().collect()
}

#[test]
fn verify_tells_drift_from_what_could_not_be_judged() {
    let (stage, run) = applied(51);
    let sent = stage.writes();
    let verify = |target: &str| {
        let mut command = stage.bare(&["verify", target, "--rate", "unlimited", "--attempts", "2"]);
        command.args(["--endpoint", &stage.vendor.url(), "--token-file", "key"]);
        Live::start(command).finish()
    };
    let both = |code: i32| {
        for target in [run.as_str(), "rollout.toml"] {
            let ran = verify(target);
            assert_eq!(ran.code, Some(code), "{target}: {ran:?}");
        }
    };
    both(0);
    let org = &written(&stage)[2];
    // An unmanaged field never drifts.
    stage.vendor.edit(&org.id, &object(json!({"indexFaces": true, "somethingNew": 1})));
    both(0);
    stage.vendor.edit(&org.id, &object(json!({"saveClips": false})));
    both(2);
    let ran = verify(&run);
    assert!(ran.stdout.contains(&org.name) && ran.stdout.contains("saveClips"), "{ran:?}");
    let other = &written(&stage)[0];
    stage.vendor.arm(format!("500 on read of {}", other.id).parse().unwrap());
    both(5);
    stage.vendor.disarm();
    stage.vendor.arm(format!("settings-null on read of {}", other.id).parse().unwrap());
    both(3);
    stage.vendor.disarm();
    stage.vendor.edit(&org.id, &object(json!({"apiToken": "rotated-by-another", "saveClips": true})));
    both(2);
    assert_eq!(stage.writes(), sent);
}

/// The command that `undo` printed, with the codes that are below it.
fn undo_command(ran: &Ran) -> String {
    let line = ran.stdout.lines().find_map(|line| line.strip_prefix("undo it: orgwave ")).unwrap();
    assert!(!line.contains("--ack"), "{line}");
    let codes: BTreeSet<&str> =
        ran.stdout.split("--ack ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
    codes.iter().fold(line.to_owned(), |line, code| format!("{line} --ack {code}"))
}

#[test]
fn undo_restores_field_by_field_what_still_has_the_runs_value() {
    let (stage, run) = applied(52);
    let sent = stage.writes();
    let edited = written(&stage)[1].clone();
    // Another writer has changed one field since, and added a door.
    stage.vendor.edit(&edited.id, &object(json!({"badgeFaceVerificationMode": "AUTO", "somethingNew": 1})));
    let ran = stage.run(&["undo", &run, "-o", "undo.jsonl"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(stage.writes(), sent, "undo only plans");
    assert!(ran.stdout.contains("not restorable: "), "{ran:?}");
    assert!(ran.stdout.contains("changed by someone else since, not restored: 1 field "), "{ran:?}");

    let command = undo_command(&ran);
    let ran = stage.run_printed(&command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for org in &stage.orgs {
        let live = own(&stage.vendor.state(&org.id).unwrap());
        let mut expected = own(&org.before);
        if !org.is_skipped && !org.is_unchanged {
            expected["apiToken"] = json!(SENT_TOKEN);
        }
        if org.id == edited.id {
            expected["badgeFaceVerificationMode"] = json!("AUTO");
            expected["somethingNew"] = json!(1);
        }
        assert_eq!(live, expected, "{}", org.name);
    }
}

#[test]
fn an_undo_can_be_undone() {
    let (stage, run) = applied(53);
    let undone = stage.run(&["undo", &run, "-o", "undo.jsonl"]);
    let command = undo_command(&undone);
    let ran = stage.run_printed(&command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let second = stage.run_folders().into_iter().find(|path| path.to_str().unwrap() != run).unwrap();
    let redone = stage.run(&["undo", second.to_str().unwrap(), "-o", "redo.jsonl"]);
    assert_eq!(redone.code, Some(0), "{redone:?}");
    let command = undo_command(&redone);
    let ran = stage.run_printed(&command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for org in stage.orgs.iter().filter(|org| !org.is_skipped) {
        assert_eq!(own(&stage.vendor.state(&org.id).unwrap()), own(&org.wanted()), "{}", org.name);
    }
}

#[test]
fn a_field_undone_already_is_no_later_change() {
    let (stage, run) = applied(55);
    let undone = stage.run(&["undo", &run, "-o", "undo.jsonl"]);
    assert!(!undone.stdout.contains("already reverted"), "{undone:?}");
    let command = undo_command(&undone);
    assert_eq!(stage.run_printed(&command).code, Some(0));
    let again = stage.run(&["undo", &run, "-o", "again.jsonl"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stdout.contains("already reverted"), "{again:?}");
    assert!(!again.stdout.contains("someone else"), "{again:?}");
}

#[test]
fn what_was_never_read_cannot_be_undone() {
    let stage = Stage::new(54, 5, &[]);
    let ran = stage.run(&["apply", "rollout.toml", "--yes", "--no-read"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let run = stage.only_run();
    let ran = stage.run(&["undo", run.to_str().unwrap()]);
    assert_eq!(ran.code, Some(65), "{ran:?}");
    assert!(ran.stderr.contains("--no-read"), "{ran:?}");
}

/// All but what the vendor itself keeps.
fn own(state: &Value) -> Value {
    let mut state = state.clone();
    for kept in ["integrationAuditMap", "doorsValidated", "misconfiguredDoors"] {
        state.as_object_mut().unwrap().remove(kept);
    }
    state
}
