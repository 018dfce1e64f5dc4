//! `results.csv`: one row per manifest row, in its order, with its one final status.

use std::io;

use orgwave_core::plan::Header;
use orgwave_core::run::RunHeader;

use super::table::Table;
use super::whole::WholeFile;
use super::{Place, RunFile};
use crate::advice::next_step;
use crate::record::Record;
use crate::tally::Tally;

/// The columns, before `note` and the `_*` columns. Scripts depend on them.
pub const COLUMNS: [&str; 21] = [
    "line",
    "org_uuid",
    "org_name",
    "wave",
    "status",
    "action",
    "changed_fields",
    "attempts",
    "http_status",
    "error_code",
    "error_message",
    "failed_guids",
    "misconfigured_doors",
    "warning",
    "verified",
    "started_at",
    "finished_at",
    "duration_ms",
    "run_id",
    "plan_id",
    "next_step",
];

pub(super) struct Results {
    table: Table<WholeFile>,
    run_id: String,
    plan_id: String,
    carried: usize,
    paths: String,
}

impl Results {
    pub(super) const NAME: &str = "results.csv";

    pub(super) fn begin(place: &Place<'_>, run: &RunHeader, plan: &Header) -> io::Result<Self> {
        let columns = COLUMNS.into_iter().chain(["note"]).chain(plan.carried.iter().map(String::as_str));
        Ok(Self {
            table: Table::begin(place.begin(Self::NAME)?, columns)?,
            run_id: run.run_id.clone(),
            plan_id: run.plan_id.clone(),
            carried: plan.carried.len(),
            paths: String::new(),
        })
    }
}

/// Begins the row of an org, as all tables with rows of orgs do: whose it is, and what became of it.
pub(super) fn begin_row(table: &mut Table<WholeFile>, record: &Record) -> io::Result<()> {
    let Record { line, outcome, .. } = record;
    table.show(line.line)?;
    table.id(&line.org)?;
    table.text(record.name())?;
    table.maybe(record.wave())?;
    table.word(outcome.status.as_str())
}

impl RunFile for Results {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record) -> io::Result<()> {
        let (table, line, outcome) = (&mut self.table, &record.line, &record.outcome);
        begin_row(table, record)?;
        table.word(outcome.action.as_str())?;
        self.paths.clear();
        for change in record.changes() {
            if !self.paths.is_empty() {
                self.paths.push(';');
            }
            self.paths.push_str(&change.field.path.text());
        }
        table.text(&self.paths)?;
        table.show(outcome.attempts)?;
        table.maybe(outcome.http_status)?;
        let complaint = outcome.complaint.as_ref();
        table.word(complaint.map_or("", |complaint| complaint.code.as_str()))?;
        table.text(complaint.map_or("", |complaint| complaint.message.as_str()))?;
        table.texts(&outcome.ack.failed_guids)?;
        table.texts(&outcome.ack.misconfigured_doors)?;
        table.text(outcome.ack.warning.as_deref().unwrap_or(""))?;
        table.word(outcome.verified.as_str())?;
        table.moment(outcome.started_at)?;
        table.moment(outcome.finished_at)?;
        let duration = outcome.started_at.zip(outcome.finished_at);
        table.maybe(duration.map(|(started, finished)| finished.since(started).as_millis()))?;
        table.text(&self.run_id)?;
        table.text(&self.plan_id)?;
        table.text(next_step(record))?;
        table.text(line.note.as_deref().unwrap_or(""))?;
        for column in 0..self.carried {
            table.text(line.carried.get(column).map_or("", String::as_str))?;
        }
        table.end_row()
    }

    fn end(self: Box<Self>, _: &Tally, done: &mut Vec<WholeFile>) -> io::Result<()> {
        done.push(self.table.end()?);
        Ok(())
    }
}
