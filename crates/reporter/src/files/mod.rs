//! The files of a run's folder, one module each, made in one pass over the records.
//!
//! A new file is a module here that implements `RunFile` and a line in `begin_all`. Every file is a
//! function of the [`RunSource`] alone, streams, and appears whole: all of them are durable under temporary
//! names before the first gets its own, so a full disk leaves the folder as it was.
//!
//! `plan.jsonl`, `run.db`, `run.log.jsonl` and the sandbox's ledger are written elsewhere.

pub mod changes;
pub mod drift;
mod junit;
mod leftovers;
pub mod orgs;
pub mod plan;
pub mod results;
mod retry;
mod side_by_side;
pub mod summary;
pub mod table;
mod toml_text;
pub(crate) mod whole;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use orgwave_core::plan::Header;
use orgwave_core::run::RunHeader;

pub use self::leftovers::sweep;
pub use self::whole::target_of;
pub(crate) use self::whole::{Nameless, WholeFile, sync_folder};
use crate::error::ReportError;
use crate::record::{Record, Records};
use crate::report::{ReportHtml, ReportMd};
use crate::source::RunSource;
use crate::tally::Tally;

/// Whether each org gets a file of its own: `--org-files`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrgFiles {
    /// Up to 1,000 orgs.
    #[default]
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

impl OrgFiles {
    const AUTO_UP_TO: u32 = 1_000;

    const fn of_run(self, run: &RunHeader) -> ClientFiles {
        match self {
            // Night after night, the records of a thousand clients that didn't change would be what fills the disk.
            Self::Auto if run.orgs <= Self::AUTO_UP_TO && run.unattended => ClientFiles::Changed,
            Self::Auto if run.orgs <= Self::AUTO_UP_TO => ClientFiles::All,
            Self::Always => ClientFiles::All,
            Self::Auto | Self::Never => ClientFiles::None,
        }
    }
}

/// Which orgs have a file of their own in a run's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientFiles {
    /// None.
    None,
    /// Those of which something was written that may be live.
    Changed,
    /// All of them.
    All,
}

impl FromStr for OrgFiles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(format!("{text:?} is none of auto, always, never")),
        }
    }
}

impl fmt::Display for OrgFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        })
    }
}

/// What was written, and what the run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The run's folder.
    pub folder: PathBuf,
    /// The names of the files in it that were written.
    pub files: Vec<String>,
    /// Which orgs have a file in `orgs/`.
    pub org_files: ClientFiles,
    /// The run in numbers.
    pub tally: Tally,
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
    mut before_name: impl FnMut(),
) -> Result<Written, ReportError> {
    let mut records = Records::of(source)?;
    let mut tally = Tally::begin(source, records.header())?;
    let org_files = org_files.of_run(source.header());
    let files = begin_all(source, folder, records.header(), org_files)?;
    let files = side_by_side::write(files, folder, || {
        let record = records.next_record()?;
        if let Some(record) = &record {
            tally.add(record);
        }
        Ok(record)
    })?;
    let mut done = Vec::new();
    for file in files {
        let name = file.name();
        file.end(&tally, &mut done).map_err(at(folder, name))?;
    }
    if org_files == ClientFiles::None {
        orgs::clear(folder)?;
    }
    let names = done.iter().map(WholeFile::file_name).collect();
    for file in side_by_side::sync(done)? {
        before_name();
        file.name()?;
    }
    sync_folder(folder)?;
    Ok(Written { folder: folder.to_owned(), files: names, org_files, tally })
}

/// Every file, in the order in which people look for them; the summary last, since it names the others.
fn begin_all(
    source: &dyn RunSource,
    folder: &Path,
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
    let (place, run) = (Place { folder }, source.header());
    let mut files = vec![
        boxed(folder, results::Results::NAME, results::Results::begin(&place, run, plan))?,
        boxed(folder, changes::Changes::NAME, changes::Changes::begin(&place, run))?,
        boxed(folder, retry::Retry::NAME, retry::Retry::begin(&place, plan))?,
    ];
    let mut others = vec!["plan.jsonl", "run.db"];
    files.push(Box::new(ReportHtml::begin(&place, source, org_files == ClientFiles::All)?));
    files.push(boxed(folder, ReportMd::NAME, ReportMd::begin(&place))?);
    files.push(boxed(folder, junit::Junit::NAME, junit::Junit::begin(&place, run))?);
    if org_files != ClientFiles::None {
        files.push(Box::new(orgs::Orgs::begin(folder, run, org_files)));
        others.push("orgs/");
    }
    files.push(boxed(folder, summary::Summary::NAME, summary::Summary::begin(&place, others))?);
    Ok(files)
}

fn at(folder: &Path, name: &str) -> impl FnOnce(io::Error) -> ReportError + use<> {
    let path = folder.join(name);
    move |source| ReportError::Write { path, source }
}

/// Where files are begun.
pub(crate) struct Place<'a> {
    folder: &'a Path,
}

impl Place<'_> {
    pub(crate) fn begin(&self, name: &str) -> io::Result<WholeFile> {
        WholeFile::begin(self.folder, name)
    }

    pub(crate) fn failed(&self, name: &str, error: io::Error) -> ReportError {
        at(self.folder, name)(error)
    }
}

/// One file, or a few that belong together, while the records stream by.
pub(crate) trait RunFile: Send {
    /// Its name, for errors.
    fn name(&self) -> &'static str;

    /// The next row of the manifest.
    fn org(&mut self, record: &Record) -> io::Result<()>;

    /// Every row was seen: what is whole now goes to `done`, to be made durable and named with the others.
    fn end(self: Box<Self>, tally: &Tally, done: &mut Vec<WholeFile>) -> io::Result<()>;
}
