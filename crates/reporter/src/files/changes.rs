//! `changes.csv`: what was really written and may be live, one row per org and path.

use std::io;

use orgwave_core::operation::Operations;
use orgwave_core::run::RunHeader;

use super::columns::{
    AFTER, BEFORE, LINE, OPERATION, ORG_NAME, ORG_UUID, PATH, PLAN_ID, RUN_ID, Row, RunColumn, STATUS, WAVE,
};
use super::table::{Cell, Column, Table};
use crate::digest::RunDigest;
use crate::record::Record;
use crate::run_file::{Place, RunFile};
use crate::whole::WholeFile;

/// The columns that say which org it is.
const ORG: &[RunColumn] = &[LINE, ORG_UUID, ORG_NAME, WAVE, STATUS];

/// The columns behind the operation, which only rollouts of several have.
const VALUES: &[RunColumn] = &[
    PATH,
    BEFORE,
    AFTER,
    Column {
        name: "from",
        about: "where the value is set: row, default, or a side table's line",
        cell: |row| row.change.map_or(Cell::Empty, |change| Cell::Text(change.field.from.text())),
    },
    RUN_ID,
    PLAN_ID,
];

pub(super) struct Changes {
    table: Table<WholeFile>,
    run: RunHeader,
    columns: Vec<&'static RunColumn>,
}

impl Changes {
    pub(super) const NAME: &str = "changes.csv";

    pub(super) fn begin(place: &Place<'_>, run: &RunHeader, operations: &Operations) -> io::Result<Self> {
        let of_several = operations.are_several().then_some(&OPERATION);
        let columns: Vec<_> = ORG.iter().chain(of_several).chain(VALUES).collect();
        let table = Table::begin(place.begin(Self::NAME)?, columns.iter().map(|column| column.name))?;
        Ok(Self { table, run: run.clone(), columns })
    }
}

impl RunFile for Changes {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record) -> io::Result<()> {
        for change in record.changes() {
            let row = Row::of_change(&self.run, record, Some(change));
            self.table.row(self.columns.iter().map(|column| (column.cell)(&row)))?;
        }
        Ok(())
    }

    fn end(self: Box<Self>, _: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        done.push(self.table.end()?);
        Ok(())
    }
}
