//! SIGKILL at seeded random times, again and again, with faults mixed in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::process::Live;
use crate::stage::Stage;
use crate::steps::temporaries;
use crate::witness::Witness;

/// Kills in a run of the tests, unless `ORGWAVE_CRASH_KILLS` says otherwise.
const KILLS: u64 = 200;
/// Chains at once.
const AT_ONCE: usize = 4;
/// After this many kills a chain is let continue to its end.
const MOST: u32 = 25;

/// What goes wrong beside the kills. Nothing of it may show in the end.
const FAULTS: [&str; 9] = [
    "reset applied on write p=0.08",
    "reset unapplied on write p=0.06",
    "500 applied on write p=0.05",
    "503 unapplied on write p=0.05",
    "ok stale=120ms on write p=0.08",
    "reset applied stale=100ms on write p=0.04",
    "500 on read p=0.03",
    "429 retry-after=1 on write p=0.01",
    "429 retry-after=1 on read p=0.004",
];

/// Says which chain it was, when one fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was ORGWAVE_CRASH_SEED={}", self.0);
        }
    }
}

#[test]
fn killed_runs_are_resumed_until_they_are_done() {
    chains(number("ORGWAVE_CRASH_KILLS").unwrap_or(KILLS), Stage::new);
}

#[test]
fn killed_runs_of_three_operations_are_resumed_to_the_end() {
    chains(number("ORGWAVE_CRASH_KILLS").unwrap_or(KILLS / 2), Stage::of_three);
}

/// Runs on such stages, until there were this many kills.
fn chains(asked: u64, stage: fn(u64, usize, &[&str]) -> Stage) {
    let first = number("ORGWAVE_CRASH_SEED").unwrap_or(1);
    let (next, kills) = (AtomicU64::new(first), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while kills.load(Ordering::Relaxed) < asked {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    kills.fetch_add(u64::from(chain(seed, stage)), Ordering::Relaxed);
                }
            });
        }
    });
    let (kills, chains) = (kills.into_inner(), next.into_inner() - first);
    println!("{kills} kills in {chains} runs, from seed {first} on");
    assert!(kills >= asked);
}

/// One run from its plan to its end, and how often it was killed on the way.
fn chain(seed: u64, stage: fn(u64, usize, &[&str]) -> Stage) -> u32 {
    let _seed = Seed(seed);
    let mut chance = fastrand::Rng::with_seed(seed);
    let stage = stage(seed, chance.usize(10..20), &FAULTS);
    let mut witness = Witness::new(&stage);
    let mut kills = 0;
    let code = loop {
        let begun = !stage.run_folders().is_empty();
        let args: &[&str] = if begun { &["resume", "-q"] } else { &["apply", "rollout.toml", "--yes", "-q"] };
        witness.before();
        let mut process = Live::start(stage.command(args));
        let ran = if kills < MOST && is_killed(&mut process, &stage, &mut chance) {
            process.kill()
        } else {
            process.finish()
        };
        witness.after(&ran);
        if ran.was_killed() {
            kills += 1;
            continue;
        }
        match ran.code {
            Some(code @ (0 | 5)) if stage.run_folders().pop().is_some_and(|run| is_whole(&run)) => {
                break code;
            }
            // Reads were spent on an org in doubt: it is read again. A plan that could not be made is made again.
            Some(5 | 6 | 69) => {}
            _ => panic!("{ran:?}"),
        }
    };
    let run = stage.only_run();
    witness.at_the_end(&run);
    assert_eq!(temporaries(&run), Vec::<String>::new());

    // Nothing is left to do, and its files are what the journal says.
    let (sent, files) = (stage.vendor.ledger().len(), files_of(&run));
    let again = stage.run(&["resume", "-q"]);
    assert_eq!(again.code, Some(code), "{again:?}");
    assert_eq!(stage.vendor.ledger().len(), sent, "a finished run sent something");
    let report = stage.run_bare(&["report", "-q", run.to_str().unwrap()]);
    assert_eq!(report.code, Some(0), "{report:?}");
    assert_eq!(files_of(&run), files);
    kills
}

/// Waits until a moment that chance chooses: a time, or this many requests more. Whether the process still continues.
fn is_killed(process: &mut Live, stage: &Stage, chance: &mut fastrand::Rng) -> bool {
    if chance.bool() {
        return process.survives_for(Duration::from_millis(chance.u64(1..220)));
    }
    let requests = stage.vendor.ledger().len() + chance.usize(1..40);
    process.until(|| stage.vendor.ledger().len() >= requests)
}

/// No org is left to resume.
fn is_whole(run: &Path) -> bool {
    run.join("summary.json").exists()
        && crate::witness::rows_of(&run.join("results.csv"))
            .iter()
            .all(|row| !matches!(row["status"].as_str(), "unknown" | "not_attempted"))
}

/// The files of a run's journal and its reports.
pub fn files_of(run: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![run.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(run).unwrap().to_string_lossy().into_owned();
            let is_written = !name.starts_with("run.") && name != "plan.jsonl";
            if path.is_dir() {
                folders.push(path);
            } else if is_written {
                files.insert(OsString::from(name), fs::read(path).unwrap());
            }
        }
    }
    files
}

fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable)?.to_str()?.parse().ok()
}
