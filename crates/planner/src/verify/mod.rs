//! What is live, held against what was wanted.

mod findings;

use std::path::PathBuf;

use orgwave_core::change::{Before, changes};
use orgwave_core::code::Code;
use orgwave_core::compare::{Ownership, check_owner, drift};
use orgwave_core::outcome::{OrgError, StoredValue};
use orgwave_core::plan::{PlanLine, PlannedStep, Verdict};
use orgwave_core::secret::SealKey;
use orgwave_core::status::Status;
use orgwave_executor::ports::{Clock, ReadApi};
use orgwave_executor::survey::Finding;

pub use self::findings::{Drift, Findings, Found, Noted};
use crate::error::Error;
use crate::finding::{misshapen, settings};
use crate::plan::PlanFile;
use crate::reads::Reads;
use crate::selection::Selection;

/// What the plan of a rollout says, which was made to be compared with and is never applied. `other` as for
/// [`scratch`](crate::scratch).
///
/// # Errors
/// [`Error::Plan`], [`Error::Scratch`], [`Error::Spool`].
pub fn by_plan(plan: &PlanFile, other: Option<PathBuf>) -> Result<Findings, Error> {
    let mut findings = Findings::new(&plan.operations()?, other);
    plan.each_line(|line| {
        if line.verdict == Verdict::Skipped {
            return;
        }
        if line.steps.is_empty() {
            let status = line.verdict.status().unwrap_or(Status::Failed);
            return findings.unjudged(&line, status, line.org_error.clone());
        }
        let mut judged = Judged::default();
        for step in &line.steps {
            match (step.verdict.status(), &step.org_error) {
                // That another step keeps it from being written is no reason not to judge.
                (Some(_), Some(org_error)) if org_error.code == Code::OrgStep => judged.planned(step),
                (Some(status), org_error) if !status.is_well() => {
                    judged.unjudged.get_or_insert((status, org_error.clone()));
                }
                _ => judged.planned(step),
            }
        }
        judged.note(&mut findings, &line);
    })?;
    findings.whole()
}

/// What the steps of an org come to.
#[derive(Default)]
struct Judged {
    drifts: Vec<Drift>,
    /// The first that can't be judged.
    unjudged: Option<(Status, Option<OrgError>)>,
}

impl Judged {
    fn planned(&mut self, step: &PlannedStep) {
        let drifted = step.changes().filter(|field| field.before != StoredValue::Hidden);
        self.drifts.extend(drifted.map(|field| Drift::of(step.place, field, &field.before)));
    }

    fn note(self, findings: &mut Findings, line: &PlanLine) {
        if self.unjudged.is_none() || !self.drifts.is_empty() {
            findings.judged(line, self.drifts);
        }
        if let Some((status, org_error)) = self.unjudged {
            findings.unjudged(line, status, org_error);
        }
    }
}

/// Reads the orgs of a run's plan, which `seal` proved. `other` as for [`scratch`](crate::scratch).
///
/// # Errors
/// [`Error::Unmatched`], [`Error::Plan`], [`Error::Stopped`], [`Error::Scratch`], [`Error::Spool`].
pub async fn by_reading<C: Clock, A: ReadApi>(
    plan: &PlanFile,
    seal: &SealKey,
    select: &Selection,
    other: Option<PathBuf>,
    reads: &mut Reads<'_, C, A>,
) -> Result<Findings, Error> {
    plan.must_match(select)?;
    let mut lines = plan.read()?;
    let operations = plan.operations()?;
    let is_to_judge = |line: &PlanLine| select.skips((&line.org, [line.name.as_deref(), None])).is_none();
    let with_reads = |mut line: PlanLine| {
        line.steps.retain(|step| matches!(step.verdict, Verdict::Update | Verdict::Unchanged));
        let places = line.steps.iter().map(|step| step.place);
        let reads = operations.reads(places);
        (!reads.is_empty()).then_some((line.org, reads, line))
    };
    let mut findings = Findings::new(&operations, other);
    let read = reads
        .each_org(lines.by_ref().filter(is_to_judge).filter_map(with_reads), |line, mut found, _| {
            let mut judged = Judged::default();
            for step in &line.steps {
                match drifts(step, line, found.take(&step.operation), seal) {
                    Ok(drifts) => judged.drifts.extend(drifts),
                    Err((verdict, org_error)) => {
                        let status = verdict.status().unwrap_or(Status::Failed);
                        judged.unjudged.get_or_insert((status, Some(org_error)));
                    }
                }
            }
            judged.note(&mut findings, line);
        })
        .await;
    lines.end()?;
    read?;
    findings.whole()
}

/// The drifts of a step's settings as they were found.
fn drifts(
    step: &PlannedStep,
    line: &PlanLine,
    finding: Finding,
    seal: &SealKey,
) -> Result<Vec<Drift>, (Verdict, OrgError)> {
    let object = settings(&step.operation, finding)?;
    let proven = |ownership| match ownership {
        Ownership::Unproven if !step.unproven => {
            let message =
                "the settings don't name their org, which they did when the plan was made".to_owned();
            Err(OrgError { code: Code::OrgUnproven, message, http_status: None })
        }
        _ => Ok(()),
    };
    let seen = check_owner(&step.operation, &line.org, &object)
        .and_then(proven)
        .and_then(|()| drift(&step.fields, &object, seal).map_err(misshapen))
        .map_err(|org_error| (Verdict::Blocked, org_error))?;
    let seen = Before::Seen(seen);
    let drifts = changes(step, &seen);
    Ok(drifts.map(|drift| Drift::of(step.place, drift.field, drift.before)).collect())
}
