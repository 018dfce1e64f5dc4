//! `orgwave apply`: the whole program, from what the user wrote to a verified result.
//!
//! ```text
//! rollout -> plan --+
//!                   +-> guards -> yes? -> journal -> executor -> reports -> exit code
//! plan (proved) ----+
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use orgwave_core::desired::Wish;
use orgwave_core::plan::{Footer, Header, PlanLine, PlanReader};
use orgwave_core::run::{Exit, RUN_FORMAT, RunHeader, exit_of};
use orgwave_executor::ports::Clock as _;
use orgwave_executor::rollout::{Ended, Policy, Ports, roll_out};
use orgwave_journal::{RunJournal as _, SqliteJournal};
use orgwave_reporter::files::write_files;
use orgwave_reporter::{Summary, write_metrics};
use orgwave_sandbox::OrgSeed;

use super::listeners::Listeners;
use super::plan::{acks, max_changed, review, show};
use crate::args::{self, ApplyArgs, ConnectArgs, PlanPolicy};
use crate::clock;
use crate::connect::{InProcess, Session, serve};
use crate::console;
use crate::failure::Failure;
use crate::plans::{OpenPlan, PlanLines, copy_verified, make};
use crate::rollout::{self, Rollout, Telling, rows_failure};
use crate::runs::{JournalPort, NewFolder, PLAN_FILE, RunFiles, new_name, sync_folder};

/// Applies a plan, or plans and applies a rollout.
pub async fn run(args: ApplyArgs) -> Result<Exit, Failure> {
    let is_plan = is_plan(&args.target)?;
    if args.dry_run {
        return super::plan::run(dry_run(args, is_plan)?).await;
    }
    if let Some(path) = &args.metrics_file {
        check_parent(path)?;
    }
    let folder = NewFolder::make(&args.output.reports, new_name(clock::now()))?;
    let mut listeners = Listeners::new(&args.output, Some(&folder.path))?;
    let prepared = if is_plan {
        prepare_plan(&args, &folder).await
    } else {
        prepare_rollout(&args, &folder, &mut listeners).await
    };
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => {
            drop(listeners);
            folder.discard();
            return Err(failure);
        }
    };
    listeners.clear();
    let Prepared { mut session, plan, fresh } = prepared;
    if let Err(failure) = permit(&args, &folder, &session, &plan, fresh) {
        // A plan that was made is kept: it is what the guard asks to look at.
        if !fresh {
            drop(listeners);
            folder.discard();
        }
        return Err(failure);
    }
    let ended = execute(&args, &folder, &mut session, plan, fresh, &mut listeners).await?;
    if let Some(sandbox) = session.sandbox.take() {
        sandbox.shutdown().await;
    }
    report(&args, &folder, &ended, listeners)
}

/// A file that could not be written at the end is better known at the beginning.
fn check_parent(path: &Path) -> Result<(), Failure> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if parent.is_dir() && !path.is_dir() {
        return Ok(());
    }
    Err(Failure::new(Exit::BadConfig, format!("{} can't be a file for metrics", path.display()))
        .hint("name a file in a folder that is there"))
}

/// What is ready to be carried out.
struct Prepared {
    session: Session,
    plan: OpenPlan,
    /// Made by this very command.
    fresh: bool,
}

async fn prepare_rollout(
    args: &ApplyArgs,
    folder: &NewFolder,
    listeners: &mut Listeners,
) -> Result<Prepared, Failure> {
    let telling = if args.output.json { Telling::Json } else { Telling::People };
    let mut rollout = rollout::open(&args.target, telling)?;
    let limits = args::pace(&args.pace, &rollout.limits)?;
    let policy = args::plan_policy(&args.write, &args.guard, &rollout.limits)?;
    check_no_read(&policy, &mut rollout)?;
    let sandbox = sandbox_of_rollout(&args.connect, &mut rollout, Some(&folder.path)).await?;
    let mut session = Session::open(&args.connect, limits, &rollout.manifest.header().secrets, sandbox)?;
    let path = folder.path.join(PLAN_FILE);
    let made = make(
        &mut rollout,
        &policy,
        &args.select,
        &mut session,
        &path,
        folder.name.clone(),
        &mut listeners.sink(),
    )
    .await?;
    if args.guard.unattended {
        max_changed(&made.footer, policy.max_changed)?;
    }
    let plan = OpenPlan::read(&path, |id| session.seal(id), |_| Ok(()))?;
    Ok(Prepared { session, plan, fresh: true })
}

async fn prepare_plan(args: &ApplyArgs, folder: &NewFolder) -> Result<Prepared, Failure> {
    args::refuse_rollout_flags(args)?;
    let header = header_of(&args.target)?;
    let limits = args::pace(&args.pace, &limits_of(&header))?;
    let sandbox = sandbox_of_plan(args, &header, &folder.path).await?;
    // The names of the secrets stand in the lines, and the lines are to be believed only once they are proved.
    let mut session = Session::open(&args.connect, limits, &secrets_named(&args.target)?, sandbox)?;
    fits(&header, &session)?;

    let copy = folder.path.join(PLAN_FILE);
    let seal = session.seal(&header.plan_id);
    let secrets = std::mem::take(&mut session.secrets);
    let plan = copy_verified(
        &args.target,
        &copy,
        |_| seal.clone(),
        |line| PlanLines::check_secrets(line, &secrets, &seal),
    )?;
    session.secrets = secrets;
    sync_folder(&folder.path)?;
    if args.guard.unattended {
        max_changed(&plan.footer, args.guard.max_changed.unwrap_or(orgwave_core::policy::Percent::of(30)))?;
    }
    Ok(Prepared { session, plan, fresh: false })
}

/// Whether the plan is for this API and this key, and not expired.
fn fits(header: &Header, session: &Session) -> Result<(), Failure> {
    let refused = |what: String| Failure::new(Exit::PlanRefused, what);
    if header.endpoint != session.endpoint {
        return Err(refused(format!("the plan is for {}, not for {}", header.endpoint, session.endpoint)));
    }
    if header.key_fingerprint != session.key_fingerprint() {
        return Err(refused("the plan was made with another key".to_owned()).hint("plan again with this key"));
    }
    if session.gate.clock().now() >= header.expires {
        return Err(
            refused(format!("the plan expired at {}", header.expires)).hint("plan again, and review it")
        );
    }
    Ok(())
}

/// Guards, then the user's yes.
fn permit(
    args: &ApplyArgs,
    folder: &NewFolder,
    session: &Session,
    plan: &OpenPlan,
    fresh: bool,
) -> Result<(), Failure> {
    let path = folder.path.join(PLAN_FILE);
    let target = if fresh { path.as_path() } else { args.target.as_path() };
    let missing: Vec<_> =
        plan.footer.guards.iter().filter(|guard| !args.guard.ack.contains(&guard.ack)).collect();
    if !missing.is_empty() {
        if fresh {
            show(&review(&path, session)?, &args.output, session.rate());
        }
        let mut what = String::from("stopped by a guard; nothing was sent");
        for guard in &missing {
            what.push_str(&format!("\n  {} in {} orgs: --ack {}", guard.kind, guard.orgs, guard.ack));
        }
        return Err(Failure::new(Exit::Guarded, what).hint(format!(
            "if that is meant: orgwave apply {}{}{}",
            target.display(),
            acks(&plan.footer.guards),
            if args.connect.sandbox { " --sandbox" } else { "" },
        )));
    }
    if args.guard.yes || args.guard.unattended || plan.footer.updates == 0 {
        return Ok(());
    }
    if fresh {
        show(&review(&path, session)?, &args.output, session.rate());
    }
    ask(&plan.footer)
}

/// Asks for the number of orgs, on the terminal itself.
fn ask(footer: &Footer) -> Result<(), Failure> {
    let no_terminal = |_| {
        Failure::new(Exit::Usage, "there is no terminal to ask on")
            .hint("--yes or --unattended go on without asking")
    };
    let mut terminal = File::options().read(true).write(true).open("/dev/tty").map_err(no_terminal)?;
    let question = format!("type the number of orgs to be written ({}) to go on: ", footer.updates);
    terminal.write_all(question.as_bytes()).map_err(no_terminal)?;
    let mut answer = String::new();
    BufReader::new(terminal.take(64)).read_line(&mut answer).map_err(no_terminal)?;
    if answer.trim() == footer.updates.to_string() {
        Ok(())
    } else {
        Err(Failure::new(Exit::Guarded, "declined; nothing was sent"))
    }
}

/// Makes the journal, and carries the plan out.
async fn execute(
    args: &ApplyArgs,
    folder: &NewFolder,
    session: &mut Session,
    plan: OpenPlan,
    fresh: bool,
    listeners: &mut Listeners,
) -> Result<Ended, Failure> {
    let OpenPlan { header, seal, index, .. } = plan;
    let run = RunHeader {
        format: RUN_FORMAT,
        run_id: folder.name.clone(),
        plan_id: header.plan_id.clone(),
        plan_seal: seal,
        fresh_plan: fresh,
        endpoint: header.endpoint.clone(),
        key_fingerprint: header.key_fingerprint.clone(),
        tool: concat!("orgwave ", env!("CARGO_PKG_VERSION")).to_owned(),
        started: session.gate.clock().now(),
        orgs: u32::try_from(index.len())
            .map_err(|error| Failure::new(Exit::BadInput, "too many orgs").because(error))?,
        write: header.write,
        verify: header.verify,
        max_failures: header.max_failures,
        strict: args.guard.strict,
    };
    let cannot_write = |error| {
        Failure::new(Exit::CannotWrite, "the journal can't be made").because(anyhow::Error::from(error))
    };
    let journal = SqliteJournal::create(&folder.path, &run)
        .and_then(orgwave_journal::Draft::publish)
        .map_err(cannot_write)?;
    let journal = JournalPort(journal);
    let lines = PlanLines::open(&folder.path.join(PLAN_FILE), index)?;
    let api = session.writer()?;
    let policy = Policy {
        run_id: run.run_id,
        plan_id: run.plan_id.clone(),
        write: run.write,
        verify: run.verify,
        has_canary: header.waves.as_ref().is_none_or(orgwave_core::policy::Waves::has_canary),
        max_failures: run.max_failures,
        settle_only: false,
    };
    let plan_seal = session.seal(&run.plan_id);
    let ended = roll_out(
        lines.index(),
        policy,
        &session.secrets,
        &plan_seal,
        HashMap::new(),
        Ports { api: &api, journal: &journal, plan: &lines },
        &mut session.gate,
        &mut session.control,
        &mut listeners.sink(),
    )
    .await;
    let written = tokio::task::block_in_place(|| journal.0.flush());
    written.map_err(|error| {
        Failure::new(Exit::CannotWrite, "the journal could not be written")
            .because(error)
            .hint(format!("mend the disk, then: orgwave resume {}", folder.path.display()))
    })?;
    Ok(ended)
}

/// Writes the run's files, and says what came of it.
fn report(
    args: &ApplyArgs,
    folder: &NewFolder,
    ended: &Ended,
    mut listeners: Listeners,
) -> Result<Exit, Failure> {
    listeners.clear();
    listeners.finish()?;
    let source = RunFiles::open(&folder.path)?;
    let written = write_files(&source, &folder.path, args.output.org_files)?;
    let exit = exit_of(&ended.finish, &ended.counts, args.guard.strict);
    let is_quiet = args.output.quiet && exit == Exit::Done && !ended.finish.wrote;
    if !is_quiet {
        let text = Summary::of(&written)
            .render(console::width(), console::style(args.output.color, args.output.no_color.is_some()));
        if args.output.json { console::note(&text) } else { console::out(&text) }
    }
    if let Some(path) = &args.metrics_file {
        write_metrics(&written.tally, path)?;
    }
    Ok(exit)
}

/// A plan is a file of JSON lines; anything else is a rollout.
fn is_plan(path: &Path) -> Result<bool, Failure> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        return Ok(false);
    }
    let missing = |error| {
        Failure::new(Exit::NoInput, format!("{} can't be opened", path.display()))
            .because(anyhow::Error::from(error))
    };
    let mut file = File::open(path).map_err(missing)?;
    if !file.metadata().map_err(missing)?.is_file() {
        return Ok(false);
    }
    let mut first = [0; 1];
    Ok(file.read(&mut first).map_err(missing)? == 1 && first[0] == b'{')
}

fn dry_run(args: ApplyArgs, is_plan: bool) -> Result<args::PlanArgs, Failure> {
    if is_plan {
        return Err(Failure::usage("--dry-run makes a plan, and this is one already"));
    }
    let ApplyArgs {
        target, detailed_exitcode, output_file, connect, pace, write, select, guard, output, ..
    } = args;
    Ok(args::PlanArgs {
        rollout: target,
        output_file,
        detailed_exitcode,
        connect,
        pace,
        write,
        select,
        guard,
        output,
    })
}

fn header_of(path: &Path) -> Result<Header, Failure> {
    Ok(reader_of(path)?.header().clone())
}

fn reader_of(path: &Path) -> Result<PlanReader<BufReader<File>>, Failure> {
    let file = File::open(path).map_err(|error| {
        Failure::new(Exit::NoInput, format!("{} can't be opened", path.display())).because(error)
    })?;
    PlanReader::open(BufReader::with_capacity(1 << 16, file)).map_err(|error| unusable(path, error))
}

fn unusable(path: &Path, error: orgwave_core::plan::PlanError) -> Failure {
    let exit = match &error {
        orgwave_core::plan::PlanError::Line { .. } => Exit::BadInput,
        orgwave_core::plan::PlanError::Io(_) => Exit::NoInput,
        _ => Exit::PlanRefused,
    };
    Failure::new(exit, format!("{} is no plan to be trusted", path.display())).because(error)
}

/// The names of the secrets that a plan's writes need.
fn secrets_named(path: &Path) -> Result<BTreeMap<orgwave_core::secret::SecretName, Option<u64>>, Failure> {
    let mut names = BTreeMap::new();
    each_line(path, |line| {
        for name in line.secrets {
            names.entry(name).or_insert(Some(line.line));
        }
    })?;
    Ok(names)
}

fn each_line(path: &Path, mut each: impl FnMut(PlanLine)) -> Result<(), Failure> {
    let mut reader = reader_of(path)?;
    while let Some((_, line)) = reader.next_org().map_err(|error| unusable(path, error))? {
        each(line);
    }
    Ok(())
}

fn limits_of(header: &Header) -> BTreeMap<String, orgwave_core::manifest::LimitValue> {
    use orgwave_core::manifest::LimitValue;
    use serde_json::Value;
    let limit = |value: &Value| match value {
        Value::Bool(flag) => LimitValue::Flag(*flag),
        Value::Array(parts) => {
            LimitValue::List(parts.iter().map(|part| part.as_str().unwrap_or_default().to_owned()).collect())
        }
        Value::String(text) => LimitValue::Text(text.clone()),
        other => LimitValue::Text(other.to_string()),
    };
    header.limits.iter().map(|(name, value)| (name.clone(), limit(value))).collect()
}

/// Starts the sandbox with the orgs of a rollout, if it is wanted.
pub async fn sandbox_of_rollout(
    connect: &ConnectArgs,
    rollout: &mut Rollout,
    folder: Option<&Path>,
) -> Result<Option<InProcess>, Failure> {
    if !connect.sandbox {
        return Ok(None);
    }
    let mut orgs = Vec::new();
    for row in rollout.manifest.rows().map_err(rows_failure)? {
        let row = row.map_err(rows_failure)?;
        orgs.push(seed(orgs.len(), row.org, row.name));
    }
    serve(rollout.sandbox.as_ref(), orgs, folder).await.map(Some)
}

async fn sandbox_of_plan(
    args: &ApplyArgs,
    header: &Header,
    folder: &Path,
) -> Result<Option<InProcess>, Failure> {
    if !args.connect.sandbox {
        return Ok(None);
    }
    if header.sandbox.is_none() {
        return Err(Failure::new(
            Exit::PlanRefused,
            format!("the plan is for {}, not for the sandbox", header.endpoint),
        ));
    }
    let mut orgs = Vec::new();
    each_line(&args.target, |line| orgs.push(seed(orgs.len(), line.org, line.name)))?;
    serve(header.sandbox.as_ref(), orgs, Some(folder)).await.map(Some)
}

pub fn seed(place: usize, org: orgwave_core::ids::Ruuid, name: Option<String>) -> OrgSeed {
    OrgSeed { org, name: name.map_or_else(|| format!("Org {}", place + 1), |name| name.trim().to_owned()) }
}

/// Without a read, what can't be known from the manifest alone is refused.
pub fn check_no_read(policy: &PlanPolicy, rollout: &mut Rollout) -> Result<(), Failure> {
    if policy.write.reads() {
        return Ok(());
    }
    let refused = |what: String| {
        Failure::new(Exit::BadInput, what).hint("that takes a read of what is live: leave --no-read out")
    };
    if rollout.manifest.header().has_expects {
        return Err(refused("--no-read, and the manifest has expect. guards".to_owned()));
    }
    let mut sends_maps = false;
    for row in rollout.manifest.rows().map_err(rows_failure)? {
        let row = row.map_err(rows_failure)?;
        if let Some(managed) = row.desired.managed.iter().find(|managed| managed.wish == Wish::Remove) {
            return Err(refused(format!("--no-read, and line {} removes {}", row.line, managed.path)));
        }
        sends_maps |= row.desired.managed.iter().any(|managed| managed.path.field().map().is_some());
    }
    if sends_maps {
        console::note(
            "warning: --no-read sends maps as they are written: on a server that replaces, entries that no row names are lost\n",
        );
    }
    Ok(())
}
