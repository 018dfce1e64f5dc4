//! `changes.csv`: what was really written and may be live, one row per org and path.

use std::io;

use orgwave_core::run::RunHeader;

use super::columns::{
    AFTER, BEFORE, LINE, ORG_NAME, ORG_UUID, PATH, PLAN_ID, RUN_ID, Row, RunColumn, STATUS, WAVE,
};
use super::table::{Cell, Column, Table};
use crate::digest::RunDigest;
use crate::record::Record;
use crate::run_file::{Place, RunFile};
use crate::whole::WholeFile;

/// The columns.
const COLUMNS: &[RunColumn] = &[
    LINE,
    ORG_UUID,
    ORG_NAME,
    WAVE,
    STATUS,
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
}

impl Changes {
    pub(super) const NAME: &str = "changes.csv";

    pub(super) fn begin(place: &Place<'_>, run: &RunHeader) -> io::Result<Self> {
        let table = Table::begin(place.begin(Self::NAME)?, COLUMNS.iter().map(|column| column.name))?;
        Ok(Self { table, run: run.clone() })
    }
}

impl RunFile for Changes {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record) -> io::Result<()> {
        for change in record.changes() {
            self.table.row(Row { run: &self.run, record, change: Some(change) }.cells(COLUMNS))?;
        }
        Ok(())
    }

    fn end(self: Box<Self>, _: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        done.push(self.table.end()?);
        Ok(())
    }
}
