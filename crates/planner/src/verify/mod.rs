//! What is live, held against what was wanted.

mod findings;

use std::path::PathBuf;

use orgwave_core::change::changes;
use orgwave_core::compare::{check_owner, drift};
use orgwave_core::outcome::StoredValue;
use orgwave_core::plan::{PlanLine, PlannedField, Verdict};
use orgwave_core::secret::SealKey;
use orgwave_core::status::Status;
use orgwave_executor::ports::{Clock, ReadApi};

pub use self::findings::{Drift, Findings, Found, Noted};
use crate::error::Error;
use crate::finding::{misshapen, settings};
use crate::plan::PlanFile;
use crate::reads::Reads;
use crate::selection::Selection;

/// What the plan of a rollout says, which was made to be compared with and is applied by nobody. `other` as for
/// [`scratch`](crate::scratch).
///
/// # Errors
/// [`Error::Plan`], [`Error::Scratch`], [`Error::Spool`].
pub fn by_plan(plan: &PlanFile, other: Option<PathBuf>) -> Result<Findings, Error> {
    let mut findings = Findings::new(plan.operation(), other);
    plan.each_line(|line| {
        let drifted = |field: &&PlannedField| field.differs() && field.before != StoredValue::Hidden;
        let drifts = line.fields.iter().filter(drifted);
        let drifts = drifts.map(|field| Drift::of(field, &field.before)).collect();
        match line.verdict.status() {
            Some(Status::Skipped) => {}
            Some(status @ (Status::Blocked | Status::Rejected | Status::Failed | Status::NotAttempted)) => {
                // A guard that only keeps from writing is no reason not to judge.
                let org_error = line.org_error.clone();
                findings.unjudged(&line, status, org_error);
            }
            _ => findings.judged(&line, drifts),
        }
    })?;
    findings.whole()
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
    let to_judge = |line: &PlanLine| {
        matches!(line.verdict, Verdict::Update | Verdict::Unchanged)
            && select.skips((&line.org, [line.name.as_deref(), None])).is_none()
    };
    let operation = reads.operation;
    let mut findings = Findings::new(plan.operation(), other);
    let read = reads
        .each_org(lines.by_ref().filter(to_judge).map(|line| (line.org, line)), |line, finding, _| {
            let drifted = settings(operation, finding).and_then(|object| {
                let seen = check_owner(operation, &line.org, &object)
                    .and_then(|_| drift(&line.fields, &object, seal).map_err(misshapen));
                seen.map_err(|org_error| (Verdict::Blocked, org_error))
            });
            match drifted {
                Ok(seen) => {
                    let drifts = changes(&line.fields, &seen).flatten();
                    let drifts = drifts.map(|drift| Drift::of(drift.field, drift.before));
                    findings.judged(line, drifts.collect());
                }
                Err((verdict, org_error)) => {
                    let status = verdict.status().unwrap_or(Status::Failed);
                    findings.unjudged(line, status, Some(org_error));
                }
            }
        })
        .await;
    lines.end()?;
    read?;
    findings.whole()
}
