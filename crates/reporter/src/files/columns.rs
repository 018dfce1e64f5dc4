//! The columns that several tables of a run have.

use orgwave_core::change::Change;
use orgwave_core::operation::Confession;
use orgwave_core::run::RunHeader;

use super::table::{Cell, Column};
use crate::record::Record;
use crate::value;

/// What a row of a run's tables is about.
pub(super) struct Row<'a> {
    pub(super) run: &'a RunHeader,
    pub(super) record: &'a Record,
    /// In tables of changes: which. `None` where nothing was written.
    pub(super) change: Option<Change<'a>>,
}

/// A column of a run's tables.
pub(super) type RunColumn = Column<for<'a> fn(&Row<'a>) -> Cell<'a>>;

impl<'a> Row<'a> {
    /// The cells of these columns.
    pub(super) fn cells(&self, columns: &[RunColumn]) -> impl Iterator<Item = Cell<'a>> {
        columns.iter().map(|column| (column.cell)(self))
    }

    /// The cells of what the vendor confessed.
    pub(super) fn confessed(&self, confessions: &[&Confession]) -> impl Iterator<Item = Cell<'a>> {
        let ack = &self.record.outcome.ack;
        confessions.iter().map(|Confession { column, .. }| match ack.items(column) {
            [] => Cell::text(Some(ack.text(column)).filter(|text| !text.is_empty())),
            items => Cell::texts(items),
        })
    }
}

pub(super) const LINE: RunColumn = Column {
    name: "line",
    about: "the row's line in the manifest",
    cell: |row| Cell::Number(row.record.line.line),
};
pub(super) const ORG_UUID: RunColumn =
    Column { name: "org_uuid", about: "the org", cell: |row| Cell::Word(row.record.line.org.as_str()) };
pub(super) const ORG_NAME: RunColumn = Column {
    name: "org_name",
    about: "its name, if the manifest has one",
    cell: |row| Cell::text(row.record.line.name.as_deref()),
};
pub(super) const WAVE: RunColumn = Column {
    name: "wave",
    about: "its wave; empty if there was nothing to write",
    cell: |row| Cell::number(row.record.wave()),
};
pub(super) const STATUS: RunColumn = Column {
    name: "status",
    about: "the final status of the org",
    cell: |row| Cell::Word(row.record.outcome.status.as_str()),
};
pub(super) const PATH: RunColumn = Column {
    name: "path",
    about: "the setting that was written",
    cell: |row| row.change.map_or(Cell::Empty, |change| Cell::Text(change.field.path.text())),
};
pub(super) const BEFORE: RunColumn = Column {
    name: "before",
    about: "the value before, as a cell of a manifest",
    cell: |row| row.change.map_or(Cell::Empty, |it| Cell::Value(value::before(&it.field.path, it.before))),
};
pub(super) const AFTER: RunColumn = Column {
    name: "after",
    about: "the value written; for a secret the first digits of its fingerprint",
    cell: |row| row.change.map_or(Cell::Empty, |change| Cell::Value(value::after(change.field))),
};
pub(super) const VERIFIED: RunColumn = Column {
    name: "verified",
    about: "whether a read after the write showed the desired state",
    cell: |row| Cell::Word(row.record.outcome.verified.as_str()),
};
pub(super) const STARTED_AT: RunColumn = Column {
    name: "started_at",
    about: "when the run first touched the org (RFC 3339, UTC)",
    cell: |row| Cell::moment(row.record.outcome.started_at),
};
pub(super) const FINISHED_AT: RunColumn = Column {
    name: "finished_at",
    about: "when its status was final",
    cell: |row| Cell::moment(row.record.outcome.finished_at),
};
pub(super) const ERROR_CODE: RunColumn = Column {
    name: "error_code",
    about: "the code for `orgwave explain`",
    cell: |row| row.record.org_error().map_or(Cell::Empty, |org_error| Cell::Word(org_error.code.as_str())),
};
pub(super) const ERROR_MESSAGE: RunColumn = Column {
    name: "error_message",
    about: "the error message",
    cell: |row| Cell::text(row.record.org_error().map(|org_error| org_error.message.as_str())),
};
pub(super) const RUN_ID: RunColumn =
    Column { name: "run_id", about: "the run", cell: |row| Cell::Text((&row.run.run_id).into()) };
pub(super) const PLAN_ID: RunColumn =
    Column { name: "plan_id", about: "its plan", cell: |row| Cell::Text((&row.run.plan_id).into()) };
