//! `orgwave verify ROLLOUT` and `orgwave verify RUN`: what is live, held against what was wanted. Sends no
//! write: its session has no way to.

mod findings;
mod noted;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use orgwave_core::change::changes;
use orgwave_core::compare::{drift, whose};
use orgwave_core::outcome::{Complaint, Image};
use orgwave_core::plan::{PlanLine, PlannedField, Verdict};
use orgwave_core::run::Exit;
use orgwave_core::status::Status;
use orgwave_executor::survey::survey;

use self::findings::{Drift, Findings};
use super::execution::check_file;
use super::listeners::Listeners;
use crate::args::{self, GuardArgs, VerifyArgs, WriteArgs};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::failure::Failure;
use crate::plans::{Lines, NewPlan, each_line, header_of, make, scratch, settings, stopped};
use crate::rollout::{self, Telling};
use crate::runs::{PLAN_FILE, find, new_name, place, prove};
use crate::selection::Selection;

/// Verifies a rollout or a run.
pub async fn run(args: VerifyArgs) -> Result<Exit, Failure> {
    // Before a call is made for a table that can't be written.
    args.output_file.as_deref().map_or(Ok(()), |path| check_file(path, "the table"))?;
    let findings = match run_folder(&args)? {
        Some(folder) => of_run(&args, &folder).await?,
        None => of_rollout(&args).await?,
    };
    findings.tell(&args)
}

/// A run is a folder with a journal, its id, or the beginning of one; a file is a rollout.
fn run_folder(args: &VerifyArgs) -> Result<Option<PathBuf>, Failure> {
    if args.target.is_file() { Ok(None) } else { place(&args.target, &args.output.reports) }
}

async fn of_rollout(args: &VerifyArgs) -> Result<Findings, Failure> {
    let telling = if args.output.json { Telling::Json } else { Telling::People };
    let mut rollout = rollout::open(&args.target, &args.input, telling)?;
    let limits = args::pace(&args.pace, &rollout.limits)?;
    let mut policy = args::plan_policy(&WriteArgs::default(), &GuardArgs::default(), &rollout.limits)?;
    if !policy.write.reads() {
        // To verify is to read, however the rollout is written.
        policy.write = orgwave_core::policy::WriteMode::Patch;
    }
    let identity = Identity::of_rollout(&args.key, None, rollout.region.as_deref())?;
    let needed = &rollout.manifest.header().secrets;
    let mut session = Session::open(identity, &args.key, limits, needed, None, None)?;
    // A plan that nobody keeps.
    let folder = scratch(args.key.state_dir.as_deref())?;
    let path = folder.path().join(PLAN_FILE);
    let mut listeners = Listeners::new(&args.output, None);
    let new = NewPlan { path: &path, id: new_name(clock::now()), is_reviewed: false };
    let made = make(&mut rollout, &policy, &args.select, &mut session, new, &mut listeners.sink()).await;
    listeners.finish()?;
    made?;
    let mut findings = Findings::new(args);
    each_line(&path, |line| {
        let drifted = |field: &&PlannedField| field.differs() && field.before != Image::Hidden;
        let drifts = line.fields.iter().filter(drifted);
        let drifts = drifts.map(|field| Drift::of(field, &field.before)).collect();
        match line.verdict.status() {
            Some(Status::Skipped) => {}
            Some(status @ (Status::Blocked | Status::Rejected | Status::Failed | Status::NotAttempted)) => {
                // A guard that only keeps from writing is no reason not to judge.
                let complaint = line.complaint.clone();
                findings.unjudged(&line, status, complaint);
            }
            _ => findings.judged(&line, drifts),
        }
    })?;
    Ok(findings)
}

async fn of_run(args: &VerifyArgs, folder: &Path) -> Result<Findings, Failure> {
    let run = find(folder, &args.output.reports)?;
    run.not_of_sandbox("verified")?;
    let identity = Identity::of(&args.key, None)?;
    if run.header.endpoint != identity.endpoint() || run.header.key_fingerprint != identity.key_fingerprint()
    {
        return Err(Failure::new(
            Exit::PlanRefused,
            format!(
                "the run is at {} with its own key, and this is another key or endpoint",
                run.header.endpoint
            ),
        )
        .hint("verify the rollout instead"));
    }
    let plan = run.path.join(PLAN_FILE);
    let limits = args::pace(&args.pace, &crate::plans::limits_of(&header_of(&plan)?))?;
    let mut session = Session::open(identity, &args.key, limits, &BTreeMap::new(), None, None)?;
    let seal = session.seal(&run.header.plan_id);
    prove(&run.path, &run.header, &seal)?;
    let select = Selection::of(&args.select)?;
    select.must_match_in(&plan)?;
    let mut lines = Lines::of(&plan)?;
    let to_judge = |line: &PlanLine| {
        matches!(line.verdict, Verdict::Update | Verdict::Unchanged)
            && select.skips((&line.org, [line.name.as_deref(), None])).is_none()
    };
    let api = session.reader()?;
    let mut listeners = Listeners::new(&args.output, None);
    let mut findings = Findings::new(args);
    let stop = survey(
        lines.by_ref().filter(to_judge).map(|line| (line.org, line)),
        &api,
        &mut session.gate,
        &mut session.control,
        &mut listeners.sink(),
        |line, finding, _| {
            let drifted = settings(finding).and_then(|object| {
                whose(&line.org, &object)
                    .and_then(|_| {
                        drift(&line.fields, &object, &seal).map_err(|shape| Complaint {
                            code: orgwave_core::code::Code::OrgShape,
                            message: shape.to_string(),
                            http_status: None,
                        })
                    })
                    .map_err(|complaint| (Verdict::Blocked, complaint))
            });
            match drifted {
                Ok(seen) => {
                    let drifts = changes(&line.fields, &seen).flatten();
                    findings.judged(line, drifts.map(|drift| Drift::of(drift.field, drift.before)).collect());
                }
                Err((verdict, complaint)) => {
                    let status = verdict.status().unwrap_or(Status::Failed);
                    findings.unjudged(line, status, Some(complaint));
                }
            }
        },
    )
    .await;
    listeners.finish()?;
    lines.end()?;
    stop.map_or(Ok(findings), |reason| Err(stopped(&reason)))
}
