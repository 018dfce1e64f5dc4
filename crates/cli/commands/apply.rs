//! `orgwave apply`: the whole program, from what the user wrote to a verified result.
//!
//! ```text
//! rollout -> plan --+
//!                   +-> guards -> yes? -> journal -> executor -> reports -> exit code
//! plan (proved) ----+
//! ```

use std::io::Read as _;
use std::path::Path;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::plan::Header;
use orgwave_core::run::{Exit, RUN_FORMAT, RunHeader};
use orgwave_executor::ports::Clock as _;
use orgwave_executor::rollout::{HeldReads, History};
use orgwave_journal::{Draft, FILE_NAME, JournalError, SqliteJournal};
use orgwave_planner::TOOL;
use orgwave_planner::plan::{OpenPlan, PlanLines, Proved, check_no_read};
use orgwave_planner::selection::Selection;
use orgwave_reporter::RunLog;

use super::execution::{Execution, check_metrics, execute, report};
use super::listeners::Listeners;
use super::metrics::{check_labels, rollout_applied};
use super::permit::{can_ask, permit};
use super::sandboxed;
use crate::args::{self, ApplyArgs, RolloutLimits};
use crate::clock;
use crate::connect::{Identity, Session};
use crate::console;
use crate::durable::sync_folder;
use crate::failure::Failure;
use crate::hold::{self, Step};
use crate::input::Input;
use crate::locks::Lock;
use crate::memory::Memory;
use crate::planning::{make, open_plan, warn};
use crate::rollout::{self, ProblemFormat};
use crate::runs::{NewFolder, PLAN_FILE, new_name, runs_in, used};

/// Applies a plan, or plans and applies a rollout.
pub async fn run(catalog: &Catalog, args: ApplyArgs) -> Result<Exit, Failure> {
    let is_plan = is_plan(&args.target)?;
    if args.dry_run {
        return super::plan::run(catalog, dry_run(args, is_plan)?).await;
    }
    if !is_plan {
        can_ask(&args.guard)?;
    }
    check_metrics(&args.metrics)?;
    check_labels(&args.metrics)?;
    let folder = NewFolder::make(&args.output.reports, new_name(clock::now()))?;
    let log = RunLog::open(&folder.path, args.guard.unattended)?;
    let mut listeners = Listeners::new(&args.output, Some(log));
    let prepared = if is_plan {
        prepare_plan(catalog, &args, &folder).await
    } else {
        prepare_rollout(catalog, &args, &folder, &mut listeners).await
    };
    listeners.clear();
    let Prepared { mut session, hold, plan, lines, reads } = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return Err(leave(failure, folder, listeners)),
    };
    let fresh = !is_plan;
    if let Err(failure) = permit(&args, &folder.path, &session, &plan, fresh) {
        // A plan that was made is kept where a guard asks to look at it.
        let is_kept = fresh && failure.exit == Exit::Guarded;
        return Err(if is_kept { failure } else { leave(failure, folder, listeners) });
    }

    let memory = hold.as_ref().map(|hold| &hold.memory);
    let (run, journal) = match begin(&args, &folder, &session, memory, &plan, fresh) {
        Ok(begun) => begun,
        // Before it has its name there is no run; after it, there is one to resume.
        Err(failure) if !folder.path.join(FILE_NAME).exists() => {
            return Err(leave(failure, folder, listeners));
        }
        Err(failure) => return Err(failure),
    };
    let OpenPlan { header, .. } = plan;
    let execution = Execution {
        folder: &folder.path,
        run,
        plan: header,
        lines,
        journal,
        history: History::default(),
        held: reads,
        settle_only: false,
        again: args.connect.key.again(),
    };
    let executed = execute(execution, &mut session, memory, &mut listeners).await?;
    if let Some(sandbox) = session.sandbox.take() {
        sandbox.shutdown().await;
    }
    drop(hold);
    report(
        &folder.path,
        &executed,
        args.guard.strict,
        &args.connect.key,
        &args.output,
        &args.metrics,
        listeners,
    )
}

/// Nothing was started: the folder is removed.
fn leave(failure: Failure, folder: NewFolder, listeners: Listeners) -> Failure {
    drop(listeners);
    folder.discard();
    failure
}

/// What is ready to be carried out.
struct Prepared {
    session: Session,
    /// None in the sandbox, which isn't shared.
    hold: Option<Hold>,
    plan: OpenPlan,
    lines: PlanLines,
    /// What planning has read.
    reads: HeldReads,
}

/// The right to write, for as long as the command continues.
struct Hold {
    memory: Memory,
    lock: Lock,
}

impl Hold {
    async fn take(args: &ApplyArgs, identity: &Identity, run: &str) -> Result<Option<Self>, Failure> {
        if args.connect.sandbox {
            return Ok(None);
        }
        let memory = Memory::open(args.connect.key.state_dir.as_deref())?;
        let wait = args.guard.lock_wait.map(orgwave_core::policy::Span::get).unwrap_or_default();
        let locks = memory.locks();
        if let Some(why) = locks.unusable().filter(|_| !args.output.quiet) {
            let only = "runs of other users of this machine are not locked out";
            console::note(&format!("warning: {why}: {only}\n"));
        }
        let lock = locks.take(identity.partner(), Some(run), wait).await?;
        Ok(Some(Self { memory, lock }))
    }

    /// Claims the orgs that the plan writes.
    async fn claim(hold: Option<&mut Self>, run: &str, plan: &mut OpenPlan) -> Result<(), Failure> {
        match hold {
            Some(hold) => hold.lock.claim(run, std::mem::take(&mut plan.orgs)).await,
            None => Ok(()),
        }
    }

    fn rate(hold: Option<&Self>, identity: &Identity) -> Option<f64> {
        hold?.memory.rate(&identity.key_fingerprint(), &identity.endpoint(), clock::now())
    }
}

async fn prepare_rollout(
    catalog: &Catalog,
    args: &ApplyArgs,
    folder: &NewFolder,
    listeners: &mut Listeners,
) -> Result<Prepared, Failure> {
    let format = if args.output.json { ProblemFormat::Json } else { ProblemFormat::Text };
    let mut rollout = rollout::open(catalog, &args.target, &args.input, format)?;
    let limits = args::pace(&args.pace, &rollout.limits);
    let policy = args::plan_policy(&args.write, &args.guard, &rollout.limits)?;
    if let Some(warning) = check_no_read(policy.write, rollout.manifest.header())? {
        warn(&warning);
    }
    let select = Selection::of(args::select(&args.select)?);
    let sandbox = sandboxed::of_rollout(catalog, &args.connect, &mut rollout, Some(&folder.path)).await?;
    let identity = Identity::of_rollout(&args.connect.key, sandbox.as_ref(), rollout.region.as_deref())?;
    let mut hold = Hold::take(args, &identity, &folder.name).await?;
    let learned = Hold::rate(hold.as_ref(), &identity);
    let secrets = &rollout.manifest.header().secrets;
    let mut session = Session::open(catalog, identity, &args.connect.key, limits, secrets, sandbox, learned)?;
    let path = folder.path.join(PLAN_FILE);
    let id = folder.name.clone();
    let mut reads = HeldReads::default();
    let (new, sink) = ((&*path, id), &mut listeners.sink());
    let mut plan = make(&mut rollout, &policy, select, &mut session, new, Some(&mut reads), sink).await?;
    hold::at(Step::PlanWritten);
    Hold::claim(hold.as_mut(), &folder.name, &mut plan).await?;
    let lines = open_plan(catalog, &path)?.lines(std::mem::take(&mut plan.index))?;
    Ok(Prepared { session, hold, plan, lines, reads })
}

async fn prepare_plan(catalog: &Catalog, args: &ApplyArgs, folder: &NewFolder) -> Result<Prepared, Failure> {
    args::refuse_rollout_flags(args)?;
    // One private copy is shown, verified and executed: the file may be replaced at any time.
    let file = open_plan(catalog, &args.target)?.copied_to(&folder.path.join(PLAN_FILE))?;
    let unproved = file.header()?;
    let sandbox = sandboxed::of_plan(catalog, &args.connect, &file, &unproved, &folder.path).await?;
    let identity = Identity::of(&args.connect.key, sandbox.as_ref())?;
    let Proved { mut plan, secrets } = file.prove(|id| identity.seal(id)).map_err(|error| {
        let failure = Failure::from(error);
        // Another key's seal never fits; what the header says is good for the reason.
        let reason = is_for(&unproved, &identity).err().filter(|_| failure.exit == Exit::PlanRefused);
        reason.unwrap_or(failure)
    })?;
    is_for(&plan.header, &identity)?;
    if clock::now() >= plan.header.expires {
        let what = format!("the plan expired at {}", plan.header.expires);
        return Err(Failure::new(Exit::PlanRefused, what).hint("plan again, and review it"));
    }
    let limits = args::pace(&args.pace, &RolloutLimits::of(&plan.header.limits)?);
    let mut hold = Hold::take(args, &identity, &folder.name).await?;
    unused(catalog, &plan.header, hold.as_ref(), args)?;
    Hold::claim(hold.as_mut(), &folder.name, &mut plan).await?;
    let learned = Hold::rate(hold.as_ref(), &identity);
    let session =
        Session::open(catalog, identity, &args.connect.key, limits, &secrets.names, sandbox, learned)?;
    secrets.check(&session.secrets, &session.seal(&plan.header.plan_id))?;
    sync_folder(&folder.path)?;
    if let Some(warning) = plan.idle() {
        warn(&warning);
    }
    let lines = file.lines(std::mem::take(&mut plan.index))?;
    Ok(Prepared { session, hold, plan, lines, reads: HeldReads::default() })
}

/// Whether the plan is for this API and this key.
fn is_for(header: &Header, identity: &Identity) -> Result<(), Failure> {
    let refused = |what: String| Failure::new(Exit::PlanRefused, what);
    if header.endpoint != identity.endpoint() {
        let failure =
            refused(format!("the plan is for {}, not for {}", header.endpoint, identity.endpoint()));
        return Err(match header.endpoint.as_str() {
            "sandbox" => failure.hint("apply it with --sandbox"),
            _ => failure.hint("check --region and --endpoint, or plan again"),
        });
    }
    if header.key_fingerprint != identity.key_fingerprint() {
        return Err(refused("the plan was made with another key".to_owned()).hint("plan again with this key"));
    }
    Ok(())
}

/// Whether the plan was never applied, as far as this machine, the reports folder and the plan's own know.
fn unused(catalog: &Catalog, header: &Header, hold: Option<&Hold>, args: &ApplyArgs) -> Result<(), Failure> {
    let is_remembered = hold.is_some_and(|hold| hold.memory.was_applied(&header.plan_id));
    let run = runs_in(catalog, &args.output.reports, |_, failure| console::error(&failure))
        .into_iter()
        .find(|run| run.header.plan_id == header.plan_id);
    if !is_remembered && run.is_none() {
        return used::check(&args.target, &header.plan_id);
    }
    let by = run.map_or_else(String::new, |run| format!(" by {}", run.path.shown()));
    Err(Failure::new(Exit::PlanRefused, format!("the plan was already applied{by}"))
        .hint("a plan is applied once: `orgwave resume` its run, or plan again"))
}

/// Makes the journal: from here on the run exists, and its plan is used.
fn begin(
    args: &ApplyArgs,
    folder: &NewFolder,
    session: &Session,
    memory: Option<&Memory>,
    plan: &OpenPlan,
    fresh: bool,
) -> Result<(RunHeader, SqliteJournal), Failure> {
    let header = &plan.header;
    let orgs = u32::try_from(plan.footer.lines)
        .map_err(|error| Failure::new(Exit::BadInput, "too many orgs for one run").because(error))?;
    let run = RunHeader {
        format: RUN_FORMAT,
        run_id: folder.name.clone(),
        plan_id: header.plan_id.clone(),
        plan_seal: plan.seal.clone(),
        fresh_plan: fresh,
        endpoint: header.endpoint.clone(),
        key_fingerprint: header.key_fingerprint.clone(),
        tool: TOOL.to_owned(),
        started: session.gate.clock().now(),
        orgs,
        operations: header.operations.clone(),
        write: header.write,
        verify: header.verify,
        max_failures: header.max_failures,
        strict: args.guard.strict,
        unattended: args.guard.unattended,
        rollout: rollout_applied(&args.target, header, fresh),
    };
    let cannot_write =
        |error: JournalError| Failure::new(Exit::CannotWrite, "the journal can't be created").because(error);
    let draft = SqliteJournal::create(&folder.path, &run).map_err(cannot_write)?;
    hold::at(Step::JournalDrafted);
    if !fresh {
        used::mark(&args.target, &run.plan_id, &folder.path)?;
    }
    hold::at(Step::PlanMarked);
    let journal = Draft::publish(draft).map_err(cannot_write)?;
    hold::at(Step::JournalPublished);
    // In this order: an id that is remembered without a run would make an unused plan unusable.
    if let Some(memory) = memory {
        memory.remember_applied(&run.plan_id)?;
    }
    hold::at(Step::PlanRemembered);
    Ok((run, journal))
}

/// A plan is a file of JSON lines; anything else is a rollout.
pub fn is_plan(path: &Path) -> Result<bool, Failure> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        return Ok(false);
    }
    let missing = |error| Failure::no_input(path, error);
    let input = Input::open(path).map_err(missing)?;
    if !input.is_plain() {
        return Ok(false);
    }
    let mut first = [0; 1];
    Ok(input.into_file().read(&mut first).map_err(missing)? == 1 && first[0] == b'{')
}

fn dry_run(args: ApplyArgs, is_plan: bool) -> Result<args::PlanArgs, Failure> {
    if is_plan {
        return Err(Failure::usage("--dry-run makes a plan, and this already is one"));
    }
    let ApplyArgs {
        target,
        detailed_exitcode,
        output_file,
        input,
        connect,
        pace,
        write,
        select,
        guard,
        output,
        ..
    } = args;
    Ok(args::PlanArgs {
        rollout: target,
        output_file,
        detailed_exitcode,
        online: false,
        input,
        connect,
        pace,
        write,
        select,
        guard,
        output,
    })
}
