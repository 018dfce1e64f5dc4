//! Which driver a step of an org begins with, how its calls are made, and what its outcome means for the org and the run.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orgwave_core::code::Code;
use orgwave_core::event::EventKind;
use orgwave_core::ids::{Ruuid, StepId};
use orgwave_core::org::{Applied, Driver, Ended, Event, HeldRead, Rules};
use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::outcome::{OrgError, OrgOutcome};
use orgwave_core::plan::{IndexEntry, PlanLine, PlannedStep, Precondition, Verdict};
use orgwave_core::policy::Pause;
use orgwave_core::policy::VerifyPolicy;
use orgwave_core::policy::retry::after;
use orgwave_core::reply::Live;
use orgwave_core::run::StopReason;
use orgwave_core::status::{Action, Counts, Status, Verified};
use orgwave_core::timestamp::Timestamp;

use super::canary::{Canaries, Turn};
use super::waves::{Next, WaveFeed};
use super::{HeldReads, History, Job, Ports, is_over};
use crate::ports::{Journal, PlanSource, WriteApi};
use crate::pump::{Context, Request, Work};

/// While this many orgs wait for a canary, none is begun: most would only wait, too.
const MOST_HELD: usize = 256;

/// A rollout: the orgs that may begin, and what became of those that did.
pub(super) struct Rollout<'a, A, J, P> {
    rules: &'a Rules<'a>,
    ports: Ports<'a, A, J, P>,
    recorded: HashMap<StepId, OrgProgress>,
    /// What the plan has read of orgs whose turn has not come.
    read: HeldReads,
    /// What the vendor asked for, last of each org.
    pauses: HashMap<u32, Pause>,
    waves: WaveFeed,
    /// The wave and the steps of each org, from the plan.
    index: &'a [IndexEntry],
    keep_going: bool,
    /// What became of steps, in this process or for ever in an earlier one.
    ended: HashMap<StepId, Status>,
    /// The steps of these that were not taken, since another of their org did not end well.
    skipped: HashSet<StepId>,
    /// The orgs that have begun and are not over.
    begun: HashMap<u32, Begun>,
    /// Those of them whose next step may begin.
    again: VecDeque<u32>,
    /// Those of them that wait for the canary of an operation, by its place.
    held: HashMap<u8, Vec<u32>>,
    /// What has been applied in the current wave.
    applied: Vec<Applied>,
    /// What of it is to be read again, by its orgs.
    rechecks: HashMap<u32, VecDeque<Applied>>,
    /// An org was found to be other than this run left or expected it.
    another_writes: bool,
    wrote: AtomicBool,
    stop: Option<StopReason>,
}

/// An org on its way from step to step.
struct Begun {
    org: Ruuid,
    /// The steps that are left, the next one first.
    left: VecDeque<PlannedStep>,
    /// What must hold before the first write of the org.
    preconditions: Vec<Precondition>,
    /// What was read of it before its turn, while nothing was sent to it.
    read: Vec<HeldRead>,
    /// The outcomes of the steps that have ended in this process.
    outcomes: Vec<OrgOutcome>,
    /// One of its steps is being read again.
    is_overwritten: bool,
}

type Beginning<'a> = (u32, Driver<'a>, Event<Live>);

impl<'a, A: WriteApi, J: Journal, P: PlanSource> Rollout<'a, A, J, P> {
    pub(super) fn new(job: Job<'a>, ports: Ports<'a, A, J, P>, rules: &'a Rules<'a>) -> Self {
        let Job { index, policy, history, held: read, .. } = job;
        let places = policy.operations.count();
        let is_over = |org: u32| history.is_over(org, index[org as usize].updates, policy.keep_going);
        let is_in_doubt = |org| (0..places).any(|place| history.is_in_doubt(StepId { org, place }));
        let canaries =
            if policy.has_canary { Canaries::sought(places, history.proven) } else { Canaries::none() };
        let mut waves = WaveFeed::new(index, policy.max_failures, canaries, is_over, is_in_doubt);
        let History { settled, another_writes, open: recorded, wave, applied, pauses, .. } = history;
        if policy.settle_only {
            waves.settle_only();
        }
        if !applied.is_empty() {
            waves.resume(wave);
        }
        Self {
            rules,
            ports,
            recorded,
            read,
            pauses,
            waves,
            index,
            keep_going: policy.keep_going,
            ended: settled,
            skipped: HashSet::new(),
            begun: HashMap::new(),
            again: VecDeque::new(),
            held: HashMap::new(),
            applied,
            rechecks: HashMap::new(),
            another_writes,
            wrote: AtomicBool::new(false),
            stop: None,
        }
    }

    /// Orgs by status: those that the plan settled, and the others by their steps.
    pub(super) fn counts(&self) -> Counts {
        let status = |(org, entry): (u32, &IndexEntry)| match entry.verdict.status() {
            Some(status) => status,
            None => self.status_of(org),
        };
        (0u32..).zip(self.index).map(status).collect()
    }

    /// The status of an org that is to be written, by its steps.
    fn status_of(&self, org: u32) -> Status {
        let rest = self.index[org as usize].rest;
        let steps = self.index[org as usize].updates.iter().map(|place| StepId { org, place });
        let status = |id: StepId| match self.ended.get(&id) {
            Some(status) => *status,
            // It wasn't read again.
            None if self.is_in_doubt(id) => Status::Unknown,
            None => Status::NotAttempted,
        };
        worst(steps.map(status).chain(rest))
    }

    /// Whether a resume would find something to do.
    pub(super) fn is_open(&self) -> bool {
        let settled = |id| self.ended.get(&id).copied().filter(|status| status.is_settled());
        let is_open = |(org, entry): (u32, &IndexEntry)| {
            let steps = entry.updates.iter().map(|place| StepId { org, place });
            let steps = steps.filter(|id| !self.skipped.contains(id));
            entry.verdict == Verdict::Update
                && !is_over(&steps, self.keep_going, settled, |id| self.is_in_doubt(id))
        };
        (0u32..).zip(self.index).any(is_open)
    }

    /// Whether a write was sent.
    pub(super) fn wrote(&self) -> bool {
        self.wrote.load(Ordering::Relaxed)
    }

    /// Makes the run stop, before it has begun an org.
    pub(super) fn stop(&mut self, reason: StopReason) {
        self.stop = Some(reason);
    }

    /// Loads an org's line; a plan that can't be read any more stops the run.
    fn load(&mut self, index: u32) -> Option<PlanLine> {
        match self.ports.plan.load(index) {
            Ok(line) => Some(line),
            Err(error) => {
                tracing::error!(%error, index, "a line of the plan can't be read");
                self.stop = Some(StopReason::JournalFailed(format!("the plan can't be read: {error}")));
                None
            }
        }
    }

    /// Begins an org: with what is left of its steps.
    fn begin(&mut self, index: u32, cx: &mut Context<'_>) -> Option<Beginning<'a>> {
        let line = self.load(index)?;
        let is_rechecked = self.rechecks.contains_key(&index);
        let (org, preconditions) = (line.org, preconditions_of(&line));
        let is_left = |step: &PlannedStep| {
            let id = StepId { org: index, place: step.place };
            let is_left = step.verdict == Verdict::Update && !self.ended.contains_key(&id);
            // Once the plan has expired, only doubt is settled.
            let may_begin = !self.rules.settle_only || self.recorded.contains_key(&id);
            if is_rechecked { self.ended.contains_key(&id) } else { is_left && may_begin }
        };
        let mut left: Vec<PlannedStep> = line.steps.into_iter().filter(is_left).collect();
        // What may be in progress is settled before another is sent.
        left.sort_by_key(|step| !self.is_in_doubt(StepId { org: index, place: step.place }));
        let left = left.into();
        let read = self.read.take(index, self.rules.retry, cx.now);
        let begun = Begun { org, left, preconditions, read, outcomes: Vec::new(), is_overwritten: false };
        self.begun.insert(index, begun);
        if is_rechecked { self.recheck_next(index, cx) } else { self.next_step(index, cx) }
    }

    /// Begins the next step of an org, unless it has to wait for a canary, or the org is over.
    fn next_step(&mut self, index: u32, cx: &mut Context<'_>) -> Option<Beginning<'a>> {
        self.skip_after_a_bad_step(index, cx);
        let begun = self.begun.get_mut(&index)?;
        let Some(step) = begun.left.pop_front() else {
            self.over(index, cx);
            return None;
        };
        let is_canary = match self.waves.canaries().turn(step.place, index) {
            Turn::Canary => true,
            Turn::Free => false,
            Turn::Held => {
                self.held.entry(step.place).or_default().push(index);
                begun.left.push_front(step);
                return None;
            }
        };
        let id = StepId { org: index, place: step.place };
        let is_other = |precondition: &&Precondition| precondition.place != id.place;
        let preconditions: Vec<Precondition> = begun.preconditions.iter().filter(is_other).cloned().collect();
        let (org, read) = ((index, begun.org), std::mem::take(&mut begun.read));
        let is_first = !self.rules.settle_only && !self.is_written_before(id);
        let not_before = self.not_before(index, cx.now);
        let driver = Driver::begin(self.rules, org, step, is_canary, cx.now, not_before).holding(read);
        let driver = if is_first { driver.after(preconditions) } else { driver };
        Some(match self.recorded.remove(&id) {
            Some(recorded) => (index, driver.resume(recorded), Event::Resumed),
            None => (index, driver, Event::Woken),
        })
    }

    /// Until when an org is not to be called, as the vendor asked while another of its steps was taken, be it by an earlier
    /// process.
    fn not_before(&mut self, org: u32, now: Timestamp) -> Option<Timestamp> {
        let left = self.pauses.get(&org)?.left(now);
        if left.is_zero() {
            self.pauses.remove(&org);
            return None;
        }
        // By the clock of this process, which may be behind the one by which it was asked.
        let pause = Pause { told_at: now, not_before: after(now, left) };
        self.pauses.insert(org, pause);
        Some(pause.not_before)
    }

    /// Whether a write of a step may have been applied, and no read has shown it yet.
    fn is_in_doubt(&self, id: StepId) -> bool {
        self.recorded.get(&id).is_some_and(OrgProgress::is_in_doubt)
    }

    /// Whether a write of another of the org's steps may have been applied.
    fn is_written_before(&self, id: StepId) -> bool {
        let steps = self.index[id.org as usize].updates.iter().map(|place| StepId { org: id.org, place });
        steps.filter(|step| *step != id).any(|step| match self.ended.get(&step) {
            Some(status) => status.may_be_written(),
            None => self.is_in_doubt(step),
        })
    }

    /// Where a step of an org did not end well, those that are left are not taken; unless they are in doubt, or are to keep
    /// going.
    fn skip_after_a_bad_step(&mut self, index: u32, cx: &mut Context<'_>) {
        let keep_going = self.keep_going;
        let Some(begun) = self.begun.get_mut(&index) else { return };
        let ids = self.index[index as usize].updates.iter().map(|place| StepId { org: index, place });
        let ends_it =
            |status: &Status| if keep_going { *status == Status::Unknown } else { !status.is_well() };
        let Some(status) = ids.filter_map(|id| self.ended.get(&id)).copied().find(ends_it) else { return };
        let recorded = &self.recorded;
        let is_taken = |step: &PlannedStep| {
            let known = recorded.get(&StepId { org: index, place: step.place });
            known.is_some_and(OrgProgress::is_in_doubt)
        };
        let (left, skipped) = std::mem::take(&mut begun.left).into_iter().partition(is_taken);
        begun.left = left;
        let skipped: VecDeque<PlannedStep> = skipped;
        for step in skipped {
            let id = StepId { org: index, place: step.place };
            let message = format!("not taken, since another step of this org is {status}");
            let org_error = OrgError { code: Code::OrgStep, message, http_status: None };
            let outcome = OrgOutcome {
                action: Action::Update,
                finished_at: Some(cx.now),
                ..OrgOutcome::without_run(id, Status::NotAttempted, Some(&org_error), Verified::False)
            };
            // Of one that had an intent, the journal says so already.
            if !self.recorded.contains_key(&id) {
                self.ports.journal.record(Entry::outcome(outcome.clone()));
            }
            begun.outcomes.push(outcome);
            self.ended.insert(id, Status::NotAttempted);
            self.skipped.insert(id);
        }
    }

    /// An org has no further step.
    fn over(&mut self, index: u32, cx: &mut Context<'_>) {
        let Some(begun) = self.begun.remove(&index) else { return };
        let status = self.status_of(index);
        // What an earlier process found does not count again.
        let found = begun.outcomes.iter().map(|outcome| outcome.status).max_by_key(|found| found.severity());
        if self.waves.ended(found.unwrap_or(Status::NotAttempted)) {
            self.stop.get_or_insert(StopReason::BudgetSpent);
        }
        let Some(outcome) = OrgOutcome::of_steps(begun.outcomes) else { return };
        cx.emit(EventKind::OrgFinished {
            index,
            org: begun.org,
            wave: self.index[index as usize].wave,
            status,
            action: outcome.action,
            verified: outcome.verified,
            attempts: outcome.attempts,
            code: outcome.org_error.as_ref().map(|org_error| org_error.code),
            message: outcome.org_error.map(|org_error| org_error.message),
        });
    }

    /// The run has stopped: says what has become of the orgs that are between two of their steps.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>) {
        let mut begun: Vec<u32> = self.begun.keys().copied().collect();
        begun.sort_unstable();
        for index in begun {
            self.over(index, cx);
        }
    }

    /// Begins the next look at what was applied to an org, or ends it.
    fn recheck_next(&mut self, index: u32, cx: &mut Context<'_>) -> Option<Beginning<'a>> {
        let applied = self.rechecks.get_mut(&index).and_then(VecDeque::pop_front);
        let begun = self.begun.get_mut(&index)?;
        let step = applied.and_then(|applied| {
            let place = begun.left.iter().position(|step| step.place == applied.id.place)?;
            Some((begun.left.remove(place)?, applied))
        });
        let Some((step, applied)) = step else {
            let is_overwritten = begun.is_overwritten;
            self.begun.remove(&index);
            self.rechecks.remove(&index);
            if self.waves.rechecked(is_overwritten) && self.stop.is_none() {
                self.stop = Some(StopReason::BudgetSpent);
            }
            return None;
        };
        let org = (index, begun.org);
        let driver = Driver::begin(self.rules, org, step, false, cx.now, self.not_before(index, cx.now));
        Some((index, driver.recheck(applied), Event::Woken))
    }

    /// Takes in what a step that was applied is at its wave's end.
    fn rechecked(&mut self, driver: &Driver<'_>, ended: &Ended, cx: &mut Context<'_>) {
        let id = driver.id();
        if ended.outcome.status == Status::Diverged {
            self.another_writes = true;
            // An org that has failed in another step has been counted.
            let is_counted = self.status_of(id.org).spends_budget();
            self.ended.insert(id, Status::Diverged);
            let Some(begun) = self.begun.get_mut(&id.org) else { return };
            begun.is_overwritten |= !is_counted;
            let message = ended.outcome.org_error.as_ref().map(|org_error| org_error.message.clone());
            cx.emit(EventKind::OrgOverwritten {
                index: id.org,
                org: begun.org,
                wave: self.index[id.org as usize].wave,
                message: message.unwrap_or_default(),
            });
        }
        self.again.push_back(id.org);
    }

    /// Has what was written in the wave that is over read again, where that is asked for or another writer was seen
    /// to write. Returns whether there is something to read.
    pub(super) fn recheck(&mut self) -> bool {
        let is_wanted = self.rules.verify == VerifyPolicy::Settled || self.another_writes;
        let applied = std::mem::take(&mut self.applied);
        if !is_wanted || applied.is_empty() {
            return false;
        }
        let mut orgs = Vec::new();
        for applied in applied {
            let steps = self.rechecks.entry(applied.id.org).or_insert_with(|| {
                orgs.push(applied.id.org);
                VecDeque::new()
            });
            steps.push_back(applied);
        }
        self.waves.recheck(orgs);
        true
    }

    /// The run has spent its failure budget: what it has written is read again all the same, if that is wanted.
    pub(super) fn recheck_stopped(&mut self) -> bool {
        self.stop = None;
        self.waves.end_after_this();
        self.again.clear();
        self.held.clear();
        self.recheck()
    }
}

/// The status that speaks for an org; of one without any step, that it was not begun.
fn worst(statuses: impl Iterator<Item = Status>) -> Status {
    statuses.max_by_key(|status| status.severity()).unwrap_or(Status::NotAttempted)
}

/// What must hold before the first write of an org: what its row expects of any operation.
fn preconditions_of(line: &PlanLine) -> Vec<Precondition> {
    let of_steps = line.steps.iter().filter(|step| !step.expects.is_empty()).map(|step| Precondition {
        operation: Arc::clone(&step.operation),
        place: step.place,
        expects: step.expects.clone(),
    });
    line.preconditions.iter().cloned().chain(of_steps).collect()
}

impl<'a, A: WriteApi, J: Journal, P: PlanSource> Work for Rollout<'a, A, J, P> {
    type Driver = Driver<'a>;

    fn next(&mut self, cx: &mut Context<'_>) -> Option<(u32, Driver<'a>, Event<Live>)> {
        loop {
            if self.stop.is_some() {
                return None;
            }
            if let Some(index) = self.again.pop_front() {
                let is_rechecked = self.rechecks.contains_key(&index);
                let begins =
                    if is_rechecked { self.recheck_next(index, cx) } else { self.next_step(index, cx) };
                if begins.is_some() {
                    return begins;
                }
                continue;
            }
            if self.waves.may_recheck() {
                self.recheck();
            }
            if self.held.values().map(Vec::len).sum::<usize>() >= MOST_HELD {
                return None;
            }
            match self.waves.next() {
                Next::Org(index) => {
                    let begins = self.begin(index, cx);
                    if begins.is_some() {
                        return begins;
                    }
                }
                Next::Began(None, _) => {}
                Next::Began(Some(wave), orgs) => {
                    self.ports.journal.record(Entry::Wave { at: cx.now, wave, orgs });
                    let canary = self.waves.seeks_canary();
                    cx.emit(EventKind::WaveStarted { wave, orgs: u64::from(orgs), canary });
                }
                Next::Later => return None,
                Next::Over => {
                    if self.rules.settle_only {
                        self.stop = Some(StopReason::Expired);
                    }
                    return None;
                }
            }
        }
    }

    fn call(
        &self,
        driver: &Driver<'a>,
        request: Request,
        requested: Timestamp,
    ) -> BoxFuture<'static, Event<Live>> {
        let (api, org) = (self.ports.api.clone(), driver.org_id());
        match request {
            Request::Read => {
                let operation = Arc::clone(driver.to_read());
                async move { Event::ReadReply { reply: api.settings(&operation, org).await, requested } }
                    .boxed()
            }
            Request::List => async move { Event::ListReply(api.clients().await) }.boxed(),
            Request::Send(body) => {
                self.wrote.store(true, Ordering::Relaxed);
                let operation = Arc::clone(driver.operation());
                async move { Event::WriteReply(api.update(&operation, org, body).await) }.boxed()
            }
        }
    }

    fn done(&mut self, driver: Driver<'a>, ended: Ended, cx: &mut Context<'_>) {
        if let Some(what) = &ended.unintended {
            self.stop.get_or_insert_with(|| StopReason::CanaryDisturbed(what.clone()));
        }
        if let Some(pause) = driver.pause() {
            self.pauses.insert(driver.id().org, pause);
        }
        if driver.applied_as().is_some() {
            return self.rechecked(&driver, &ended, cx);
        }
        let id = driver.id();
        let Ended { outcome, state, new_fields, .. } = ended;
        if !new_fields.is_empty() {
            let org = driver.org_id();
            tracing::warn!(%org, fields = new_fields, "new fields without a value since the canary's write");
        }
        let status = outcome.status;
        match status {
            Status::Applied | Status::AppliedWithWarnings if self.rules.write.reads() => {
                self.applied.push(Applied::new(&outcome, state));
            }
            Status::Conflict | Status::Diverged => self.another_writes = true,
            _ => {}
        }
        self.ended.insert(id, status);
        let proves = !self.rules.write.reads() || !state.is_unwatched();
        if let Some(reason) = self.waves.canaries().ended(id.place, id.org, status, proves) {
            self.stop.get_or_insert(reason);
        }
        self.again.extend(self.held.remove(&id.place).unwrap_or_default());
        if let Some(begun) = self.begun.get_mut(&id.org) {
            begun.outcomes.push(outcome);
            begun.read = driver.into_held();
            if begun.left.is_empty() {
                self.over(id.org, cx);
            } else {
                self.again.push_back(id.org);
            }
        }
    }

    fn wants_stop(&self) -> Option<StopReason> {
        self.stop.clone()
    }

    fn wave(&self) -> u32 {
        self.waves.current().unwrap_or(0)
    }
}
