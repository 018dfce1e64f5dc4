//! Guards the inner parts against growing slower, by counting instructions instead of time: the same binary counts the
//! same on a busy machine, so a CI run can judge it.
//!
//! ```text
//! cargo bench -p orgwave-core --bench instructions              fail if one is 10 % over counts.txt
//! cargo bench -p orgwave-core --bench instructions -- --record  write counts.txt anew
//! ```
//!
//! Each case runs in this same binary under callgrind, a few times and twice as often: the difference is the case alone,
//! without start and preparation. The counts are those of one compiler and one kind of processor; with another minor
//! version of rustc they are shown, not judged. The package is orgwave-core, so that nothing else has to be compiled.

#[path = "../inner/estate.rs"]
mod estate;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use orgwave_core::compare::{Context, judge};
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Operation, Operations};
use orgwave_core::org::{Input, OrgState};
use orgwave_core::payload::update_body;
use orgwave_core::plan::{PlanLine, PlannedField};
use orgwave_core::policy::WriteMode;
use orgwave_core::secret::{SealKey, SecretText, Secrets};

/// How far a count may be over what was recorded.
const TOLERANCE: f64 = 0.10;
/// Runs of a case in one process.
const RUNS: u64 = 8;
/// Runs one case so often, under callgrind.
const CASE: &str = "--case";

const CASES: [&str; 10] = [
    "payload, small",
    "payload, 500 doors, none managed",
    "payload, 500 doors, a field of each",
    "payload, 500 doors, all of each",
    "payload, unread",
    "judge, 500 doors, a field of each",
    "org state, a thousand walks",
    "plan line, 31 fields, read",
    "plan line, 31 fields, written",
    "ruuid, a thousand parsed",
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, case, runs] = &args[..]
        && flag == CASE
    {
        run(case, runs.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    if let Err(why) = valgrind() {
        eprintln!("instructions: {why}");
        return ExitCode::FAILURE;
    }
    let counts: BTreeMap<&str, u64> = CASES.into_iter().map(|case| (case, count(case))).collect();
    if args.iter().any(|arg| arg == "--record") {
        return record(&counts);
    }
    compare(&counts)
}

fn payload(mode: WriteMode, fields: &[PlannedField], doors: Option<usize>, runs: u64) {
    let (live, secrets) = (doors.map(estate::settings), Secrets::new());
    let operation = Operation::default_one();
    for _ in 0..runs {
        let body = update_body(&operation, mode, black_box(fields), black_box(live.as_ref()), &secrets);
        black_box(body.expect("the shapes are those of the description"));
    }
}

fn run(case: &str, runs: u64) {
    match case {
        "payload, small" => payload(WriteMode::Merge, &estate::switches(), Some(1), 100 * runs),
        "payload, 500 doors, none managed" => payload(WriteMode::Merge, &estate::switches(), Some(500), runs),
        "payload, 500 doors, a field of each" => {
            payload(WriteMode::Merge, &estate::one_field_a_door(500), Some(500), runs);
        }
        "payload, 500 doors, all of each" => {
            payload(WriteMode::Merge, &estate::every_field_of_doors(500), Some(500), runs);
        }
        "payload, unread" => payload(WriteMode::NoRead, &estate::every_field_of_doors(5), None, 100 * runs),
        "judge, 500 doors, a field of each" => {
            let (secrets, seal) =
                (Secrets::new(), SealKey::derive(&SecretText::new("a key".to_owned()), "a plan"));
            let operation = Operation::default_one();
            let (fields, live) = (estate::one_field_a_door(500), estate::settings(500));
            for _ in 0..runs {
                let context = Context { operation: &operation, secrets: &secrets, seal: &seal };
                black_box(judge(black_box(&fields), &[], black_box(&live), context).expect("known shapes"));
            }
        }
        "org state, a thousand walks" => {
            let walk = [
                Input::Differs,
                Input::Intent,
                Input::Acked { warned: false },
                Input::Verify,
                Input::LiveAsDesired,
            ];
            for _ in 0..1000 * runs {
                let step =
                    |state: OrgState, input: &Input| state.next(*black_box(input)).expect("a legal walk");
                black_box(walk.iter().fold(OrgState::new(), step));
            }
        }
        "plan line, 31 fields, read" => {
            let operations = Operations::one(Operation::default_one());
            let text = serde_json::to_string(&estate::wide_line()).expect("a line always serializes");
            for _ in 0..100 * runs {
                black_box(PlanLine::read(black_box(&text), &operations).expect("it was written by us"));
            }
        }
        "plan line, 31 fields, written" => {
            let (line, mut buffer) = (estate::wide_line(), Vec::new());
            for _ in 0..100 * runs {
                buffer.clear();
                serde_json::to_writer(&mut buffer, black_box(&line)).expect("a line always serializes");
            }
        }
        "ruuid, a thousand parsed" => {
            let text = estate::id(4711).to_string();
            for _ in 0..1000 * runs {
                black_box(black_box(&text).parse::<Ruuid>().expect("an id"));
            }
        }
        other => panic!("no case {other:?}"),
    }
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
    collected.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("callgrind on {case:?}:\n{said}"))
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
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/instructions/counts.txt"))
}

/// The compiler's minor version and the processor: what counts depend on.
fn origin() -> String {
    let rustc =
        Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let rustc = String::from_utf8_lossy(&rustc);
    let version = rustc
        .split(' ')
        .nth(1)
        .and_then(|version| version.rsplit_once('.'))
        .map_or("unknown", |(minor, _)| minor);
    format!("rustc {version}, {}", std::env::consts::ARCH)
}

fn record(counts: &BTreeMap<&str, u64>) -> ExitCode {
    let lines = counts.iter().map(|(case, count)| format!("{count:>10}  {case}\n"));
    let text: String = std::iter::once(format!("# {}\n", origin())).chain(lines).collect();
    print!("{text}");
    std::fs::write(recorded_at(), text).expect("the file of counts can be written");
    ExitCode::SUCCESS
}

fn compare(counts: &BTreeMap<&str, u64>) -> ExitCode {
    let text = std::fs::read_to_string(recorded_at()).expect("the file of counts is in the repository");
    let is_ours = text.lines().next() == Some(&format!("# {}", origin()));
    let recorded: BTreeMap<&str, u64> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.trim().split_once("  "))
        .filter_map(|(count, case)| Some((case, count.parse().ok()?)))
        .collect();
    let mut off = 0;
    for (case, count) in counts {
        let known = recorded.get(case).copied().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        let ratio = *count as f64 / known as f64;
        let is_off = ratio > 1.0 + TOLERANCE || !ratio.is_finite();
        off += usize::from(is_off);
        println!(
            "{count:>10} instructions, {ratio:.3} of what is recorded{}: {case}",
            if is_off { " (!)" } else { "" }
        );
    }
    if !is_ours {
        println!("recorded with another compiler or processor than {}: shown, not judged", origin());
        return ExitCode::SUCCESS;
    }
    if off == 0 {
        return ExitCode::SUCCESS;
    }
    println!("{off} counts are off by more than {:.0} %; if that is meant: --record", 100.0 * TOLERANCE);
    ExitCode::FAILURE
}
