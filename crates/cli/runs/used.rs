//! The mark beside a plan that it was used: for machines that share the plan's folder, and not this machine's memory.
//!
//! It is made before the run's journal gets its name, and only one process can make it. A process that is killed between
//! the two leaves a mark whose run never began: that is recognised by the run's folder, and the plan stays usable.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;
use orgwave_journal::{FILE_NAME, RunLock};
use serde::{Deserialize, Serialize};

use crate::console;
use crate::durable::sync_folder;
use crate::failure::Failure;
use crate::input;

/// What a mark says.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    plan_id: String,
    /// The run's folder.
    run: PathBuf,
}

/// Where the mark of the plan at this path is: `plan.jsonl.used`. A link is not the plan: the mark is beside the file that
/// the link leads to, so that every path to a plan finds the same mark.
pub fn mark_of(plan: &Path) -> PathBuf {
    let real = if plan.is_symlink() { plan.canonicalize().ok() } else { None };
    let plan = real.as_deref().unwrap_or(plan);
    let mut name = plan.file_name().map_or_else(OsString::new, ToOwned::to_owned);
    name.push(".used");
    plan.with_file_name(name)
}

/// Whether the plan has no mark, or one of a run that never began.
///
/// # Errors
/// 12: it was used.
pub fn check(plan: &Path, plan_id: &str) -> Result<(), Failure> {
    let path = mark_of(plan);
    let text = match input::read(&path) {
        Ok(text) => text,
        Err(error) if is_absent(error.kind()) => return Ok(()),
        Err(error) => return Err(used(&path, None).because(error)),
    };
    let Ok(mark) = serde_json::from_slice::<Mark>(&text) else { return Err(used(&path, None)) };
    if mark.plan_id == plan_id && never_began(&mark.run) {
        // Nothing is sent before the journal has its name.
        return std::fs::remove_file(&path).map_err(|error| Failure::cannot_write(&path, error));
    }
    Err(used(&path, Some(&mark)))
}

/// Marks the plan as used by the run in this folder. Where the plan's folder can't be written, that is a warning.
///
/// # Errors
/// 12: another run has marked it in the meantime.
pub fn mark(plan: &Path, plan_id: &str, run: &Path) -> Result<(), Failure> {
    let path = mark_of(plan);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let run = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
    let mark = Mark { plan_id: plan_id.to_owned(), run };
    let made = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        file.write_all(&serde_json::to_vec(&mark)?)?;
        // Every user who may apply the plan must be able to read it.
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&path).map_err(|error| error.error)
    });
    match made {
        Ok(_) => sync_folder(folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(used(&path, None)),
        Err(error) => {
            console::note(&format!(
                "warning: {} can't be written ({error}): only this machine and {} know that the plan is used\n",
                path.shown(),
                run_folders(&mark.run).shown(),
            ));
            Ok(())
        }
    }
}

/// Whether there is no mark, or can be none.
const fn is_absent(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}

fn run_folders(run: &Path) -> &Path {
    run.parent().unwrap_or(run)
}

/// Whether the run's folder is here, without a journal, and no process works in it.
fn never_began(run: &Path) -> bool {
    RunLock::take(run).is_ok_and(|_lock| !run.join(FILE_NAME).exists())
}

fn used(path: &Path, mark: Option<&Mark>) -> Failure {
    let by = mark.map_or_else(String::new, |mark| format!(" by {}", mark.run.shown()));
    Failure::new(Exit::PlanRefused, format!("the plan was already applied{by}, according to {}", path.shown())).hint(
        "a plan is applied once: `orgwave resume` its run where its folder is, or plan again; if that folder has no run.db, or the mark belongs to another plan, nothing of this plan was sent: remove the mark and apply again",
    )
}
