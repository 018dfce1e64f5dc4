//! `changes.csv`: what was really written and may be live, one row per org and path.

use std::io;

use orgwave_core::desired::Origin;
use orgwave_core::plan::PlanLine;
use orgwave_core::run::RunHeader;
use orgwave_core::settings::Path;

use super::table::Table;
use super::whole::{Nameless, WholeFile};
use super::{Place, RunFile};
use crate::record::Record;
use crate::tally::Tally;
use crate::value;

/// The columns. `before` and `after` read as a manifest's cells do; a secret is `<secret ...>` with the first
/// digits of its fingerprint. `from` says where the value was written: row, default, or a side table's line.
pub const COLUMNS: [&str; 11] = [
    "line", "org_uuid", "org_name", "wave", "status", "path", "before", "after", "from", "run_id", "plan_id",
];

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

    fn org(&mut self, Record { line, outcome, .. }: &Record) -> io::Result<()> {
        let table = &mut self.table;
        let mut origins = Origins { line, next: 0 };
        for change in &outcome.changes {
            table.show(line.line)?;
            table.word(line.org.as_str())?;
            table.text(line.name.as_deref().unwrap_or(""))?;
            table.maybe(line.wave)?;
            table.word(outcome.status.as_str())?;
            table.show(&change.path)?;
            table.value(&value::before(&change.path, &change.before))?;
            table.value(&value::after(&change.path, &change.after))?;
            table.maybe(origins.of(&change.path))?;
            table.word(&self.run_id)?;
            table.word(&self.plan_id)?;
            table.end_row()?;
        }
        Ok(())
    }

    fn end(self: Box<Self>, _: &Tally, done: &mut Vec<Nameless>) -> io::Result<()> {
        done.push(self.table.end()?.end()?);
        Ok(())
    }
}

/// Looks origins up in a plan's line. Both lists have the same order, so each search begins where the last
/// one ended, and 500 doors cost 500 steps.
struct Origins<'a> {
    line: &'a PlanLine,
    next: usize,
}

impl Origins<'_> {
    fn of(&mut self, path: &Path) -> Option<Origin> {
        let (seen, ahead) = self.line.fields.split_at(self.next.min(self.line.fields.len()));
        let place = ahead
            .iter()
            .position(|field| field.path == *path)
            .map(|place| seen.len() + place)
            .or_else(|| seen.iter().position(|field| field.path == *path))?;
        self.next = place + 1;
        Some(self.line.fields[place].from)
    }
}
