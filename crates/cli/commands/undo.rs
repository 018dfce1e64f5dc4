//! `orgwave undo RUN`: the plan that restores what a run changed. Sends no write; `apply` does, once it was
//! reviewed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::policy::Span;
use orgwave_core::run::Exit;
use orgwave_planner::plan::{NewPlan, OpenPlan, PlanFile};
use orgwave_planner::selection::Selection;
use orgwave_planner::undo::{self, Changed, Undone, Unrestored};
use orgwave_reporter::Records;
use orgwave_reporter::terminal::several;

use super::execution::say;
use super::listeners::Listeners;
use super::review::{review, show, to_acknowledge};
use crate::args::{self, RolloutLimits, UndoArgs, path_again};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::failure::Failure;
use crate::planning::reads;
use crate::runs::{Place, RunFiles, RunFolder, find, new_name, prove};

/// Makes the plan.
pub async fn run(catalog: &Catalog, args: UndoArgs) -> Result<Exit, Failure> {
    let run = find(catalog, &args.run, &args.output.reports)?;
    run.not_of_sandbox("undone")?;
    let identity = Identity::of(&args.key, None)?;
    may_undo(&run, &identity)?;
    let limits = args::pace(&args.pace, &RolloutLimits::default());
    let mut session = Session::open(catalog, identity, &args.key, limits, &BTreeMap::new(), None, None)?;
    let run_plan = prove(catalog, &run.path, &run.header, &session.seal(&run.header.plan_id))?;
    let select = Selection::of(args::select(&args.select)?);

    let id = new_name(clock::now());
    let place = Place::find(args.output_file.as_deref(), &args.output.reports, id.clone())?;
    let made = make(&run, &run_plan, id, &select, &mut session, &place.path, &args).await;
    let (plan, unrestored) = match made {
        Ok(made) => made,
        Err(failure) => {
            place.discard();
            return Err(failure);
        }
    };
    let path = place.path;
    let review = review(&path, &session, BTreeMap::new())?;
    if !args.output.quiet {
        show(&review, &args.output, session.expected());
        say(&in_words(unrestored), &args.output);
        let next = format!(
            "\nreview it: {}\nundo it: orgwave apply {}{}\n{}",
            path.with_extension("html").shown(),
            path_again(&path),
            args.key.again(),
            to_acknowledge(&plan.footer.guards),
        );
        say(&next, &args.output);
    }
    Ok(Exit::Done)
}

fn may_undo(run: &RunFolder, identity: &Identity) -> Result<(), Failure> {
    let header = &run.header;
    if header.endpoint != identity.endpoint() || header.key_fingerprint != identity.key_fingerprint() {
        return Err(Failure::new(
            Exit::PlanRefused,
            format!("the run was made at {} with another key or endpoint", header.endpoint),
        ));
    }
    Ok(undo::check(header)?)
}

/// Reads every org that the run changed, and writes the plan. Returns it, and what it leaves as it is.
async fn make(
    run: &RunFolder,
    run_plan: &PlanFile,
    id: String,
    select: &Selection,
    session: &mut Session,
    path: &Path,
    args: &UndoArgs,
) -> Result<(OpenPlan, Unrestored), Failure> {
    let source = RunFiles::open(&run.catalog, &run.path)?;
    let mut records = Records::of(&source)?;
    run_plan.must_match(select)?;
    let changed = std::iter::from_fn(|| {
        loop {
            match records.next_record() {
                Ok(record) => {
                    let (line, steps) = record?.into_change();
                    if !steps.is_empty() {
                        return Some(Ok(Changed { line, steps }));
                    }
                }
                Err(error) => return Some(Err(Failure::from(error))),
            }
        }
    });
    let (seal, run_seal) = (session.seal(&id), session.seal(&run.header.plan_id));
    let undone = Undone {
        run: &run.header,
        plan: run_plan.header().ok(),
        seal: &run_seal,
        expires: args.expires.map_or(Duration::from_secs(7 * 86_400), Span::get),
    };
    let new = NewPlan {
        path,
        id,
        endpoint: session.endpoint.clone(),
        key_fingerprint: session.key_fingerprint(),
        seal: &seal,
    };
    let api = session.reader()?;
    let operations = run_plan.operations()?;
    let mut listeners = Listeners::new(&args.output, None);
    let mut sink = listeners.sink();
    let made =
        undo::make(undone, changed, select, new, &mut reads(&operations, session, &api, &mut sink)).await;
    drop(sink);
    listeners.finish()?;
    made
}

/// What an undo leaves as it is.
fn in_words(unrestored: Unrestored) -> String {
    let Unrestored { back_already, changed_since, secrets, irreversible } = unrestored;
    let fields = |number: usize| several(number as u64, "field", "fields");
    let mut text = String::new();
    if back_already > 0 {
        text += &format!("already reverted: {}\n", fields(back_already));
    }
    if changed_since > 0 {
        let fields = fields(changed_since);
        text += &format!("changed by someone else since, not restored: {fields} (see plan.csv)\n");
    }
    if secrets > 0 {
        let secrets = several(secrets as u64, "secret", "secrets");
        text += &format!("not restorable: {secrets}, because old values of secrets are not stored\n");
    }
    if irreversible > 0 {
        let fields = fields(irreversible);
        text += &format!(
            "irreversible, not restored: {fields}, whose old values bring nothing back (see plan.csv)\n"
        );
    }
    text
}
