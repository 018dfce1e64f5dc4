//! What users would run instead, measured side by side with orgwave, against one and the same server.
//!
//! ```text
//! cargo bench --bench peers              the whole, under ten minutes; rewrites its part of benches/RESULTS.md
//! cargo bench --bench peers -- --quick   fewer orgs, one round, prints only (unless --write)
//! ```
//!
//! * [`estate`]: the orgs, the bodies, the rollouts: all contenders send the same.
//! * [`server`]: `orgwave sandbox` in a process of its own, keeping totals only.
//! * [`bare`]: a loop over reqwest that does nothing else: what a client of this kind can do at all.
//! * [`contender`]: how each is run, and what it does not do.
//! * [`safety`]: the engine with its journal on the disk, and in memory.
//! * [`measured`]: wall time, processor time and peak memory of a child process.
//! * [`report`]: medians, ratios, table and chart.
//!
//! Contenders take turns within each round, so that what else the machine does falls on all of them; only ratios within
//! one run mean anything. Python's and Node's packages are installed once, below `target/`; nothing is installed for the
//! system.

mod bare;
mod contender;
mod estate;
mod measured;
mod report;
mod safety;
mod server;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use contender::{Contender, Tools};
use estate::Estate;
use measured::Measured;
use safety::Kept;
use server::Server;

/// The binary, built by the same `cargo bench`.
const ORGWAVE: &str = env!("CARGO_BIN_EXE_orgwave");
/// Where everything that is made lies.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/peers");

/// How much is measured.
struct Scope {
    orgs: usize,
    /// For those that make a process or a connection for each org.
    few: usize,
    rounds: usize,
    /// For those that make one call an org; the others make one round.
    delayed_rounds: usize,
    /// Rows of the manifest that is checked.
    rows: usize,
    scale: &'static [usize],
}

const WHOLE: Scope = Scope {
    orgs: 10_000,
    few: 500,
    rounds: 5,
    delayed_rounds: 3,
    rows: 1_000_000,
    scale: &[1_000, 10_000, 100_000],
};
const QUICK: Scope =
    Scope { orgs: 2_000, few: 100, rounds: 1, delayed_rounds: 0, rows: 10_000, scale: &[1_000] };

/// What one contender did, round by round.
pub(crate) struct Course {
    contender: Contender,
    orgs: usize,
    rounds: Vec<Measured>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == bare::FLAG) {
        return bare::main(&args[1..]);
    }
    if args.first().is_some_and(|arg| arg == safety::FLAG) {
        return safety::main(&args[1..]);
    }
    let quick = args.iter().any(|arg| arg == "--quick");
    let write = !quick || args.iter().any(|arg| arg == "--write");
    match measure(if quick { &QUICK } else { &WHOLE }, write) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("peers: {why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(scope: &Scope, write: bool) -> Result<(), String> {
    let folder = PathBuf::from(FOLDER);
    let tools = Tools::install(&folder)?;
    let estate = Estate::make(&folder.join("estate"), scope.orgs)?;

    eprintln!("latency 0: {} orgs, {} rounds", scope.orgs, scope.rounds);
    let server = Server::start(&estate, "0ms")?;
    let prompt = race(&tools, &estate, &server, Contender::ALL, scope, scope.rounds)?;
    let mut safety = vec![Safety { latency: "0 ms", rounds: weigh(&estate, &server, scope.rounds)? }];
    drop(server);

    let mut delayed = Vec::new();
    if scope.delayed_rounds > 0 {
        eprintln!("latency 50 ms: {} orgs, {} rounds", scope.orgs, scope.delayed_rounds);
        let server = Server::start(&estate, "50ms")?;
        delayed = race(&tools, &estate, &server, Contender::CONCURRENT, scope, scope.delayed_rounds)?;
        safety.push(Safety { latency: "50 ms", rounds: weigh(&estate, &server, 1)? });
    }
    let scale = scale(scope, &folder)?;
    let bytes = estate.long_manifest("long.csv", scope.rows)?;
    let checked = Checked { rows: scope.rows, bytes, rounds: check(&estate, scope.rounds)? };

    let text = report::text(&prompt, &delayed, &safety, &scale, &checked, scope.rounds);
    println!("{text}");
    if !write {
        return Ok(());
    }
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
    report::write(&results, &text, &prompt)
}

fn race(
    tools: &Tools,
    estate: &Estate,
    server: &Server,
    contenders: &[Contender],
    scope: &Scope,
    rounds: usize,
) -> Result<Vec<Course>, String> {
    let mut courses: Vec<Course> = contenders
        .iter()
        .filter(|contender| tools.has(**contender))
        .map(|contender| {
            let orgs = if contender.is_slow() { scope.few } else { scope.orgs };
            Course { contender: *contender, orgs, rounds: Vec::new() }
        })
        .collect();
    for round in 0..rounds {
        for course in &mut courses {
            if round > 0 && server.is_slow() && !course.contender.is_repeated_slowly() {
                continue;
            }
            let measured = course.contender.run(tools, estate, server, course.orgs)?;
            eprintln!("  {round}: {:<28} {measured}", course.contender.name());
            course.rounds.push(measured);
        }
    }
    Ok(courses)
}

/// What the journal costs at some latency: with it in memory, and on the disk, round by round.
pub(crate) struct Safety {
    latency: &'static str,
    rounds: Vec<(Duration, Duration)>,
}

fn weigh(estate: &Estate, server: &Server, rounds: usize) -> Result<Vec<(Duration, Duration)>, String> {
    let mut weighed = Vec::new();
    for round in 0..rounds {
        let memory = safety::measure(Kept::Memory, estate, server)?;
        let disk = safety::measure(Kept::Disk, estate, server)?;
        eprintln!("  {round}: the engine with its journal in memory {memory:.2?}, on the disk {disk:.2?}");
        weighed.push((memory, disk));
    }
    Ok(weighed)
}

/// Planning, and applying that plan, for more and more orgs.
pub(crate) struct Scale {
    orgs: usize,
    plan: Measured,
    apply: Measured,
    unread: Measured,
    /// All files of the run that reads first, written again.
    report: Measured,
}

/// A long manifest, checked alone.
pub(crate) struct Checked {
    rows: usize,
    bytes: u64,
    rounds: Vec<Measured>,
}

fn check(estate: &Estate, rounds: usize) -> Result<Vec<Measured>, String> {
    (0..rounds).map(|_| contender::check(estate, "long.csv")).collect()
}

fn scale(scope: &Scope, folder: &Path) -> Result<Vec<Scale>, String> {
    let mut sizes = Vec::new();
    for orgs in scope.scale {
        let estate = Estate::make(&folder.join("scale"), *orgs)?;
        let server = Server::start(&estate, "0ms")?;
        let (plan, apply) = contender::plan_and_apply(&estate, &server)?;
        let report = contender::rebuild(&estate)?;
        let unread = contender::unread(&estate, &server)?;
        eprintln!("  {orgs} orgs: plan {plan}; apply {apply}; report {report}; unread {unread}");
        sizes.push(Scale { orgs: *orgs, plan, apply, unread, report });
    }
    Ok(sizes)
}
