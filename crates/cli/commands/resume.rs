//! `orgwave resume [RUN]`: resumes a run that was stopped or killed. Doubt is settled first.

use std::path::Path;

use orgwave_core::operation::Catalog;
use orgwave_core::run::{Exit, exit_of};
use orgwave_executor::ports::Clock as _;
use orgwave_executor::rollout::{HeldReads, History};
use orgwave_journal::{FILE_NAME, SqliteJournal, Stored};
use orgwave_planner::Error;
use orgwave_planner::plan::{OpenPlan, Proved};
use orgwave_planner::resume::Resume;
use orgwave_reporter::files::write_files_watched;
use orgwave_reporter::{RunDigest, RunLog};

use super::execution::{Execution, check_metrics, execute, report, say, say_page};
use super::listeners::Listeners;
use super::metrics::{check_labels, measure};
use crate::args::{self, ResumeArgs, RolloutLimits};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::console;
use crate::failure::Failure;
use crate::hold::{self, Step};
use crate::memory::Memory;
use crate::planning::open_plan;
use crate::runs::{
    PLAN_FILE, RunFiles, RunFolder, bad_journal, find, is_finished, is_stuck, newest_unfinished, take,
};

/// Resumes a run.
pub async fn run(catalog: &Catalog, args: ResumeArgs) -> Result<Exit, Failure> {
    check_metrics(&args.metrics)?;
    check_labels(&args.metrics)?;
    if let Some(run) = &args.run {
        find(catalog, run, &args.output.reports)?.not_of_sandbox("resumed")?;
    }
    // Without the key, whose runs are looked for isn't known.
    let identity = Identity::of(&args.key, None)?;
    let (endpoint, key) = (identity.endpoint(), identity.key_fingerprint());
    let memory = Memory::open(args.key.state_dir.as_deref())?;
    let wait = args.lock_wait.map(orgwave_core::policy::Span::get).unwrap_or_default();
    let mut lock = memory.locks().take(identity.partner(), None, wait).await?;

    let (folder, digest) = match &args.run {
        Some(run) => {
            let folder = find(catalog, run, &args.output.reports)?;
            let digest = folder.digest()?;
            (folder, digest)
        }
        None => newest_unfinished(catalog, &args.output.reports, &endpoint, &key)?,
    };
    may_resume(&folder, &identity, &args.key.again())?;
    let is_passed_over = args.run.is_none() && is_stuck(&folder, &digest);
    if digest.unsettled == 0 || is_passed_over {
        return without_sending(&args, &folder, &digest);
    }

    let file = open_plan(catalog, &folder.path.join(PLAN_FILE))?;
    let Proved { mut plan, secrets } = file.prove(|id| identity.seal(id))?;
    let limits = args::pace(&args.pace, &RolloutLimits::of(&plan.header.limits)?);
    let learned = memory.rate(&key, &endpoint, clock::now());
    let mut session = Session::open(catalog, identity, &args.key, limits, &secrets.names, None, learned)?;
    secrets.check(&session.secrets, &session.seal(&plan.header.plan_id))?;

    let journal_path = folder.path.join(FILE_NAME);
    let journal = SqliteJournal::open(&journal_path).map_err(|error| bad_journal(&folder.path, error))?;
    let history = history(&folder.path, &plan)?;
    lock.claim(&folder.header.run_id, std::mem::take(&mut plan.orgs)).await?;
    folder.unmark()?;
    let settle_only = session.gate.clock().now() >= plan.header.expires;
    let log = RunLog::open(&folder.path, folder.header.unattended)?;
    let mut listeners = Listeners::new(&args.output, Some(log));
    let strict = folder.header.strict || args.strict;
    let execution = Execution {
        folder: &folder.path,
        run: folder.header.clone(),
        plan: plan.header,
        lines: file.lines(plan.index)?,
        journal,
        history,
        held: HeldReads::default(),
        settle_only,
        again: args.key.again(),
    };
    let executed = execute(execution, &mut session, Some(&memory), &mut listeners).await?;
    drop(lock);
    report(&folder.path, &executed, strict, &args.key, &args.output, &args.metrics, listeners)
}

/// Whether this key at this endpoint may resume the run.
fn may_resume(folder: &RunFolder, identity: &Identity, again: &str) -> Result<(), Failure> {
    let refused = |what: String| Failure::new(Exit::PlanRefused, what);
    let header = &folder.header;
    if header.endpoint != identity.endpoint() {
        return Err(refused(format!("the run is at {}, not at {}", header.endpoint, identity.endpoint())));
    }
    if header.key_fingerprint != identity.key_fingerprint() {
        return Err(refused("the run was started with another key".to_owned())
            .hint(format!("with a new key: {}", folder.retry(again))));
    }
    Ok(())
}

/// A run that has nothing left to send: its files are written if they aren't there.
fn without_sending(args: &ResumeArgs, folder: &RunFolder, digest: &RunDigest) -> Result<Exit, Failure> {
    let finish = digest.course.finish.clone();
    let exit = |digest: &RunDigest| match &finish {
        Some(finish) => exit_of(finish, &digest.counts, digest.run.strict || args.strict),
        None => {
            // Its last process died after the last org: judged as if it had ended by itself.
            let finish = orgwave_core::run::Finish { at: digest.run.started, stop: None, wrote: true };
            exit_of(&finish, &digest.counts, digest.run.strict || args.strict)
        }
    };
    let is_passed_over = is_stuck(folder, digest);
    if is_passed_over || is_finished(folder, digest) {
        if !args.output.quiet && !is_passed_over {
            say(&format!("{} is finished: nothing to resume\n", folder.header.run_id), &args.output);
        }
        let exit = console::settle(exit(digest));
        measure(&args.metrics, exit, digest)?;
        return Ok(exit);
    }
    let _lock = take(&folder.path)?;
    let source = RunFiles::open(&folder.catalog, &folder.path)?;
    let written =
        write_files_watched(&source, &folder.path, args.output.org_files, || hold::at(Step::BeforeName))?;
    if !args.output.quiet {
        let style = args.output.style;
        say_page(&written.summary().render(console::width(), style), &args.output);
    }
    let exit = console::settle(exit(&written.digest));
    measure(&args.metrics, exit, &written.digest)?;
    Ok(exit)
}

/// What earlier processes left, by the journal.
fn history(folder: &Path, plan: &OpenPlan) -> Result<History, Failure> {
    let bad = |error| bad_journal(folder, error);
    let stored = Stored::open_read_only(&folder.join(FILE_NAME)).map_err(bad)?;
    stored
        .expect_plan(&plan.header.plan_id, &plan.seal)
        .map_err(|error| Failure::from(Error::NotTogether).because(error))?;
    let records = stored.records().map_err(bad)?;
    let mut resume = Resume::of(&plan.index);
    stored.entries(|entry| resume.entry(&entry)).map_err(bad)?;
    for step in stored.steps(&records) {
        resume.step(step.map_err(bad)?);
    }
    Ok(resume.history())
}
