//! Runs that are terminated, or whose output is closed, and that are resumed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::process::Live;
use crate::stage::{PACE, Stage};
use crate::witness::{Row, Witness, rows_of, writes};

#[test]
fn a_signal_at_any_moment_leaves_a_run_that_goes_on() {
    let mut interrupted = 0;
    for (seed, name, code) in [(41, "INT", 130), (42, "TERM", 143), (43, "INT", 130), (44, "TERM", 143)] {
        let stage = Stage::new(seed, 14, &["reset applied on write p=0.2"]);
        let mut witness = Witness::new(&stage);
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut rounds = 0;
        for round in 0.. {
            let begun = !stage.run_folders().is_empty();
            let args: &[&str] = if begun { &["resume"] } else { &["apply", "rollout.toml", "--yes"] };
            let seen = stage.writes() + chance.usize(1..5);
            witness.before();
            let mut process = Live::start(stage.command(args));
            if process.until(|| stage.writes() >= seen) {
                process.signal(name);
            }
            let ran = process.finish();
            witness.after(&ran);
            rounds = round;
            if ran.code == Some(0) {
                break;
            }
            assert_eq!(ran.code, Some(code), "seed {seed}: {ran:?}");
            let rows = rows_of(&stage.only_run().join("results.csv"));
            let is_left = |row: &Row| matches!(row["status"].as_str(), "not_attempted" | "unknown");
            assert!(rows.iter().any(is_left), "nothing was left to interrupt: {ran:?}");
            assert!(ran.stdout.contains("orgwave resume"), "{ran:?}");
        }
        witness.at_the_end(&stage.only_run());
        interrupted += rounds;
    }
    assert!(interrupted > 3, "no signal came in time");
}

#[test]
fn the_second_signal_ends_a_run_whose_vendor_hangs_at_once() {
    let stage = Stage::new(45, 6, &["hang on write"]);
    let mut command =
        stage.bare(&["apply", "rollout.toml", "--yes", "--timeout", "120s", "--rate", "unlimited"]);
    command.args(["--endpoint", &stage.vendor.url(), "--token-file", "key"]);
    let mut process = Live::start(command);
    assert!(process.until(|| stage.writes() > 0));
    process.signal("INT");
    assert!(process.says("press Ctrl-C again to abort"));
    let asked = Instant::now();
    process.signal("INT");
    let ran = process.finish();
    // The reader of a ledger may come late; what must not be waited for is the time of a call.
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    assert!(matches!(ran.code, Some(130)), "{ran:?}");
    let rows = rows_of(&stage.only_run().join("results.csv"));
    assert_eq!(rows.iter().filter(|row| row["status"] == "unknown").count(), 1, "{rows:?}");
    stage.vendor.disarm();
    let resumed = stage.run(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
}

#[test]
fn the_longest_duration_drains_with_8_and_the_run_goes_on() {
    let stage = Stage::new(46, 40, &["ok delay=150ms on write"]);
    let mut witness = Witness::new(&stage);
    let mut rounds = 0;
    let mut args = vec!["apply", "rollout.toml", "--yes"];
    loop {
        witness.before();
        let ran = stage.run(&[args.as_slice(), &["--max-duration", "400ms"]].concat());
        witness.after(&ran);
        args = vec!["resume"];
        match ran.code {
            Some(0) => break,
            Some(8) => rounds += 1,
            _ => panic!("{ran:?}"),
        }
        assert!(rounds < 40, "it never gets anywhere");
    }
    assert!(rounds > 0);
    witness.at_the_end(&stage.only_run());
}

#[test]
fn closed_streams_neither_end_a_run_nor_make_it_panic() {
    for extra in [&["--json"][..], &[], &["--quiet"]] {
        let stage = Stage::new(47, 6, &[]);
        let mut command = stage.bare(&["apply", "rollout.toml", "--yes"]);
        command.args(["--endpoint", &stage.vendor.url(), "--token-file", "key"]).args(PACE).args(extra);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0), "{extra:?}");
        let ran = stage.run(&["verify", stage.only_run().to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

#[test]
fn half_of_the_orgs_fail_and_no_wave_but_the_first_two_is_sent() {
    let stage = Stage::new(48, 60, &[]);
    let to_write: Vec<_> = stage.orgs.iter().filter(|org| !org.is_skipped && !org.is_unchanged).collect();
    for org in to_write.iter().skip(1).step_by(2) {
        stage.vendor.arm(format!("400 on write of {}", org.id).parse().unwrap());
    }
    let ran =
        stage.run(&["apply", "rollout.toml", "--yes", "--waves", "1,30%,rest", "--max-failures", "10%"]);
    assert_eq!(ran.code, Some(4), "{ran:?}");
    let in_waves = 1 + (3 * to_write.len()).div_ceil(10);
    let ledger = stage.vendor.ledger();
    let mut sent: Vec<&str> = writes(&ledger).map(|write| write.org.as_deref().unwrap()).collect();
    sent.sort_unstable();
    sent.dedup();
    let mut allowed: Vec<&str> = to_write[..in_waves].iter().map(|org| org.id.as_str()).collect();
    allowed.sort_unstable();
    assert_eq!(sent, allowed);
    let rows = rows_of(&stage.only_run().join("results.csv"));
    let left = rows.iter().filter(|row| row["status"] == "not_attempted").count();
    assert_eq!(left, to_write.len() - in_waves);
}
