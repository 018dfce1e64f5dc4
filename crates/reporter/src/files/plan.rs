//! `plan.csv`: a plan to be reviewed in a spreadsheet. One row per manifest row and differing field; a row
//! without one is there once, so that every row of the manifest is seen.

use std::io;
use std::path::Path;

use orgwave_core::plan::{Header, PlanLine, PlannedField, UnknownKey, Verdict};

use super::results::carried;
use super::table::{Cell, Column, Table};
use crate::error::ReportError;
use crate::terminal::verdict_word;
use crate::value;
use crate::whole::{WholeFile, sync_folder};

/// What a row is about: a line of the plan, and one of its fields that differ, if there is one.
struct Row<'a> {
    line: &'a PlanLine,
    field: Option<&'a PlannedField>,
}

type PlanColumn = Column<for<'a> fn(&Row<'a>) -> Cell<'a>>;

const fn column(name: &'static str, cell: for<'a> fn(&Row<'a>) -> Cell<'a>) -> PlanColumn {
    Column { name, about: "", cell }
}

/// The columns, before the `_*` columns.
const COLUMNS: &[PlanColumn] = &[
    column("line", |row| Cell::Number(row.line.line)),
    column("org_uuid", |row| Cell::Word(row.line.org.as_str())),
    column("org_name", |row| Cell::text(row.line.name.as_deref())),
    column("wave", |row| Cell::number(row.line.wave)),
    column("verdict", |row| Cell::Word(verdict_word(row.line.verdict))),
    column("action", |row| Cell::Word(row.line.action.as_str())),
    column("path", |row| row.field.map_or(Cell::Empty, |field| Cell::Text(field.path.text()))),
    column("before", |row| {
        row.field.map_or(Cell::Empty, |field| Cell::Value(value::before(&field.path, &field.before)))
    }),
    column("after", |row| row.field.map_or(Cell::Empty, |field| Cell::Value(value::wish(field)))),
    column("from", |row| row.field.map_or(Cell::Empty, |field| Cell::Text(field.from.text()))),
    column("error_code", |row| {
        row.line.org_error.as_ref().map_or(Cell::Empty, |org_error| Cell::Word(org_error.code.as_str()))
    }),
    column("error_message", |row| {
        Cell::text(row.line.org_error.as_ref().map(|org_error| org_error.message.as_str()))
    }),
    column("skip", |row| Cell::text(row.line.skip.as_deref())),
    column("note", |row| Cell::text(row.line.note.as_deref())),
    column("marks", |row| Cell::Text(marks(row.line, row.field).into())),
];

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
        let names = COLUMNS.iter().map(|column| column.name);
        let columns = names.chain(plan.carried.iter().map(String::as_str));
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
        let row = Row { line, field };
        let cells = COLUMNS.iter().map(|column| (column.cell)(&row));
        self.table.row(cells.chain(carried(&line.carried, self.carried)))
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
        let is_of = |unknown: &&UnknownKey| field.path.is_within(&unknown.entry);
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
