//! A run on disk, as the reporter reads it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use orgwave_core::plan::{PlanError, PlanReader};
use orgwave_core::run::{Entry, Exit, RunHeader};
use orgwave_journal::{FILE_NAME, JournalError, OrgRecord, RunLock, Stored};
use orgwave_reporter::files::sweep;
use orgwave_reporter::{BoxError, Journalled, LastWord, RunSource};

use crate::failure::Failure;

/// The plan's name in a run's folder.
pub const PLAN_FILE: &str = "plan.jsonl";

/// A run's folder, opened to read.
pub struct RunFiles {
    folder: PathBuf,
    stored: Stored,
    records: Vec<OrgRecord>,
}

impl RunFiles {
    /// Opens a run.
    ///
    /// # Errors
    /// 66: there is none. 65: it is damaged, or newer.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let stored =
            Stored::open_read_only(&folder.join(FILE_NAME)).map_err(|error| bad_journal(folder, error))?;
        let records = stored.records().map_err(|error| bad_journal(folder, error))?;
        Ok(Self { folder: folder.to_owned(), stored, records })
    }
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
        return Failure::new(Exit::Locked, format!("another process is at work on {}", folder.display()))
            .hint("its files come when it ends");
    }
    Failure::new(Exit::BadInput, format!("the journal of {} can't be used", folder.display()))
        .because(error)
        .hint("apply the rollout again: its reads find what is done")
}

impl RunSource for RunFiles {
    fn header(&self) -> &RunHeader {
        self.stored.header()
    }

    fn plan(&self) -> Result<PlanReader<Box<dyn BufRead>>, PlanError> {
        let file = File::open(self.folder.join(PLAN_FILE))?;
        PlanReader::open(Box::new(BufReader::with_capacity(1 << 18, file)))
    }

    fn last_words(&self) -> Result<Journalled<'_, LastWord>, BoxError> {
        let mut outcomes = self.stored.outcomes(&self.records);
        let mut records = (0u32..).zip(&self.records);
        Ok(Box::new(std::iter::from_fn(move || {
            loop {
                let (index, record) = records.next()?;
                if record.outcome.is_some() {
                    return outcomes.next().map(|outcome| Ok(LastWord::Outcome(outcome?)));
                }
                if record.had_intent() {
                    return Some(self.intent(index, record));
                }
            }
        })))
    }

    fn timeline(&self) -> Result<Journalled<'_, Entry>, BoxError> {
        Ok(Box::new(self.stored.timeline()?.into_iter().map(Ok)))
    }
}

impl RunFiles {
    fn intent(&self, index: u32, record: &OrgRecord) -> Result<LastWord, BoxError> {
        Ok(LastWord::Intent {
            index,
            attempts: record.state.spent(),
            started_at: record.started_at.ok_or("an intent without its time")?,
            changes: self.stored.changes_of(record)?,
        })
    }
}
