//! `orgs/<hex>.csv`: one org's own record, to hand to that client.
//!
//! One row per change, and one row where nothing was written, so that the file always says what became of the
//! org. Of a run that nobody watched, only orgs of which something was written have one. What is the partner's own business (line, wave, note, `_*`, what to do next) is omitted.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::operation::Confession;
use orgwave_core::run::RunHeader;

use super::columns::{
    AFTER, BEFORE, ERROR_CODE, ERROR_MESSAGE, FINISHED_AT, OPERATION, ORG_NAME, ORG_UUID, PATH, PLAN_ID,
    RUN_ID, Row, RunColumn, STARTED_AT, STATUS, VERIFIED,
};
use super::table::Table;
use crate::client_files::ClientFiles;
use crate::digest::RunDigest;
use crate::error::ReportError;
use crate::record::Record;
use crate::run_file::RunFile;
use crate::whole::{WholeFile, sync_all, sync_folder};

/// The folder within the run's.
pub(super) const FOLDER: &str = "orgs";

/// The columns before those of what the vendor confessed.
const FIRST: &[RunColumn] =
    &[ORG_UUID, ORG_NAME, STATUS, VERIFIED, STARTED_AT, FINISHED_AT, PATH, BEFORE, AFTER];

/// The columns behind them.
const LAST: &[RunColumn] = &[ERROR_CODE, ERROR_MESSAGE, RUN_ID, PLAN_ID];

/// What the vendor may confess, texts first.
fn confessions() -> Vec<&'static Confession> {
    let mut confessions = Confession::columns();
    confessions.sort_by_key(|confession| !confession.is_text());
    confessions
}

/// This many files are made durable together.
const BATCH: usize = 128;

pub(super) struct Orgs {
    folder: PathBuf,
    wanted: ClientFiles,
    batch: Vec<WholeFile>,
    run: RunHeader,
}

impl Orgs {
    pub(super) fn begin(folder: &Path, run: &RunHeader, wanted: ClientFiles) -> Self {
        Self { folder: folder.join(FOLDER), wanted, batch: Vec::with_capacity(BATCH), run: run.clone() }
    }

    /// Makes the gathered files durable and gives them their names.
    fn end_batch(&mut self) -> io::Result<()> {
        let files = sync_all(std::mem::take(&mut self.batch)).map_err(io::Error::other)?;
        files.into_iter().try_for_each(|file| file.name().map_err(io::Error::other))
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
        let confessions = confessions();
        let of_several: &[RunColumn] = if record.operations().are_several() { &[OPERATION] } else { &[] };
        let names = of_several.iter().chain(FIRST).map(|column| column.name);
        let names = names.chain(confessions.iter().map(|confession| &*confession.column));
        let names = names.chain(LAST.iter().map(|column| column.name));
        let mut table = Table::begin(Vec::new(), names)?;
        let mut changes = record.changes();
        let mut change = changes.next();
        loop {
            let row = Row::of_change(&self.run, record, change);
            table.row(
                row.cells(of_several)
                    .chain(row.cells(FIRST))
                    .chain(row.confessed(&confessions))
                    .chain(row.cells(LAST)),
            )?;
            change = changes.next();
            if change.is_none() {
                break;
            }
        }
        let mut file = WholeFile::begin(&self.folder, &name)?;
        file.write_all(&table.end()?)?;
        self.batch.push(file);
        if self.batch.len() < BATCH { Ok(()) } else { self.end_batch() }
    }

    fn end(mut self: Box<Self>, _: &RunDigest, _: &mut Vec<WholeFile>) -> io::Result<()> {
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
