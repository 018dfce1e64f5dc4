//! `orgwave sandbox`: the sandbox API on loopback, until Ctrl-C.

use std::fs::OpenOptions;
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt as _;

use orgwave_core::ids::Ruuid;
use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_reporter::terminal::several;
use orgwave_sandbox::{OrgSeed, Sandbox};

use crate::args::SandboxArgs;
use crate::connect::{api_key_of, config_of};
use crate::console;
use crate::failure::Failure;
use crate::rollout::{self, ProblemFormat};

/// Serves until a signal comes.
pub async fn run(catalog: &Catalog, args: SandboxArgs) -> Result<Exit, Failure> {
    let mut signals = crate::signals::listen();
    let (table, orgs) = match &args.rollout {
        Some(path) => {
            let mut rollout = rollout::open(catalog, path, &args.input, ProblemFormat::Text)?;
            let mut orgs = Vec::new();
            for row in rollout.manifest.rows()? {
                let row = row?;
                orgs.push(super::sandboxed::seed(orgs.len(), row.org, row.name));
            }
            (rollout.sandbox, orgs)
        }
        None => (None, made_up(args.orgs, args.seed.unwrap_or(0))),
    };
    let mut config = config_of(table.as_ref())?;
    let usage = |error: String| Failure::usage(error);
    if let Some(seed) = args.seed {
        config.seed = seed;
    }
    if let Some(latency) = &args.latency {
        config.latency = latency.parse().map_err(|error| usage(format!("--latency: {error}")))?;
    }
    for fault in &args.fault {
        config.faults.push(fault.parse().map_err(|error| usage(format!("--fault {fault:?}: {error}")))?);
    }
    let count = orgs.len();
    let mut sandbox = Sandbox::new(catalog, config, orgs)
        .map_err(|error| Failure::new(Exit::BadInput, "the sandbox can't be set up").because(error))?;
    let mut key_is = "the word `sandbox`".to_owned();
    if let Some(path) = &args.token_file {
        sandbox = sandbox.expecting_key(api_key_of(path)?.secret().expose());
        key_is = format!("in {}", path.shown());
    }
    if let Some(path) = &args.ledger {
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| Failure::cannot_write(path, error))?;
        sandbox = sandbox.copying_ledger_to(BufWriter::new(file));
    }
    let running = sandbox
        .start(([127, 0, 0, 1], args.port).into())
        .await
        .map_err(|error| Failure::new(Exit::Unreachable, "the sandbox can't listen").because(error))?;
    console::out(&format!(
        "{} at {}; its key is {key_is}\nthe ledger: {}/ledger\n",
        several(count as u64, "org", "orgs"),
        running.url(),
        running.url()
    ));
    let _ = signals.recv().await;
    running
        .shutdown()
        .await
        .map_err(|error| Failure::new(Exit::CannotWrite, "the ledger could not be written").because(error))?;
    Ok(Exit::Done)
}

/// This many orgs, the same for the same seed.
pub fn made_up(count: u32, seed: u64) -> Vec<OrgSeed> {
    let mut chance = fastrand::Rng::with_seed(seed);
    (1..=count)
        .map(|number| {
            let mut bytes = [0; 16];
            chance.fill(&mut bytes);
            OrgSeed { org: Ruuid::from_bytes(bytes), name: format!("Org {number}") }
        })
        .collect()
}
