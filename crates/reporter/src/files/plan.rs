//! `plan.csv`: a plan to be reviewed in a spreadsheet. One row per manifest row and differing field; a row
//! without one stands there once, so that every row of the manifest is seen.

use std::io;
use std::path::Path;

use orgwave_core::plan::{Header, PlanLine, PlannedField, UnknownKey, Verdict};

use super::table::Table;
use super::whole::{WholeFile, sync_folder};
use crate::error::ReportError;
use crate::value;

/// The columns, before the `_*` columns.
pub const COLUMNS: [&str; 15] = [
    "line",
    "org_uuid",
    "org_name",
    "wave",
    "verdict",
    "action",
    "path",
    "before",
    "after",
    "from",
    "error_code",
    "error_message",
    "skip",
    "note",
    "marks",
];

/// The word for a verdict in files and on screen: that of the status it leads to, or `update`.
pub(crate) fn verdict_word(verdict: Verdict) -> &'static str {
    verdict.status().map_or("update", orgwave_core::status::Status::as_str)
}

/// A `plan.csv` being written. It gets its name when it is [ended](Self::end).
#[derive(Debug)]
pub struct PlanCsv {
    table: Table<WholeFile>,
    path: std::path::PathBuf,
    carried: usize,
}

impl PlanCsv {
    /// Begins the table of a plan.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn begin(folder: &Path, name: &str, plan: &Header) -> Result<Self, ReportError> {
        let path = folder.join(name);
        let columns = COLUMNS.into_iter().chain(plan.carried.iter().map(String::as_str));
        let table = WholeFile::begin(folder, name)
            .and_then(|file| Table::begin(file, columns))
            .map_err(ReportError::write(&path))?;
        Ok(Self { table, path, carried: plan.carried.len() })
    }

    /// Adds the next row of the manifest.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn line(&mut self, line: &PlanLine) -> Result<(), ReportError> {
        self.rows(line).map_err(ReportError::write(&self.path))
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// The file can't be written; what had its name has it still.
    pub fn end(self) -> Result<(), ReportError> {
        let file = self.table.end().and_then(WholeFile::end).map_err(ReportError::write(&self.path))?;
        file.name()?;
        sync_folder(self.path.parent().unwrap_or(Path::new(".")))
    }

    fn rows(&mut self, line: &PlanLine) -> io::Result<()> {
        let mut any = false;
        if line.verdict != Verdict::Skipped {
            for field in line.fields.iter().filter(|field| field.differs()) {
                self.row(line, Some(field))?;
                any = true;
            }
        }
        if any { Ok(()) } else { self.row(line, None) }
    }

    fn row(&mut self, line: &PlanLine, field: Option<&PlannedField>) -> io::Result<()> {
        let table = &mut self.table;
        table.show(line.line)?;
        table.id(&line.org)?;
        table.text(line.name.as_deref().unwrap_or(""))?;
        table.maybe(line.wave)?;
        table.word(verdict_word(line.verdict))?;
        table.word(line.action.as_str())?;
        if let Some(field) = field {
            table.text(&field.path.text())?;
            table.value(&value::before(&field.path, &field.before))?;
            table.value(&value::wish(field))?;
            table.text(&field.from.text())?;
        } else {
            for _ in ["path", "before", "after", "from"] {
                table.word("")?;
            }
        }
        let complaint = line.complaint.as_ref();
        table.word(complaint.map_or("", |complaint| complaint.code.as_str()))?;
        table.text(complaint.map_or("", |complaint| complaint.message.as_str()))?;
        table.text(line.skip.as_deref().unwrap_or(""))?;
        table.text(line.note.as_deref().unwrap_or(""))?;
        table.text(&marks(line, field))?;
        for column in 0..self.carried {
            table.text(line.carried.get(column).map_or("", String::as_str))?;
        }
        table.end_row()
    }
}

/// What a reviewer must see of a change, or of a row without one.
fn marks(line: &PlanLine, field: Option<&PlannedField>) -> String {
    let mut marks = Vec::new();
    if let Some(field) = field.filter(|_| line.verdict == Verdict::Update) {
        marks.extend(field.risk().map(|risk| format!("risk: {}", risk.effect)));
        if field.removes() {
            marks.push("removes".to_owned());
        } else if field.after.is_clear() {
            marks.push("clears".to_owned());
        }
        let is_of = |unknown: &&UnknownKey| {
            (unknown.entry.field(), unknown.entry.key()) == (field.path.field(), field.path.key())
        };
        marks.extend(line.additions.iter().find(is_of).map(|unknown| format!("adds {unknown}")));
    }
    if line.unproven && line.verdict == Verdict::Update {
        marks.push("unproven: what was read names no org".to_owned());
    }
    if field.is_none() {
        marks.extend(line.idle_removals.iter().map(|unknown| format!("not live: {unknown}")));
    }
    marks.join("; ")
}
