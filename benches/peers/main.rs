//! What users would run instead, measured side by side with orgwave, against one and the same server.
//!
//! ```text
//! cargo bench --bench peers              the whole, under fifteen minutes; rewrites its part of benches/RESULTS.md
//! cargo bench --bench peers -- --quick   few orgs, one round, prints only (unless --write): does everything still run?
//! ```
//!
//! * [`estate`]: the orgs, their rows, the rollouts, the bodies: all contenders send the same.
//! * [`server`]: `orgwave sandbox` in a process of its own; it keeps totals and what it was sent.
//! * [`contender`]: how each is run, and what it does not do; [`ours`]: how orgwave is.
//! * [`loops`]: loops over reqwest, one that is handed its bodies and one that reads the manifest; `scripts/`: the others.
//! * [`tools`]: what the peers run on, installed once below `target/`.
//! * [`scale`]: every command of orgwave over more and more orgs.
//! * [`safety`]: the engine with its journal on the disk, and in memory.
//! * [`measured`]: wall time, processor time, peak memory and file traffic of a child process.
//! * [`report`]: medians, ratios and their spread, aims, tables and chart.
//!
//! Contenders take turns within each round, so that what else the machine does falls on all of them; only ratios within
//! one run mean anything. A peer that is missing is left out and named.

#![expect(clippy::cast_precision_loss, reason = "counts become ratios, which are shown with a few digits")]

mod contender;
mod estate;
mod loops;
mod measured;
mod ours;
mod report;
#[path = "../rows.rs"]
mod rows;
mod safety;
mod scale;
mod server;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use contender::{Contender, Proof, Sending};
use estate::{Estate, Work};
use measured::Measured;
use safety::Kept;
use scale::Scale;
use server::Server;
use tools::Tools;

/// The binary, built by the same `cargo bench`.
const ORGWAVE: &str = env!("CARGO_BIN_EXE_orgwave");
/// Where everything that is made lies.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/peers");
/// Where the scripts lie.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/scripts");

/// How much is measured.
struct Scope {
    orgs: usize,
    /// Orgs with five steps each.
    stepped: usize,
    /// Orgs where the server is slow: a multiple of those in flight, so that the floor is exact.
    delayed: usize,
    rounds: usize,
    /// For those that make one call an org; the others make one round.
    delayed_rounds: usize,
    safety_rounds: usize,
    /// Rows of the manifest that is checked.
    rows: usize,
    scale: &'static [usize],
}

const WHOLE: Scope = Scope {
    orgs: 10_000,
    stepped: 2_500,
    delayed: 6_400,
    rounds: 3,
    delayed_rounds: 1,
    safety_rounds: 1,
    rows: 1_000_000,
    scale: &[1_000, 10_000, 100_000],
};
const QUICK: Scope = Scope {
    orgs: 1_000,
    stepped: 500,
    delayed: 640,
    rounds: 1,
    delayed_rounds: 1,
    safety_rounds: 1,
    rows: 10_000,
    scale: &[1_000],
};

/// What one contender did, round by round.
pub(crate) struct Course {
    contender: Contender,
    rounds: Vec<Sending>,
}

/// What all contenders did with rows of a kind.
pub(crate) struct Race {
    estate: Estate,
    courses: Vec<Course>,
    /// Those that aren't there, and what they would need.
    missing: Vec<(Contender, &'static str)>,
}

/// What the journal costs at some latency: with it in memory, and on the disk, round by round.
pub(crate) struct Safety {
    latency: &'static str,
    rounds: Vec<(Duration, Duration)>,
}

/// A long manifest, checked alone.
pub(crate) struct Checked {
    rows: usize,
    bytes: u64,
    rounds: Vec<Measured>,
}

/// All that was measured.
pub(crate) struct Results {
    prompt: Vec<Race>,
    delayed: Race,
    safety: Vec<Safety>,
    scale: Vec<Scale>,
    checked: Checked,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some(loops::BARE | loops::READING) => return loops::main(&args),
        Some(safety::FLAG) => return safety::main(&args[1..]),
        _ => {}
    }
    let quick = args.iter().any(|arg| arg == "--quick");
    let write = !quick || args.iter().any(|arg| arg == "--write");
    let done = measure(if quick { &QUICK } else { &WHOLE }).and_then(|results| {
        println!("{}", report::text(&results));
        if write { report::write(&results) } else { Ok(()) }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("peers: {why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(scope: &Scope) -> Result<Results, String> {
    let folder = PathBuf::from(FOLDER);
    let tools = Tools::install(&folder)?;
    let mut prompt = Vec::new();
    for work in Work::ALL {
        let orgs = if work == Work::Steps { scope.stepped } else { scope.orgs };
        eprintln!("{}: {orgs} orgs, {} rounds", work.name(), scope.rounds);
        let (estate, server) = stage(&folder, work, orgs, "0ms")?;
        prompt.push(race(&tools, estate, &server, scope.rounds, scope.rounds)?);
    }
    let (estate, server) = stage(&folder, Work::Narrow, scope.orgs, "0ms")?;
    let mut safety = vec![Safety { latency: "0 ms", rounds: weigh(&estate, &server, scope.safety_rounds)? }];
    eprintln!("50 ms: {} orgs, {} rounds", scope.delayed, scope.delayed_rounds);
    let (estate, server) = stage(&folder, Work::Wide, scope.delayed, "50ms")?;
    safety.push(Safety { latency: "50 ms", rounds: weigh(&estate, &server, 1)? });
    let delayed = race(&tools, estate, &server, scope.delayed_rounds, 1)?;
    drop(server);
    let scale = scope
        .scale
        .iter()
        .map(|orgs| scale::measure(*orgs, &folder.join("scale")))
        .collect::<Result<_, _>>()?;
    let checked = check(scope, &folder)?;
    Ok(Results { prompt, delayed, safety, scale, checked })
}

/// Orgs with rows of a kind, and a server that has them.
fn stage(folder: &Path, work: Work, orgs: usize, latency: &str) -> Result<(Estate, Server), String> {
    let estate = Estate::make(&folder.join("estate"), work, orgs)?;
    let server = Server::start(&estate.file("on.toml"), latency)?;
    estate.prebuild(server.url())?;
    Ok((estate, server))
}

/// All contenders in turns; those that make several calls an org this many rounds.
fn race(
    tools: &Tools,
    estate: Estate,
    server: &Server,
    rounds: usize,
    long_rounds: usize,
) -> Result<Race, String> {
    let (mut courses, mut missing) = (Vec::new(), Vec::new());
    for contender in Contender::ALL {
        match tools.missing_for(contender) {
            Some(what) => missing.push((contender, what)),
            None => courses.push(Course { contender, rounds: Vec::new() }),
        }
    }
    for round in 0..rounds {
        for course in &mut courses {
            if round >= long_rounds && !course.contender.is_repeated_slowly() {
                continue;
            }
            let proof = if round == 0 { Proof::Bodies } else { Proof::Totals };
            let sending = course.contender.run(tools, &estate, server, proof)?;
            eprintln!("  {round}: {:<36} {}", course.contender.name(), sending.measured);
            course.rounds.push(sending);
        }
    }
    Ok(Race { estate, courses, missing })
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

fn check(scope: &Scope, folder: &Path) -> Result<Checked, String> {
    let estate = Estate::make(&folder.join("estate"), Work::Narrow, 1)?;
    let bytes = estate.long_manifest("long.csv", scope.rows)?;
    let rounds = (0..scope.rounds).map(|_| measured::run(ours::offline(&estate, "check").arg("long.csv")));
    Ok(Checked { rows: scope.rows, bytes, rounds: rounds.collect::<Result<_, _>>()? })
}
