//! The columns that several tables of a run have.

use std::time::Duration;

use orgwave_core::operation::Confession;
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::run::RunHeader;

use super::table::Column;
use crate::cell::Cell;
use crate::record::Record;
use crate::rendered::Rendered;

/// What a row of a run's tables is about.
pub(super) struct Row<'a> {
    pub(super) run: &'a RunHeader,
    pub(super) record: &'a Record,
    pub(super) rendered: &'a Rendered,
    /// What became of it: of the org, or in tables of steps of this one.
    pub(super) outcome: &'a OrgOutcome,
    /// In rows about a step: its place among the record's.
    pub(super) step: Option<usize>,
}

/// A column of a run's tables.
pub(super) type RunColumn = Column<for<'a> fn(&Row<'a>) -> Cell<'a>>;

/// The columns that say what a change is.
pub(super) const CHANGE: [&str; 3] = ["path", "before", "after"];

/// The column behind them, where it is shown where the value is set.
pub(super) const FROM: &str = "from";

impl<'a> Row<'a> {
    /// About an org.
    pub(super) const fn of(run: &'a RunHeader, record: &'a Record, rendered: &'a Rendered) -> Self {
        Self { run, record, rendered, outcome: &record.outcome, step: None }
    }

    /// About a step of an org, or a change of it.
    pub(super) fn of_step(
        run: &'a RunHeader,
        record: &'a Record,
        rendered: &'a Rendered,
        step: usize,
    ) -> Self {
        let outcome = &record.steps[step].outcome;
        Self { outcome, step: Some(step), ..Self::of(run, record, rendered) }
    }

    /// How long it took; `None` if it was never touched.
    pub(super) fn took(&self) -> Option<Duration> {
        let (started, finished) = self.outcome.started_at.zip(self.outcome.finished_at)?;
        Some(finished.since(started))
    }

    /// The cells of these columns.
    pub(super) fn cells(&self, columns: &[RunColumn]) -> impl Iterator<Item = Cell<'a>> {
        columns.iter().map(|column| (column.cell)(self))
    }

    /// The cells of what the vendor confessed.
    pub(super) fn confessed(&self, confessions: &[&Confession]) -> impl Iterator<Item = Cell<'a>> {
        let ack = &self.outcome.ack;
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
    cell: |row| Cell::Word(row.outcome.status.as_str()),
};
/// Only in runs of several operations.
pub(super) const OPERATION: RunColumn = Column {
    name: "operation",
    about: "the operation; only in rollouts of several",
    cell: |row| {
        let step = row.step.and_then(|step| row.record.line.steps.get(step));
        step.map_or(Cell::Empty, |step| Cell::Word(&step.operation.name))
    },
};
pub(super) const VERIFIED: RunColumn = Column {
    name: "verified",
    about: "whether a read after the write showed the desired state",
    cell: |row| Cell::Word(row.outcome.verified.as_str()),
};
pub(super) const STARTED_AT: RunColumn = Column {
    name: "started_at",
    about: "when the run first touched the org (RFC 3339, UTC)",
    cell: |row| Cell::moment(row.outcome.started_at),
};
pub(super) const FINISHED_AT: RunColumn = Column {
    name: "finished_at",
    about: "when its status was final",
    cell: |row| Cell::moment(row.outcome.finished_at),
};
pub(super) const ERROR_CODE: RunColumn = Column {
    name: "error_code",
    about: "the code for `orgwave explain`",
    cell: |row| {
        row.outcome.org_error.as_ref().map_or(Cell::Empty, |org_error| Cell::Word(org_error.code.as_str()))
    },
};
pub(super) const ERROR_MESSAGE: RunColumn = Column {
    name: "error_message",
    about: "the error message",
    cell: |row| {
        let Some(org_error) = &row.outcome.org_error else { return Cell::Empty };
        let operations = row.record.operations();
        // Where the row is of one step, its operation has a column.
        let of_several = row.step.is_none() && operations.are_several();
        match operations.get(row.outcome.place).filter(|_| of_several && !row.record.steps.is_empty()) {
            Some(operation) => Cell::Text(format!("{}: {}", operation.name, org_error.message).into()),
            None => Cell::text(Some(&org_error.message)),
        }
    },
};
pub(super) const RUN_ID: RunColumn =
    Column { name: "run_id", about: "the run", cell: |row| Cell::Text((&row.run.run_id).into()) };
pub(super) const PLAN_ID: RunColumn =
    Column { name: "plan_id", about: "its plan", cell: |row| Cell::Text((&row.run.plan_id).into()) };
