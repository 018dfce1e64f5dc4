//! The table of `verify -o FILE`: a row for each managed field that drifted, and for each org that could not be
//! checked. Without either, the header alone.

use std::io;
use std::path::{Path, PathBuf};

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Path as SettingPath;
use orgwave_core::outcome::{OrgError, StoredValue};
use orgwave_core::status::Status;

use super::parts::{MOST_ROWS, Parts};
use super::table::Table;
use crate::cell::Cell;
use crate::error::ReportError;
use crate::value;

/// The columns. `result` is `drifted`, or the status of an org that could not be checked; `wanted` and `live` read as
/// a manifest's cells do.
pub const COLUMNS: [&str; 9] =
    ["line", "org_uuid", "org_name", "result", "path", "wanted", "live", "error_code", "error_message"];

/// The cells that say which org it is.
#[derive(Debug)]
pub struct OrgCells<'a> {
    /// The manifest's line.
    pub line: u64,
    /// The org.
    pub org: &'a Ruuid,
    /// Its name.
    pub name: Option<&'a str>,
}

/// The table being written. It gets its name when it is [ended](Self::end).
#[derive(Debug)]
pub struct DriftCsv {
    parts: Parts,
    path: PathBuf,
}

impl DriftCsv {
    /// Begins the table.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn begin(path: &Path) -> Result<Self, ReportError> {
        let begin = || {
            let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
            Parts::begin(folder_of(path), &name.to_string_lossy(), MOST_ROWS, COLUMNS)
        };
        Ok(Self { parts: begin().map_err(ReportError::write(path))?, path: path.to_owned() })
    }

    /// A field whose live value is not the desired one, under the name that a manifest's column has.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn drifted(
        &mut self,
        org: &OrgCells<'_>,
        (name, path): (&str, &SettingPath),
        wanted: &StoredValue,
        live: &StoredValue,
    ) -> Result<(), ReportError> {
        let [wanted, live] = [wanted, live].map(|stored| Cell::Value(value::before(path, stored)));
        self.row(org, "drifted", [Cell::Text(name.into()), wanted, live, Cell::Empty, Cell::Empty])
    }

    /// An org that could not be checked.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn unchecked(
        &mut self,
        org: &OrgCells<'_>,
        status: Status,
        org_error: Option<&OrgError>,
    ) -> Result<(), ReportError> {
        let code = org_error.map_or(Cell::Empty, |org_error| Cell::Word(org_error.code.as_str()));
        let message = Cell::text(org_error.map(|org_error| org_error.message.as_str()));
        self.row(org, status.as_str(), [Cell::Empty, Cell::Empty, Cell::Empty, code, message])
    }

    fn row(
        &mut self,
        org: &OrgCells<'_>,
        result: &'static str,
        cells: [Cell<'_>; 5],
    ) -> Result<(), ReportError> {
        let name = Cell::text(org.name);
        let begin = [Cell::Number(org.line), Cell::Word(org.org.as_str()), name, Cell::Word(result)];
        let row = |table: &mut Table<_>| table.row(begin.into_iter().chain(cells));
        self.parts.table(1).and_then(row).map_err(ReportError::write(&self.path))
    }

    /// Makes the file durable and gives it its name. Returns the names of the table's files: what a spreadsheet would cut
    /// off is in further ones.
    ///
    /// # Errors
    /// A file can't be written; what had its name has it still.
    pub fn end(self) -> Result<Vec<String>, ReportError> {
        self.parts.finish()
    }
}

/// A temporary is made beside the file; of a bare name that is the working directory.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
