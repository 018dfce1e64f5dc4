//! Which driver an org of the plan begins with, how its calls are made, and what its outcome means for the run.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orgwave_core::event::EventKind;
use orgwave_core::org::{Applied, Driver, Ended, Event, Rules};
use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::plan::IndexEntry;
use orgwave_core::policy::Pause;
use orgwave_core::policy::VerifyPolicy;
use orgwave_core::policy::retry::after;
use orgwave_core::reply::Live;
use orgwave_core::run::StopReason;
use orgwave_core::status::{Counts, Status};
use orgwave_core::timestamp::Timestamp;

use super::waves::{Canary, Next, WaveFeed};
use super::{History, Job, Ports};
use crate::ports::{Journal, PlanSource, WriteApi};
use crate::pump::{Context, Request, Work};

/// A rollout: the orgs that may begin, and what became of those that did.
pub(super) struct Rollout<'a, A, J, P> {
    rules: &'a Rules<'a>,
    ports: Ports<'a, A, J, P>,
    recorded: HashMap<u32, OrgProgress>,
    pauses: HashMap<u32, Pause>,
    waves: WaveFeed,
    /// The wave of each org, from the plan.
    index: &'a [IndexEntry],
    counts: Counts,
    /// What has been applied in the current wave.
    applied: Vec<Applied>,
    /// What of it is to be read again.
    rechecks: HashMap<u32, Applied>,
    /// An org was found to be other than this run left or expected it.
    another_writes: bool,
    wrote: AtomicBool,
    stop: Option<StopReason>,
}

impl<'a, A: WriteApi, J: Journal, P: PlanSource> Rollout<'a, A, J, P> {
    pub(super) fn new(job: Job<'a>, ports: Ports<'a, A, J, P>, rules: &'a Rules<'a>, counts: Counts) -> Self {
        let Job { index, policy, history, .. } = job;
        let History { settled, proven, another_writes, open: recorded, wave, applied, pauses, .. } = history;
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
        if !applied.is_empty() {
            waves.resume(wave);
        }
        Self {
            rules,
            ports,
            recorded,
            pauses,
            waves,
            index,
            counts,
            applied,
            rechecks: HashMap::new(),
            another_writes,
            wrote: AtomicBool::new(false),
            stop: None,
        }
    }

    /// Orgs by status: those that the plan settled, that earlier processes settled, and that have ended now.
    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether a write was sent.
    pub(super) fn wrote(&self) -> bool {
        self.wrote.load(Ordering::Relaxed)
    }

    /// Makes the run stop, before it has begun an org.
    pub(super) fn stop(&mut self, reason: StopReason) {
        self.stop = Some(reason);
    }

    /// Orgs that may have been written by an earlier process, and were not started by this one.
    pub(super) fn still_in_doubt(&self) -> usize {
        self.recorded.values().filter(|recorded| recorded.is_in_doubt()).count()
    }

    /// Loads an org's line; a plan that can't be read any more stops the run.
    fn begin(&mut self, index: u32, now: Timestamp) -> Option<(Driver<'a>, Event<Live>)> {
        let line = match self.ports.plan.load(index) {
            Ok(line) => line,
            Err(error) => {
                tracing::error!(%error, index, "a line of the plan can't be read");
                self.stop = Some(StopReason::JournalFailed(format!("the plan can't be read: {error}")));
                return None;
            }
        };
        let left = self.pauses.remove(&index).map(|pause| pause.left(now)).filter(|left| !left.is_zero());
        let not_before = left.map(|left| after(now, left));
        let is_canary = self.waves.seeks_canary();
        let driver = Driver::begin(self.rules, index, line, is_canary, now, not_before);
        Some(if let Some(applied) = self.rechecks.remove(&index) {
            (driver.recheck(applied), Event::Woken)
        } else if let Some(recorded) = self.recorded.remove(&index) {
            (driver.resume(recorded), Event::Resumed)
        } else {
            (driver, Event::Woken)
        })
    }

    /// Takes in what an org that was applied is at its wave's end.
    fn rechecked(&mut self, driver: &Driver<'_>, before: Status, ended: &Ended, cx: &mut Context<'_>) {
        let is_overwritten = ended.outcome.status == Status::Diverged;
        if self.waves.rechecked(is_overwritten) && self.stop.is_none() {
            self.stop = Some(StopReason::BudgetSpent);
        }
        if !is_overwritten {
            return;
        }
        self.another_writes = true;
        self.counts.replace(before, Status::Diverged);
        let index = driver.index();
        let message = ended.outcome.org_error.as_ref().map(|org_error| org_error.message.clone());
        cx.emit(EventKind::OrgOverwritten {
            index,
            org: driver.line().org,
            wave: self.index[index as usize].wave,
            message: message.unwrap_or_default(),
        });
    }

    /// Has what was written in the wave that is over read again, where that is asked for or somebody else was seen
    /// to write. Returns whether there is something to read.
    pub(super) fn recheck(&mut self) -> bool {
        let is_wanted = self.rules.verify == VerifyPolicy::Settled || self.another_writes;
        let applied = std::mem::take(&mut self.applied);
        if !is_wanted || applied.is_empty() {
            return false;
        }
        self.waves.recheck(applied.iter().map(|applied| applied.index).collect());
        self.rechecks = applied.into_iter().map(|applied| (applied.index, applied)).collect();
        true
    }

    /// The run has spent its failure budget: what it has written is read again all the same, if that is wanted.
    pub(super) fn recheck_stopped(&mut self) -> bool {
        self.stop = None;
        self.waves.end_after_this();
        self.recheck()
    }
}

impl<'a, A: WriteApi, J: Journal, P: PlanSource> Work for Rollout<'a, A, J, P> {
    type Driver = Driver<'a>;

    fn next(&mut self, cx: &mut Context<'_>) -> Option<(u32, Driver<'a>, Event<Live>)> {
        if self.stop.is_some() {
            return None;
        }
        loop {
            if self.waves.may_recheck() {
                self.recheck();
            }
            match self.waves.next() {
                Next::Org(index) => {
                    return self.begin(index, cx.now).map(|(driver, event)| (index, driver, event));
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
        let (api, org) = (self.ports.api.clone(), driver.line().org);
        match request {
            Request::Read => {
                async move { Event::ReadReply { reply: api.settings(org).await, requested } }.boxed()
            }
            Request::List => async move { Event::ListReply(api.clients().await) }.boxed(),
            Request::Send(body) => {
                self.wrote.store(true, Ordering::Relaxed);
                async move { Event::WriteReply(api.update(org, body).await) }.boxed()
            }
        }
    }

    fn done(&mut self, driver: Driver<'a>, ended: Ended, cx: &mut Context<'_>) {
        if let Some(what) = &ended.unintended {
            self.stop.get_or_insert_with(|| StopReason::CanaryDisturbed(what.clone()));
        }
        if let Some((before, _)) = driver.applied_as() {
            return self.rechecked(&driver, before, &ended, cx);
        }
        let Ended { outcome, state, new_fields, .. } = ended;
        let org = driver.line().org;
        if !new_fields.is_empty() {
            tracing::warn!(%org, fields = new_fields, "new fields without a value since the canary's write");
        }
        self.counts.add(outcome.status);
        match outcome.status {
            Status::Applied | Status::AppliedWithWarnings if self.rules.write.reads() => {
                self.applied.push(Applied::new(&outcome, state));
            }
            Status::Conflict | Status::Diverged => self.another_writes = true,
            _ => {}
        }
        let proves = !self.rules.write.reads() || !state.is_unwatched();
        if let Some(reason) = self.waves.ended(outcome.status, proves) {
            self.stop.get_or_insert(reason);
        }
        cx.emit(EventKind::OrgFinished {
            index: outcome.index,
            org,
            wave: self.index[outcome.index as usize].wave,
            status: outcome.status,
            action: outcome.action,
            verified: outcome.verified,
            attempts: outcome.attempts,
            code: outcome.org_error.as_ref().map(|org_error| org_error.code),
            message: outcome.org_error.map(|org_error| org_error.message),
        });
    }

    fn wants_stop(&self) -> Option<StopReason> {
        self.stop.clone()
    }

    fn wave(&self) -> u32 {
        self.waves.current().unwrap_or(0)
    }
}
