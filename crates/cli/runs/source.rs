//! A run on disk, as the reporter reads it.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Catalog;
use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::plan::{PlanError, PlanInput, PlanReader};
use orgwave_core::run::{Exit, RunHeader};
use orgwave_core::secret::SealKey;
use orgwave_journal::{FILE_NAME, JournalError, Records, RunLock, Stored};
use orgwave_planner::Error;
use orgwave_planner::plan::PlanFile;
use orgwave_reporter::files::sweep;
use orgwave_reporter::{BoxError, Journalled, RunSource};

use crate::args::path_again;
use crate::failure::Failure;
use crate::input::Input;
use crate::planning::open_plan;

/// The plan's name in a run's folder.
pub const PLAN_FILE: &str = "plan.jsonl";

/// A run's folder, opened to read.
pub struct RunFiles {
    catalog: Catalog,
    folder: PathBuf,
    stored: Stored,
    records: Records,
}

impl RunFiles {
    /// Opens a run, whose plan must be its own: the journal knows orgs by their places in it. That no byte of it was
    /// altered takes the key to [prove].
    ///
    /// # Errors
    /// 66: there is none. 65: it is damaged, or of another format. 12: the plan is another's.
    pub fn open(catalog: &Catalog, folder: &Path) -> Result<Self, Failure> {
        let stored =
            Stored::open_read_only(&folder.join(FILE_NAME)).map_err(|error| bad_journal(folder, error))?;
        let is_own =
            open_plan(catalog, &folder.join(PLAN_FILE)).and_then(|plan| Ok(plan.is_of(stored.header())?));
        // What can't be read at all is reported where it is read.
        if !is_own.unwrap_or(true) {
            return Err(not_together(folder));
        }
        let records = stored.records().map_err(|error| bad_journal(folder, error))?;
        Ok(Self { catalog: catalog.clone(), folder: folder.to_owned(), stored, records })
    }
}

/// Makes sure that the plan in a run's folder is the run's own, to the last byte.
///
/// # Errors
/// 12: it was altered, or is another's. 66: there is none.
pub fn prove(catalog: &Catalog, folder: &Path, run: &RunHeader, seal: &SealKey) -> Result<PlanFile, Failure> {
    let plan = open_plan(catalog, &folder.join(PLAN_FILE))?;
    match plan.prove_of(run, seal) {
        Ok(()) => Ok(plan),
        Err(Error::NotTogether) => Err(not_together(folder)),
        Err(error) => Err(error.into()),
    }
}

fn not_together(folder: &Path) -> Failure {
    Failure::new(
        Exit::PlanRefused,
        format!("in {}, the run's journal and plan don't belong together", folder.shown()),
    )
    .hint("restore the run's own plan, or apply the rollout again: orgs in sync are not written again")
}

/// Takes a run's folder for this process, and removes what a killed one left half-way there.
///
/// # Errors
/// 11: another process is at work in it. 74: what was left can't be removed.
pub fn take(folder: &Path) -> Result<RunLock, Failure> {
    let lock = RunLock::take(folder).map_err(|error| bad_journal(folder, error))?;
    sweep(folder)?;
    Ok(lock)
}

/// What to say of a journal that can't be used.
pub fn bad_journal(folder: &Path, error: JournalError) -> Failure {
    if matches!(error, JournalError::InUse) {
        return Failure::new(Exit::Locked, format!("another process is working on {}", folder.shown()))
            .hint("it writes the files when it ends");
    }
    let what = format!("the journal of {} can't be used", folder.shown());
    if error.is_the_disks() {
        let resume = format!("orgwave resume {}", path_again(folder));
        return Failure::new(Exit::CannotWrite, what)
            .because(error)
            .hint(format!("free space or repair the disk, then `{resume}`"));
    }
    let again = "apply the rollout again: orgs in sync are not written again";
    let hint = match error {
        JournalError::OtherFormat { .. } => {
            format!("use the version of orgwave that made the run, or {again}")
        }
        _ => again.to_owned(),
    };
    Failure::new(Exit::BadInput, what).because(error).hint(hint)
}

impl RunSource for RunFiles {
    fn header(&self) -> &RunHeader {
        self.stored.header()
    }

    fn plan(&self) -> Result<PlanReader<Box<dyn PlanInput>>, PlanError> {
        let file = Input::open(&self.folder.join(PLAN_FILE))?.into_file();
        PlanReader::open(Box::new(BufReader::with_capacity(1 << 18, file)), &self.catalog)
    }

    fn steps(&self) -> Result<Journalled<'_, OrgProgress>, BoxError> {
        Ok(Box::new(self.stored.steps(&self.records).map(|step| Ok(step?))))
    }

    fn timeline(&self) -> Result<Journalled<'_, Entry>, BoxError> {
        Ok(Box::new(self.stored.timeline()?.into_iter().map(Ok)))
    }
}
