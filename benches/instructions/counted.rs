//! Counts the instructions of cases, and judges them by recorded counts: the same binary counts the same on a busy
//! machine, so a CI run can judge it.
//!
//! A crate's bench is named `instructions`, has `harness = false`, lies at `benches/instructions/<crate>.rs`, and includes
//! this file:
//!
//! ```text
//! mod counted;
//!
//! fn main() -> std::process::ExitCode {
//!     counted::main(&[("what is done", |runs| for _ in 0..runs { ... })])
//! }
//! ```
//!
//! Its counts are in `<package>.txt` beside this file, so rooms don't share a file. Each case runs in this same binary under
//! callgrind, a few times and twice as often: the difference is the case alone, without start and preparation. Counts
//! depend on the compiler, the processor's kind and the profile; where these are others than recorded, counts are shown
//! and not judged.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// What a case is called, and what runs it this many times.
pub(crate) type Case = (&'static str, fn(u64));

/// How far a count may be over what was recorded.
const TOLERANCE: f64 = 0.10;
/// Runs of a case in one process.
const RUNS: u64 = 8;
/// Runs one case so often, under callgrind.
const CASE: &str = "--case";
/// Writes the counts instead of judging them.
const RECORD: &str = "--record";

/// Judges the cases whose name has one of the words given, or all of them; with `--record` it writes their counts.
pub(crate) fn main(cases: &[Case]) -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [flag, name, runs] = &args[..]
        && flag == CASE
    {
        let (_, run) = cases.iter().find(|case| case.0 == name).expect("a case of this binary");
        run(runs.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    if let Err(why) = valgrind() {
        eprintln!("instructions: {why}");
        return ExitCode::FAILURE;
    }
    let words: Vec<&String> = args.iter().filter(|arg| *arg != RECORD).collect();
    let is_meant = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(*word));
    let counts: BTreeMap<&str, u64> =
        cases.iter().filter(|case| is_meant(case.0)).map(|case| (case.0, count(case.0))).collect();
    let names: Vec<&str> = cases.iter().map(|case| case.0).collect();
    if args.iter().any(|arg| arg == RECORD) { record(&counts, &names) } else { judge(&counts, &names) }
}

/// Instructions of one run of a case.
fn count(case: &str) -> u64 {
    (collected(case, 2 * RUNS) - collected(case, RUNS)) / RUNS
}

fn collected(case: &str, runs: u64) -> u64 {
    let this = std::env::current_exe().expect("this binary has a path");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args([CASE, case, &runs.to_string()])
        .output()
        .expect("valgrind was found before");
    let said = String::from_utf8_lossy(&output.stderr);
    // `==1234== Collected : 5678`
    let collected =
        said.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    let count = collected.filter(|_| output.status.success()).and_then(|count| count.parse().ok());
    count.unwrap_or_else(|| panic!("callgrind on {case:?}:\n{said}"))
}

/// Makes sure that valgrind is there: as root on Debian it is installed.
fn valgrind() -> Result<(), String> {
    let works = |name: &str, args: &[&str]| {
        let status = Command::new(name).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let is_there = || works("valgrind", &["--version"]);
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_there() && is_root {
        works("apt-get", &["update"]);
        works("apt-get", &["install", "--yes", "--no-install-recommends", "valgrind"]);
    }
    if is_there() { Ok(()) } else { Err("valgrind is missing (Debian: apt-get install valgrind)".to_owned()) }
}

fn recorded_at() -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/instructions");
    PathBuf::from(folder).join(concat!(env!("CARGO_PKG_NAME"), ".txt"))
}

/// What counts depend on: the compiler's minor version, the processor, and what the environment makes of the profile.
fn origin() -> String {
    let rustc =
        Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let rustc = String::from_utf8_lossy(&rustc);
    let version = rustc
        .split(' ')
        .nth(1)
        .and_then(|version| version.rsplit_once('.'))
        .map_or("unknown", |(minor, _)| minor);
    let changes = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let name =
            name.strip_prefix("CARGO_PROFILE_RELEASE_").or_else(|| name.strip_prefix("CARGO_PROFILE_BENCH_"));
        // Line tables change no instruction.
        name.filter(|name| *name != "DEBUG").map(|name| format!(", {}={value}", name.to_lowercase()))
    });
    let mut changes: Vec<String> = changes.collect();
    changes.sort();
    format!("rustc {version}, {}{}", std::env::consts::ARCH, changes.concat())
}

/// The origin of the recorded counts, and the counts.
fn recorded() -> (String, BTreeMap<String, u64>) {
    let text = std::fs::read_to_string(recorded_at()).unwrap_or_default();
    let origin = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
    let counts = text
        .lines()
        .skip(1)
        .filter_map(|line| line.trim().split_once("  "))
        .filter_map(|(count, case)| Some((case.to_owned(), count.parse().ok()?)));
    (origin.to_owned(), counts.collect())
}

/// Writes what was counted now; of the cases that weren't, what was recorded by the same origin.
fn record(counts: &BTreeMap<&str, u64>, names: &[&str]) -> ExitCode {
    let (from, known) = recorded();
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    if from == origin() {
        let kept = known
            .iter()
            .filter_map(|(case, count)| Some((*names.iter().find(|name| *name == case)?, *count)));
        all.extend(kept);
    }
    all.extend(counts);
    let lines = all.iter().map(|(case, count)| format!("{count:>10}  {case}\n"));
    let text: String = std::iter::once(format!("# {}\n", origin())).chain(lines).collect();
    print!("{text}");
    std::fs::write(recorded_at(), text).expect("the file of counts can be written");
    ExitCode::SUCCESS
}

fn judge(counts: &BTreeMap<&str, u64>, names: &[&str]) -> ExitCode {
    let (from, known) = recorded();
    let is_ours = from == origin();
    let mut off = 0;
    for (case, count) in counts {
        let recorded = known.get(*case).copied().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        let ratio = *count as f64 / recorded as f64;
        let is_off = ratio > 1.0 + TOLERANCE || !ratio.is_finite();
        off += usize::from(is_off);
        let remark = match ratio {
            _ if is_off => " (!)",
            // Else it could grow back unseen.
            ratio if ratio < 1.0 - TOLERANCE => " (record it)",
            _ => "",
        };
        println!("{count:>10} instructions, {ratio:.3} of what is recorded{remark}: {case}");
    }
    for gone in known.keys().filter(|known| !names.contains(&known.as_str())) {
        println!("recorded, but no case: {gone}");
        off += 1;
    }
    if !is_ours {
        println!("recorded by {from}, this is {}: shown, not judged", origin());
        return ExitCode::SUCCESS;
    }
    if off == 0 {
        return ExitCode::SUCCESS;
    }
    println!("{off} counts are off by more than {:.0} %; if that is meant: {RECORD}", 100.0 * TOLERANCE);
    ExitCode::FAILURE
}
