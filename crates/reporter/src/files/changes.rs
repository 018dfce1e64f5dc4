//! `changes.csv`: what was really written and may be live, one row per org and path.

use std::io;

use orgwave_core::change::Change;
use orgwave_core::run::RunHeader;

use super::results::begin_row;
use super::table::Table;
use super::whole::WholeFile;
use super::{Place, RunFile};
use crate::record::Record;
use crate::tally::Tally;
use crate::value;

/// The columns. `before` and `after` read as a manifest's cells do; a secret is `<secret ...>` with the first
/// digits of its fingerprint. `from` says where the value was written: row, default, or a side table's line.
pub const COLUMNS: [&str; 11] = [
    "line", "org_uuid", "org_name", "wave", "status", "path", "before", "after", "from", "run_id", "plan_id",
];

/// So many of them are the same for all changes of an org.
const OF_THE_ORG: usize = 5;

pub(super) struct Changes {
    table: Table<WholeFile>,
    run_id: String,
    plan_id: String,
}

impl Changes {
    pub(super) const NAME: &str = "changes.csv";

    pub(super) fn begin(place: &Place<'_>, run: &RunHeader) -> io::Result<Self> {
        Ok(Self {
            table: Table::begin(place.begin(Self::NAME)?, COLUMNS)?,
            run_id: run.run_id.clone(),
            plan_id: run.plan_id.clone(),
        })
    }
}

impl RunFile for Changes {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record) -> io::Result<()> {
        let table = &mut self.table;
        // The org's own cells are the same in all of its rows.
        begin_row(table, record)?;
        for Change { field, before } in record.changes() {
            table.text(&field.path.text())?;
            table.value(&value::before(&field.path, before))?;
            table.value(&value::after(field))?;
            table.text(&field.from.text())?;
            table.text(&self.run_id)?;
            table.text(&self.plan_id)?;
            table.end_row_keeping(OF_THE_ORG)?;
        }
        table.drop_row();
        Ok(())
    }

    fn end(self: Box<Self>, _: &Tally, done: &mut Vec<WholeFile>) -> io::Result<()> {
        done.push(self.table.end()?);
        Ok(())
    }
}
