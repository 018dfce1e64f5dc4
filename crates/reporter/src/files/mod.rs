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
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use orgwave_core::operation::Operations;
use orgwave_core::plan::Header;

pub use self::leftovers::sweep;
use self::parts::MOST_ROWS;
pub use crate::client_files::{ClientFiles, OrgFiles};
use crate::digest::RunDigest;
use crate::error::ReportError;
use crate::part_name;
use crate::record::{Record, Records};
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
        Summary::of_files(&self.digest, &self.folder, self.org_files).written(&self.files)
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
    let digest = RunDigest::begin(source, records.operations(), records.header())?;
    let org_files = org_files.of_run(source.header());
    let place = Place { folder, most_rows };
    let files = begin_all(source, &place, records.operations(), records.header(), org_files)?;
    // Reading takes as long as writing: each has a processor.
    let (digest, files) = thread::scope(|scope| {
        let (to_writer, batches) = mpsc::sync_channel(AHEAD);
        let writer = scope.spawn(move || write_records(folder, digest, files, &batches));
        let read = read_records(&mut records, &to_writer);
        drop(to_writer);
        let written = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        read.and(written)
    })?;
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
        match part_name::parts(names.clone(), table).len() {
            0 => {}
            parts => parts::clear(folder, table, parts)?,
        }
    }
    sync_folder(folder)?;
    Ok(Written { folder: folder.to_owned(), files: names, org_files, digest })
}

/// Records that go to the writer together, and how many such batches may wait for it.
const BATCH: usize = 32;
const AHEAD: usize = 2;

/// Reads every record. Ends early if the writer has: it says why.
fn read_records(records: &mut Records<'_>, writer: &SyncSender<Vec<Record>>) -> Result<(), ReportError> {
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH
            && let Some(record) = records.next_record()?
        {
            batch.push(record);
        }
        if batch.is_empty() || writer.send(batch).is_err() {
            return Ok(());
        }
    }
}

/// What the records come to, and the files with all of them in.
type Filled = (RunDigest, Vec<Box<dyn RunFile>>);

/// Writes every record to every file.
fn write_records(
    folder: &Path,
    mut digest: RunDigest,
    mut files: Vec<Box<dyn RunFile>>,
    batches: &Receiver<Vec<Record>>,
) -> Result<Filled, ReportError> {
    let mut rendered = Rendered::default();
    for record in batches.iter().flatten() {
        digest.add(&record);
        rendered.take(&record);
        for file in &mut files {
            file.org(&record, &rendered).map_err(|error| at(folder, file.name())(error))?;
        }
    }
    Ok((digest, files))
}

/// Some of a run's files, made of records that were read before and never named: what a bench counts.
#[doc(hidden)]
pub struct Alone {
    files: Vec<Box<dyn RunFile>>,
    rendered: Rendered,
}

impl Alone {
    /// Begins the files with these names.
    ///
    /// # Errors
    /// As [`write_files`].
    #[doc(hidden)]
    pub fn begin(source: &dyn RunSource, folder: &Path, names: &[&str]) -> Result<Self, ReportError> {
        let (records, place) = (Records::of(source)?, Place { folder, most_rows: MOST_ROWS });
        let mut files = begin_all(source, &place, records.operations(), records.header(), ClientFiles::All)?;
        files.retain(|file| names.contains(&file.name()));
        Ok(Self { files, rendered: Rendered::default() })
    }

    /// Adds the next row of the manifest.
    ///
    /// # Errors
    /// A file can't be written.
    #[doc(hidden)]
    pub fn org(&mut self, record: &Record) -> io::Result<()> {
        self.rendered.take(record);
        self.files.iter_mut().try_for_each(|file| file.org(record, &self.rendered))
    }
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
