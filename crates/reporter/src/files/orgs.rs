//! `orgs/<hex>.csv`: one org's own record, to hand to that client.
//!
//! One row per change, and one row where nothing was written, so that the file always says what became of the
//! org. Of a run that nobody watched, only orgs of which something was written have one. What is the partner's own business (line, wave, note, `_*`, what to do next) is left out.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::change::Change;
use orgwave_core::run::RunHeader;

use super::table::Table;
use super::whole::{WholeFile, sync_folder};
use super::{ClientFiles, RunFile};
use crate::error::ReportError;
use crate::record::Record;
use crate::tally::Tally;
use crate::value;

/// The folder within the run's.
pub(super) const FOLDER: &str = "orgs";

/// The columns.
pub const COLUMNS: [&str; 16] = [
    "org_uuid",
    "org_name",
    "status",
    "verified",
    "started_at",
    "finished_at",
    "path",
    "before",
    "after",
    "warning",
    "failed_guids",
    "misconfigured_doors",
    "error_code",
    "error_message",
    "run_id",
    "plan_id",
];

/// A sync waits for the disk, and syncs that wait together share their waiting: so many files at a time, by so
/// many threads.
const BATCH: usize = 128;
const THREADS: usize = 16;

pub(super) struct Orgs {
    folder: PathBuf,
    wanted: ClientFiles,
    batch: Vec<WholeFile>,
    run_id: String,
    plan_id: String,
}

impl Orgs {
    pub(super) fn begin(folder: &Path, run: &RunHeader, wanted: ClientFiles) -> Self {
        Self {
            folder: folder.join(FOLDER),
            wanted,
            batch: Vec::with_capacity(BATCH),
            run_id: run.run_id.clone(),
            plan_id: run.plan_id.clone(),
        }
    }

    /// Makes the gathered files durable and gives them their names.
    fn end_batch(&mut self) -> io::Result<()> {
        let share = self.batch.len().div_ceil(THREADS).max(1);
        std::thread::scope(|threads| {
            let shares: Vec<_> = self
                .batch
                .chunks(share)
                .map(|files| threads.spawn(move || files.iter().try_for_each(WholeFile::sync)))
                .collect();
            shares.into_iter().try_for_each(|share| {
                share.join().unwrap_or_else(|_| Err(io::Error::other("a thread that syncs files panicked")))
            })
        })?;
        for file in self.batch.drain(..) {
            file.named().map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn row(
        &self,
        table: &mut Table<Vec<u8>>,
        Record { line, outcome, .. }: &Record,
        change: Option<Change<'_>>,
    ) -> io::Result<()> {
        table.id(&line.org)?;
        table.text(line.name.as_deref().unwrap_or(""))?;
        table.word(outcome.status.as_str())?;
        table.word(outcome.verified.as_str())?;
        table.moment(outcome.started_at)?;
        table.moment(outcome.finished_at)?;
        if let Some(Change { field, before }) = change {
            table.text(&field.path.text())?;
            table.value(&value::before(&field.path, before))?;
            table.value(&value::after(field))?;
        } else {
            for _ in ["path", "before", "after"] {
                table.word("")?;
            }
        }
        table.text(outcome.ack.warning.as_deref().unwrap_or(""))?;
        table.texts(&outcome.ack.failed_guids)?;
        table.texts(&outcome.ack.misconfigured_doors)?;
        let complaint = outcome.complaint.as_ref();
        table.word(complaint.map_or("", |complaint| complaint.code.as_str()))?;
        table.text(complaint.map_or("", |complaint| complaint.message.as_str()))?;
        table.text(&self.run_id)?;
        table.text(&self.plan_id)?;
        table.end_row()
    }
}

impl RunFile for Orgs {
    fn name(&self) -> &'static str {
        FOLDER
    }

    fn org(&mut self, record: &Record) -> io::Result<()> {
        let name = format!("{}.csv", record.line.org.to_hex());
        if self.wanted == ClientFiles::Changed && record.changed() == 0 {
            // An earlier process of the run may have thought otherwise.
            return match fs::remove_file(self.folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        if self.batch.is_empty() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        }
        let mut table = Table::begin(Vec::new(), COLUMNS)?;
        if record.changed() == 0 {
            self.row(&mut table, record, None)?;
        }
        for change in record.changes() {
            self.row(&mut table, record, Some(change))?;
        }
        let mut file = WholeFile::begin(&self.folder, &name)?;
        file.write_all(&table.end()?)?;
        self.batch.push(file);
        if self.batch.len() < BATCH { Ok(()) } else { self.end_batch() }
    }

    fn end(mut self: Box<Self>, _: &Tally, _: &mut Vec<WholeFile>) -> io::Result<()> {
        self.end_batch()?;
        if self.folder.exists() { sync_folder(&self.folder).map_err(io::Error::other) } else { Ok(()) }
    }
}

/// Removes the records that an earlier process of the run left, where this one writes none: they would say
/// what is true no more. Only files that have the names of such records are touched.
pub(super) fn clear(folder: &Path) -> Result<(), ReportError> {
    let folder = folder.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(ReportError::write(&folder))?,
    };
    for entry in entries {
        let path = entry.map_err(ReportError::write(&folder))?.path();
        let is_record = path.extension().is_some_and(|extension| extension == "csv")
            && path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .is_some_and(|stem| stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_record {
            fs::remove_file(&path).map_err(ReportError::write(&path))?;
        }
    }
    Ok(())
}
