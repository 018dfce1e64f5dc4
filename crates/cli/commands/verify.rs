//! `orgwave verify ROLLOUT` and `orgwave verify RUN`: what is live, held against what was wanted. Sends no
//! write: its session has no way to.

mod findings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_planner::selection::Selection;
use orgwave_planner::verify::{Findings, by_plan, by_reading};

use super::execution::check_file;
use super::listeners::Listeners;
use crate::args::{self, RolloutLimits, VerifyArgs};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::failure::Failure;
use crate::planning::{header_of, make, open_plan, other_scratch, reads, scratch};
use crate::rollout::{self, ProblemFormat};
use crate::runs::{PLAN_FILE, find, new_name, place, prove};

/// Verifies a rollout or a run.
pub async fn run(catalog: &Catalog, args: VerifyArgs) -> Result<Exit, Failure> {
    // Before a call is made for a table that can't be written.
    args.output_file.as_deref().map_or(Ok(()), |path| check_file(path, "the table"))?;
    let findings = match run_folder(&args)? {
        Some(folder) => of_run(catalog, &args, &folder).await?,
        None => of_rollout(catalog, &args).await?,
    };
    findings::tell(findings, &args)
}

/// A run is a folder with a journal, its id, or the beginning of one; a file is a rollout.
fn run_folder(args: &VerifyArgs) -> Result<Option<PathBuf>, Failure> {
    if args.target.is_file() { Ok(None) } else { place(&args.target, &args.output.reports) }
}

async fn of_rollout(catalog: &Catalog, args: &VerifyArgs) -> Result<Findings, Failure> {
    let format = if args.output.json { ProblemFormat::Json } else { ProblemFormat::Text };
    let mut rollout = rollout::open(catalog, &args.target, &args.input, format)?;
    let limits = args::pace(&args.pace, &rollout.limits);
    let policy = args::reading_policy(&rollout.limits)?;
    let select = Selection::of(args::select(&args.select)?);
    let identity = Identity::of_rollout(&args.key, None, rollout.region.as_deref())?;
    let needed = &rollout.manifest.header().secrets;
    let mut session = Session::open(catalog, identity, &args.key, limits, needed, None, None)?;
    // The plan is discarded.
    let folder = scratch(args.key.state_dir.as_deref())?;
    let path = folder.path().join(PLAN_FILE);
    let mut listeners = Listeners::new(&args.output, None);
    let id = new_name(clock::now());
    let made =
        make(&mut rollout, &policy, select, &mut session, (&path, id), None, &mut listeners.sink()).await;
    listeners.finish()?;
    made?;
    Ok(by_plan(&open_plan(catalog, &path)?, other_scratch(args.key.state_dir.as_deref()))?)
}

async fn of_run(catalog: &Catalog, args: &VerifyArgs, folder: &Path) -> Result<Findings, Failure> {
    let run = find(catalog, folder, &args.output.reports)?;
    run.not_of_sandbox("verified")?;
    let identity = Identity::of(&args.key, None)?;
    if run.header.endpoint != identity.endpoint() || run.header.key_fingerprint != identity.key_fingerprint()
    {
        return Err(Failure::new(
            Exit::PlanRefused,
            format!("the run was made at {} with another key or endpoint", run.header.endpoint),
        )
        .hint("verify the rollout instead"));
    }
    let limits =
        args::pace(&args.pace, &RolloutLimits::of(&header_of(catalog, &run.path.join(PLAN_FILE))?.limits)?);
    let mut session = Session::open(catalog, identity, &args.key, limits, &BTreeMap::new(), None, None)?;
    let seal = session.seal(&run.header.plan_id);
    let plan = prove(catalog, &run.path, &run.header, &seal)?;
    let select = Selection::of(args::select(&args.select)?);
    let api = session.reader()?;
    let mut listeners = Listeners::new(&args.output, None);
    let mut sink = listeners.sink();
    let other = other_scratch(args.key.state_dir.as_deref());
    let operations = plan.operations()?;
    let mut reads = reads(&operations, &mut session, &api, &mut sink);
    let found = by_reading(&plan, &seal, &select, other, &mut reads).await;
    drop(sink);
    listeners.finish()?;
    Ok(found?)
}
