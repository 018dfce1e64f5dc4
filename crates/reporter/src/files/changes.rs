//! `changes.csv`: what was really written and may be live, one row per org and path.

use std::io;

use orgwave_core::operation::Operations;
use orgwave_core::run::RunHeader;

use super::columns::{
    CHANGE, FROM, LINE, OPERATION, ORG_NAME, ORG_UUID, PLAN_ID, RUN_ID, Row, RunColumn, STATUS, WAVE,
};
use super::parts::Parts;
use crate::cell::{Cell, push_cells};
use crate::digest::RunDigest;
use crate::record::Record;
use crate::rendered::{Rendered, RenderedChange, Text};
use crate::run_file::{Place, RunFile};
use crate::whole::WholeFile;

/// The columns before those of the change: the same in each row of a step.
const FIRST: &[RunColumn] = &[LINE, ORG_UUID, ORG_NAME, WAVE, STATUS];

pub(super) struct Changes {
    parts: Parts,
    run: RunHeader,
    /// Behind [`FIRST`], in runs of several operations.
    operation: &'static [RunColumn],
    /// What each row ends with: the ids of the run and its plan.
    ids: Vec<u8>,
    /// What each row of a step begins with.
    begin: Vec<u8>,
}

impl Changes {
    pub(super) const NAME: &str = "changes.csv";

    pub(super) fn begin(place: &Place<'_>, run: &RunHeader, operations: &Operations) -> io::Result<Self> {
        let operation: &[RunColumn] = if operations.are_several() { &[OPERATION] } else { &[] };
        let names = FIRST.iter().chain(operation).map(|column| column.name);
        let names = names.chain(CHANGE).chain([FROM, RUN_ID.name, PLAN_ID.name]);
        let mut ids = Vec::new();
        push_cells(&mut ids, [&run.run_id, &run.plan_id].map(|id| Cell::text(Some(id))));
        let parts = Parts::of_run(place, Self::NAME, names)?;
        Ok(Self { parts, run: run.clone(), operation, ids, begin: Vec::new() })
    }
}

impl RunFile for Changes {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn org(&mut self, record: &Record, rendered: &Rendered) -> io::Result<()> {
        let mut left = rendered.changes().len();
        for step in 0..record.steps.len() {
            let changes = rendered.of_step(step);
            if changes.is_empty() {
                continue;
            }
            let row = Row::of_step(&self.run, record, rendered, step);
            self.begin.clear();
            push_cells(&mut self.begin, row.cells(FIRST).chain(row.cells(self.operation)));
            for change in changes {
                let table = self.parts.table(left)?;
                left -= 1;
                let RenderedChange { path, before, after, from, .. } = change;
                let [path, before, after, from] = [path, before, after, from].map(Text::cell);
                table.made([&self.begin, path, before, after, from, &self.ids])?;
            }
        }
        Ok(())
    }

    fn end(self: Box<Self>, _: &RunDigest, done: &mut Vec<WholeFile>) -> io::Result<()> {
        done.extend(self.parts.end()?);
        Ok(())
    }
}
