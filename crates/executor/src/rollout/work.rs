//! Orgs and waves behind the loop's [`Work`].

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orgwave_core::compare::Context as Comparing;
use orgwave_core::event::{Call, EventKind};
use orgwave_core::ids::Ruuid;
use orgwave_core::payload::update_body;
use orgwave_core::plan::IndexEntry;
use orgwave_core::policy::{VerifyPolicy, WriteMode};
use orgwave_core::reply::{Refusal, Reply, Throttle};
use orgwave_core::run::{Entry, OrgProgress, Pause, Sample, StopReason};
use orgwave_core::secret::{SealKey, Secrets};
use orgwave_core::status::{Counts, Status};

use super::org_run::{Ask, Desk, OrgRun, Written};
use super::waves::{Canary, Next, WaveFeed};
use super::{History, Job, Policy, Ports};
use crate::dispatch::{Context, Need, OrgReply, Work};
use crate::ports::{Clock, Journal, PlanSource, WriteApi};

/// A rollout: the orgs that are under way, and those that may begin.
pub(super) struct Rollout<'a, A, J, P> {
    policy: Policy,
    secrets: &'a Secrets,
    seal: &'a SealKey,
    ports: Ports<'a, A, J, P>,
    recorded: HashMap<u32, OrgProgress>,
    pauses: HashMap<u32, Pause>,
    waves: WaveFeed,
    /// The wave of each org, from the plan.
    index: &'a [IndexEntry],
    orgs: HashMap<u32, OrgRun>,
    counts: Counts,
    /// What has been applied in the current wave.
    written: Vec<Written>,
    /// What of it is to be read once more.
    rechecks: HashMap<u32, Written>,
    /// An org was found to be other than this run left or expected it.
    another_writes: bool,
    wrote: bool,
    stop: Option<StopReason>,
}

impl<'a, A: WriteApi, J: Journal, P: PlanSource> Rollout<'a, A, J, P> {
    pub(super) fn new(job: Job<'a>, ports: Ports<'a, A, J, P>, counts: Counts) -> Self {
        let Job { index, policy, secrets, seal, history } = job;
        let History { settled, proven, another_writes, open: recorded, wave, written, pauses, .. } = history;
        let is_in_doubt = |org| recorded.get(&org).is_some_and(OrgProgress::is_in_doubt);
        let canary = match (policy.has_canary, proven) {
            (false, _) => Canary::None,
            (true, false) => Canary::Sought(0),
            (true, true) => Canary::Proven,
        };
        let is_settled = |org| settled.contains_key(&org);
        let mut waves = WaveFeed::new(index, policy.max_failures, canary, is_settled, is_in_doubt);
        if policy.settle_only {
            waves.settle_only();
        }
        if !written.is_empty() {
            waves.resume(wave);
        }
        Self {
            policy,
            secrets,
            seal,
            ports,
            recorded,
            pauses,
            waves,
            index,
            orgs: HashMap::new(),
            counts,
            written,
            rechecks: HashMap::new(),
            another_writes,
            wrote: false,
            stop: None,
        }
    }

    /// Orgs by status: those that the plan settled, that earlier processes settled, and that have ended now.
    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether a write was sent.
    pub(super) const fn wrote(&self) -> bool {
        self.wrote
    }

    /// Makes the run stop, before it has begun an org.
    pub(super) fn stop(&mut self, reason: StopReason) {
        self.stop = Some(reason);
    }

    /// Orgs that may have been written by an earlier process, and were not begun by this one.
    pub(super) fn still_in_doubt(&self) -> usize {
        self.recorded.values().filter(|recorded| recorded.is_in_doubt()).count()
    }

    /// Loads an org's line; a plan that can't be read any more stops the run.
    fn begin<C: Clock>(&mut self, org: u32, cx: &Context<'_, C>) -> bool {
        match self.ports.plan.load(org) {
            Ok(line) if let Some(written) = self.rechecks.remove(&org) => {
                self.orgs.insert(org, OrgRun::once_more(line, written, cx.gate.clock().now()));
                true
            }
            Ok(line) => {
                let is_canary = self.waves.seeks_canary();
                let run = OrgRun::new(line, is_canary, cx.gate.clock().now(), self.recorded.remove(&org));
                self.orgs.insert(org, run);
                self.record_inputs(org);
                true
            }
            Err(error) => {
                tracing::error!(%error, org, "a line of the plan can't be read");
                self.stop = Some(StopReason::JournalFailed(format!("the plan can't be read: {error}")));
                false
            }
        }
    }

    /// Records what the org was told; its last input waits for its outcome.
    fn record_inputs(&mut self, index: u32) {
        if let Some(org) = self.orgs.get_mut(&index)
            && org.state().status().is_none()
        {
            for step in org.take_unrecorded(index) {
                self.ports.journal.record(step);
            }
        }
    }

    fn finish<C: Clock>(&mut self, index: u32, cx: &mut Context<'_, C>) {
        let Some(mut org) = self.orgs.remove(&index) else { return };
        let id = org.line.org;
        if org.is_rechecked() {
            return self.rechecked(index, org, cx);
        }
        let mut entries = org.take_unrecorded(index);
        let state = org.state();
        let outcome = org.outcome(index, cx.gate.clock().now());
        self.counts.add(outcome.status);
        match outcome.status {
            Status::Applied | Status::AppliedWithWarnings if self.policy.write.reads() => {
                self.written.push(Written::of(&outcome, state));
            }
            Status::Conflict | Status::Diverged => self.another_writes = true,
            _ => {}
        }
        let proves = !self.policy.write.reads() || !state.is_unwatched();
        if let Some(reason) = self.waves.ended(outcome.status, proves) {
            self.stop.get_or_insert(reason);
        }
        cx.emit(EventKind::OrgFinished {
            index,
            org: id,
            wave: self.index[index as usize].wave,
            status: outcome.status,
            action: outcome.action,
            verified: outcome.verified,
            attempts: outcome.attempts,
            code: outcome.complaint.as_ref().map(|complaint| complaint.code),
            message: outcome.complaint.as_ref().map(|complaint| complaint.message.clone()),
        });
        entries.push(Entry::Outcome(outcome));
        self.ports.journal.record_together(entries);
    }

    /// Takes in what an org that was applied is at its wave's end.
    fn rechecked<C: Clock>(&mut self, index: u32, mut org: OrgRun, cx: &mut Context<'_, C>) {
        let is_overwritten = org.state().status() == Some(Status::Diverged);
        if self.waves.rechecked(is_overwritten) && self.stop.is_none() {
            self.stop = Some(StopReason::BudgetSpent);
        }
        let (id, (before, verified)) = (org.line.org, org.applied_as());
        let mut entries = org.take_unrecorded(index);
        let outcome = org.outcome(index, cx.gate.clock().now());
        if !is_overwritten {
            if outcome.verified != verified {
                self.ports.journal.record_together(vec![Entry::Outcome(outcome)]);
            }
            return;
        }
        self.another_writes = true;
        self.counts.replace(before, Status::Diverged);
        let message =
            outcome.complaint.as_ref().map(|complaint| complaint.message.clone()).unwrap_or_default();
        let wave = self.index[index as usize].wave;
        cx.emit(EventKind::OrgOverwritten { index, org: id, wave, message });
        entries.push(Entry::Outcome(outcome));
        self.ports.journal.record_together(entries);
    }

    /// Has what was written in the wave that is over read once more, where that is asked for or somebody else was seen
    /// to write. Returns whether there is something to read.
    pub(super) fn recheck(&mut self) -> bool {
        let is_wanted = self.policy.verify == VerifyPolicy::Settled || self.another_writes;
        let written = std::mem::take(&mut self.written);
        if !is_wanted || written.is_empty() {
            return false;
        }
        self.waves.recheck(written.iter().map(|written| written.index).collect());
        self.rechecks = written.into_iter().map(|written| (written.index, written)).collect();
        true
    }

    /// The run has spent its failure budget: what it has written is read once more all the same, if that is wanted.
    pub(super) fn recheck_stopped(&mut self) -> bool {
        self.stop = None;
        self.waves.end_after_this();
        self.recheck()
    }

    fn with_desk<C: Clock, R>(
        &mut self,
        index: u32,
        cx: &mut Context<'_, C>,
        decide: impl FnOnce(&mut OrgRun, &mut Desk<'_>) -> R,
    ) -> Option<R> {
        let org = self.orgs.get_mut(&index)?;
        let mut desk = Desk {
            ignored: &self.policy.ignored,
            at: cx.gate.clock().now(),
            mode: self.policy.write,
            comparing: Comparing { secrets: self.secrets, seal: self.seal },
            attempts: cx.gate.limits().attempts,
            quiet_period: cx.gate.limits().quiet_period,
            now: cx.gate.clock().elapsed(),
            backoff: &mut cx.gate.backoff,
        };
        Some(decide(org, &mut desk))
    }
}

impl<C: Clock, A: WriteApi, J: Journal, P: PlanSource> Work<C> for Rollout<'_, A, J, P> {
    fn feed(&mut self, cx: &mut Context<'_, C>) -> Option<u32> {
        if self.stop.is_some() {
            return None;
        }
        loop {
            if self.waves.may_recheck() {
                self.recheck();
            }
            match self.waves.next() {
                Next::Org(org) => return self.begin(org, cx).then_some(org),
                Next::Began(None, _) => {}
                Next::Began(Some(wave), orgs) => {
                    let at = cx.gate.clock().now();
                    self.ports.journal.record(Entry::Wave { at, wave, orgs });
                    let canary = self.waves.seeks_canary();
                    cx.emit(EventKind::WaveStarted { wave, orgs: u64::from(orgs), canary });
                }
                Next::Later => return None,
                Next::Over => {
                    if self.policy.settle_only {
                        self.stop = Some(StopReason::Expired);
                    }
                    return None;
                }
            }
        }
    }

    fn need(&mut self, index: u32, cx: &mut Context<'_, C>) -> Need {
        let (mode, now) = (self.policy.write, cx.gate.clock().wall_elapsed());
        let verifies = self.policy.verify.reads_all() && mode.reads();
        let settle_only = self.policy.settle_only;
        let Some(org) = self.orgs.get_mut(&index) else { return Need::Nothing };
        if let Some((until, why)) = org.wait.take() {
            return Need::Wait(until, why);
        }
        let ask = org.ask(verifies, mode, now);
        let need = match ask {
            Ask::Read => Need::Call(Call::Read),
            Ask::ReadBack => Need::Call(Call::ReadBack),
            Ask::Write => Need::Call(Call::Write),
            Ask::List => Need::Call(Call::List),
            Ask::Intent if settle_only => {
                org.stop(false, "the plan has expired");
                Need::Nothing
            }
            Ask::Intent => {
                Need::Durable(Entry::Intent { index, started_at: org.started_at, before: org.before.clone() })
            }
            Ask::Nothing => Need::Nothing,
        };
        self.record_inputs(index);
        if matches!(need, Need::Nothing) {
            self.finish(index, cx);
        }
        need
    }

    fn call(&mut self, index: u32, cx: &Context<'_, C>) -> BoxFuture<'static, OrgReply> {
        let clock = cx.gate.clock().clone();
        let org = self.orgs.get_mut(&index).expect("asked of orgs that are under way");
        let (api, id) = (self.ports.api.clone(), org.line.org);
        if org.is_missing() {
            return async move { OrgReply::List(api.clients().await) }.boxed();
        }
        if org.state().phase() != orgwave_core::org::Phase::Intent {
            org.read_requested(clock.wall_elapsed());
            return async move { OrgReply::Read(api.settings(id).await) }.boxed();
        }
        self.wrote = true;
        let good_until = org.good_until(self.policy.write);
        let live = org.live().filter(|_| self.policy.write != WriteMode::NoRead);
        match update_body(self.policy.write, &org.line.fields, live, self.secrets) {
            Ok(body) => async move {
                // The machine may have been suspended since the loop looked.
                if clock.wall_elapsed() >= good_until {
                    let why = "the machine was suspended between the read and the write".to_owned();
                    return OrgReply::Write(Reply::NotSent(why));
                }
                OrgReply::Write(api.update(id, Bytes::from(body)).await)
            }
            .boxed(),
            // The judgement looked at the same places of the same settings, so it would have blocked the org.
            Err(shape) => panic!("judged as writable, and then: {shape}"),
        }
    }

    fn durable(&mut self, index: u32) {
        if let Some(org) = self.orgs.get_mut(&index) {
            org.intent_is_durable();
        }
    }

    fn replied(&mut self, index: u32, reply: OrgReply, cx: &mut Context<'_, C>) {
        let disturbed = self.with_desk(index, cx, |org, desk| match reply {
            OrgReply::Write(reply) => {
                org.written(reply);
                None
            }
            OrgReply::List(reply) => {
                org.listed(&reply, desk);
                None
            }
            OrgReply::Read(reply) if org.is_before_write() => {
                org.read(reply, desk);
                None
            }
            OrgReply::Read(reply) => org.read_back(reply, desk),
        });
        if let Some(Some(what)) = disturbed
            && self.stop.is_none()
        {
            self.stop = Some(StopReason::CanaryDisturbed(what));
        }
        self.record_inputs(index);
    }

    fn withdrawn(&mut self, index: u32) {
        if let Some(org) = self.orgs.get_mut(&index) {
            org.withdrawn();
        }
        self.record_inputs(index);
    }

    fn forbidden(&mut self, index: u32, refusal: Refusal, _: &mut Context<'_, C>) {
        if let Some(org) = self.orgs.get_mut(&index) {
            org.forbidden(&refusal);
        }
        self.record_inputs(index);
    }

    fn told_to_wait(&mut self, index: Option<u32>, wait: Duration, cx: &mut Context<'_, C>) {
        let pause = Pause::new(cx.gate.clock().now(), wait);
        self.ports.journal.record(Entry::Pause { index, pause });
    }

    fn waits_on(&mut self, index: u32, cx: &mut Context<'_, C>) -> Duration {
        self.pauses.remove(&index).map(|pause| pause.left(cx.gate.clock().now())).unwrap_or_default()
    }

    fn has_aged(&self, index: u32, now: Duration) -> bool {
        self.orgs.get(&index).is_some_and(|org| org.has_aged(self.policy.write, now))
    }

    fn parked(&mut self, index: u32, throttle: Throttle, _: &mut Context<'_, C>) {
        if let Some(org) = self.orgs.get_mut(&index) {
            org.parked(throttle);
        }
        self.record_inputs(index);
    }

    fn stop(&mut self, index: u32, may_read: bool, _: &mut Context<'_, C>) {
        let why = self.stop.as_ref().map_or_else(|| "the run stopped".to_owned(), StopReason::to_string);
        if let Some(org) = self.orgs.get_mut(&index) {
            org.stop(may_read, &why);
        }
        self.record_inputs(index);
    }

    fn panicked(&mut self, index: u32, what: &str, cx: &mut Context<'_, C>) {
        tracing::error!(index, what, "handling an org panicked");
        if let Some(org) = self.orgs.get_mut(&index) {
            org.panicked(what);
        }
        self.record_inputs(index);
        self.finish(index, cx);
    }

    fn wants_stop(&self) -> Option<StopReason> {
        self.stop.clone()
    }

    fn org(&self, index: u32) -> Ruuid {
        self.orgs.get(&index).map(|org| org.line.org).expect("asked of orgs that are under way")
    }

    fn sample(&mut self, mut sample: Sample) {
        sample.wave = self.waves.current().unwrap_or(0);
        self.ports.journal.record(Entry::Sample(sample));
    }
}
