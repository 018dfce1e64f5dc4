//! The files of a run's folder, one module each, made in one pass over the records.
//!
//! A new file is a module here that implements `RunFile` and a line in `begin_all`. Every file is a
//! function of the [`RunSource`] alone, streams, and appears whole: all of them are durable under temporary
//! names before the first gets its own, so a full disk leaves the folder as it was.
//!
//! `plan.jsonl`, `run.db`, `run.log.jsonl` and the sandbox's ledger are written elsewhere.

mod changes;
mod columns;
pub mod drift;
mod junit;
mod leftovers;
mod orgs;
mod parts;
pub mod plan;
pub mod results;
mod retry;
pub mod summary;
pub mod table;
mod toml_text;

use std::io;
use std::path::{Path, PathBuf};

use orgwave_core::operation::Operations;
use orgwave_core::plan::Header;

pub use self::leftovers::sweep;
use self::parts::MOST_ROWS;
pub use crate::client_files::{ClientFiles, OrgFiles};
use crate::digest::RunDigest;
use crate::error::ReportError;
use crate::record::Records;
use crate::rendered::Rendered;
use crate::report::{ReportHtml, ReportMd, Summary};
use crate::run_file::{Place, RunFile, at};
use crate::source::RunSource;
pub use crate::whole::target_of;
use crate::whole::{WholeFile, sync_all, sync_folder};

/// What was written, and what the run came to.
#[derive(Debug, Clone)]
pub struct Written {
    /// The run's folder.
    pub folder: PathBuf,
    /// The names of the files in it that were written.
    pub files: Vec<String>,
    /// Which orgs have a file in `orgs/`.
    pub org_files: ClientFiles,
    /// What the run came to.
    pub digest: RunDigest,
}

impl Written {
    /// What is said of it on a terminal.
    pub fn summary(&self) -> Summary<'_> {
        Summary::of_files(&self.digest, &self.folder, self.org_files)
    }
}

/// Writes every file of a run into its folder, which is there.
///
/// # Errors
/// As [`write_files_watched`].
pub fn write_files(
    source: &dyn RunSource,
    folder: &Path,
    org_files: OrgFiles,
) -> Result<Written, ReportError> {
    write_files_watched(source, folder, org_files, || ())
}

/// The same, telling each time that a file is durable and about to get its name: the moment at which a test
/// stops the program.
///
/// # Errors
/// Plan or journal can't be read, or a file can't be written; then no file but those of `orgs/` has changed.
pub fn write_files_watched(
    source: &dyn RunSource,
    folder: &Path,
    org_files: OrgFiles,
    before_name: impl FnMut(),
) -> Result<Written, ReportError> {
    write_files_in_parts(source, folder, org_files, MOST_ROWS, before_name)
}

/// The same, with tables that continue in another file after this many rows instead of a spreadsheet's.
///
/// # Errors
/// As [`write_files_watched`].
pub fn write_files_in_parts(
    source: &dyn RunSource,
    folder: &Path,
    org_files: OrgFiles,
    most_rows: u32,
    mut before_name: impl FnMut(),
) -> Result<Written, ReportError> {
    let mut records = Records::of(source)?;
    let mut digest = RunDigest::begin(source, records.operations(), records.header())?;
    let org_files = org_files.of_run(source.header());
    let place = Place { folder, most_rows };
    let mut files = begin_all(source, &place, records.operations(), records.header(), org_files)?;
    let mut rendered = Rendered::default();
    while let Some(record) = records.next_record()? {
        digest.add(&record);
        rendered.take(&record);
        for file in &mut files {
            file.org(&record, &rendered).map_err(|error| at(folder, file.name())(error))?;
        }
    }
    let mut done = Vec::new();
    for file in files {
        let name = file.name();
        file.end(&digest, &mut done).map_err(at(folder, name))?;
    }
    if org_files == ClientFiles::None {
        orgs::clear(folder)?;
    }
    let names: Vec<String> = done.iter().map(WholeFile::file_name).collect();
    for file in sync_all(done)? {
        before_name();
        file.name()?;
    }
    for table in SPLIT {
        let parts = names.iter().filter(|name| *name == table || parts::is_part(name, table)).count();
        if parts > 0 {
            parts::clear(folder, table, parts)?;
        }
    }
    sync_folder(folder)?;
    Ok(Written { folder: folder.to_owned(), files: names, org_files, digest })
}

/// The tables that continue in another file. What `apply` reads again doesn't: `retry.csv` and its side tables.
const SPLIT: [&str; 3] = [results::Results::NAME, results::Steps::NAME, changes::Changes::NAME];

/// Every file, in the order in which people look for them; the summary last, since it names the others.
fn begin_all(
    source: &dyn RunSource,
    place: &Place<'_>,
    operations: &Operations,
    plan: &Header,
    org_files: ClientFiles,
) -> Result<Vec<Box<dyn RunFile>>, ReportError> {
    fn boxed(
        folder: &Path,
        name: &str,
        file: io::Result<impl RunFile + 'static>,
    ) -> Result<Box<dyn RunFile>, ReportError> {
        Ok(Box::new(file.map_err(at(folder, name))?))
    }
    let (folder, run) = (place.folder, source.header());
    let mut files = vec![
        boxed(folder, results::Results::NAME, results::Results::begin(place, run, plan, operations))?,
        boxed(folder, changes::Changes::NAME, changes::Changes::begin(place, run, operations))?,
        boxed(folder, retry::Retry::NAME, retry::Retry::begin(place, plan))?,
    ];
    if operations.are_several() {
        files.push(boxed(folder, results::Steps::NAME, results::Steps::begin(place, run))?);
    }
    let mut others = vec!["plan.jsonl", "run.db"];
    files.push(Box::new(ReportHtml::begin(place, source, org_files == ClientFiles::All)?));
    files.push(boxed(folder, ReportMd::NAME, ReportMd::begin(place))?);
    files.push(boxed(folder, junit::Junit::NAME, junit::Junit::begin(place, run))?);
    if org_files != ClientFiles::None {
        files.push(Box::new(orgs::Orgs::begin(folder, run, operations, org_files)));
        others.push("orgs/");
    }
    files.push(boxed(folder, summary::Summary::NAME, summary::Summary::begin(place, others))?);
    Ok(files)
}
