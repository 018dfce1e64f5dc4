//! Makes a plan: reads every org of a rollout, compares, and writes down what is to be done.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orgwave_core::code::Code;
use orgwave_core::compare::{self, Context as Comparing, Ownership};
use orgwave_core::desired::DesiredStep;
use orgwave_core::event::EventKind;
use orgwave_core::manifest::{self, Manifest, Row};
use orgwave_core::operation::{Operation, Operations};
use orgwave_core::org::HeldRead;
use orgwave_core::outcome::OrgError;
use orgwave_core::payload::{sends_back, unreadable};
use orgwave_core::plan::{
    CallCount, FORMAT, Header, InputDigest, PlanLine, PlannedStep, Precondition, RawTyped, SideColumns,
    Verdict, has_canary,
};
use orgwave_core::policy::Waves;
use orgwave_core::secret::{Fingerprint, SealKey, Secrets};
use orgwave_core::settings::RawObject;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::coordinator::Coordinator as _;
use orgwave_executor::ports::{Clock, ReadApi};
use orgwave_executor::rollout::HeldReads;
use orgwave_executor::survey::Findings;
use serde_json::Value;

use super::draft::Draft;
use super::open::OpenPlan;
use super::policy::PlanPolicy;
use crate::TOOL;
use crate::clients::{self, Clients};
use crate::error::Error;
use crate::finding::{misshapen, settings};
use crate::reads::Reads;
use crate::selection::Selection;

/// What a plan is made from.
pub struct Rollout<'a, R> {
    /// The rows.
    pub manifest: &'a mut Manifest<R>,
    /// The files, for the plan's header.
    pub inputs: Vec<InputDigest>,
    /// `[limits]`, as typed.
    pub limits: BTreeMap<String, Value>,
    /// `[sandbox]`; only for the sandbox.
    pub sandbox: Option<Value>,
    /// The secrets that its rows name.
    pub secrets: &'a Secrets,
    /// The rollout file, if it isn't any more what was read at first. The tables tell by themselves.
    pub changed: Box<dyn Fn() -> Option<PathBuf> + 'a>,
}

/// What a plan that is to be made will be.
pub struct NewPlan<'a> {
    /// Its file.
    pub path: &'a Path,
    /// Its id.
    pub id: String,
    /// The API it is for.
    pub endpoint: String,
    /// The API key it is for.
    pub key_fingerprint: Fingerprint,
    /// What seals it.
    pub seal: &'a SealKey,
}

/// Makes the plan of a rollout and writes it, durably. Sends only reads. What they show of the orgs that are to be written
/// goes to `held`, too: for a process that carries the plan out at once.
///
/// # Errors
/// The rollout changed or can't be read, its waves can't be, a pattern matches no org, the API can't be used or the user
/// asked for a stop, the plan can't be written.
pub async fn make<R: Read + Seek, C: Clock, A: ReadApi>(
    rollout: Rollout<'_, R>,
    policy: &PlanPolicy,
    select: Selection,
    new: NewPlan<'_>,
    reads: &mut Reads<'_, C, A>,
    mut held: Option<&mut HeldReads>,
) -> Result<OpenPlan, Error> {
    let waves = waves_of(policy, rollout.manifest.header())?;
    let created = reads.gate.clock().now();

    let listed = if policy.write.reads() || rollout.manifest.header().has_names {
        Some(Clients::new(clients::ask(reads).await?))
    } else {
        None
    };
    select.must_match(|see| {
        for row in rollout.manifest.rows()? {
            let row = row?;
            see((&row.org, [row.name.as_deref(), listed.as_ref().and_then(|listed| listed.name(&row.org))]));
        }
        Ok(())
    })?;

    let header = header_of(&rollout, reads.operations, policy, &new, waves, created);
    let draft = RefCell::new(Draft::begin(new.path, header, new.seal)?);
    let calls = RefCell::new(CallCount::new(&new.id, policy.write, policy.verify));
    let put = |index, line: PlanLine| {
        calls.borrow_mut().line_at(index, &line);
        draft.borrow_mut().put(index, line);
    };
    let total = rollout.manifest.header().rows;
    reads.emit(EventKind::PlanStarted { orgs: total });
    let planner = Planner {
        operations: reads.operations,
        listed: listed.as_ref(),
        select,
        policy,
        secrets: rollout.secrets,
        seal: new.seal,
    };
    let mut ended = None;
    let pinned = rollout.manifest.header().pinned;
    let rate = reads.gate.rate().filter(|_| held.is_some() && pinned == 0);
    let rows = (0u32..).zip(rollout.manifest.rows()?);
    let mut rows = in_reading_order(rows, total, rate, reads.gate.limits().retry.freshness);
    // Rows that need no read go straight to the plan; the others are read.
    let to_read = std::iter::from_fn(|| {
        loop {
            let (index, row) = rows.next()?;
            match row {
                Err(error) => {
                    ended = Some(error);
                    return None;
                }
                Ok(row) => {
                    let org = row.org;
                    match planner.without_reading(row) {
                        Ok(line) => put(index, line),
                        Err(row) => {
                            let reads = planner.operations.reads(row.steps.iter().map(|step| step.operation));
                            return Some((index, org, reads, (index, row)));
                        }
                    }
                }
            }
        }
    });
    let retry = reads.gate.limits().retry;
    reads
        .each_placed(to_read, |(index, row): &(u32, Box<Row>), findings, cx| {
            let (line, read) = planner.by_findings(row, findings);
            if line.verdict == Verdict::Update
                && let Some(held) = &mut held
            {
                held.hold(*index, row.wave, read, retry, cx.now);
            }
            let event = EventKind::OrgPlanned {
                index: *index,
                org: row.org,
                verdict: line.verdict,
                changes: u32::try_from(line.changes().count()).unwrap_or(u32::MAX),
                code: line.error().map(|org_error| org_error.code),
            };
            put(*index, line);
            cx.emit(event);
        })
        .await?;
    drop(rows);
    if let Some(error) = ended {
        return Err(error.into());
    }
    if let Some(path) = (rollout.changed)() {
        return Err(Error::Changed(path));
    }

    let plan = draft.into_inner().finish()?;
    if let Some(warning) = plan.idle() {
        (reads.warn)(&warning);
    }
    let (plan_id, updates) = (plan.header.plan_id.clone(), plan.footer.updates);
    let calls = calls.borrow().calls(has_canary(reads.operations, plan.header.waves.as_ref()));
    reads.emit(EventKind::PlanFinished { plan_id, updates, calls });
    Ok(plan)
}

/// Decides on one row at a time.
struct Planner<'a> {
    operations: &'a Operations,
    listed: Option<&'a Clients>,
    select: Selection,
    policy: &'a PlanPolicy,
    secrets: &'a Secrets,
    seal: &'a SealKey,
}

impl Planner<'_> {
    fn comparing<'o>(&'o self, operation: &'o Operation) -> Comparing<'o> {
        Comparing { operation, secrets: self.secrets, seal: self.seal }
    }

    /// The line of a row that needs no read; or the row, to be read.
    fn without_reading(&self, row: Row) -> Result<PlanLine, Box<Row>> {
        let live_name = self.listed.and_then(|listed| listed.name(&row.org));
        let deselected = self.select.skips((&row.org, [row.name.as_deref(), live_name]));
        if let Some(reason) = row.skip.clone().or(deselected.map(ToOwned::to_owned)) {
            let mut line = self.line(&row, Verdict::Skipped);
            line.skip = Some(reason);
            return Ok(line);
        }
        let judged = self.listed.map_or(Ok(()), |listed| listed.judge(&row.org, row.name.as_deref()));
        if let Err(org_error) = judged {
            let mut line = self.line(&row, Verdict::Blocked);
            line.org_error = Some(org_error);
            return Ok(line);
        }
        if self.policy.write.reads() { Err(Box::new(row)) } else { Ok(self.unread(&row)) }
    }

    /// The line of a row that is written without being read.
    fn unread(&self, row: &Row) -> PlanLine {
        let mut line = self.line(row, Verdict::Unchanged);
        for wanted in steps_of(row) {
            let mut step = self.step(wanted);
            let diff = compare::diff(&wanted.desired, None, self.comparing(&step.operation))
                .expect("nothing was read that could have a shape");
            if diff.differs {
                step.verdict = Verdict::Update;
            }
            step.fields = diff.fields;
            line.steps.push(step);
        }
        line.judge(self.policy.keep_going);
        line
    }

    /// The line of a row whose org was read, or could not be; and what was read that a write of it needs.
    fn by_findings(&self, row: &Row, mut findings: Findings) -> (PlanLine, Vec<HeldRead>) {
        let mut read = Vec::new();
        let mut line = self.line(row, Verdict::Unchanged);
        // What keeps the whole row from being written.
        let mut broken: Option<(Verdict, OrgError)> = None;
        for wanted in &row.steps {
            let mut step = self.step(wanted);
            let finding = findings.take(&step.operation);
            let requested = finding.requested();
            let found = settings(&step.operation, finding);
            let is_step = steps_of(row).any(|step| std::ptr::eq(step, wanted));
            if is_step && let Err((verdict, org_error)) = found {
                step.stop(verdict, org_error);
                line.steps.push(step);
                continue;
            }
            if is_step
                && let Ok(object) = &found
                && let Err(org_error) = self.judge(&mut step, wanted, row, object)
            {
                step.stop(Verdict::Blocked, org_error);
            }
            if !wanted.desired.expects.is_empty() {
                let expects = &wanted.desired.expects;
                let holds = match &found {
                    Ok(object) => compare::check_expects(&step.operation, &row.org, expects, Some(object))
                        .map_err(|org_error| (Verdict::Blocked, org_error)),
                    Err((Verdict::Blocked, org_error)) if org_error.code == Code::OrgNotConnected => {
                        compare::check_expects(&step.operation, &row.org, expects, None)
                            .map_err(|org_error| (Verdict::Blocked, org_error))
                    }
                    Err(unread) => Err(unread.clone()),
                };
                broken = broken.or(holds.err());
            }
            let is_needed = step.verdict == Verdict::Update || !step.expects.is_empty();
            if let (true, Ok(settings), Some(requested)) = (is_needed, found, requested) {
                read.push(HeldRead { place: step.place, settings, requested });
            }
            if is_step {
                line.steps.push(step);
            } else {
                let PlannedStep { operation, place, expects, .. } = step;
                line.preconditions.push(Precondition { operation, place, expects });
            }
        }
        if let Some((verdict, org_error)) = broken {
            for step in line.steps.iter_mut().filter(|step| step.verdict == Verdict::Update) {
                step.stop(verdict, org_error.clone());
            }
        }
        line.judge(self.policy.keep_going);
        (line, read)
    }

    /// Takes in what is live.
    fn judge(
        &self,
        step: &mut PlannedStep,
        wanted: &DesiredStep,
        row: &Row,
        object: &RawObject,
    ) -> Result<(), OrgError> {
        let operation = Arc::clone(&step.operation);
        step.unproven = compare::check_owner(&operation, &row.org, object)? == Ownership::Unproven;
        let diff =
            compare::diff(&wanted.desired, Some(object), self.comparing(&operation)).map_err(misshapen)?;
        step.fields = diff.fields;
        step.additions = diff.unknown.additions;
        step.idle_removals = diff.unknown.idle_removals;
        if diff.differs {
            step.verdict = Verdict::Update;
            let managed = wanted.desired.managed.iter().map(|managed| &managed.path);
            step.unreadable = unreadable(&operation, object, managed);
            let managed = wanted.desired.managed.iter().map(|managed| &managed.path);
            let hazard = sends_back(&operation, self.policy.write)
                .then(|| compare::masked_secret(&operation, object, managed))
                .flatten();
            if let Some(org_error) = diff.broken.or(hazard) {
                return Err(org_error);
            }
        }
        Ok(())
    }

    /// A step of which nothing is known yet.
    fn step(&self, DesiredStep { operation, desired }: &DesiredStep) -> PlannedStep {
        let described =
            self.operations.get(*operation).expect("a row's steps are of the rollout's operations");
        let secrets = desired.managed.iter().flat_map(|managed| managed.desired.secrets().cloned());
        PlannedStep {
            expects: desired.expects.clone(),
            secrets: secrets.collect(),
            ..PlannedStep::new(described, *operation, Verdict::Unchanged)
        }
    }

    fn line(&self, row: &Row, verdict: Verdict) -> PlanLine {
        let live_name = || self.listed?.name(&row.org).map(ToOwned::to_owned);
        PlanLine {
            name: row.name.clone().or_else(live_name),
            // The manifest's own; the others are dealt out at the end.
            wave: row.wave,
            skip: row.skip.clone(),
            note: row.note.clone(),
            carried: row.carried.clone(),
            typed: RawTyped::from(&row.typed),
            ..PlanLine::new(row.line, row.org, verdict)
        }
    }
}

/// Rows in the order in which they are read. Where their plan is carried out at once, at this many calls a second, the orgs
/// that are written first are read last: as many as have their turn before their reads are old. That is half as many as can be
/// called in this time, since a read gets older by one call for each that is read after it, and by two for each org that is
/// written before. A rollout that isn't larger is read in its own order.
fn in_reading_order<T>(
    mut rows: impl Iterator<Item = T>,
    total: u64,
    rate: Option<f64>,
    freshness: Duration,
) -> impl Iterator<Item = T> {
    const MOST: f64 = 4096.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 4,096")]
    let first = rate.map_or(0, |rate| (rate * freshness.as_secs_f64() / 2.0).clamp(0.0, MOST) as usize);
    let first = if first as u64 >= total { 0 } else { first };
    let written_first: Vec<T> = rows.by_ref().take(first).collect();
    rows.chain(written_first)
}

/// The steps of a row: what sets something; of a row that sets nothing, the first operation that it names.
fn steps_of(row: &Row) -> impl Iterator<Item = &DesiredStep> {
    let sets = |step: &&DesiredStep| !step.desired.managed.is_empty();
    let nothing = !row.steps.iter().any(|step| sets(&step));
    row.steps.iter().filter(sets).chain(row.steps.first().filter(|_| nothing))
}

/// The sizes of the waves of the rows that the manifest doesn't pin; `None` where it pins every row.
fn waves_of(policy: &PlanPolicy, manifest: &manifest::Header) -> Result<Option<Waves>, Error> {
    let all_pinned = manifest.pinned == manifest.rows;
    if all_pinned && policy.waves_by_flag {
        return Err(Error::AllPinned);
    }
    Ok((!all_pinned).then(|| policy.waves.clone().unwrap_or_default()))
}

fn header_of<R: Read + Seek>(
    rollout: &Rollout<'_, R>,
    operations: &Operations,
    policy: &PlanPolicy,
    new: &NewPlan<'_>,
    waves: Option<Waves>,
    created: Timestamp,
) -> Header {
    let Rollout { manifest, inputs, limits, sandbox, .. } = rollout;
    let manifest = manifest.header();
    let mut defaults = manifest.defaults.clone();
    let settings = defaults.remove("settings").and_then(|settings| settings.as_object().cloned());
    let is_default = manifest.operation.name == Operation::default_one().name;
    Header {
        format: FORMAT,
        plan_id: new.id.clone(),
        created,
        expires: created.plus(policy.expires),
        tool: TOOL.to_owned(),
        endpoint: new.endpoint.clone(),
        key_fingerprint: new.key_fingerprint.clone(),
        inputs: inputs.clone(),
        operations: operations.digests(),
        keep_going: policy.keep_going,
        write: policy.write,
        verify: policy.verify,
        waves,
        max_failures: policy.max_failures,
        columns: manifest.columns.clone(),
        carried: manifest.carried.clone(),
        sides: manifest
            .sides
            .iter()
            .map(|(table, columns)| SideColumns { table: table.clone(), columns: columns.clone() })
            .collect(),
        settings: settings.into_iter().flatten().collect(),
        defaults,
        operation: (!is_default).then(|| manifest.operation.name.to_string()),
        limits: limits.clone(),
        allow: policy.allow.clone(),
        undoes: None,
        sandbox: sandbox.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orgs_that_are_written_first_are_read_last_in_large_rollouts() {
        let order = |total: u64, rate| -> Vec<u64> {
            in_reading_order(0..total, total, rate, Duration::from_secs(60)).collect()
        };
        let as_they_are: Vec<u64> = (0..500).collect();
        assert_eq!(order(240, Some(8.0)), as_they_are[..240]);
        assert_eq!(order(500, None), as_they_are);
        assert_eq!(order(500, Some(8.0)), [&as_they_are[240..], &as_they_are[..240]].concat());
    }

    /// A read a slot, then a write and a read-back of each org in the rollout's order: how old is the read when the write's
    /// turn comes?
    #[test]
    fn first_orgs_of_a_rollout_of_any_size_are_written_while_fresh() {
        let rate = 8.0;
        for total in [100_u32, 240, 300, 1_000, 20_000] {
            let mut read_at = vec![0.0; total as usize];
            let order = in_reading_order(0..total, total.into(), Some(rate), Duration::from_secs(60));
            for (slot, org) in (0..).zip(order) {
                read_at[org as usize] = f64::from(slot) / rate;
            }
            let age = |org: u32| f64::from(total + 2 * org) / rate - read_at[org as usize];
            assert!((0..total.min(240)).all(|org| age(org) < 60.0), "{total}");
        }
    }
}
