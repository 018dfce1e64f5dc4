//! `orgs/<hex>.csv`: one org's own record, to hand to that client.
//!
//! One row per change, and one row where nothing was written, so that the file always says what became of the
//! org. Of an unattended run, only orgs of which something was written have one. What is the partner's own business (line, wave, note, `_*`, what to do next) is omitted.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::operation::{Confession, Operations};
use orgwave_core::run::RunHeader;

use super::columns::{
    CHANGE, ERROR_CODE, ERROR_MESSAGE, FINISHED_AT, OPERATION, ORG_NAME, ORG_UUID, PLAN_ID, RUN_ID, Row,
    RunColumn, STARTED_AT, STATUS, VERIFIED,
};
use super::table::Table;
use crate::cell::{Cell, push_cells};
use crate::client_files::ClientFiles;
use crate::digest::RunDigest;
use crate::error::ReportError;
use crate::record::Record;
use crate::rendered::{Rendered, RenderedChange};
use crate::run_file::RunFile;
use crate::whole::{WholeFile, sync_all, sync_folder};

/// The folder within the run's.
pub(super) const FOLDER: &str = "orgs";

/// The columns before those of the change.
const FIRST: &[RunColumn] = &[ORG_UUID, ORG_NAME, STATUS, VERIFIED, STARTED_AT, FINISHED_AT];

/// The columns behind those of what the vendor confessed, which follow the change.
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
    file: OrgFile,
}

/// The file that is being made.
struct OrgFile {
    header: Vec<u8>,
    table: Table<Vec<u8>>,
    confessions: Vec<&'static Confession>,
    /// Before the other columns, in runs of several operations.
    operation: &'static [RunColumn],
    /// What each row of a step begins and ends with.
    begin: Vec<u8>,
    end: Vec<u8>,
}

impl OrgFile {
    fn new(operations: &Operations) -> Self {
        let confessions = confessions();
        let operation: &[RunColumn] = if operations.are_several() { &[OPERATION] } else { &[] };
        let names = operation.iter().chain(FIRST).map(|column| column.name).chain(CHANGE);
        let names = names.chain(confessions.iter().map(|confession| &*confession.column));
        let names = names.chain(LAST.iter().map(|column| column.name));
        let mut header = Vec::new();
        push_cells(&mut header, names.map(|name| Cell::Text(name.into())));
        let table = Table::without_header(Vec::new());
        Self { header, table, confessions, operation, begin: Vec::new(), end: Vec::new() }
    }

    /// The whole file of an org.
    fn make(&mut self, run: &RunHeader, record: &Record, rendered: &Rendered) -> io::Result<Vec<u8>> {
        self.table.made([&self.header])?;
        if rendered.changes().is_empty() {
            self.edges(&Row::of(run, record, rendered));
            self.table.made([&self.begin, b"", b"", b"", &self.end])?;
        }
        for step in 0..record.steps.len() {
            let changes = rendered.of_step(step);
            if !changes.is_empty() {
                self.edges(&Row::of_step(run, record, rendered, step));
            }
            for RenderedChange { path, before, after, .. } in changes {
                self.table.made([&self.begin, path.cell(), before.cell(), after.cell(), &self.end])?;
            }
        }
        self.table.take()
    }

    /// What the rows of this step, or of this org, begin and end with.
    fn edges(&mut self, row: &Row<'_>) {
        self.begin.clear();
        push_cells(&mut self.begin, row.cells(self.operation).chain(row.cells(FIRST)));
        self.end.clear();
        push_cells(&mut self.end, row.confessed(&self.confessions).chain(row.cells(LAST)));
    }
}

impl Orgs {
    pub(super) fn begin(
        folder: &Path,
        run: &RunHeader,
        operations: &Operations,
        wanted: ClientFiles,
    ) -> Self {
        let (folder, batch) = (folder.join(FOLDER), Vec::with_capacity(BATCH));
        Self { folder, wanted, batch, run: run.clone(), file: OrgFile::new(operations) }
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

    fn org(&mut self, record: &Record, rendered: &Rendered) -> io::Result<()> {
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
        let made = self.file.make(&self.run, record, rendered)?;
        let mut file = WholeFile::begin(&self.folder, &name)?;
        file.write_all(&made)?;
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
