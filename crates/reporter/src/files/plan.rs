//! `plan.csv`: a plan to be reviewed in a spreadsheet. One row per manifest row and differing field; a row
//! without one is there once, so that every row of the manifest is seen.

use std::io;
use std::path::Path;

use orgwave_core::outcome::OrgError;
use orgwave_core::plan::{Header, PlanLine, PlannedField, PlannedStep, UnknownKey, Verdict};

use super::parts::{MOST_ROWS, Parts};
use super::results::carried;
use super::table::Column;
use crate::cell::Cell;
use crate::error::ReportError;
use crate::value;

/// What a row is about: a line of the plan, and one of its steps and of its fields that differ, if there is one.
struct Row<'a> {
    line: &'a PlanLine,
    step: Option<&'a PlannedStep>,
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
    column("verdict", |row| Cell::Word(row.verdict().name())),
    column("action", |row| Cell::Word(row.verdict().action().as_str())),
    column("path", |row| row.field.map_or(Cell::Empty, |field| Cell::Text(field.path.text()))),
    column("before", |row| {
        row.field.map_or(Cell::Empty, |field| Cell::Value(value::before(&field.path, &field.before)))
    }),
    column("after", |row| row.field.map_or(Cell::Empty, |field| Cell::Value(value::desired(field)))),
    column("from", |row| row.field.map_or(Cell::Empty, |field| Cell::Text(field.from.text()))),
    column("error_code", |row| {
        row.error().map_or(Cell::Empty, |org_error| Cell::Word(org_error.code.as_str()))
    }),
    column("error_message", |row| Cell::text(row.error().map(|org_error| org_error.message.as_str()))),
    column("skip", |row| Cell::text(row.line.skip.as_deref())),
    column("note", |row| Cell::text(row.line.note.as_deref())),
    column("marks", |row| Cell::Text(row.marks().into())),
];

/// Behind the wave, in plans of several operations.
const OPERATION: PlanColumn =
    column("operation", |row| row.step.map_or(Cell::Empty, |step| Cell::Word(&step.operation.name)));

/// A `plan.csv` being written. It gets its name when it is [ended](Self::end).
pub struct PlanCsv {
    parts: Parts,
    path: std::path::PathBuf,
    columns: Vec<&'static PlanColumn>,
    carried: usize,
}

impl PlanCsv {
    /// Begins the table of a plan.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn begin(folder: &Path, name: &str, plan: &Header) -> Result<Self, ReportError> {
        let path = folder.join(name);
        let (org, others) =
            COLUMNS.split_at(COLUMNS.iter().position(|column| column.name == "verdict").unwrap_or(0));
        let of_several = (plan.operations.len() > 1).then_some(&OPERATION);
        let own: Vec<_> = org.iter().chain(of_several).chain(others).collect();
        let columns = own.iter().map(|column| column.name).chain(plan.carried.iter().map(String::as_str));
        let parts = Parts::begin(folder, name, MOST_ROWS, columns).map_err(ReportError::write(&path))?;
        Ok(Self { parts, path, columns: own, carried: plan.carried.len() })
    }

    /// Adds the next row of the manifest.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn line(&mut self, line: &PlanLine) -> Result<(), ReportError> {
        self.rows(line).map_err(ReportError::write(&self.path))
    }

    /// Makes the file durable and gives it its name. Returns the names of the table's files: what a spreadsheet would cut
    /// off is in further ones.
    ///
    /// # Errors
    /// A file can't be written; what had its name has it still.
    pub fn end(self) -> Result<Vec<String>, ReportError> {
        self.parts.finish()
    }

    fn rows(&mut self, line: &PlanLine) -> io::Result<()> {
        if line.steps.is_empty() || line.verdict == Verdict::Skipped {
            return self.row(&Row { line, step: None, field: None }, 1);
        }
        let rows_of = |step: &PlannedStep| step.changes().count().max(1);
        let mut left = line.steps.iter().map(rows_of).sum();
        for step in &line.steps {
            let mut any = false;
            for field in step.changes() {
                self.row(&Row { line, step: Some(step), field: Some(field) }, left)?;
                left -= 1;
                any = true;
            }
            if !any {
                self.row(&Row { line, step: Some(step), field: None }, left)?;
                left -= 1;
            }
        }
        Ok(())
    }

    /// Writes a row, which with those that follow it of the same org makes this many.
    fn row(&mut self, row: &Row<'_>, rows: usize) -> io::Result<()> {
        let line = row.line;
        let cells = self.columns.iter().map(|column| (column.cell)(row));
        let table = self.parts.table(rows)?;
        table.row(cells.chain(carried(&line.carried, self.carried)))
    }
}

impl<'a> Row<'a> {
    /// What planning found of the step, or of a row without steps.
    fn verdict(&self) -> Verdict {
        self.step.map_or(self.line.verdict, |step| step.verdict)
    }

    fn error(&self) -> Option<&'a OrgError> {
        self.step.map_or(self.line.org_error.as_ref(), |step| step.org_error.as_ref())
    }

    /// What a reviewer must see of a change, or of a step without one.
    fn marks(&self) -> String {
        let mut marks = Vec::new();
        let Some(step) = self.step else { return String::new() };
        if let Some(field) = self.field.filter(|_| step.verdict == Verdict::Update) {
            marks.extend(field.risk().map(|risk| format!("risk: {}", risk.effect)));
            if field.removes() {
                marks.push("removes".to_owned());
            } else if field.after.is_clear() {
                marks.push("clears".to_owned());
            }
            let is_of = |unknown: &&UnknownKey| field.path.is_within(&unknown.entry);
            marks.extend(step.additions.iter().find(is_of).map(|unknown| format!("adds {unknown}")));
        }
        if step.unproven && step.verdict == Verdict::Update {
            marks.push("unproven: what was read names no org".to_owned());
        }
        if self.field.is_none() {
            marks.extend(step.idle_removals.iter().map(|unknown| format!("not live: {unknown}")));
        }
        marks.join("; ")
    }
}
