//! Ctrl-C, SIGTERM and SIGHUP.

use std::process::Command;

use orgwave_sandbox::{Route, Server};

use crate::desk::{ALL, Desk, Ended, FAST, Running, saving_clips};
use crate::org::Org;
use crate::vendor::{Fault, Vendor};

/// A run, as a shell's line, in which the second org's write is in progress and answered once the vendor behaves.
fn under_way(line: impl Fn(String) -> String) -> (Desk, Vendor, Vec<Org>, Running) {
    let (desk, vendor, orgs) = saving_clips(Server::Replace, 8);
    vendor.on(Fault::held().on(Route::Write).of(&orgs[1].uuid));
    let mut command = Command::new("sh");
    desk.settle(&mut command);
    command.arg("-c").arg(line(format!(
        "exec {} apply orgs.csv {ALL} --concurrency 1 {} --endpoint {} --token-file key",
        env!("CARGO_BIN_EXE_orgwave"),
        FAST.replace("2s", "20s"),
        vendor.url()
    )));
    let run = desk.spawn(command);
    vendor.until_seen(2, Route::Write);
    (desk, vendor, orgs, run)
}

/// Signals such a run.
fn interrupted(signal: &str, twice: bool) -> (Desk, Vendor, Ended, Vec<Org>) {
    let (desk, vendor, orgs, run) = under_way(|line| line);
    run.signal(signal);
    if twice {
        // Two signals at once are one to the system.
        run.until_it_says("press Ctrl-C again to abort");
        run.signal(signal);
    } else {
        vendor.behave();
    }
    let ended = run.wait();
    (desk, vendor, ended, orgs)
}

#[test]
fn the_first_signal_drains_and_every_result_is_written() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (desk, vendor, ended, orgs) = interrupted(signal, false);
        let ended = ended.expect(code);
        let results = ended.results();
        assert_eq!(results.len(), orgs.len());
        for (row, org) in results.iter().zip(&orgs) {
            let is_wanted = vendor.settings(&org.uuid)["saveClips"] == "true";
            // What was in progress is carried to its end and read back once.
            let wanted = if is_wanted { "applied" } else { "not_attempted" };
            assert_eq!(row["status"], wanted, "{signal}: {}", ended.err);
        }
        assert_eq!(results[1]["status"], "applied");
        assert_eq!(results[7]["status"], "not_attempted");
        assert!(vendor.of(Route::Write).len() <= 3, "the signal let new writes start");
        assert_eq!(
            ended.rows("retry.csv").len(),
            results.iter().filter(|row| row["status"] != "applied").count()
        );
        assert_resumes_as_suggested(&desk, &vendor, &ended, &orgs);
    }
}

/// The command that a run ends with, word for word, does the rest, and nothing twice.
#[track_caller]
fn assert_resumes_as_suggested(desk: &Desk, vendor: &Vendor, ended: &Ended, orgs: &[Org]) {
    let line =
        ended.out.lines().find_map(|line| line.split_once("orgwave resume ")).expect("a command to resume").1;
    desk.run_bare(&format!("resume {line}")).expect(0);
    for org in orgs {
        assert_eq!(vendor.settings(&org.uuid)["saveClips"], "true");
        assert_eq!(vendor.writes_of(&org.uuid).len(), 1);
    }
}

#[test]
fn a_second_signal_stops_at_once_with_every_result_written() {
    let (desk, vendor, ended, orgs) = interrupted("INT", true);
    let ended = ended.expect(130);
    let statuses = ended.statuses();
    assert_eq!(statuses.len(), orgs.len());
    assert_eq!(statuses[0], "applied");
    // The write had reached the vendor, and its reply was lost.
    assert_eq!(statuses[1], "unknown");
    assert!(statuses[2..].iter().all(|status| status == "not_attempted"), "{statuses:?}");
    assert_eq!(vendor.of(Route::Write).len(), 2);
    assert_resumes_as_suggested(&desk, &vendor, &ended, &orgs);
}

#[test]
fn a_closing_terminals_repeated_hang_ups_still_drain() {
    let (desk, vendor, orgs, run) = under_way(|line| line);
    run.signal("HUP");
    run.until_it_says("press Ctrl-C again to abort");
    run.signal("HUP");
    vendor.behave();
    let ended = run.wait().expect(129);
    assert_eq!(ended.result(&orgs[1].uuid)["status"], "applied");
    assert_resumes_as_suggested(&desk, &vendor, &ended, &orgs);
}

#[test]
fn hang_ups_ignored_from_the_beginning_stay_ignored() {
    let (_desk, vendor, orgs, run) = under_way(|line| format!("trap '' HUP; {line}"));
    run.signal("HUP");
    vendor.behave();
    assert_eq!(run.wait().expect(0).statuses(), vec!["applied"; orgs.len()]);
}

#[test]
fn a_signal_while_planning_leaves_nothing_behind() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let (desk, vendor, orgs) = saving_clips(Server::Replace, 4);
        vendor.on(Fault::held().on(Route::Read).of(&orgs[2].uuid));
        let run = desk.start(&vendor, &format!("apply orgs.csv {ALL} --concurrency 1 {FAST}"));
        vendor.until_seen(3, Route::Read);
        run.signal(signal);
        vendor.behave();
        let ended = run.wait().expect(code);
        assert_eq!(ended.run, None);
        assert_eq!(vendor.of(Route::Write).len(), 0);
    }
}

#[test]
fn a_closed_stdout_neither_panics_nor_stops_a_run() {
    let (desk, vendor, _) = saving_clips(Server::Merge, 4);
    let mut command = Command::new("sh");
    desk.settle(&mut command);
    let line = format!(
        "{} apply orgs.csv --json {ALL} {FAST} --endpoint {} --token-file key >&- 2>&-",
        env!("CARGO_BIN_EXE_orgwave"),
        vendor.url()
    );
    command.arg("-c").arg(line);
    let ended = desk.spawn(command).wait().expect(0);
    assert_eq!(ended.statuses(), vec!["applied"; 4]);
}
