//! A run on disk, as the reporter reads it.

use std::io::{BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::plan::{PlanError, PlanReader};
use orgwave_core::run::{Entry, Exit, OrgProgress, RunHeader};
use orgwave_core::secret::SealKey;
use orgwave_journal::{FILE_NAME, JournalError, OrgRecord, RunLock, Stored};
use orgwave_reporter::files::sweep;
use orgwave_reporter::{BoxError, Journalled, RunSource};

use crate::args::path_again;
use crate::failure::Failure;
use crate::input::Input;
use crate::plans::{OpenPlan, Wanted, header_of};

/// The plan's name in a run's folder.
pub const PLAN_FILE: &str = "plan.jsonl";

/// A run's folder, opened to read.
pub struct RunFiles {
    folder: PathBuf,
    stored: Stored,
    records: Vec<OrgRecord>,
}

impl RunFiles {
    /// Opens a run, whose plan must be its own: the journal knows orgs by their places in it. That no byte of it was
    /// altered takes the key to [prove].
    ///
    /// # Errors
    /// 66: there is none. 65: it is damaged, or newer. 12: the plan is another's.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let stored =
            Stored::open_read_only(&folder.join(FILE_NAME)).map_err(|error| bad_journal(folder, error))?;
        let plan = folder.join(PLAN_FILE);
        // What can't be read at all is told by whoever reads it.
        let is_own = header_of(&plan).map_or(true, |header| {
            header.plan_id == stored.header().plan_id && ends_with_seal(&plan, &stored.header().plan_seal)
        });
        if !is_own {
            return Err(not_together(folder));
        }
        let records = stored.records().map_err(|error| bad_journal(folder, error))?;
        Ok(Self { folder: folder.to_owned(), stored, records })
    }
}

/// Makes sure that the plan in a run's folder is the run's own, to the last byte.
///
/// # Errors
/// 12: it was altered, or is another's. 66: there is none.
pub fn prove(folder: &Path, run: &RunHeader, seal: &SealKey) -> Result<(), Failure> {
    let path = folder.join(PLAN_FILE);
    if header_of(&path)?.plan_id != run.plan_id {
        return Err(not_together(folder));
    }
    let plan = OpenPlan::read(&path, |_| seal.clone(), Wanted::WithSecrets, |_| Ok(()))?;
    if plan.seal == run.plan_seal { Ok(()) } else { Err(not_together(folder)) }
}

fn not_together(folder: &Path) -> Failure {
    Failure::new(
        Exit::PlanRefused,
        format!("in {}, the run's journal and plan don't belong together", folder.shown()),
    )
    .hint("put the run's own plan back, or apply the rollout again: its reads find what is done")
}

/// Whether a plan's last bytes are this seal.
fn ends_with_seal(plan: &Path, seal: &str) -> bool {
    let end = format!("\"{seal}\"}}\n");
    let tail = || {
        let mut file = Input::open(plan)?.into_file();
        file.seek(SeekFrom::End(-i64::try_from(end.len()).unwrap_or(0)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        std::io::Result::Ok(tail)
    };
    tail().is_ok_and(|tail| tail == end.as_bytes())
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
        return Failure::new(Exit::Locked, format!("another process is at work on {}", folder.shown()))
            .hint("its files come when it ends");
    }
    let what = format!("the journal of {} can't be used", folder.shown());
    if error.is_the_disks() {
        let resume = format!("orgwave resume {}", path_again(folder));
        return Failure::new(Exit::CannotWrite, what)
            .because(error)
            .hint(format!("make room or mend the disk, then `{resume}`"));
    }
    Failure::new(Exit::BadInput, what)
        .because(error)
        .hint("apply the rollout again: its reads find what is done")
}

impl RunSource for RunFiles {
    fn header(&self) -> &RunHeader {
        self.stored.header()
    }

    fn plan(&self) -> Result<PlanReader<Box<dyn BufRead>>, PlanError> {
        let file = Input::open(&self.folder.join(PLAN_FILE))?.into_file();
        PlanReader::open(Box::new(BufReader::with_capacity(1 << 18, file)))
    }

    fn orgs(&self) -> Result<Journalled<'_, OrgProgress>, BoxError> {
        let records = (0u32..).zip(&self.records).filter(|(_, record)| record.is_known());
        Ok(Box::new(records.map(|(index, record)| Ok(self.stored.progress(index, record)?))))
    }

    fn timeline(&self) -> Result<Journalled<'_, Entry>, BoxError> {
        Ok(Box::new(self.stored.timeline()?.into_iter().map(Ok)))
    }
}
