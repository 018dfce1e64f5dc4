//! Plan and journal joined: every row of the manifest once, in order, with its one final status.

use std::iter::Peekable;
use std::time::Duration;

use orgwave_core::change::{Before, Change, changes};
use orgwave_core::code::Code;
use orgwave_core::ids::StepId;
use orgwave_core::operation::Operations;
use orgwave_core::org::OrgProgress;
use orgwave_core::outcome::{OrgError, OrgOutcome};
use orgwave_core::plan::{Header, PlanInput, PlanLine, PlanReader, PlannedStep};
use orgwave_core::status::{Status, Verified};

use crate::error::ReportError;
use crate::source::{Journalled, RunSource};
use crate::stage::Stage;

/// One row: what was planned, and what became of it.
#[derive(Debug, Clone)]
pub struct Record {
    /// The plan's line.
    pub line: PlanLine,
    /// What became of the org, by all of its steps.
    pub outcome: OrgOutcome,
    /// What became of each step, in their order; none of a row that has none.
    pub steps: Vec<StepRecord>,
    /// What there is to resume.
    pub stage: Stage,
    operations: Operations,
}

/// One step of a row: what became of it.
#[derive(Debug, Clone)]
pub struct StepRecord {
    /// What became of it.
    pub outcome: OrgOutcome,
    /// What was where something was written that may be live; fits the plan's step.
    before: Option<Before>,
}

impl Record {
    /// The wave, as shown: only orgs to be written have one.
    pub fn wave(&self) -> Option<u32> {
        self.line.wave
    }

    /// The steps as planned, each with what became of it.
    pub fn steps(&self) -> impl Iterator<Item = (&PlannedStep, &StepRecord)> + Clone {
        self.line.steps.iter().zip(&self.steps)
    }

    /// What was written and may be live, in the line's order: the paths that differed right before the last write
    /// that may have been applied. None where nothing was, or surely wasn't, written.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> + Clone {
        self.steps().flat_map(|(planned, step)| step.changes(planned))
    }

    /// How many those are.
    pub fn changed(&self) -> usize {
        self.changes().count()
    }

    /// The plan's line, and, of its steps that changed something, what was where something was written that may be live.
    pub fn into_change(self) -> (PlanLine, Vec<(u8, Before)>) {
        let changed = self.steps.into_iter().filter_map(|step| Some((step.outcome.place, step.before?)));
        (self.line, changed.collect())
    }

    /// Whether one of its steps was applied, and another did not end well.
    pub fn is_partly_applied(&self) -> bool {
        let is_applied = |status: Status| matches!(status, Status::Applied | Status::AppliedWithWarnings);
        !self.outcome.status.is_well() && self.steps.iter().any(|step| is_applied(step.outcome.status))
    }

    /// Whether a resume would do something about it.
    pub fn is_open(&self) -> bool {
        self.outcomes().any(OrgOutcome::is_open)
    }

    /// Whether a retry may help: its row belongs in `retry.csv`.
    pub fn is_retryable(&self) -> bool {
        self.outcomes().any(|outcome| outcome.status.is_retryable())
    }

    /// The outcomes of its steps; of a row without steps its own.
    fn outcomes(&self) -> impl Iterator<Item = &OrgOutcome> {
        let own = Some(&self.outcome).filter(|_| self.steps.is_empty());
        self.steps.iter().map(|step| &step.outcome).chain(own)
    }

    /// What the run is of.
    pub const fn operations(&self) -> &Operations {
        &self.operations
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

impl StepRecord {
    /// What was written by this step, as it was planned, and may be live.
    pub fn changes<'a>(&'a self, planned: &'a PlannedStep) -> impl Iterator<Item = Change<'a>> + Clone {
        self.before.iter().flat_map(|before| changes(planned, before))
    }
}

/// The records of a run, read as a stream: one org is held at a time.
pub struct Records<'a> {
    plan: PlanReader<Box<dyn PlanInput>>,
    steps: Peekable<Journalled<'a, OrgProgress>>,
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
        let steps = source.steps().map_err(ReportError::Journal)?.peekable();
        let run = source.header();
        let stage = Stage::of(run, plan.header().undoes.is_some());
        Ok(Self { plan, steps, fresh: run.fresh_plan, stage, index: 0 })
    }

    /// The operations of the plan.
    pub const fn operations(&self) -> &Operations {
        self.plan.operations()
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
            return match self.next_step(StepId { org: u32::MAX, place: u8::MAX })? {
                Some(step) => Err(ReportError::Stray { index: step.id.org }),
                None => Ok(None),
            };
        };
        let index = self.index;
        self.index += 1;
        let mut steps = Vec::with_capacity(line.steps.len());
        for planned in &line.steps {
            let id = StepId { org: index, place: planned.place };
            let progress = self.next_step(id)?;
            if let Some(stray) = progress.as_ref().filter(|step| step.id != id) {
                return Err(ReportError::Stray { index: stray.id.org });
            }
            steps.push(record(planned, id, progress, self.fresh)?);
        }
        let of_steps = OrgOutcome::of_steps(steps.iter().map(|step| step.outcome.clone()));
        let Some(outcome) = of_steps.or_else(|| line.settled_outcome(index)) else {
            return Err(ReportError::Stray { index });
        };
        let operations = self.plan.operations().clone();
        Ok(Some(Record { line, outcome, steps, stage: self.stage, operations }))
    }

    /// The journal's next step, if it is one up to this.
    fn next_step(&mut self, id: StepId) -> Result<Option<OrgProgress>, ReportError> {
        match self.steps.peek() {
            Some(Ok(step)) if step.id > id => Ok(None),
            _ => self.steps.next().transpose().map_err(ReportError::Journal),
        }
    }
}

/// What became of a step, by what the journal holds on it.
fn record(
    planned: &PlannedStep,
    id: StepId,
    progress: Option<OrgProgress>,
    fresh: bool,
) -> Result<StepRecord, ReportError> {
    let (outcome, before) = match progress {
        Some(OrgProgress { outcome: Some(outcome), before, .. }) if outcome.may_be_live => (outcome, before),
        Some(OrgProgress { outcome: Some(outcome), .. }) => (outcome, None),
        Some(OrgProgress { outcome: None, state, started_at, before, .. }) => {
            let untold = untold(planned, id, Status::Unknown, Code::OrgUnknownStopped);
            let attempts = state.spent();
            (OrgOutcome { attempts, started_at, may_be_live: true, ..untold }, before)
        }
        None => {
            let untold = || untold(planned, id, Status::NotAttempted, Code::OrgStopped);
            (planned.settled_outcome(id, fresh).unwrap_or_else(untold), None)
        }
    };
    if before.as_ref().is_some_and(|before| !before.fits(&planned.fields)) {
        return Err(ReportError::Stray { index: id.org });
    }
    Ok(StepRecord { outcome, before })
}

/// The outcome of a step on which the journal has no outcome.
fn untold(planned: &PlannedStep, id: StepId, status: Status, code: Code) -> OrgOutcome {
    let org_error = OrgError { code, message: code.title().to_owned(), http_status: None };
    let outcome = OrgOutcome::without_run(id, status, Some(&org_error), Verified::False);
    OrgOutcome { action: planned.verdict.action(), ..outcome }
}
