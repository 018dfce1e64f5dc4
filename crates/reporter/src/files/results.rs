//! `results.csv`: one row per manifest row, in its order, with its one final status.

use std::borrow::Cow;
use std::io;

use orgwave_core::operation::{Confession, Operations};
use orgwave_core::plan::Header;
use orgwave_core::run::RunHeader;

use super::columns::{
    ERROR_CODE, ERROR_MESSAGE, FINISHED_AT, LINE, OPERATION, ORG_NAME, ORG_UUID, PLAN_ID, RUN_ID, Row,
    RunColumn, STARTED_AT, STATUS, VERIFIED, WAVE,
};
use super::parts::Parts;
use super::table::Column;
use crate::advice::after;
use crate::cell::Cell;
use crate::digest::RunDigest;
use crate::record::Record;
use crate::rendered::Rendered;
use crate::run_file::{Place, RunFile};
use crate::whole::WholeFile;

/// The columns before those of what the vendor confessed. Header, rows and documentation are made from these
/// tables; scripts depend on the names and their order.
const FIRST: &[RunColumn] = &[LINE, ORG_UUID, ORG_NAME, WAVE];

/// The columns behind those that say what the row is about.
const OUTCOME: &[RunColumn] = &[
    STATUS,
    Column {
        name: "action",
        about: "the planned action",
        cell: |row| Cell::Word(row.outcome.action.as_str()),
    },
    Column {
        name: "changed_fields",
        about: "the settings that were written and may be live, separated by `;`",
        cell: |row| Cell::Made(row.rendered.paths(row.step)),
    },
    Column {
        name: "attempts",
        about: "writes that were sent",
        cell: |row| Cell::Number(row.outcome.attempts.into()),
    },
    Column {
        name: "http_status",
        about: "HTTP status of the reply that decided the outcome",
        cell: |row| Cell::number(row.outcome.http_status),
    },
    ERROR_CODE,
    ERROR_MESSAGE,
];

/// The columns behind those of what the vendor confessed.
const LAST: &[RunColumn] = &[
    VERIFIED,
    STARTED_AT,
    FINISHED_AT,
    Column {
        name: "duration_ms",
        about: "from `started_at` to `finished_at`",
        cell: |row| Cell::number(row.took().map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX))),
    },
    RUN_ID,
    PLAN_ID,
    Column {
        name: "next_step",
        about: "what to do next; empty if nothing",
        cell: |row| Cell::Text(after(row.outcome, row.record)),
    },
];

/// The last fixed column of a run of several operations.
const OPERATIONS: &[RunColumn] = &[Column {
    name: "operations",
    about: "the operations of the row, separated by `;`; only in rollouts of several",
    cell: |row| {
        let names: Vec<&str> = row.record.line.steps.iter().map(|step| &*step.operation.name).collect();
        Cell::Text(Cow::Owned(names.join(";")))
    },
}];

/// The column before the `_*` columns of the manifest.
const NOTE: &[RunColumn] = &[Column {
    name: "note",
    about: "the manifest's",
    cell: |row| Cell::text(row.record.line.note.as_deref()),
}];

/// The column that only the table of steps has.
const STEP: &[RunColumn] = &[OPERATION];

/// A column of the documentation: its name, and what its cells say.
type Documented = (&'static str, &'static str);

/// The columns that every `results.csv` has, and what their cells say.
pub fn columns(operations: &Operations) -> Vec<Documented> {
    let last = if operations.are_several() { OPERATIONS } else { &[] };
    documented([FIRST, OUTCOME], [LAST, last, NOTE])
}

/// The columns of `steps.csv`, which runs of several operations have.
pub fn step_columns() -> Vec<Documented> {
    documented([FIRST, STEP, OUTCOME], [LAST])
}

fn documented(
    first: impl IntoIterator<Item = &'static [RunColumn]>,
    last: impl IntoIterator<Item = &'static [RunColumn]>,
) -> Vec<Documented> {
    let confessed = Confession::columns().into_iter();
    let confessed = confessed.map(|confession| (&*confession.column, &*confession.about));
    let named = |column: &'static RunColumn| (column.name, column.about);
    let (first, last) = (first.into_iter().flatten(), last.into_iter().flatten());
    first.map(named).chain(confessed).chain(last.map(named)).collect()
}

pub(super) struct Results {
    parts: Parts,
    run: RunHeader,
    carried: usize,
    confessions: Vec<&'static Confession>,
}

impl Results {
    pub(super) const NAME: &str = "results.csv";

    pub(super) fn begin(
        place: &Place<'_>,
        run: &RunHeader,
        plan: &Header,
        operations: &Operations,
    ) -> io::Result<Self> {
        let columns = columns(operations).into_iter().map(|(name, _)| name);
        let columns = columns.chain(plan.carried.iter().map(String::as_str));
        let parts = Parts::of_run(place, Self::NAME, columns)?;
        Ok(Self { parts, run: run.clone(), carried: plan.carried.len(), confessions: Confession::columns() })
    }
}

impl RunFile for Results {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record, rendered: &Rendered) -> io::Result<()> {
        let row = Row::of(&self.run, record, rendered);
        let last = if record.operations().are_several() { OPERATIONS } else { &[] };
        let cells = row.cells(FIRST).chain(row.cells(OUTCOME)).chain(row.confessed(&self.confessions));
        let cells = cells.chain(row.cells(LAST)).chain(row.cells(last)).chain(row.cells(NOTE));
        self.parts.table(1)?.row(cells.chain(carried(&record.line.carried, self.carried)))
    }

    fn end(self: Box<Self>, _: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        done.extend(self.parts.end()?);
        Ok(())
    }
}

/// `steps.csv`: one row for each step of each org, and for each org without any, in runs of several operations.
pub(super) struct Steps {
    parts: Parts,
    run: RunHeader,
    confessions: Vec<&'static Confession>,
}

impl Steps {
    pub(super) const NAME: &str = "steps.csv";

    pub(super) fn begin(place: &Place<'_>, run: &RunHeader) -> io::Result<Self> {
        let columns = step_columns().into_iter().map(|(name, _)| name);
        let parts = Parts::of_run(place, Self::NAME, columns)?;
        Ok(Self { parts, run: run.clone(), confessions: Confession::columns() })
    }
}

impl RunFile for Steps {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record, rendered: &Rendered) -> io::Result<()> {
        let without = Some(Row::of(&self.run, record, rendered)).filter(|_| record.steps.is_empty());
        let of_step = |step| Row::of_step(&self.run, record, rendered, step);
        for row in (0..record.steps.len()).map(of_step).chain(without) {
            let cells = row.cells(FIRST).chain(row.cells(STEP)).chain(row.cells(OUTCOME));
            let cells = cells.chain(row.confessed(&self.confessions)).chain(row.cells(LAST));
            self.parts.table(1)?.row(cells)?;
        }
        Ok(())
    }

    fn end(self: Box<Self>, _: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        done.extend(self.parts.end()?);
        Ok(())
    }
}

/// The cells of this many `_*` columns.
pub(super) fn carried(cells: &[String], columns: usize) -> impl Iterator<Item = Cell<'_>> {
    (0..columns).map(|column| Cell::text(cells.get(column).map(String::as_str)))
}
