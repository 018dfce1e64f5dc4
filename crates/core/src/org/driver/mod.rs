//! Drives one org from its plan line to its outcome.
//!
//! ```text
//! Woken -> Read -> Record(intent, durably) -> Send -> Record(accepted) -> ReadBack -> Record(outcome) -> Done
//! ```
//!
//! [`OrgState`] is the grammar of the journal: which inputs may follow which. The driver walks it: it makes inputs of
//! what replies show (`before`: a read before a write, `after`: what a write came to), has them recorded before it asks for
//! a call or a wait, those that end the org with its outcome, and asks for a send only after [`Event::Recorded`] has
//! answered the intent. So a write without a durable
//! intent can't be asked for, and a crash between any two steps leaves a journal that [`Driver::resume`] understands.
//!
//! A read before a write may have been made before the org's turn came, by the plan ([`Driver::holding`]): it is judged as
//! any other. How old what a write is built on may be is asked before the intent, and again by the sender.
//!
//! What the state doesn't say is the driver's own [`Phase`]: a read whose only purpose is the report, the question
//! whether an org that isn't found is gone, an org that was applied and is read again.

mod after;
mod before;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::change::Before;
use crate::code::Code;
use crate::compare::Context as Comparing;
use crate::event::{Call, WaitReason};
use crate::ids::{Ruuid, StepId};
use crate::operation::{Ignored, Operation};
use crate::org::{Entry, OrgProgress};
use crate::outcome::{OrgError, OrgOutcome};
use crate::payload::update_body;
use crate::plan::{PlannedStep, Precondition};
use crate::policy::Pause;
use crate::policy::retry::Whose;
use crate::policy::{RetryPolicy, VerifyPolicy, WriteMode};
use crate::redactor::Redactor;
use crate::reply::{Ack, Live, Refusal, RefusalKind, Reply, Throttle};
use crate::secret::{SealKey, SecretText, Secrets};
use crate::settings::{RawObject, secrets_in};
use crate::status::{Action, Status, Verified};
use crate::timestamp::Timestamp;

use super::patience::Patience;
use super::{Drive, Event, HeldRead, Input, OrgState, Phase as StatePhase, Step};

/// What a run lays down for each of its orgs.
#[derive(Debug, Clone)]
pub struct Rules<'a> {
    /// How orgs are written.
    pub write: WriteMode,
    /// Which accepted writes are read back.
    pub verify: VerifyPolicy,
    /// The plan that is carried out.
    pub plan_id: &'a str,
    /// What may change with the canary's write, by the places of the operations.
    pub ignored: &'a [Vec<Ignored>],
    /// The secrets that desired values name.
    pub secrets: &'a Secrets,
    /// The plan's key.
    pub seal: &'a SealKey,
    /// Delays and tries.
    pub retry: RetryPolicy,
    /// The plan has expired: in-doubt writes are resolved, and nothing is sent.
    pub settle_only: bool,
}

/// An org that was applied: what must be known to read it again when its wave has ended.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Which step of which org.
    pub id: StepId,
    /// What it was applied as.
    pub status: Status,
    /// Whether that was seen live.
    pub verified: Verified,
    state: OrgState,
    started_at: Option<Timestamp>,
    http_status: Option<u16>,
    ack: Option<Box<Ack>>,
}

impl Applied {
    /// What `outcome` says of it.
    pub fn new(outcome: &OrgOutcome, state: OrgState) -> Self {
        let OrgOutcome { status, started_at, http_status, verified, .. } = *outcome;
        let ack = (outcome.ack != Ack::default()).then(|| Box::new(outcome.ack.clone()));
        Self { id: outcome.id(), status, verified, state, started_at, http_status, ack }
    }
}

/// What an org ends with in this process.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// What became of it.
    pub outcome: OrgOutcome,
    /// Its state then.
    pub state: OrgState,
    /// What the canary's write changed without being meant to, in words.
    pub unintended: Option<String>,
    /// Fields without a value that are new since the canary's write.
    pub new_fields: String,
}

/// What is done beside what the state says.
#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// Nothing: the state says what is next.
    ByState,
    /// The org was not found when it was read back: what the vendor said. The client list shows whether it is gone.
    Missing(Refusal),
    /// The write was refused in the body of a 200: one read, for the report alone.
    Noting,
    /// It was applied, and is read again.
    Rechecking,
    /// Its last entries are in the journal, or in its hands.
    Ended(Box<Ended>),
}

/// The step that was asked for last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Call(Call),
    Record,
    Intent,
    Wait,
}

/// What a write is built on.
#[derive(Debug)]
struct LiveSettings {
    settings: RawObject,
    requested: Timestamp,
}

/// One step of an org in progress.
#[derive(Debug)]
pub struct Driver<'a> {
    rules: &'a Rules<'a>,
    id: StepId,
    org: Ruuid,
    step: PlannedStep,
    /// What must be live of other operations before the org's first write, and wasn't looked at yet.
    preconditions: VecDeque<Precondition>,
    /// Those of them that were found to be so, and when that was asked.
    met: Vec<(Precondition, Timestamp)>,
    /// Reads that were made before the org's turn, and that nothing was written after.
    held: Vec<HeldRead>,
    state: OrgState,
    phase: Phase,
    asked: Asked,
    /// What the state has taken since the last entry, where the journal is to know it.
    untold: Vec<Input>,
    /// A pause that isn't in the journal yet.
    untold_pause: Option<Pause>,
    /// An intent of it is in the journal, so every further input must be, too.
    is_journalled: bool,
    is_canary: bool,
    /// Why the run stops: the read that is granted then was asked for, or is no use.
    stopping: Option<String>,
    patience: Patience,
    /// What the vendor asked for last.
    pause: Option<Pause>,
    /// The newest read before a write.
    live: Option<LiveSettings>,
    /// The canary's settings before its write.
    undisturbed: Option<RawObject>,
    /// What the write changes, as it was before.
    before: Before,
    /// The vendor's reply, or what was read after it, proves that the last write was not applied.
    not_applied: Option<Proof>,
    /// What it was applied as, where it is read again.
    applied: Option<(Status, Verified)>,
    http_status: Option<u16>,
    org_error: Option<OrgError>,
    /// Why an earlier process couldn't settle it.
    unsettled: Option<OrgError>,
    ack: Ack,
    /// Secrets that reads have shown: a vendor may quote them in what it says later.
    shown: Vec<SecretText>,
    verified: Verified,
    unintended: Option<String>,
    new_fields: String,
    started_at: Timestamp,
}

/// A write was refused, and nothing of it is live.
#[derive(Debug, Clone, Copy)]
struct Proof;

impl<'a> Driver<'a> {
    /// A step that has not begun, of the org at this place of the plan. Nothing is sent before `not_before`, if the vendor
    /// asked an earlier process so.
    pub fn begin(
        rules: &'a Rules<'a>,
        (index, org): (u32, Ruuid),
        step: PlannedStep,
        is_canary: bool,
        now: Timestamp,
        not_before: Option<Timestamp>,
    ) -> Self {
        let mut patience = Patience::new(rules.retry, Whose::Org(index));
        if let Some(until) = not_before {
            patience.leave_alone(until);
        }
        Self {
            rules,
            id: StepId { org: index, place: step.place },
            org,
            step,
            preconditions: VecDeque::new(),
            met: Vec::new(),
            held: Vec::new(),
            state: OrgState::new(),
            phase: Phase::ByState,
            asked: Asked::Nothing,
            untold: Vec::new(),
            untold_pause: None,
            is_journalled: false,
            is_canary,
            stopping: None,
            patience,
            pause: None,
            live: None,
            undisturbed: None,
            before: Before::AsPlanned,
            not_applied: None,
            applied: None,
            http_status: None,
            org_error: None,
            unsettled: None,
            ack: Ack::default(),
            shown: Vec::new(),
            verified: Verified::False,
            unintended: None,
            new_fields: String::new(),
            started_at: now,
        }
    }

    /// The same step, as the first of its org: before anything is written, all of these must hold.
    #[must_use]
    pub fn after(mut self, preconditions: impl IntoIterator<Item = Precondition>) -> Self {
        self.preconditions = preconditions.into_iter().collect();
        self
    }

    /// The same step, with what this process has read of the org before its turn.
    #[must_use]
    pub fn holding(self, held: Vec<HeldRead>) -> Self {
        Self { held, ..self }
    }

    /// What is left of that for the org's other steps: nothing, once a send was asked for.
    #[must_use]
    pub fn into_held(self) -> Vec<HeldRead> {
        self.held
    }

    /// The same step, with what an earlier process left of it: its first event is [`Event::Resumed`].
    #[must_use]
    pub fn resume(mut self, recorded: OrgProgress) -> Self {
        self.unsettled = recorded.org_error().cloned();
        self.state = recorded.state;
        self.is_journalled = recorded.before.is_some();
        self.before = recorded.before.unwrap_or_default();
        self.started_at = recorded.started_at.unwrap_or(self.started_at);
        self.ack = recorded.ack;
        self
    }

    /// The same step, which was applied and is read again.
    #[must_use]
    pub fn recheck(mut self, applied: Applied) -> Self {
        self.phase = Phase::Rechecking;
        self.state = applied.state;
        self.is_journalled = true;
        self.applied = Some((applied.status, applied.verified));
        self.started_at = applied.started_at.unwrap_or(self.started_at);
        self.http_status = applied.http_status;
        self.ack = applied.ack.map(|ack| *ack).unwrap_or_default();
        self
    }

    /// Which step of which org.
    pub const fn id(&self) -> StepId {
        self.id
    }

    /// The org.
    pub const fn org_id(&self) -> Ruuid {
        self.org
    }

    /// What a read that it asks for is of.
    pub fn to_read(&self) -> &Arc<Operation> {
        let precondition = self.preconditions.front().filter(|_| self.asked == Asked::Call(Call::Read));
        precondition.map_or(&self.step.operation, |precondition| &precondition.operation)
    }

    /// What is written.
    pub const fn operation(&self) -> &Arc<Operation> {
        &self.step.operation
    }

    /// What the vendor asked for last: the next call to the org keeps to it.
    pub const fn pause(&self) -> Option<Pause> {
        self.pause
    }

    fn comparing(&self) -> Comparing<'_> {
        Comparing { operation: &self.step.operation, secrets: self.rules.secrets, seal: self.rules.seal }
    }

    /// What it was applied as, if this reads it again.
    pub const fn applied_as(&self) -> Option<(Status, Verified)> {
        self.applied
    }

    /// Moves the state. What it can't take is a defect of this module, and panics: its caller says so with
    /// [`Event::Panicked`], and the org alone ends with it.
    fn enter(&mut self, input: Input) {
        self.state = self.state.next(input).unwrap_or_else(|illegal| panic!("{illegal}"));
        if self.is_journalled {
            self.untold.push(input);
        }
    }

    fn take(&mut self, event: Event<Live>, now: Timestamp) {
        // Kept until the event is taken in: what panics on the way must know whether a send was asked for.
        match (event, self.asked) {
            (Event::Woken, Asked::Nothing) => self.begin_or_park(now),
            (Event::Woken, Asked::Wait) | (Event::Recorded, Asked::Record) => {}
            (Event::Resumed, Asked::Nothing) => {
                self.enter(Input::Resumed);
                self.begin_or_park(now);
            }
            (Event::Recorded, Asked::Intent) => {
                // The journal's intent says so already.
                self.state = self.state.next(Input::Intent).unwrap_or_else(|illegal| panic!("{illegal}"));
                self.is_journalled = true;
                if self.is_canary && self.undisturbed.is_none() {
                    self.undisturbed = self.live.as_ref().map(|live| live.settings.clone());
                }
            }
            (Event::ReadReply { reply, requested }, Asked::Call(call @ (Call::Read | Call::ReadBack))) => {
                self.patience.answered(call);
                let asks = asks_to_wait(&reply);
                if call == Call::Read {
                    self.read(reply, requested, now);
                } else {
                    self.read_back(reply, requested, now);
                }
                self.leave_alone(asks, now);
                self.end_if_stopping(now);
            }
            (Event::ListReply(reply), Asked::Call(Call::List)) => {
                self.patience.answered(Call::List);
                let asks = asks_to_wait(&reply);
                self.listed(&reply, now);
                self.leave_alone(asks, now);
                self.end_if_stopping(now);
            }
            (Event::WriteReply(reply), Asked::Call(Call::Write)) => {
                self.patience.answered(Call::Write);
                // They are of the first write.
                self.met.clear();
                let asks = asks_to_wait(&reply);
                self.written(reply);
                self.leave_alone(asks, now);
            }
            (Event::Throttled { throttle, shared }, Asked::Call(call)) => {
                self.throttled(call, throttle, shared, now);
                self.end_if_stopping(now);
            }
            (Event::Forbidden(refusal), Asked::Call(call)) => {
                self.patience.answered(call);
                self.forbidden(&refusal);
                self.end_if_stopping(now);
            }
            (Event::NotSent, Asked::Call(call)) => {
                self.patience.answered(call);
                self.take_back(call);
                self.end_if_stopping(now);
            }
            (Event::Stale, Asked::Call(Call::Write)) => self.take_back(Call::Write),
            (Event::Stop { why, may_read }, _) => self.stop(why, may_read, now),
            (Event::Panicked(what), asked) => self.panicked(&what, asked),
            // Not what was asked for: the step is asked for again.
            _ => return,
        }
        self.asked = Asked::Nothing;
    }

    fn begin_or_park(&mut self, now: Timestamp) {
        if let Some(throttle) = self.patience.asks_too_long(now) {
            self.park(throttle);
        }
    }

    /// Says what is next, by the phase and the state.
    fn next(&mut self, now: Timestamp) -> Step<Ended> {
        match &self.phase {
            Phase::Ended(ended) => return Step::Done((**ended).clone()),
            Phase::ByState if self.state.status().is_some() => return self.end(now),
            Phase::Missing(_) | Phase::Noting | Phase::Rechecking | Phase::ByState => {}
        }
        let call = match (&self.phase, self.state.phase()) {
            (Phase::Missing(_), _) => Call::List,
            (Phase::Noting | Phase::Rechecking, _) => Call::ReadBack,
            (_, StatePhase::Planned) if !self.rules.write.reads() => {
                self.before = Before::Unread;
                self.enter(Input::Differs);
                return self.next(now);
            }
            (_, StatePhase::Ready) if self.rules.settle_only && now < self.fresh_until() => {
                self.stop("the plan has expired".to_owned(), false, now);
                return self.next(now);
            }
            (_, StatePhase::Ready) if now < self.fresh_until() && self.patience.may_call(now) => {
                return self.record().unwrap_or_else(|| self.intend());
            }
            (_, StatePhase::Planned | StatePhase::Ready) => Call::Read,
            (_, StatePhase::Intent) => return self.send(now),
            (_, StatePhase::Acked) => {
                let Rules { write, verify, plan_id, .. } = *self.rules;
                let is_read_back = write.reads() && (self.is_canary || verify.reads(plan_id, &self.org));
                self.enter(if is_read_back { Input::Verify } else { Input::Trusted });
                return self.next(now);
            }
            (_, StatePhase::Denied) if !self.rules.write.reads() => {
                self.enter(Input::Refused);
                return self.next(now);
            }
            (_, StatePhase::InDoubt) => {
                self.enter(Input::Verify);
                return self.next(now);
            }
            (_, StatePhase::Denied | StatePhase::Verifying { .. }) => Call::ReadBack,
            (_, StatePhase::Done(_)) => unreachable!("an org that is final has ended"),
        };
        if call == Call::Read {
            self.look_again(now);
            if self.take_held(now) {
                return self.next(now);
            }
        }
        if let Some(step) = self.record() {
            return step;
        }
        if let Some((until, why)) = self.patience.pending(now) {
            return self.wait(until, why);
        }
        self.asked = Asked::Call(call);
        match call {
            Call::Read => Step::Read,
            Call::ReadBack => Step::ReadBack,
            Call::List => Step::List,
            Call::Write => unreachable!("a write is asked for with its body"),
        }
    }

    /// Has recorded what the journal is to know before the next step. What ends an org is recorded with its outcome.
    fn record(&mut self) -> Option<Step<Ended>> {
        let mut entries: Vec<Entry> = self.pause_entry().into_iter().collect();
        if !self.untold.is_empty() && self.state.status().is_none() {
            let inputs = std::mem::take(&mut self.untold);
            let ack = inputs.contains(&Input::Acked { warned: true }).then(|| self.ack.clone());
            let StepId { org: index, place } = self.id;
            entries.push(Entry::Step { index, place, inputs, ack });
        }
        if entries.is_empty() {
            return None;
        }
        self.asked = Asked::Record;
        Some(Step::Record { entries, durably: false })
    }

    /// The next process keeps to a Retry-After, whatever else it will find.
    fn pause_entry(&mut self) -> Option<Entry> {
        Some(Entry::Pause { index: Some(self.id.org), pause: self.untold_pause.take()? })
    }

    fn wait(&mut self, until: Timestamp, why: WaitReason) -> Step<Ended> {
        self.asked = Asked::Wait;
        Step::Wait { until, why }
    }

    fn intend(&mut self) -> Step<Ended> {
        let StepId { org: index, place } = self.id;
        let (started_at, before) = (self.started_at, self.before.clone());
        self.asked = Asked::Intent;
        Step::Record { entries: vec![Entry::Intent { index, place, started_at, before }], durably: true }
    }

    fn send(&mut self, now: Timestamp) -> Step<Ended> {
        let live = self.live.as_ref().filter(|_| self.rules.write.reads()).map(|live| &live.settings);
        let PlannedStep { operation, fields, .. } = &self.step;
        match update_body(operation, self.rules.write, fields, live, self.rules.secrets) {
            Ok(body) => {
                self.asked = Asked::Call(Call::Write);
                self.held.clear();
                Step::Send { body, until: self.fresh_until() }
            }
            // The judgement looked at the same places of the same settings: nothing was sent, and nothing will be.
            Err(shape) => {
                self.enter(Input::NotApplied);
                let message = shape.to_string();
                self.block(OrgError { code: Code::OrgShape, message, http_status: None });
                self.next(now)
            }
        }
    }

    /// Until when a write can be built on what was read; where nothing is read, always.
    fn fresh_until(&self) -> Timestamp {
        match &self.live {
            _ if !self.rules.write.reads() => Timestamp::MAX,
            Some(live) if self.preconditions.is_empty() => {
                let met = self.met.iter().map(|(_, requested)| *requested);
                self.rules.retry.fresh_until(met.fold(live.requested, Timestamp::min))
            }
            Some(_) | None => Timestamp::MIN,
        }
    }

    /// The call was provably not made, or not applied.
    fn take_back(&mut self, call: Call) {
        if call == Call::Write && self.state.phase() == StatePhase::Intent {
            self.enter(Input::NotApplied);
        }
    }

    fn throttled(&mut self, call: Call, throttle: Throttle, shared: bool, now: Timestamp) {
        // Recorded before it is said that the write may be sent again.
        if let Some(wait) = throttle.retry_after {
            self.note_pause(wait, now);
        }
        self.take_back(call);
        if !self.patience.throttled(call, throttle, shared, now) {
            self.park(throttle);
        }
    }

    /// Keeps to the Retry-After of a reply that is no 429.
    fn leave_alone(&mut self, asks: Option<Throttle>, now: Timestamp) {
        let Some((throttle, wait)) = asks.and_then(|asks| Some((asks, asks.retry_after?))) else { return };
        self.note_pause(wait, now);
        if self.rules.retry.is_too_long(wait) {
            self.park(throttle);
        } else {
            self.patience.leave_alone(Pause::new(now, wait).not_before);
        }
    }

    fn note_pause(&mut self, wait: std::time::Duration, now: Timestamp) {
        let pause = Pause::new(now, wait);
        self.pause = Some(pause);
        self.untold_pause = Some(pause);
    }

    /// The vendor asks to wait too long.
    fn park(&mut self, throttle: Throttle) {
        self.patience.forget_waits();
        let code = match self.state.phase() {
            StatePhase::Done(_) => return self.phase = Phase::ByState,
            StatePhase::Planned | StatePhase::Ready => Code::OrgParked,
            StatePhase::Intent
            | StatePhase::Acked
            | StatePhase::Denied
            | StatePhase::InDoubt
            | StatePhase::Verifying { .. } => Code::OrgUnknownParked,
        };
        self.phase = Phase::ByState;
        let message = throttle.parked(self.rules.retry.longest_wait);
        self.complain(code, message, Some(throttle.http_status));
        self.enter(Input::Parked);
    }

    /// The run stops. What was asked for last was not performed.
    fn stop(&mut self, why: String, may_read: bool, now: Timestamp) {
        self.take_back(Call::Write);
        let may_read = may_read && self.stopping.is_none() && self.patience.may_call(now);
        // Nothing is waited for any more: not for a backoff, and not for a quiet period to end.
        self.patience.forget_waits();
        match self.state.phase() {
            StatePhase::Done(_) => self.finish_early(),
            StatePhase::Planned | StatePhase::Ready | StatePhase::Intent => {
                self.phase = Phase::ByState;
                if self.org_error.is_none() {
                    self.complain(Code::OrgStopped, why.clone(), None);
                }
                self.enter(Input::Stopped);
            }
            StatePhase::Acked | StatePhase::Denied | StatePhase::InDoubt | StatePhase::Verifying { .. } => {
                self.phase = Phase::ByState;
                if !may_read {
                    self.end_unknown(&why);
                }
            }
        }
        self.stopping = Some(why);
    }

    /// The read that a stop granted was answered: whatever is still open is left to the next process.
    fn end_if_stopping(&mut self, now: Timestamp) {
        if let Some(why) = self.stopping.clone() {
            self.stop(why, false, now);
        }
    }

    /// An org that is final is read no more.
    fn finish_early(&mut self) {
        if matches!(self.phase, Phase::Noting | Phase::Rechecking) {
            self.phase = Phase::ByState;
        }
    }

    fn end_unknown(&mut self, why: &str) {
        let known = self.org_error.take().map(|org_error| format!("; {}", org_error.message));
        let message = format!("{why}{}", known.unwrap_or_default());
        self.complain(Code::OrgUnknownStopped, message, self.http_status);
        self.enter(Input::Stopped);
    }

    /// A defect of ours came up. The org ends with it, as sure as can be.
    fn panicked(&mut self, what: &str, asked: Asked) {
        self.patience.forget_waits();
        self.complain(Code::OrgPanic, what.to_owned(), None);
        self.finish_early();
        match self.state.phase() {
            StatePhase::Done(_) => return,
            // Whether it was sent isn't known, once it was asked for.
            StatePhase::Intent if asked == Asked::Call(Call::Write) => self.enter(Input::Lost),
            StatePhase::Intent => self.enter(Input::NotApplied),
            _ => {}
        }
        self.phase = Phase::ByState;
        self.enter(Input::ReadsSpent);
    }

    fn block(&mut self, org_error: OrgError) {
        self.org_error = Some(org_error);
        self.enter(Input::Blocked);
    }

    fn refuse(&mut self, refusal: &Refusal) {
        self.http_status = Some(refusal.http_status);
        self.org_error = Some(OrgError::refused(refusal));
        self.enter(Input::Refused);
    }

    fn complain(&mut self, code: Code, message: String, http_status: Option<u16>) {
        self.org_error = Some(OrgError { code, message, http_status });
    }

    fn remember_secrets(&mut self, object: &RawObject) {
        for secret in secrets_in(&self.step.operation, object) {
            if !self.shown.contains(&secret) {
                self.shown.push(secret);
            }
        }
    }

    fn redactor(&self) -> Redactor {
        Redactor::new(self.shown.iter().cloned())
    }

    /// Ends it: its outcome goes into the journal, with what led to it. What was read again is recorded only if it is
    /// another than before.
    fn end(&mut self, now: Timestamp) -> Step<Ended> {
        let outcome = self.outcome(now);
        let is_news = self.applied != Some((outcome.status, outcome.verified));
        let mut entries: Vec<Entry> = self.pause_entry().into_iter().collect();
        if is_news {
            let inputs = std::mem::take(&mut self.untold);
            entries.push(Entry::Outcome { inputs, outcome: outcome.clone() });
        }
        let unintended = self.unintended.take();
        self.phase = Phase::Ended(Box::new(Ended {
            outcome,
            state: self.state,
            unintended,
            new_fields: std::mem::take(&mut self.new_fields),
        }));
        if entries.is_empty() {
            return self.next(now);
        }
        self.asked = Asked::Record;
        Step::Record { entries, durably: false }
    }

    fn outcome(&mut self, finished_at: Timestamp) -> OrgOutcome {
        let status = self.state.status().expect("an org ends with a status");
        let redactor = self.redactor();
        let masked = |org_error: OrgError| OrgError {
            message: redactor.mask(&org_error.message).into_owned(),
            ..org_error
        };
        let may_be_live = self.is_journalled
            && self.not_applied.is_none()
            && matches!(
                status,
                Status::Applied
                    | Status::AppliedWithWarnings
                    | Status::Diverged
                    | Status::Unknown
                    | Status::Rejected
            );
        let is_unsettled_again = status == Status::Unknown
            && self.unsettled.as_ref().is_some_and(|before| {
                self.org_error.as_ref().is_some_and(|now| {
                    now.http_status.is_some()
                        && (now.code, now.http_status) == (before.code, before.http_status)
                        && matches!(now.code, Code::OrgUnknownReads | Code::OrgUnknownHidden)
                })
            });
        let is_well = matches!(status, Status::Applied | Status::AppliedWithWarnings | Status::Unchanged);
        OrgOutcome {
            index: self.id.org,
            place: self.id.place,
            status,
            action: if status == Status::Unchanged { Action::None } else { Action::Update },
            attempts: self.state.spent(),
            http_status: self.http_status,
            org_error: self.org_error.take().filter(|_| !is_well).map(masked),
            ack: std::mem::take(&mut self.ack),
            verified: if is_well { self.verified } else { Verified::False },
            started_at: Some(self.started_at),
            finished_at: Some(finished_at),
            may_be_live,
            is_unsettled_again,
        }
    }
}

impl Drive for Driver<'_> {
    type Read = Live;
    type Outcome = Ended;

    fn handle(&mut self, event: Event<Live>, now: Timestamp) -> Step<Ended> {
        self.take(event, now);
        self.next(now)
    }

    fn org(&self) -> Option<Ruuid> {
        Some(self.org)
    }
}

/// The Retry-After of a reply that is no 429: a 503 may have one.
pub(super) fn asks_to_wait<T>(reply: &Reply<T>) -> Option<Throttle> {
    match reply {
        Reply::Unclear(unclear) => Some(Throttle {
            http_status: unclear.http_status.unwrap_or(0),
            retry_after: Some(unclear.retry_after?),
        }),
        _ => None,
    }
}

/// Whether a refusal is a status, and so may be another request's on a connection that carries many.
fn is_status(refusal: &Refusal) -> bool {
    refusal.kind == RefusalKind::Status
}
