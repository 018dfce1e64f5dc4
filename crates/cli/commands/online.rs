//! `--online`: for `check` what is wrong is an error; beside a plan, which blocks orgs itself, it is a warning. The plan
//! by which `check` judges is discarded.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use orgwave_core::ids::Ruuid;
use orgwave_core::manifest::Severity;
use orgwave_core::operation::Catalog;
use orgwave_core::reply::Reply;
use orgwave_core::run::Exit;
use orgwave_planner::existence::{Absent, What, absences, problems};
use orgwave_planner::plan::PlanFile;
use orgwave_planner::selection::{Select, Selection};
use orgwave_reporter::Fanout;
use orgwave_reporter::terminal::{orgs, several};

use super::listeners::Listeners;
use super::sandboxed;
use crate::args::{self, CheckArgs, Output};
use crate::clock;
use crate::connect::{Identity, ReadPort, Session};
use crate::console;
use crate::failure::Failure;
use crate::planning::{make, open_plan, reads, scratch};
use crate::rollout::Rollout;
use crate::runs::{PLAN_FILE, new_name};

/// Problems that are shown before they are only counted.
const SHOWN: u64 = 1_000;

/// Judges every row as a plan does, and asks about what it names; reports what is wrong, in the order of the lines.
pub async fn run(catalog: &Catalog, args: CheckArgs, rollout: &mut Rollout) -> Result<Exit, Failure> {
    let limits = args::pace(&args.pace, &rollout.limits);
    let policy = args::reading_policy(&rollout.limits)?;
    let sandbox = sandboxed::of_rollout(catalog, &args.connect, rollout, None).await?;
    // No secret is sent, so none is needed.
    let identity = Identity::of_rollout(&args.connect.key, sandbox.as_ref(), rollout.region.as_deref())?;
    let mut session =
        Session::open(catalog, identity, &args.connect.key, limits, &BTreeMap::new(), sandbox, None)?;
    let folder = scratch(args.connect.key.state_dir.as_deref())?;
    let path = folder.path().join(PLAN_FILE);
    // With --json, stdout has the problems alone.
    let mut listeners = Listeners::new(&Output { json: false, ..args.output.clone() }, None);
    let select = Selection::of(Select::default());
    let id = new_name(clock::now());
    let made = make(rollout, &policy, select, &mut session, (&path, id), None, &mut listeners.sink()).await;
    listeners.finish()?;
    made?;

    let file: Arc<str> = rollout.manifest.header().digests[0].0.clone();
    let plan = open_plan(&session.catalog, &path)?;
    let mut missing = absences_of(&plan, &file, &mut session).await?;
    let (mut rows, mut shown, mut warnings): (u64, u64, u64) = (0, 0, 0);
    // Printed as they are found: every row may have several.
    plan.each_line(|line| {
        rows += 1;
        let missing = missing.remove(&line.line).map(|absent| absent.problems).unwrap_or_default();
        for problem in missing.into_iter().chain(problems(&line, &file)) {
            if args.output.json {
                console::event("problem", &problem);
            } else if shown < SHOWN {
                console::note(&format!("{problem}\n"));
            }
            shown += 1;
            warnings += u64::from(problem.severity == Severity::Warning);
        }
    })?;
    let problems = shown - warnings;
    if problems > 0 {
        let most = several(SHOWN, "is", "are");
        let cut = if shown > SHOWN && !args.output.json {
            format!("; the first {most} shown")
        } else {
            String::new()
        };
        console::note(&format!(
            "{}{cut}; `orgwave explain CODE` says more\n",
            several(problems, "problem", "problems")
        ));
        return Ok(Exit::BadInput);
    }
    if !args.output.json && !args.output.quiet {
        let what = match warnings {
            0 => "everything they name exists".to_owned(),
            warnings => format!(
                "orgs, cameras and locations exist; {} about entries that are not live",
                several(warnings, "warning", "warnings")
            ),
        };
        console::out(&format!("{file}: {}; {what}\n", orgs(rows)));
    }
    Ok(Exit::Done)
}

/// What the rows of a plan bring to their orgs that these don't have, by line. Orgs that will not be written are blocked by
/// the plan itself.
///
/// # Errors
/// The API can't be used (69), the key is refused (77), a signal came (129, 130, 143).
pub async fn absent(
    plan: &Path,
    rollout: &Rollout,
    session: &mut Session,
    output: &Output,
) -> Result<BTreeMap<u64, Absent>, Failure> {
    let file: Arc<str> = rollout.manifest.header().digests[0].0.clone();
    let found = absences_of(&open_plan(&session.catalog, plan)?, &file, session).await?;
    for problem in found.values().filter(|_| output.json).flat_map(|absent| &absent.problems) {
        console::event("problem", problem);
    }
    Ok(found)
}

/// What is missing, by line.
async fn absences_of(
    plan: &PlanFile,
    file: &Arc<str>,
    session: &mut Session,
) -> Result<BTreeMap<u64, Absent>, Failure> {
    let api = session.reader()?;
    let mut sink = Fanout::new();
    let operations = plan.operations()?;
    let mut reads = reads(&operations, session, &api, &mut sink);
    Ok(absences(plan, file, &mut reads, |org, what| there(api.clone(), org, what)).await?)
}

/// The ids that the org has.
async fn there(api: ReadPort, org: Ruuid, what: What) -> Reply<HashSet<String>> {
    match what {
        What::Cameras => api.client().cameras(&org).await.map(|cameras| {
            let in_service = cameras.into_iter().filter(|camera| !camera.is_mummified);
            in_service.map(|camera| camera.id.to_string()).collect()
        }),
        What::Locations => api
            .client()
            .locations(&org)
            .await
            .map(|locations| locations.into_iter().map(|location| location.id.to_string()).collect()),
    }
}
