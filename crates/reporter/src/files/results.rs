//! `results.csv`: one row per manifest row, in its order, with its one final status.

use std::borrow::Cow;
use std::io;

use orgwave_core::operation::Operation;
use orgwave_core::plan::Header;
use orgwave_core::run::RunHeader;

use super::columns::{
    ERROR_CODE, ERROR_MESSAGE, FINISHED_AT, LINE, ORG_NAME, ORG_UUID, PLAN_ID, RUN_ID, Row, RunColumn,
    STARTED_AT, STATUS, VERIFIED, WAVE,
};
use super::table::{Cell, Column, Table};
use crate::advice::next_step;
use crate::digest::RunDigest;
use crate::record::Record;
use crate::run_file::{Place, RunFile};
use crate::whole::WholeFile;

/// The columns before those of what the vendor confessed. Header, rows and documentation are made from these
/// tables; scripts depend on the names and their order.
const FIRST: &[RunColumn] = &[
    LINE,
    ORG_UUID,
    ORG_NAME,
    WAVE,
    STATUS,
    Column {
        name: "action",
        about: "the planned action",
        cell: |row| Cell::Word(row.record.outcome.action.as_str()),
    },
    Column {
        name: "changed_fields",
        about: "the settings that were written and may be live, separated by `;`",
        cell: |row| {
            let paths: Vec<_> = row.record.changes().map(|change| change.field.path.text()).collect();
            if paths.is_empty() { Cell::Empty } else { Cell::Text(Cow::Owned(paths.join(";"))) }
        },
    },
    Column {
        name: "attempts",
        about: "writes that were sent",
        cell: |row| Cell::Number(row.record.outcome.attempts.into()),
    },
    Column {
        name: "http_status",
        about: "HTTP status of the reply that decided the outcome",
        cell: |row| Cell::number(row.record.outcome.http_status),
    },
    ERROR_CODE,
    ERROR_MESSAGE,
];

/// The columns behind them, before the `_*` columns of the manifest.
const LAST: &[RunColumn] = &[
    VERIFIED,
    STARTED_AT,
    FINISHED_AT,
    Column {
        name: "duration_ms",
        about: "from `started_at` to `finished_at`",
        cell: |row| {
            Cell::number(row.record.took().map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)))
        },
    },
    RUN_ID,
    PLAN_ID,
    Column {
        name: "next_step",
        about: "what to do next; empty if nothing",
        cell: |row| Cell::Text(next_step(row.record)),
    },
    Column { name: "note", about: "the manifest's", cell: |row| Cell::text(row.record.line.note.as_deref()) },
];

/// The columns that every `results.csv` has, and what their cells say.
pub fn columns(operation: &Operation) -> Vec<(&str, &str)> {
    let confessed =
        operation.columns().into_iter().map(|confession| (&*confession.column, &*confession.about));
    let named = |column: &'static RunColumn| (column.name, column.about);
    FIRST.iter().map(named).chain(confessed).chain(LAST.iter().map(named)).collect()
}

pub(super) struct Results {
    table: Table<WholeFile>,
    run: RunHeader,
    carried: usize,
}

impl Results {
    pub(super) const NAME: &str = "results.csv";

    pub(super) fn begin(
        place: &Place<'_>,
        run: &RunHeader,
        plan: &Header,
        operation: &Operation,
    ) -> io::Result<Self> {
        let columns = columns(operation).into_iter().map(|(name, _)| name);
        let columns = columns.chain(plan.carried.iter().map(String::as_str));
        let table = Table::begin(place.begin(Self::NAME)?, columns)?;
        Ok(Self { table, run: run.clone(), carried: plan.carried.len() })
    }
}

impl RunFile for Results {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record) -> io::Result<()> {
        let row = Row { run: &self.run, record, change: None };
        let confessions = record.operation().columns();
        let cells = row.cells(FIRST).chain(row.confessed(&confessions)).chain(row.cells(LAST));
        self.table.row(cells.chain(carried(&record.line.carried, self.carried)))
    }

    fn end(self: Box<Self>, _: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        done.push(self.table.end()?);
        Ok(())
    }
}

/// The cells of this many `_*` columns.
pub(super) fn carried(cells: &[String], columns: usize) -> impl Iterator<Item = Cell<'_>> {
    (0..columns).map(|column| Cell::text(cells.get(column).map(String::as_str)))
}
