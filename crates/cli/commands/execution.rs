//! Carrying a plan out, for `apply` and `resume` alike: journal, executor, reports, exit code.

use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::plan::Header;
use orgwave_core::run::{Exit, RunHeader, exit_of};
use orgwave_executor::ports::Clock as _;
use orgwave_executor::rollout::{Ended, HeldReads, History, Job, Ports, roll_out};
use orgwave_journal::{RunLock, SqliteJournal, WriteError};
use orgwave_planner::plan::{PlanLines, policy_of};
use orgwave_reporter::files::{sweep, target_of, write_files_watched};

use super::listeners::Listeners;
use super::metrics::measure;
use crate::args::{KeyArgs, MetricsArgs, Output, path_again};
use crate::connect::Session;
use crate::console;
use crate::failure::Failure;
use crate::hold::{self, Step};
use crate::memory::Memory;
use crate::runs::{JournalPort, RunFiles, RunFolder};

/// What is carried out.
pub struct Execution<'a> {
    /// The run's folder, with the plan in it.
    pub folder: &'a Path,
    /// The run.
    pub run: RunHeader,
    /// Its plan's header.
    pub plan: Header,
    /// The plan's lines.
    pub lines: PlanLines,
    /// Its journal.
    pub journal: SqliteJournal,
    /// What earlier processes left.
    pub history: History,
    /// What this process has read when it made the plan.
    pub held: HeldReads,
    /// The plan has expired: in-doubt writes are resolved, and nothing is sent.
    pub settle_only: bool,
    /// The flags of the connection, for commands that are suggested.
    pub again: String,
}

/// What was carried out: how it ended, and the run's folder, which is this process's until the files are written.
pub struct Executed {
    catalog: Catalog,
    /// How it ended.
    pub ended: Ended,
    lock: RunLock,
}

/// Sends what is to be sent. When this returns, the journal is on the disk.
///
/// # Errors
/// 74: the journal could not be written. What went wrong with orgs is in what is returned.
pub async fn execute(
    execution: Execution<'_>,
    session: &mut Session,
    memory: Option<&Memory>,
    listeners: &mut Listeners,
) -> Result<Executed, Failure> {
    let Execution { folder, run, plan, lines, journal, history, held, settle_only, again } = execution;
    let journal = JournalPort(journal);
    let api = session.writer()?;
    let seal = session.seal(&run.plan_id);
    let policy = policy_of(lines.operations(), &run, &plan, lines.index(), settle_only);
    let ended = roll_out(
        Job { index: lines.index(), policy, secrets: &session.secrets, seal: &seal, history, held },
        Ports { api: &api, journal: &journal, plan: &lines },
        &mut session.gate,
        &mut session.control,
        &mut listeners.sink(),
    )
    .await;
    if let (Some(memory), Some(rate)) = (memory, session.gate.learned_rate()) {
        memory.remember_rate(&session.key_fingerprint(), &session.endpoint, rate, session.gate.clock().now());
    }
    let JournalPort(journal) = journal;
    let (written, lock) = tokio::task::block_in_place(|| (journal.flush(), journal.close()));
    written.map_err(|error| unwritten(&session.catalog, folder, run, &again, error))?;
    Ok(Executed { catalog: session.catalog.clone(), ended, lock })
}

/// What is said of a run that stopped because its journal can't be written, with what is possible then.
fn unwritten(catalog: &Catalog, folder: &Path, run: RunHeader, again: &str, error: WriteError) -> Failure {
    let (is_gone, in_sandbox) = (error.is_gone(), run.endpoint == "sandbox");
    let resume = format!("orgwave resume {}{again}", path_again(folder));
    let failure = Failure::new(Exit::CannotWrite, "the journal could not be written; the run has stopped")
        .because(error);
    failure.hint(match (is_gone, in_sandbox) {
        (true, true) => {
            format!("{} was moved or removed: apply the rollout again", folder.shown())
        }
        (true, false) => format!(
            "{} was moved or removed: restore it, then {resume}; if it is lost, apply the rollout again: orgs in sync are not written again",
            folder.shown()
        ),
        (false, true) => {
            let run = RunFolder { catalog: catalog.clone(), path: folder.to_owned(), header: run };
            format!(
                "the sandbox has ended; free space or repair the disk, then: {}",
                run.retry(" --sandbox")
            )
        }
        (false, false) => format!("free space or repair the disk, then: {resume}"),
    })
}

/// Writes the run's files, and says what came of it.
///
/// # Errors
/// 74.
pub fn report(
    folder: &Path,
    executed: &Executed,
    strict: bool,
    key: &KeyArgs,
    output: &Output,
    metrics: &MetricsArgs,
    listeners: Listeners,
) -> Result<Exit, Failure> {
    let Executed { catalog, ended, lock: _lock } = executed;
    listeners.finish()?;
    sweep(folder)?;
    hold::at(Step::JournalFlushed);
    let source = RunFiles::open(catalog, folder)?;
    let written = write_files_watched(&source, folder, output.org_files, || hold::at(Step::BeforeName))
        .map_err(|error| {
            Failure::from(error).hint(format!(
                "the journal is intact; once there is space: orgwave report {}",
                folder.shown()
            ))
        })?;
    let exit = exit_of(&ended.finish, &ended.counts, strict);
    let is_quiet = output.quiet && exit == Exit::Done && !ended.finish.wrote;
    if !is_quiet {
        say_page(&written.summary().reached_by(key.again()).render(console::width(), output.style), output);
    }
    let exit = console::settle(exit);
    measure(metrics, exit, &written.digest)?;
    Ok(exit)
}

/// A file that could not be written at the end is better known at the beginning.
///
/// # Errors
/// 78.
pub fn check_metrics(metrics: &MetricsArgs) -> Result<(), Failure> {
    let Some(path) = &metrics.metrics_file else { return Ok(()) };
    match path.metadata() {
        // What is no file is written to as it is.
        Ok(there) if there.file_type().is_char_device() => Ok(()),
        _ => check_file(path, "metrics").map_err(|failure| Failure { exit: Exit::BadConfig, ..failure }),
    }
}

/// The same, of a plain file that will be written whole.
///
/// # Errors
/// 74. 78: what the path leads to is no file.
pub fn check_file(path: &Path, what: &str) -> Result<(), Failure> {
    let tried = target_of(path).and_then(|target| {
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        tempfile::tempfile_in(folder).map(drop)
    });
    tried.map_err(|error| {
        Failure::no_file_for(what, path, error).hint("use a file in an existing, writable folder")
    })
}

/// Prints lines to stdout, or, where that is for JSON, to stderr.
pub fn say(text: &str, output: &Output) {
    if output.json { console::note(text) } else { console::out(text) }
}

/// The same, of a [page](console::page).
pub fn say_page(text: &str, output: &Output) {
    if output.json { console::page_note(text) } else { console::page(text) }
}
