//! `orgwave plan`: what would change, to be reviewed. Its session has no way to write.

use std::collections::BTreeMap;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_planner::plan::check_no_read;
use orgwave_planner::selection::Selection;

use super::listeners::Listeners;
use super::online::absent;
use super::review::{max_changed, review, show, to_acknowledge};
use super::sandboxed;
use crate::args::{self, PlanArgs, path_again};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::console;
use crate::failure::Failure;
use crate::planning::{make, warn};
use crate::rollout::{self, ProblemFormat};
use crate::runs::{Place, new_name};

/// Makes a plan and its review.
pub async fn run(catalog: &Catalog, args: PlanArgs) -> Result<Exit, Failure> {
    let format = if args.output.json { ProblemFormat::Json } else { ProblemFormat::Text };
    let mut rollout = rollout::open(catalog, &args.rollout, &args.input, format)?;
    let limits = args::pace(&args.pace, &rollout.limits);
    let policy = args::plan_policy(&args.write, &args.guard, &rollout.limits)?;
    if let Some(warning) = check_no_read(policy.write, rollout.manifest.header())? {
        warn(&warning);
    }
    let select = args::select(&args.select)?;

    let name = new_name(clock::now());
    let plan_id = name.clone();
    let place = Place::find(args.output_file.as_deref(), &args.output.reports, name)?;
    let path = place.path.clone();
    let made = async {
        let folder = place.folder.as_ref().map(|folder| folder.path.as_path());
        let sandbox = sandboxed::of_rollout(catalog, &args.connect, &mut rollout, folder).await?;
        let identity = Identity::of_rollout(&args.connect.key, sandbox.as_ref(), rollout.region.as_deref())?;
        let needed = &rollout.manifest.header().secrets;
        let mut session = Session::open(catalog, identity, &args.connect.key, limits, needed, sandbox, None)?;
        let mut listeners = Listeners::new(&args.output, None);
        let select = Selection::of(select);
        let mut sink = listeners.sink();
        let made = make(&mut rollout, &policy, select, &mut session, (&path, plan_id), None, &mut sink).await;
        listeners.finish()?;
        let made = made?;
        let absent = if args.online {
            absent(&path, &rollout, &mut session, &args.output).await?
        } else {
            BTreeMap::new()
        };
        let review = review(&path, &session, absent)?;
        let expected = session.expected();
        if let Some(sandbox) = session.sandbox.take() {
            sandbox.shutdown().await;
        }
        Ok((made, review, expected))
    }
    .await;
    let (made, review, expected) = match made {
        Ok(made) => made,
        Err(failure) => {
            place.discard();
            return Err(failure);
        }
    };

    let changed = made.footer.updates > 0;
    let exit = made.exit(args.detailed_exitcode, args.guard.strict);
    if !args.output.json && (changed || exit != Exit::Done || !args.output.quiet) {
        show(&review, &args.output, expected);
        console::out(&format!("\nplan {}, expires {}\n", made.header.plan_id, made.header.expires));
        let page = path.with_extension("html");
        console::out(&format!("review it: {}\n", page.shown()));
        if changed {
            console::out(&format!("apply it: orgwave apply {}{}\n", path_again(&path), args.connect.again()));
            console::out(&to_acknowledge(&made.footer.guards));
        }
    }
    if args.guard.unattended {
        max_changed(&made.footer, policy.max_changed)?;
    }
    Ok(exit)
}
