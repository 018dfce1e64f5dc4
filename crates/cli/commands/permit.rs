//! Whether a plan may be carried out: its guards, and the user's yes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::plan::{Footer, Guard};
use orgwave_core::run::Exit;
use orgwave_planner::plan::OpenPlan;
use orgwave_reporter::terminal::orgs;

use super::review::{acks, max_changed, review, show};
use crate::args::{self, ApplyArgs, ConnectArgs, GuardArgs, RolloutLimits, path_again};
use crate::connect::Session;
use crate::console;
use crate::failure::Failure;
use crate::runs::PLAN_FILE;

/// Judges the plan that lies in a run's folder. `fresh`: this command made it, so it hasn't been reviewed yet.
///
/// # Errors
/// 13: a guard stops it, or the user declined. 64: there is no terminal to ask on.
pub fn permit(
    args: &ApplyArgs,
    folder: &Path,
    session: &Session,
    plan: &OpenPlan,
    fresh: bool,
) -> Result<(), Failure> {
    let path = folder.join(PLAN_FILE);
    let look = || {
        if fresh {
            review(&path, session, BTreeMap::new())
                .map(|review| show(&review.at_once(), &args.output, session.expected()))
        } else {
            Ok(())
        }
    };
    if fresh {
        say_idle(&plan.footer, args.output.quiet);
    }
    let target = if fresh { path.as_path() } else { args.target.as_path() };

    if args.guard.unattended {
        let most = args::plan_policy(&args.write, &args.guard, &RolloutLimits::of(&plan.header.limits)?)?
            .max_changed;
        if let Err(failure) = max_changed(&plan.footer, most) {
            look()?;
            return Err(failure.hint(reviewed(target, &plan.footer.guards, &args.connect)));
        }
    }
    let missing: Vec<&Guard> = plan.missing(&args.guard.ack, fresh).collect();
    if !missing.is_empty() {
        look()?;
        return Err(stopped(&missing, target, &args.connect));
    }
    if args.guard.yes || args.guard.unattended || plan.footer.updates == 0 {
        return Ok(());
    }
    look()?;
    // A plan that couldn't be shown whole can't be approved.
    console::whole()?;
    ask(plan.footer.updates)
}

/// Says which entries to be removed aren't live. One that is gone already is no news, night after night; one of which a
/// live key is another spelling was meant.
fn say_idle(footer: &Footer, quiet: bool) {
    let Some(idle) = footer.idle_removals.as_ref().filter(|idle| !quiet || idle.respelled > 0) else {
        return;
    };
    console::note(&format!(
        "warning: an entry to be removed is not live in {}: {}\n",
        orgs(idle.orgs),
        idle.example
    ));
}

/// What to read, and how a reviewed plan is applied: the share is a guard for unreviewed ones.
fn reviewed(target: &Path, guards: &[Guard], connect: &ConnectArgs) -> String {
    let page = target.with_extension("html");
    format!(
        "review {}; if that is intended: orgwave apply {} --yes{}{}",
        if page.exists() { &page } else { target }.shown(),
        path_again(target),
        connect.again(),
        acks(guards),
    )
}

fn stopped(missing: &[&Guard], target: &Path, connect: &ConnectArgs) -> Failure {
    let what = format!("stopped by a guard; nothing was sent{}", acks(missing.iter().copied()));
    Failure::new(Exit::Guarded, what).hint(format!(
        "if that is intended, add the codes to: orgwave apply {}{}",
        path_again(target),
        connect.again()
    ))
}

/// The terminal on which the user is asked: neither a pipe nor a script answers by accident.
fn terminal() -> Result<File, Failure> {
    File::options().read(true).write(true).open("/dev/tty").map_err(no_terminal)
}

fn no_terminal(_: std::io::Error) -> Failure {
    Failure::new(Exit::Usage, "no terminal for the prompt")
        .hint("use --yes or --unattended to apply without a prompt")
}

/// Whether there will be a terminal to ask on, before anything is planned: reading every org only to find that the
/// plan can't be approved costs the partner's rate.
///
/// # Errors
/// 64: there is no terminal.
pub fn can_ask(guard: &GuardArgs) -> Result<(), Failure> {
    if guard.yes || guard.unattended { Ok(()) } else { terminal().map(drop) }
}

/// Asks for the number of orgs.
fn ask(updates: u64) -> Result<(), Failure> {
    let mut terminal = terminal()?;
    let question = format!("type the number of orgs to be written ({updates}) to continue: ");
    terminal.write_all(question.as_bytes()).map_err(no_terminal)?;
    let mut answer = String::new();
    BufReader::new(terminal.take(64)).read_line(&mut answer).map_err(no_terminal)?;
    if answer.trim() == updates.to_string() {
        Ok(())
    } else {
        Err(Failure::new(Exit::Guarded, "declined; nothing was sent"))
    }
}
