//! One file of a run, while the records stream by.

use std::io;
use std::path::Path;

use crate::digest::RunDigest;
use crate::error::ReportError;
use crate::record::Record;
use crate::rendered::Rendered;
use crate::whole::WholeFile;

pub(crate) fn at(folder: &Path, name: &str) -> impl FnOnce(io::Error) -> ReportError + use<> {
    let path = folder.join(name);
    move |source| ReportError::Write { path, source }
}

/// Where files are begun.
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    /// Rows that a table has in one file.
    pub(crate) most_rows: u32,
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

    /// The next row of the manifest, with its changes as they are shown.
    fn org(&mut self, record: &Record, rendered: &Rendered) -> io::Result<()>;

    /// Every row was seen: what is whole now goes to `done`, to be made durable and named with the others.
    fn end(self: Box<Self>, digest: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()>;
}
