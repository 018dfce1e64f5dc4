//! `orgwave plan`: what would change, to be reviewed. Its session has no way to write.

use orgwave_core::legible::ShowPath as _;
use orgwave_core::plan::Verdict;
use orgwave_core::run::Exit;

use super::listeners::Listeners;
use super::online::absent;
use super::review::{max_changed, show, to_acknowledge};
use super::sandboxed;
use crate::args::{self, PlanArgs, path_again};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::console;
use crate::failure::Failure;
use crate::plans::{Made, NewPlan, OpenPlan, Place, check_no_read, make};
use crate::rollout::{self, Telling};
use crate::runs::new_name;

/// Makes a plan and its review.
pub async fn run(args: PlanArgs) -> Result<Exit, Failure> {
    let telling = if args.output.json { Telling::Json } else { Telling::People };
    let mut rollout = rollout::open(&args.rollout, &args.input, telling)?;
    let limits = args::pace(&args.pace, &rollout.limits)?;
    let policy = args::plan_policy(&args.write, &args.guard, &rollout.limits)?;
    check_no_read(&policy, rollout.manifest.header())?;

    let name = new_name(clock::now());
    let plan_id = name.clone();
    let place = Place::find(args.output_file.as_deref(), &args.output.reports, name)?;
    let path = place.path.clone();
    let made = async {
        let folder = place.folder.as_ref().map(|folder| folder.path.as_path());
        let sandbox = sandboxed::of_rollout(&args.connect, &mut rollout, folder).await?;
        let identity = Identity::of_rollout(&args.connect.key, sandbox.as_ref(), rollout.region.as_deref())?;
        let needed = &rollout.manifest.header().secrets;
        let mut session = Session::open(identity, &args.connect.key, limits, needed, sandbox, None)?;
        let mut listeners = Listeners::new(&args.output, None);
        let new = NewPlan { path: &path, id: plan_id, is_reviewed: true };
        let made = make(&mut rollout, &policy, &args.select, &mut session, new, &mut listeners.sink()).await;
        listeners.finish()?;
        let Made { plan: made, review } = made?;
        let mut review = review.expect("it is wanted");
        if args.online {
            for absent in absent(&path, &rollout, &mut session, &args.output).await? {
                review.absent(&absent);
            }
        }
        let review = review.finish(&made.footer, session.expected())?;
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
    let exit = exit_of(&made, args.detailed_exitcode, args.guard.strict);
    if !args.output.json && (changed || exit != Exit::Done || !args.output.quiet) {
        show(&review, &args.output, expected);
        console::out(&format!("\nplan {}, good until {}\n", made.header.plan_id, made.header.expires));
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

/// Rows that could not be judged come first: all of them, or with `--strict` and `--detailed-exitcode` any.
fn exit_of(plan: &OpenPlan, detailed: bool, strict: bool) -> Exit {
    let any = |verdicts: [Verdict; 2]| plan.index.iter().any(|entry| verdicts.contains(&entry.verdict));
    let unjudged_counts = detailed || strict || plan.footer.judged == 0;
    if unjudged_counts && any([Verdict::Blocked, Verdict::Rejected]) {
        Exit::SomeRefused
    } else if unjudged_counts && any([Verdict::Failed, Verdict::NotAttempted]) {
        Exit::TryAgain
    } else if detailed && plan.footer.updates > 0 {
        Exit::Changes
    } else {
        Exit::Done
    }
}
