//! What the vendor does wrong: each fault by its name, met by the real binary, judged by the ledger. Secrets are looked
//! for after each, and what must always hold is checked as after a kill.

use std::process::Command;
use std::time::{Duration, Instant};

use orgwave_sandbox::{LedgerEntry, LedgerEvent, Route};
use serde_json::json;

use crate::process::{Live, Ran};
use crate::stage::{Org, Stage, object};
use crate::witness::{Row, Witness, rows_of};

/// The org that most faults are of: neither a canary nor skipped nor unchanged.
const FAULTY: &str = "Org 5";

/// A run that met a fault.
struct Met {
    stage: Stage,
    ran: Ran,
    rows: Vec<Row>,
}

/// Applies the rollout to orgs with these faults, at a pace that waits for nothing but them.
fn meet(faults: &[&str], flags: &[&str]) -> Met {
    let stage = Stage::new(71, 10, faults);
    let command = quick(&stage, &["apply", "rollout.toml", "--yes"], flags);
    after(stage, command)
}

/// A command that calls this vendor.
fn quick(stage: &Stage, args: &[&str], flags: &[&str]) -> Command {
    let mut command = stage.bare(args);
    command.args(["--endpoint", &stage.vendor.url(), "--token-file", "key"]).args(flags);
    let defaults = [
        ("--rate", "unlimited"),
        ("--org-rate", "unlimited"),
        ("--concurrency", "4"),
        ("--timeout", "2s"),
        ("--quiet-period", "300ms"),
        ("--attempts", "3"),
    ];
    for (flag, value) in defaults {
        if !flags.contains(&flag) {
            command.args([flag, value]);
        }
    }
    command
}

/// Lets it run, and checks what must always hold.
fn after(stage: Stage, command: Command) -> Met {
    let mut witness = Witness::new(&stage);
    witness.before();
    let ran = Live::start(command).finish();
    witness.after(&ran);
    let rows = stage.run_folders().pop().map(|run| rows_of(&run.join("results.csv"))).unwrap_or_default();
    let met = Met { stage, ran, rows };
    met.says_what_is_live();
    met
}

impl Met {
    /// Every row once, and none that says other than what the vendor holds.
    fn says_what_is_live(&self) {
        let listed: Vec<&str> = self.rows.iter().map(|row| row["org_uuid"].as_str()).collect();
        let typed: Vec<&str> = self.stage.orgs.iter().map(|org| org.id.as_str()).collect();
        assert!(listed.is_empty() || listed == typed, "every row once, in order");
        let ledger = self.stage.vendor.ledger();
        for (row, org) in self.rows.iter().zip(&self.stage.orgs) {
            let live = self.stage.vendor.state(&org.id).unwrap();
            let is_wanted = org.desired().iter().all(|(at, value)| live.pointer(at) == Some(value));
            let is_said = matches!(row["status"].as_str(), "applied" | "applied_with_warnings" | "unchanged");
            assert!(is_wanted || !is_said || self.was_edited(org), "{row:?}");
            let mine = |entry: &&LedgerEntry| entry.org.as_deref() == Some(org.id.as_str());
            let was_written = ledger.iter().filter(mine).any(|entry| entry.applied == Some(true));
            let leaves = ["rejected", "failed", "not_attempted", "blocked", "conflict", "skipped"];
            if !was_written && leaves.contains(&row["status"].as_str()) && !self.was_edited(org) {
                assert_eq!(live, org.before, "{row:?}");
            }
        }
    }

    fn was_edited(&self, org: &Org) -> bool {
        let ledger = self.stage.vendor.ledger();
        ledger
            .iter()
            .any(|entry| entry.event == LedgerEvent::Edit && entry.org.as_deref() == Some(org.id.as_str()))
    }

    fn row(&self, name: &str) -> &Row {
        self.rows.iter().find(|row| row["org_name"] == name).unwrap_or_else(|| panic!("{:?}", self.ran))
    }

    fn calls(&self, name: &str, operation: Route) -> Vec<LedgerEntry> {
        let org = self.stage.orgs.iter().find(|org| org.name == name).unwrap();
        let mine = |entry: &LedgerEntry| {
            entry.org.as_deref() == Some(org.id.as_str()) && entry.operation == Some(operation)
        };
        self.stage.vendor.ledger().into_iter().filter(mine).collect()
    }

    fn sends(&self, name: &str) -> usize {
        self.calls(name, Route::Write).into_iter().filter(|entry| entry.event == LedgerEvent::Request).count()
    }

    /// The faulty org's status and sends, and the exit code; all others are done.
    #[track_caller]
    fn is(&self, status: &str, code: i32, sends: usize) {
        assert_eq!(self.ran.code, Some(code), "{:?}", self.ran);
        assert_eq!(self.row(FAULTY)["status"], status, "{:?}", self.row(FAULTY));
        assert_eq!(self.sends(FAULTY), sends, "{:?}", self.row(FAULTY));
        self.others_are_done(&[FAULTY]);
    }

    #[track_caller]
    fn others_are_done(&self, but: &[&str]) {
        for (row, org) in self.rows.iter().zip(&self.stage.orgs) {
            let done = match (org.is_skipped, org.is_unchanged) {
                (true, _) => "skipped",
                (_, true) => "unchanged",
                _ => "applied",
            };
            assert!(but.contains(&org.name.as_str()) || row["status"] == done, "{row:?}");
        }
    }

    fn count(&self, status: &str) -> usize {
        self.rows.iter().filter(|row| row["status"] == status).count()
    }

    /// Resumes the run, without the faults, to its end.
    #[track_caller]
    fn ends_well(&self) {
        self.stage.vendor.disarm();
        let ran = Live::start(quick(&self.stage, &["resume"], &[])).finish();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let rows = rows_of(&self.stage.only_run().join("results.csv"));
        let is_done = |row: &Row| matches!(row["status"].as_str(), "applied" | "unchanged" | "skipped");
        assert!(rows.iter().all(is_done), "{rows:?}");
    }
}

#[test]
fn retry_after_of_3_for_one_org_silences_it_alone() {
    let met = meet(&["429 retry-after=3 on write of 'Org 5' nth 1"], &[]);
    met.is("applied", 0, 2);
    assert_eq!(met.row(FAULTY)["attempts"], "1");
    let writes = met.calls(FAULTY, Route::Write);
    assert!(writes[1].at_us >= writes[0].done_us + 3_000_000);
    let others = met.calls("Org 6", Route::Write);
    assert!(others[0].at_us > writes[0].at_us || others[0].at_us < writes[1].at_us);
}

#[test]
fn retry_after_absent_abc_negative_1e20_twice_or_a_date() {
    let met = meet(
        &[
            "429 on write of 'Org 0' nth 1",
            "429 retry-after=abc on write of 'Org 1' nth 1",
            "429 retry-after=-1 on write of 'Org 2' nth 1",
            "429 retry-after=1e20 on write of 'Org 5' nth 1",
            "429 retry-after=1 retry-after=2 on write of 'Org 6' nth 1",
            "429 retry-after='Fri, 01 Jan 1999 00:00:00 GMT' on write of 'Org 7' nth 1",
        ],
        &[],
    );
    assert_eq!(met.ran.code, Some(0), "{:?}", met.ran);
    met.others_are_done(&[]);
    for name in ["Org 0", "Org 1", "Org 2", "Org 5", "Org 6", "Org 7"] {
        assert_eq!((met.sends(name), met.row(name)["attempts"].as_str()), (2, "1"), "{name}");
    }
    let twice = met.calls("Org 6", Route::Write);
    assert!(twice[1].at_us >= twice[0].done_us + 2_000_000, "of several the largest");
}

#[test]
fn a_429_for_ever_on_one_org() {
    let met = meet(&["429 retry-after=1 on write of 'Org 5'"], &[]);
    met.is("not_attempted", 5, 10);
    met.ends_well();
}

#[test]
fn a_429_with_a_retry_after_over_15_minutes() {
    // More than 15 minutes must be left of it when the resume begins, however busy the machine is.
    let met = meet(&["429 retry-after=1200 on write of 'Org 5'"], &[]);
    met.is("not_attempted", 5, 1);
    assert!(met.ran.stdout.contains("orgwave resume"), "{:?}", met.ran);
    // Asked again at once, it is still left unchanged: that much is remembered.
    met.stage.vendor.disarm();
    let ran = Live::start(quick(&met.stage, &["resume"], &[])).finish();
    assert_eq!((ran.code, met.sends(FAULTY)), (Some(5), 1), "{ran:?}");
    let reads = met.calls(FAULTY, Route::Read);
    assert!(reads.iter().all(|read| read.at_us < met.calls(FAULTY, Route::Write)[0].at_us));
}

#[test]
fn a_401_from_request_k_on() {
    let met = meet(&["401 from-request 18"], &[]);
    assert_eq!(met.ran.code, Some(77), "{:?}", met.ran);
    assert!(met.rows.iter().all(|row| !matches!(row["status"].as_str(), "rejected" | "failed")), "{met:?}");
    assert!(met.count("not_attempted") > 0);
    // Both ways on: the same key, once it works again, and a new one.
    for way in ["orgwave resume", "retry.toml"] {
        assert!(met.ran.stdout.contains(way), "{:?}", met.ran);
    }
    assert!(met.stage.only_run().join("retry.toml").exists(), "what is named is there");
    met.ends_well();
}

#[test]
fn a_401_or_403_for_one_org() {
    for (fault, sends) in [("401 on read", 0), ("403 on read", 0), ("401 on write", 1), ("403 on write", 1)] {
        meet(&[&format!("{fault} of 'Org 5'")], &[]).is("rejected", 3, sends);
    }
}

#[test]
fn a_403_on_the_first_orgs_and_on_the_list() {
    let met = meet(&["403"], &[]);
    assert_eq!((met.ran.code, met.stage.writes()), (Some(77), 0), "{:?}", met.ran);
    // The list still answers when the plan is made, and no more when the orgs are written.
    let met = meet(&["403 on write", "403 on clients from 2"], &[]);
    assert_eq!((met.ran.code, met.count("rejected")), (Some(77), 0), "{:?}", met.ran);
    met.ends_well();
}

#[test]
fn a_400_404_405_409_413_or_422_is_rejected_after_one_send() {
    let orgs =
        [("Org 1", 400), ("Org 2", 404), ("Org 5", 405), ("Org 6", 409), ("Org 7", 413), ("Org 8", 422)];
    let faults: Vec<String> = orgs
        .iter()
        .map(|(org, code)| {
            format!(r#"{code} body='{{"error":"No","msg":"not\u001b[31m \u202ehere {code}"}}' on write of '{org}'"#)
        })
        .collect();
    let met = meet(&faults.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    assert_eq!(met.ran.code, Some(3), "{:?}", met.ran);
    for (name, code) in orgs {
        let row = met.row(name);
        assert_eq!((row["status"].as_str(), met.sends(name)), ("rejected", 1), "{row:?}");
        assert_eq!(row["http_status"], code.to_string());
        assert!(row["error_message"].contains(&format!("here {code}")), "{row:?}");
        assert!(!row["error_message"].contains(|c: char| c.is_control() || c == '\u{202e}'), "{row:?}");
    }
}

#[test]
fn a_500_that_was_applied() {
    meet(&["500 applied on write of 'Org 5' nth 1"], &[]).is("applied", 0, 1);
}

#[test]
fn a_500_that_was_not_applied_twice_then_200() {
    let met = meet(&["500 unapplied on write of 'Org 5' times 2"], &[]);
    met.is("applied", 0, 3);
    assert_eq!(met.row(FAULTY)["attempts"], "3");
    let met = meet(&["500 unapplied on write of 'Org 5'"], &[]);
    met.is("failed", 5, 3);
}

#[test]
fn a_500_for_every_org() {
    let met = meet(&["500 unapplied on write"], &["--max-failures", "10%"]);
    assert_eq!((met.ran.code, met.count("failed")), (Some(4), 1), "{:?}", met.ran);
    assert_eq!(met.stage.writes(), 3, "the canary's alone");
}

#[test]
fn a_502_a_503_with_retry_after_and_a_504() {
    for (applied, sends) in [("applied", 1), ("unapplied", 2)] {
        let met = meet(
            &[
                &format!("502 {applied} on write of 'Org 1' nth 1"),
                &format!("503 {applied} retry-after=1 on write of 'Org 5' nth 1"),
                &format!("504 {applied} on write of 'Org 6' nth 1"),
            ],
            &[],
        );
        met.is("applied", 0, sends);
        assert_eq!((met.sends("Org 1"), met.sends("Org 6")), (sends, sends));
        let write = &met.calls(FAULTY, Route::Write)[0];
        let reads = met.calls(FAULTY, Route::Read);
        let next = reads.iter().find(|read| read.at_us > write.at_us).unwrap();
        assert!(next.at_us >= write.done_us + 1_000_000, "the read-back waits, too");
    }
}

#[test]
fn a_200_with_error_or_with_auth_error() {
    let met = meet(&["error msg='no such door' on write of 'Org 5'", "auth-error on write of 'Org 6'"], &[]);
    assert_eq!(met.ran.code, Some(3), "{:?}", met.ran);
    met.others_are_done(&[FAULTY, "Org 6"]);
    for name in [FAULTY, "Org 6"] {
        assert_eq!((met.row(name)["status"].as_str(), met.sends(name)), ("rejected", 1));
        let last = met.calls(name, Route::Read).pop().unwrap();
        assert!(last.at_us > met.calls(name, Route::Write)[0].at_us, "what is live is read");
        assert!(met.row(name)["error_message"].contains("read back"), "{:?}", met.row(name));
    }
    assert!(met.row(FAULTY)["error_message"].contains("no such door"));
}

#[test]
fn a_200_with_failed_guids_misconfigured_doors_and_a_warning() {
    let met = meet(
        &["warning msg='two doors' failed-guids=g1;g2 misconfigured-doors=Front on write of 'Org 5'"],
        &[],
    );
    met.is("applied_with_warnings", 0, 1);
    let row = met.row(FAULTY);
    assert_eq!((row["warning"].as_str(), row["failed_guids"].as_str()), ("two doors", "g1;g2"));
    assert_eq!(row["misconfigured_doors"], "Front");
}

#[test]
fn a_200_with_html_nothing_null_a_list_or_a_string() {
    let bodies =
        [("Org 1", "html"), ("Org 2", "empty"), ("Org 5", "null"), ("Org 6", "array"), ("Org 7", "string")];
    for (applied, sends) in [("applied", 1), ("unapplied", 2)] {
        let faults = bodies.map(|(org, body)| format!("{body} {applied} on write of '{org}' nth 1"));
        let met = meet(&faults.each_ref().map(String::as_str), &[]);
        met.is("applied", 0, sends);
        assert!(bodies.iter().all(|(org, _)| met.sends(org) == sends));
    }
}

#[test]
fn a_truncated_body_and_a_wrong_content_length() {
    let met = meet(
        &[
            "truncate applied on write of 'Org 1' nth 1",
            "too-long applied on write of 'Org 5' nth 1",
            "truncate unapplied on write of 'Org 6' nth 1",
            "too-long unapplied on write of 'Org 7' nth 1",
        ],
        &[],
    );
    met.is("applied", 0, 1);
    assert_eq!((met.sends("Org 1"), met.sends("Org 6"), met.sends("Org 7")), (1, 2, 2));
}

#[test]
fn headers_or_a_body_that_drip() {
    for fault in ["drip-headers every=300ms", "drip-body every=300ms"] {
        let began = Instant::now();
        let met = meet(&[&format!("{fault} applied on write of 'Org 5' nth 1")], &[]);
        met.is("applied", 0, 1);
        assert!(began.elapsed() < Duration::from_secs(20), "the total timeout ends it");
    }
}

/// Runs it, watching how much memory it holds at most, in KiB.
fn peak_of(stage: &Stage, command: &Command) -> (Ran, u64) {
    // A process that has ended tells nothing: the kernel is asked while it lives, without a pause.
    let script = "\"$@\" & pid=$!; peak=0; \
        while line=$(grep VmHWM /proc/$pid/status 2>/dev/null) && [ -n \"$line\" ]; do peak=$line; done; \
        wait $pid; code=$?; echo \"peak $peak\"; exit $code";
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
    shell.current_dir(stage.folder()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", "/usr/bin:/bin");
    let ran = Live::start(shell).finish();
    let peak = ran.stdout.lines().find_map(|line| line.strip_prefix("peak VmHWM:")).unwrap();
    let peak = peak.split_whitespace().next().unwrap().parse().unwrap();
    (ran, peak)
}

#[test]
fn gzip_bombs_huge_bodies_and_deep_json_leave_memory_flat() {
    let faults = [
        "gzip-bomb size=1G on write of 'Org 1' nth 1",
        "huge size=1G on write of 'Org 2' nth 1",
        "deep depth=1000000 on write of 'Org 5' nth 1",
        "gzip-bomb size=1G on read of 'Org 6' nth 1",
        "huge size=1G on read of 'Org 7' nth 1",
        "deep depth=1000000 on read of 'Org 8' nth 1",
    ];
    let peak = |faults: &[&str]| {
        let stage = Stage::new(71, 10, faults);
        let command = quick(&stage, &["apply", "rollout.toml", "--yes"], &["--timeout", "20s"]);
        let (ran, peak) = peak_of(&stage, &command);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let rows = rows_of(&stage.only_run().join("results.csv"));
        assert!(rows.iter().all(|row| matches!(row["status"].as_str(), "applied" | "unchanged" | "skipped")));
        peak
    };
    let (plain, hostile) = (peak(&[]), peak(&faults));
    // Settings are cut at 8 MiB, of which a few may be held at once.
    assert!(hostile < plain + 96 * 1024, "{hostile} KiB, and {plain} KiB without");
}

#[test]
fn a_redirect_to_anywhere_is_never_followed() {
    let elsewhere = Stage::new(72, 1, &[]);
    for code in [301, 302, 307, 308] {
        let to = format!("{code} location={}/anywhere", elsewhere.vendor.url());
        let met = meet(&[&format!("{to} on read")], &[]);
        assert_eq!((met.ran.code, met.stage.writes()), (Some(69), 0), "{:?}", met.ran);
        let met = meet(&[&format!("{to} on write of 'Org 5'")], &[]);
        assert!(met.ran.code.is_some_and(|code| [5, 6].contains(&code)), "{:?}", met.ran);
        assert_eq!((met.row(FAULTY)["status"].as_str(), met.sends(FAULTY)), ("unknown", 1));
        assert!(met.count("not_attempted") > 0, "the run drains");
        met.ends_well();
    }
    assert_eq!(elsewhere.vendor.ledger().len(), 0, "the key went elsewhere");
}

#[test]
fn unreachable_endpoints_spend_no_attempt_and_send_nothing() {
    // The port is closed for a while: dispatch pauses, and no attempt is spent. One call at a time, so that none is cut off.
    let met = meet(&["refuse for=2s on write of 'Org 1' nth 1"], &["--concurrency", "1"]);
    assert_eq!(met.ran.code, Some(0), "{:?}", met.ran);
    met.others_are_done(&[]);
    assert!(
        met.rows.iter().all(|row| row["attempts"].parse::<u32>().is_ok_and(|spent| spent <= 1)),
        "{met:?}"
    );
    let stage = Stage::new(71, 10, &[]);
    let tls = stage.vendor.url().replace("http://", "https://");
    for endpoint in ["https://unknown.invalid", &tls] {
        let mut command =
            stage.bare(&["apply", "rollout.toml", "--yes", "--token-file", "key", "--attempts", "2"]);
        command.args(["--endpoint", endpoint]);
        let ran = Live::start(command).finish();
        assert_eq!(ran.code, Some(69), "{endpoint}: {ran:?}");
        assert_eq!((stage.writes(), stage.run_folders().len()), (0, 0), "{endpoint}");
    }
}

#[test]
fn a_reset_after_the_request_was_read() {
    meet(&["reset applied on write of 'Org 5' nth 1"], &[]).is("applied", 0, 1);
    meet(&["reset unapplied on write of 'Org 5' nth 1"], &[]).is("applied", 0, 2);
}

#[test]
fn a_kept_connection_closed_as_the_request_starts() {
    meet(&["drop on write of 'Org 5' nth 1"], &[]).is("applied", 0, 2);
    meet(&["close applied on write of 'Org 5' nth 1"], &[]).is("applied", 0, 1);
}

#[test]
fn a_read_back_that_fails_with_429_500_or_403() {
    // Planning reads once, and that serves the write.
    for fault in ["500 on read", "403 on read"] {
        let met = meet(&[&format!("{fault} of 'Org 5' from 2")], &[]);
        met.is("unknown", 6, 1);
        met.ends_well();
    }
    // Of a Retry-After of more than a run waits, the next process knows.
    let met = meet(&["429 retry-after=901 on read of 'Org 5' from 2"], &[]);
    met.is("unknown", 6, 1);
    met.stage.vendor.disarm();
    let ran = Live::start(quick(&met.stage, &["resume"], &[])).finish();
    assert_eq!((ran.code, met.calls(FAULTY, Route::Read).len()), (Some(6), 2), "{ran:?}");
    meet(&["429 retry-after=1 on read of 'Org 5' nth 2"], &[]).is("applied", 0, 1);
}

#[test]
fn a_stale_read_back_is_outwaited_by_the_quiet_period() {
    let flags = ["--quiet-period", "2500ms"];
    meet(&["500 applied stale=1500ms on write of 'Org 5' nth 1"], &flags).is("applied", 0, 1);
    meet(&["ok applied stale=1500ms on write of 'Org 5' nth 1"], &flags).is("applied", 0, 1);
}

#[test]
fn other_writers_edits_between_any_two_calls_are_seen() {
    let stage = Stage::new(71, 10, &[]);
    stage.plan(&[]);
    let org = stage.orgs.iter().find(|org| org.name == FAULTY).unwrap().id;
    stage.vendor.edit(&org, &object(json!({"badgeFaceVerificationMode": "AUTO"})));
    let command = quick(&stage, &["apply", "p.jsonl", "--yes"], &[]);
    after(stage, command).is("conflict", 3, 0);
    let met = meet(&[r#"ok edit='{"saveClips":null}' on write of 'Org 5'"#], &[]);
    met.is("diverged", 3, 1);
}

#[test]
fn unknown_reordered_or_null_members_are_no_difference() {
    let met = meet(&["reshaped on read"], &[]);
    assert_eq!(met.ran.code, Some(0), "{:?}", met.ran);
    met.others_are_done(&[]);
}

#[test]
fn other_orgs_missing_settings_and_masked_secrets_block() {
    let met = meet(
        &[
            "other-org on read of 'Org 1'",
            "settings-null on read of 'Org 2'",
            "settings-absent on read of 'Org 5'",
            "masked on read of 'Org 6'",
        ],
        &[],
    );
    assert_eq!(met.ran.code, Some(3), "{:?}", met.ran);
    let blocked = ["Org 1", "Org 2", "Org 5", "Org 6"];
    met.others_are_done(&blocked);
    for name in blocked {
        assert_eq!(
            (met.row(name)["status"].as_str(), met.sends(name)),
            ("blocked", 0),
            "{:?}",
            met.row(name)
        );
    }
}

#[test]
fn an_unmanaged_field_that_changes_with_the_canarys_write() {
    let met = meet(&["ok flip=indexFaces on write of 'Org 0'"], &[]);
    assert_eq!(met.ran.code, Some(4), "{:?}", met.ran);
    assert_eq!(met.row("Org 0")["status"], "diverged");
    assert!(met.row("Org 0")["error_message"].contains("indexFaces"), "{:?}", met.row("Org 0"));
    assert_eq!(met.stage.writes(), 1, "the run stops after the canary");
    met.stage.vendor.disarm();
    let ran = Live::start(quick(&met.stage, &["resume"], &[])).finish();
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let rows = rows_of(&met.stage.only_run().join("results.csv"));
    assert!(rows.iter().all(|row| row["status"] != "not_attempted"), "resume is the user's yes: {rows:?}");
}

#[test]
fn a_client_list_of_unknown_shape_stops_the_run() {
    let met = meet(&["unknown-shape on clients"], &[]);
    assert_eq!((met.ran.code, met.stage.vendor.ledger().len()), (Some(69), 1), "{:?}", met.ran);
    assert!(met.ran.stderr.contains("client list"), "{:?}", met.ran);
}

#[test]
fn a_token_quoted_before_the_first_good_read_is_masked() {
    let said = format!(
        r#"bad: {{"apiToken":"{}","refreshToken": "{}"}}"#,
        crate::stage::LIVE_TOKEN,
        crate::stage::LIVE_REFRESH
    );
    let body = json!({"error": "Bad Request", "msg": said}).to_string();
    for (call, flags) in [("read", &[][..]), ("write", &["--no-read"])] {
        let stage = Stage::new(71, 10, &[&format!("400 body='{body}' on {call} of 'Org 5'")]);
        let ran = Live::start(quick(&stage, &["apply", "rollout.toml", "--yes"], flags)).finish();
        assert_eq!(ran.code, Some(3), "{ran:?}");
        let rows = rows_of(&stage.only_run().join("results.csv"));
        let row = rows.iter().find(|row| row["org_name"] == FAULTY).unwrap();
        let message = r#"Bad Request: bad: {"apiToken":"***","refreshToken": "***"}"#;
        assert!(row["error_message"].contains(message), "{row:?}");
    }
}

impl std::fmt::Debug for Met {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}\n{:#?}", self.ran, self.rows)
    }
}

#[test]
fn a_canary_refused_on_write_makes_the_next_org_the_canary() {
    for fault in ["403", "404", "error msg='no such org'"] {
        let met = meet(&[&format!("{fault} on write of 'Org 0'")], &[]);
        assert_eq!((met.ran.code, met.sends("Org 0")), (Some(3), 1), "{:?}", met.ran);
        assert_eq!(met.row("Org 0")["status"], "rejected");
        met.others_are_done(&["Org 0"]);
        // The next org was alone until its write was read back.
        let (first, second) = (met.calls("Org 1", Route::Read), met.calls("Org 2", Route::Write));
        assert!(second[0].at_us > first[1].at_us, "{fault}");
    }
    let met = meet(&["400 on write"], &[]);
    assert_eq!((met.ran.code, met.count("rejected"), met.stage.writes()), (Some(4), 3, 3), "{:?}", met.ran);
}

#[test]
fn a_403_of_a_firewall_or_a_limiter_is_waited_out() {
    let met = meet(
        &[
            "403 body='<html>Request blocked</html>' on write of 'Org 0' nth 1",
            r#"403 body='{"status":403,"error":"Forbidden","msg":"rateLimitExceeded"}' on read of 'Org 5' nth 2"#,
            "403 retry-after=1 on write of 'Org 6' nth 1",
            "403 body='blocked' on clients nth 1",
        ],
        &[],
    );
    assert_eq!(met.ran.code, Some(0), "{:?}", met.ran);
    met.others_are_done(&[]);
    let writes = met.calls("Org 6", Route::Write);
    assert!(writes[1].at_us >= writes[0].done_us + 1_000_000, "its Retry-After is kept");
    assert_eq!(met.row("Org 0")["attempts"], "1");
}

#[test]
fn retry_after_as_a_fraction_an_epoch_or_rfc_3339() {
    let met = meet(
        &[
            "429 retry-after=1.2 on write of 'Org 1' nth 1",
            "429 header='Date: Sat, 28 Nov 2026 15:00:00 GMT' retry-after=1795878002 on write of 'Org 2' nth 1",
            "429 header='Date: Sat, 28 Nov 2026 15:00:00 GMT' retry-after=2026-11-28T15:00:02Z on write of 'Org 5' nth 1",
            "429 header='Date: Sat, 28 Nov 2026 15:00:00 GMT' retry-after='Sat, 28 Nov 2026 15:00:02 GMT' on write of 'Org 6' nth 1",
            "429 header='RateLimit-Reset: 2' on write of 'Org 7' nth 1",
            "429 retry-after=1795878002000 on write of 'Org 8' nth 1",
        ],
        &[],
    );
    assert_eq!(met.ran.code, Some(0), "{:?}", met.ran);
    met.others_are_done(&[]);
    let orgs = ["Org 1", "Org 2", "Org 5", "Org 6", "Org 7"];
    for name in orgs {
        let writes = met.calls(name, Route::Write);
        let waited = writes[1].at_us - writes[0].done_us;
        assert!((2_000_000..20_000_000).contains(&waited), "{name}: {waited}");
    }
}

#[test]
fn a_kept_connection_dropped_under_a_read_spends_no_attempt() {
    let met = meet(&["drop on read nth 2", "drop on clients nth 1"], &["--attempts", "1"]);
    assert_eq!(met.ran.code, Some(0), "{:?}", met.ran);
    met.others_are_done(&[]);
}

#[test]
fn a_499_is_doubt() {
    meet(&["499 applied on write of 'Org 5' nth 1"], &[]).is("applied", 0, 1);
    meet(&["499 unapplied on write of 'Org 5' nth 1"], &[]).is("applied", 0, 2);
}

#[test]
fn a_4xx_to_a_write_that_is_live_after_all_rejects_no_org() {
    meet(&["400 applied on write of 'Org 5' nth 1"], &[]).is("applied", 0, 1);
    let met = meet(&["404 unapplied on write of 'Org 5'"], &[]);
    met.is("rejected", 3, 1);
    assert_eq!(met.calls(FAULTY, Route::Read).len(), 2, "read back once");
}

#[test]
fn an_org_that_is_gone_since_its_write_is_final() {
    let others = r#"200 body='{"clients":[{"clientOrgUuid":"AAAAAAAAAAAAAAAAAAAAAA"}]}' on clients from 2"#;
    let met = meet(&["404 on read of 'Org 5' from 2", others], &[]);
    met.is("diverged", 3, 1);
    assert_eq!(met.row(FAULTY)["error_code"], "E-ORG-GONE");
    let calls = met.stage.vendor.ledger().len();
    let ran = Live::start(quick(&met.stage, &["resume"], &[])).finish();
    assert_eq!((ran.code, met.stage.vendor.ledger().len()), (Some(3), calls), "{ran:?}");
}

#[test]
fn a_run_whose_doubt_gave_the_same_answer_twice_is_passed_over() {
    for fault in ["403 on read of 'Org 5' from 2", "404 on read of 'Org 5' from 2"] {
        let met = meet(&[fault], &[]);
        met.is("unknown", 6, 1);
        let resume = || Live::start(quick(&met.stage, &["resume"], &[])).finish();
        let reads = || met.calls(FAULTY, Route::Read).len();
        let before = reads();
        let ran = resume();
        assert_eq!((ran.code, reads()), (Some(6), before + 1), "{ran:?}");
        assert!(!ran.stderr.contains("had the same result twice"), "{ran:?}");
        let ran = resume();
        assert_eq!((ran.code, reads()), (Some(6), before + 1), "{ran:?}");
        let run = met.stage.only_run();
        let name = run.file_name().unwrap().to_str().unwrap();
        assert!(ran.stderr.contains("had the same result twice") && ran.stderr.contains(name), "{ran:?}");
        // By name it is read again.
        met.stage.vendor.disarm();
        let ran = Live::start(quick(&met.stage, &["resume", run.to_str().unwrap()], &[])).finish();
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

#[test]
fn a_client_list_that_breaks_off_is_asked_for_again() {
    let twice = ["truncate at=20 on clients nth 1", "truncate at=20 on clients nth 2"];
    for faults in [&["truncate on clients nth 1"][..], &["truncate at=1 on clients nth 1"], &twice] {
        let met = meet(faults, &[]);
        assert_eq!(met.ran.code, Some(0), "{faults:?}: {:?}", met.ran);
        met.others_are_done(&[]);
    }
    let met = meet(&["truncate at=20 on clients"], &[]);
    assert_eq!((met.ran.code, met.stage.vendor.ledger().len()), (Some(69), 3), "{:?}", met.ran);
    assert!(met.ran.stderr.contains("broke off"), "{:?}", met.ran);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a server's clock, which is the machine's")]
fn fields_that_the_server_changes_with_every_write() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    for edit in [
        format!(r#"{{"lastModifiedMillis":{now},"revision":7}}"#),
        format!(r#"{{"lastModified":{}.5}}"#, now / 1000),
        r#"{"beta":false,"labels":[]}"#.to_owned(),
    ] {
        let met = meet(&[&format!("ok edit='{edit}' on write")], &[]);
        assert_eq!(met.ran.code, Some(0), "{edit}: {:?}", met.ran);
    }
    let fault = r#"ok edit='{"etag":"x1","tier":3}' on write"#;
    let met = meet(&[fault], &[]);
    assert_eq!((met.ran.code, met.stage.writes()), (Some(4), 1), "{:?}", met.ran);
    let row = met.row("Org 0");
    assert!(row["error_message"].contains("etag") && row["next_step"].contains("[limits] ignore"), "{row:?}");

    let stage = Stage::new(71, 10, &[fault]);
    let path = stage.path("rollout.toml");
    let rollout = std::fs::read_to_string(&path).unwrap();
    let ignoring = rollout.replace("[limits]", "[limits]\nignore = [\"etag\", \"tier\"]");
    std::fs::write(&path, ignoring).unwrap();
    stage.plan(&[]);
    for page in ["p.md", "p.html"] {
        assert!(std::fs::read_to_string(stage.path(page)).unwrap().contains("etag, tier"), "{page}");
    }
    let command = quick(&stage, &["apply", "p.jsonl", "--yes"], &[]);
    let met = after(stage, command);
    assert_eq!(met.ran.code, Some(0), "{:?}", met.ran);
    met.others_are_done(&[]);
}
