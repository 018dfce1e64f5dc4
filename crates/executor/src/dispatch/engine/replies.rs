//! What came back: replies of calls, answers of the journal, and what each means for everybody and for its org.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use orgwave_core::event::{Answer, Call, EventKind, WaitReason};
use orgwave_core::reply::{Cause, ClientList, Refusal, Reply, Throttle, Unclear};
use orgwave_core::run::StopReason;

use super::super::active::{Active, MOST_THROTTLES, Stage};
use super::super::reply::{OrgReply, Reach, answer_of, reach_of};
use super::super::{Context, Work};
use super::{Engine, Signal, millis, what_panicked};
use crate::gate::Sent;
use crate::gate::link::Outage;
use crate::gate::throttle::Bucket;
use crate::limits::LONGEST_WAIT;
use crate::ports::{Clock, Journal, ReadApi};

impl<C: Clock, A: ReadApi, W: Work<C>, J: Journal> Engine<'_, C, A, W, J> {
    pub(super) fn handle(&mut self, signal: Signal) {
        match signal {
            Signal::Replied { index, reply, sent, took } => self.replied(index, reply, sent, took),
            Signal::Panicked { index, what } => {
                let Some(Active { stage: Stage::Calling(call, _), .. }) = self.active.get(&index) else {
                    return;
                };
                let call = *call;
                self.in_flight -= 1;
                self.set_stage(index, Stage::Idle);
                tracing::error!(index, what, "a call panicked");
                // Whether the call was sent isn't known.
                let unclear =
                    Unclear { cause: Cause::Broken, http_status: None, retry_after: None, message: what };
                let reply = OrgReply::unclear(call, unclear);
                self.deliver(index, reply);
            }
            Signal::Listed { reply, sent, took } => self.listed(&reply, sent, took),
            Signal::Durable { index, result: Ok(()) } => {
                self.work.durable(index);
                if self.stop.is_some() {
                    self.stop_org(index);
                } else {
                    self.ask(index);
                }
            }
            Signal::Durable { index, result: Err(why) } => {
                self.work.withdrawn(index);
                self.set_stage(index, Stage::Idle);
                self.drain(StopReason::JournalFailed(why));
                self.stop_org(index);
            }
        }
    }

    fn replied(&mut self, index: u32, reply: OrgReply, sent: Sent, took: Duration) {
        let Some(Active { stage: Stage::Calling(call, _), .. }) = self.active.get(&index) else { return };
        let call = *call;
        self.in_flight -= 1;
        self.set_stage(index, Stage::Idle);
        let (answer, http_status) = reply.answer();
        self.sampler.called(answer, took);
        let org = self.work.org(index);
        self.emit(EventKind::Called { org: Some(org), call, answer, http_status, millis: millis(took) });

        let reach = reply.reach();
        if !matches!(reach, Reach::NotSent(_)) {
            self.is_up();
            self.gate.answered(sent, answer == Answer::Throttled);
        }
        if !matches!(reach, Reach::Throttled(_))
            && let Some(org) = self.active.get_mut(&index)
        {
            org.forget_throttles(call);
        }
        match reach {
            Reach::Org => self.deliver(index, reply),
            Reach::Throttled(throttle) => self.throttled(index, call, sent, throttle),
            // A read that is made again at once: nobody's failure, and no attempt.
            Reach::Dropped => self.go_on(index),
            Reach::Unauthorized(refusal) => {
                self.set_stage(index, Stage::Suspect);
                let now = self.now();
                if let Some(refusal) = self.latch.suspect(index, refusal, now) {
                    self.forbid(index, refusal);
                } else if self.stop.is_some() {
                    self.give_up_suspects();
                }
            }
            Reach::NotSent(why) => {
                self.work.withdrawn(index);
                self.not_sent(why);
                self.go_on(index);
            }
            Reach::Redirected(what) => {
                let throttle = reply.throttle();
                self.hand_over(index, reply);
                self.keep_away(index, throttle);
                self.drain(StopReason::Redirected(what));
                self.go_on(index);
            }
        }
    }

    /// Gives a reply to the work, and goes on with the org.
    fn deliver(&mut self, index: u32, reply: OrgReply) {
        let throttle = reply.throttle();
        self.hand_over(index, reply);
        self.keep_away(index, throttle);
        self.go_on(index);
    }

    /// Keeps the Retry-After of a reply that is no 429.
    fn keep_away(&mut self, index: u32, throttle: Throttle) {
        let Some(wait) = throttle.retry_after else { return };
        self.told_to_wait(Some(index), wait);
        let now = self.now();
        if wait > LONGEST_WAIT {
            self.work.parked(index, throttle, &mut Context::new(self.gate, self.sink));
        } else if let Some(org) = self.active.get_mut(&index) {
            org.not_before = now + wait;
        }
    }

    /// Has it recorded, for the processes to come.
    fn told_to_wait(&mut self, index: Option<u32>, wait: Duration) {
        self.work.told_to_wait(index, wait, &mut Context::new(self.gate, self.sink));
    }

    pub(super) fn hand_over(&mut self, index: u32, reply: OrgReply) {
        let work = &mut *self.work;
        let mut cx = Context::new(self.gate, self.sink);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work.replied(index, reply, &mut cx))) {
            work.panicked(index, &what_panicked(&*panic), &mut cx);
        }
    }

    fn go_on(&mut self, index: u32) {
        if self.check_stop() || self.stop.is_some() {
            self.stop_org(index);
        } else {
            self.ask(index);
        }
    }

    fn throttled(&mut self, index: u32, call: Call, sent: Sent, throttle: Throttle) {
        let retry_after = throttle.retry_after;
        if let Some(wait) = retry_after {
            // Before it is said that the write may be sent again.
            self.told_to_wait(Some(index), wait);
        }
        self.work.withdrawn(index);
        let now = self.now();
        let Some(org) = self.active.get_mut(&index) else { return };
        let throttles = org.count_throttle(call, now);
        let wait = retry_after.unwrap_or_else(|| self.gate.backoff.delay(throttles - 1));
        let is_alone = org.is_throttled_alone(self.gate.tally());
        if is_alone {
            self.gate.throttled_alone();
        } else if self.gate.throttled(Some(index), sent, wait) == Bucket::Partner {
            org.excuse_throttles();
            let pause = self.gate.closed_for();
            if retry_after.is_some() && !pause.is_zero() {
                self.work.told_to_wait(None, pause, &mut Context::new(self.gate, self.sink));
            }
        }
        let is_hopeless = wait > LONGEST_WAIT || org.is_hopeless(now);
        if !is_hopeless {
            // An org that is parked is called no more, so that its end has nothing to wait for.
            org.not_before = now + wait;
        }
        self.show_rate(true);
        if is_hopeless {
            self.work.parked(index, throttle, &mut Context::new(self.gate, self.sink));
            return self.go_on(index);
        }
        if self.stop.is_some() {
            return self.stop_org(index);
        }
        let why = if retry_after.is_some() { WaitReason::RetryAfter } else { WaitReason::Backoff };
        self.emit_wait(index, why, wait);
        self.wait(index, now + wait);
    }

    fn not_sent(&mut self, why: String) {
        let now = self.now();
        let attempts = self.gate.limits().attempts;
        let gate = &mut *self.gate;
        match gate.link.is_down(now, attempts, &mut gate.backoff) {
            Outage::PauseUntil(_) if self.is_paused => {}
            Outage::PauseUntil(_) => {
                self.is_paused = true;
                self.emit(EventKind::Paused { why });
            }
            Outage::GivenUp => self.drain(StopReason::Unreachable(why)),
        }
    }

    /// A reply came, whatever it was.
    fn is_up(&mut self) {
        self.gate.link.is_up();
        self.end_pause();
    }

    /// Says that a pause is over, if there is one.
    pub(super) fn end_pause(&mut self) {
        if std::mem::take(&mut self.is_paused) {
            self.emit(EventKind::Unpaused);
        }
    }

    fn listed(&mut self, reply: &Reply<ClientList>, sent: Sent, took: Duration) {
        // None is under way after a cut.
        self.in_flight = self.in_flight.saturating_sub(1);
        let (answer, http_status) = answer_of(reply);
        self.sampler.called(answer, took);
        self.emit(EventKind::Called {
            org: None,
            call: Call::List,
            answer,
            http_status,
            millis: millis(took),
        });
        if !matches!(reply, Reply::NotSent(_)) {
            self.is_up();
            self.gate.answered(sent, answer == Answer::Throttled);
        }
        if self.stop.is_some() {
            return self.give_up_suspects();
        }
        let now = self.now();
        match (reply, reach_of(reply)) {
            (_, Reach::Unauthorized(_)) => self.drain(StopReason::KeyRefused),
            (_, Reach::Throttled(Throttle { http_status, retry_after })) => {
                let wait = retry_after.unwrap_or_else(|| self.gate.backoff.delay(self.latch.failures));
                self.latch.failures += 1;
                self.gate.throttled(None, sent, wait);
                if let Some(wait) = retry_after {
                    self.told_to_wait(None, wait);
                }
                if wait > LONGEST_WAIT || self.latch.failures >= MOST_THROTTLES {
                    let why =
                        format!("the client list, asked whether the key is good, answers {http_status}");
                    return self.drain(StopReason::Unusable(why));
                }
                self.latch.ask_again(now + wait);
            }
            (_, Reach::Redirected(what)) => self.drain(StopReason::Redirected(what)),
            (_, Reach::NotSent(why)) => {
                self.latch.ask_again(now);
                self.not_sent(why);
            }
            (_, Reach::Dropped) => self.latch.ask_again(now),
            (Reply::Unclear(unclear), Reach::Org) => {
                self.latch.failures += 1;
                let least = unclear.retry_after.unwrap_or_default();
                if !least.is_zero() {
                    self.told_to_wait(None, least);
                }
                if self.latch.failures >= self.gate.limits().attempts || least > LONGEST_WAIT {
                    let why = format!("the client list, asked whether the key is good: {}", unclear.message);
                    return self.drain(match unclear.http_status {
                        Some(_) => StopReason::Unusable(why),
                        None => StopReason::Unreachable(why),
                    });
                }
                let wait = self.gate.backoff.delay(self.latch.failures - 1);
                self.latch.ask_again(now + wait.max(least));
            }
            // An answer of any other kind came from somebody who knows the key.
            (_, Reach::Org) => {
                for (index, refusal) in self.latch.key_is_good(now) {
                    self.forbid(index, refusal);
                }
            }
        }
    }

    fn forbid(&mut self, index: u32, refusal: Refusal) {
        self.set_stage(index, Stage::Idle);
        self.work.forbidden(index, refusal, &mut Context::new(self.gate, self.sink));
        self.go_on(index);
    }

    /// The run stops before the list has told: what was refused was not applied, and is nobody's fault.
    pub(super) fn give_up_suspects(&mut self) {
        for (index, _) in self.latch.release() {
            self.set_stage(index, Stage::Idle);
            self.work.withdrawn(index);
            self.stop_org(index);
        }
    }
}
