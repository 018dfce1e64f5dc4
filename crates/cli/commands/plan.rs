//! `orgwave plan`: what would change, to be reviewed. Its session has no way to write.

use std::path::PathBuf;

use orgwave_core::plan::Verdict;
use orgwave_core::run::Exit;

use super::listeners::Listeners;
use super::review::{acks, max_changed, review, show};
use super::sandboxed;
use crate::args::{self, PlanArgs, path_again};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::console;
use crate::failure::Failure;
use crate::plans::{OpenPlan, check_no_read, make};
use crate::rollout::{self, Telling};
use crate::runs::{NewFolder, PLAN_FILE, new_name};

/// Makes a plan and its review.
pub async fn run(args: PlanArgs) -> Result<Exit, Failure> {
    let telling = if args.output.json { Telling::Json } else { Telling::People };
    let mut rollout = rollout::open(&args.rollout, telling)?;
    let limits = args::pace(&args.pace, &rollout.limits)?;
    let policy = args::plan_policy(&args.write, &args.guard, &rollout.limits)?;
    check_no_read(&policy, rollout.manifest.header())?;

    let name = new_name(clock::now());
    let plan_id = name.clone();
    let (path, folder) = place(&args, name)?;
    let made = async {
        let sandbox =
            sandboxed::of_rollout(&args.connect, &mut rollout, folder.as_ref().map(|f| f.path.as_path()))
                .await?;
        let identity = Identity::of(&args.connect.key, sandbox.as_ref())?;
        let needed = &rollout.manifest.header().secrets;
        let mut session = Session::open(identity, &args.connect.key, limits, needed, sandbox, None)?;
        let mut listeners = Listeners::new(&args.output, None)?;
        let made =
            make(&mut rollout, &policy, &args.select, &mut session, &path, plan_id, &mut listeners.sink())
                .await;
        listeners.finish()?;
        let made = made?;
        let review = review(&path, &session)?;
        let rate = session.rate();
        if let Some(sandbox) = session.sandbox.take() {
            sandbox.shutdown().await;
        }
        Ok((made, review, rate))
    }
    .await;
    let (made, review, rate) = match made {
        Ok(made) => made,
        Err(failure) => {
            // Nothing half done is left behind.
            if let Some(folder) = folder {
                folder.discard();
            }
            return Err(failure);
        }
    };

    let changed = made.footer.updates > 0;
    if !args.output.json && (changed || !args.output.quiet) {
        show(&review, &args.output, rate);
        console::out(&format!(
            "\nplan {}, good until {}\n  {}\n",
            made.header.plan_id,
            made.header.expires,
            path.display(),
        ));
        if changed {
            let acks = acks(&made.footer.guards);
            console::out(&format!(
                "apply it: orgwave apply {}{acks}{}\n",
                path_again(&path),
                args.connect.again()
            ));
        }
    }
    if args.guard.unattended {
        max_changed(&made.footer, policy.max_changed)?;
    }
    Ok(if args.detailed_exitcode { judged(&made) } else { Exit::Done })
}

/// Where the plan goes: a new folder, unless a file was named.
fn place(args: &PlanArgs, name: String) -> Result<(PathBuf, Option<NewFolder>), Failure> {
    match &args.output_file {
        Some(path) if path.exists() => Err(Failure::usage(format!(
            "{} is there already, and a plan never replaces a file",
            path.display()
        ))),
        Some(path) => Ok((path.clone(), None)),
        None => {
            let folder = NewFolder::make(&args.output.reports.join("plans"), name)?;
            Ok((folder.path.join(PLAN_FILE), Some(folder)))
        }
    }
}

/// `--detailed-exitcode`: orgs that could not be judged come first.
fn judged(plan: &OpenPlan) -> Exit {
    let any = |verdicts: [Verdict; 2]| plan.index.iter().any(|entry| verdicts.contains(&entry.verdict));
    if any([Verdict::Blocked, Verdict::Rejected]) {
        Exit::SomeRefused
    } else if any([Verdict::Failed, Verdict::NotAttempted]) {
        Exit::TryAgain
    } else if plan.footer.updates > 0 {
        Exit::Changes
    } else {
        Exit::Done
    }
}
