//! Plan and journal joined: every row of the manifest once, in order, with its one final status.

use std::io::BufRead;
use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use orgwave_core::change::{Change, Seen, changes};
use orgwave_core::code::Code;
use orgwave_core::operation::Operation;
use orgwave_core::org::OrgProgress;
use orgwave_core::outcome::{OrgError, OrgOutcome};
use orgwave_core::plan::{Header, PlanLine, PlanReader};
use orgwave_core::reply::Ack;
use orgwave_core::status::{Status, Verified};

use crate::error::ReportError;
use crate::source::{Journalled, RunSource};
use crate::stage::Stage;

/// One row: what was planned, and what became of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// The plan's line.
    pub line: PlanLine,
    /// What became of the org.
    pub outcome: OrgOutcome,
    /// What there is to resume.
    pub stage: Stage,
    /// What was where something was written that may be live; fits the line.
    before: Vec<Seen>,
    operation: Arc<Operation>,
}

impl Record {
    /// The wave, as shown: only orgs to be written have one.
    pub fn wave(&self) -> Option<u32> {
        self.line.wave
    }

    /// What was written and may be live, in the line's order: the paths that differed right before the last write
    /// that may have been applied. None where nothing was, or surely wasn't, written.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> + Clone {
        changes(&self.line.fields, &self.before).flatten()
    }

    /// How many those are.
    pub fn changed(&self) -> usize {
        self.before.len()
    }

    /// The plan's line, and what was where something was written that may be live; fits the line.
    pub fn into_change(self) -> (PlanLine, Vec<Seen>) {
        (self.line, self.before)
    }

    /// What was written.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// What went wrong, if something did.
    pub fn org_error(&self) -> Option<&OrgError> {
        self.outcome.org_error.as_ref()
    }

    /// How long the org took; `None` if it was never touched.
    pub fn took(&self) -> Option<Duration> {
        let (started, finished) = self.outcome.started_at.zip(self.outcome.finished_at)?;
        Some(finished.since(started))
    }

    /// The name, or nothing.
    pub fn name(&self) -> &str {
        self.line.name.as_deref().unwrap_or("")
    }
}

/// The records of a run, read as a stream: one org is held at a time.
pub struct Records<'a> {
    plan: PlanReader<Box<dyn BufRead>>,
    orgs: Peekable<Journalled<'a, OrgProgress>>,
    fresh: bool,
    stage: Stage,
    index: u32,
}

impl<'a> Records<'a> {
    /// Begins at the first row.
    ///
    /// # Errors
    /// Plan or journal can't be opened.
    pub fn of(source: &'a dyn RunSource) -> Result<Self, ReportError> {
        let plan = source.plan()?;
        let orgs = source.orgs().map_err(ReportError::Journal)?.peekable();
        let run = source.header();
        let stage = Stage::of(run, plan.header().undoes.is_some());
        Ok(Self { plan, orgs, fresh: run.fresh_plan, stage, index: 0 })
    }

    /// The operation of the plan.
    pub const fn operation(&self) -> &Arc<Operation> {
        self.plan.operation()
    }

    /// The plan's header.
    pub const fn header(&self) -> &Header {
        self.plan.header()
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// Plan or journal can't be read, or they don't fit each other.
    pub fn next_record(&mut self) -> Result<Option<Record>, ReportError> {
        let Some((_, line)) = self.plan.next_org()? else {
            return match self.next_org(u32::MAX)? {
                Some(org) => Err(ReportError::Stray { index: org.index }),
                None => Ok(None),
            };
        };
        let index = self.index;
        self.index += 1;
        let progress = self.next_org(index)?;
        if let Some(stray) = progress.as_ref().filter(|org| org.index != index) {
            return Err(ReportError::Stray { index: stray.index });
        }
        let (outcome, before) = match progress {
            Some(OrgProgress { outcome: Some(outcome), before, .. }) if outcome.may_be_live => {
                (outcome, before)
            }
            Some(OrgProgress { outcome: Some(outcome), .. }) => (outcome, Vec::new()),
            Some(OrgProgress { outcome: None, state, started_at, before, .. }) => {
                let untold = untold(&line, index, Status::Unknown, Code::OrgUnknownStopped);
                let attempts = state.spent();
                (OrgOutcome { attempts, started_at, may_be_live: true, ..untold }, before)
            }
            None => {
                let planned = line.settled_outcome(index, self.fresh);
                let untold = || untold(&line, index, Status::NotAttempted, Code::OrgStopped);
                (planned.unwrap_or_else(untold), Vec::new())
            }
        };
        if changes(&line.fields, &before).any(|change| change.is_none()) {
            return Err(ReportError::Stray { index });
        }
        let operation = Arc::clone(self.plan.operation());
        Ok(Some(Record { line, outcome, stage: self.stage, before, operation }))
    }

    /// The journal's next org, if it is one up to this.
    fn next_org(&mut self, index: u32) -> Result<Option<OrgProgress>, ReportError> {
        match self.orgs.peek() {
            Some(Ok(org)) if org.index > index => Ok(None),
            _ => self.orgs.next().transpose().map_err(ReportError::Journal),
        }
    }
}

/// The outcome of an org on which the journal has no outcome.
fn untold(line: &PlanLine, index: u32, status: Status, code: Code) -> OrgOutcome {
    OrgOutcome {
        index,
        status,
        action: line.action,
        attempts: 0,
        http_status: None,
        org_error: Some(OrgError { code, message: code.title().to_owned(), http_status: None }),
        ack: Ack::default(),
        verified: Verified::False,
        started_at: None,
        finished_at: None,
        may_be_live: false,
        is_unsettled_again: false,
    }
}
