//! What came back: how calls ended, what the journal answers, and what each means for all orgs and for its own.

use std::time::Duration;

use orgwave_core::event::{Answer, Call, EventKind};
use orgwave_core::org::Entry;
use orgwave_core::org::{Drive, Event};
use orgwave_core::policy::Pause;
use orgwave_core::reply::{Cause, ClientList, Reply, Unclear};
use orgwave_core::run::StopReason;

use super::{Active, EventOf, Pump, Signal, Stage, Work, millis};
use crate::coordinator::{Concern, Coordinator, KeyCheck, Permit, Seen};
use crate::ports::{Journal, ReadApi};

impl<K: Coordinator, A: ReadApi, W: Work, J: Journal> Pump<'_, K, A, W, J>
where
    <W::Driver as Drive>::Read: Send + 'static,
{
    pub(super) fn handle(&mut self, signal: Signal<<W::Driver as Drive>::Read>) {
        match signal {
            Signal::Called { index, event, permit, took } => self.called(index, event, permit, took),
            Signal::Panicked { index, what } => {
                let Some(call) = self.end_call(index) else { return };
                tracing::error!(index, what, "a call panicked");
                // Whether the call was sent isn't known.
                self.feed(index, broken(call, what, self.now()));
            }
            Signal::Listed { reply, permit, took } => self.listed(&reply, permit, took),
            Signal::Durable { index, result: Ok(()) } => {
                if matches!(self.active.get(&index), Some(Active { stage: Stage::Recording, .. })) {
                    self.set_stage(index, Stage::Idle);
                    self.feed(index, Event::Recorded);
                }
            }
            Signal::Durable { index, result: Err(why) } => {
                self.drain(StopReason::JournalFailed(why));
                self.set_stage(index, Stage::Idle);
                self.stop_org(index);
            }
        }
    }

    /// The call of an org that has ended; none, after a cut.
    fn end_call(&mut self, index: u32) -> Option<Call> {
        let Some(Active { stage: Stage::Calling(call, _), .. }) = self.active.get(&index) else {
            return None;
        };
        let call = *call;
        self.in_flight -= 1;
        self.set_stage(index, Stage::Idle);
        Some(call)
    }

    fn called(&mut self, index: u32, event: EventOf<W>, permit: Permit, took: Duration) {
        let Some(call) = self.end_call(index) else { return };
        let Some((seen, answer, http_status)) = seen_of(&event) else { return self.feed(index, event) };
        self.sampler.called(answer, took);
        if let Some(org) = self.active.get(&index).and_then(|org| org.driver.org()) {
            self.emit(EventKind::Called { org: Some(org), call, answer, http_status, millis: millis(took) });
        }
        let is_of_org = self.active.get(&index).is_some_and(|org| org.driver.org().is_some());
        let org = is_of_org.then_some(index);
        let concern = match (&seen, self.api) {
            // No other call can say more of the key than this very reply.
            (Seen::Unauthorized(_), None) => self.coordinator.ended(org, call, permit, &Seen::Reply),
            _ => self.coordinator.ended(org, call, permit, &seen),
        };
        if !matches!(seen, Seen::NotSent(_)) {
            self.end_pause();
        }
        match (concern, seen) {
            // A write is never sent again for that.
            (Concern::None, Seen::Dropped) if call != Call::Write => self.feed(index, Event::NotSent),
            (Concern::Throttled { shared, pause }, Seen::Throttled(throttle)) => {
                self.note_pause(pause);
                self.show_rate(true);
                self.feed(index, Event::Throttled { throttle, shared });
            }
            (Concern::Suspect, _) => {
                self.set_stage(index, Stage::Suspect);
                if self.stop.is_some() {
                    self.give_up_suspects();
                }
            }
            (Concern::Refused(refusal), _) => self.feed(index, Event::Forbidden(refusal)),
            (Concern::Down(why), _) => {
                self.pause(why);
                self.feed(index, Event::NotSent);
            }
            (Concern::Stop(reason), seen) => {
                self.drain(reason);
                self.feed(index, if matches!(seen, Seen::NotSent(_)) { Event::NotSent } else { event });
            }
            (Concern::None | Concern::Throttled { .. }, _) => self.feed(index, event),
        }
    }

    fn listed(&mut self, reply: &Reply<ClientList>, permit: Permit, took: Duration) {
        // None is in progress after a cut.
        self.in_flight = self.in_flight.saturating_sub(1);
        let (_, answer, http_status) = seen_of_reply(reply);
        self.sampler.called(answer, took);
        let millis = millis(took);
        self.emit(EventKind::Called { org: None, call: Call::List, answer, http_status, millis });
        let check = self.coordinator.list_ended(permit, reply);
        if !matches!(reply, Reply::NotSent(_)) {
            self.end_pause();
        }
        if self.stop.is_some() {
            return self.give_up_suspects();
        }
        match check {
            KeyCheck::Good(suspects) => {
                for (index, refusal) in suspects {
                    self.set_stage(index, Stage::Idle);
                    self.feed(index, Event::Forbidden(refusal));
                }
            }
            KeyCheck::Again(pause) => self.note_pause(pause),
            KeyCheck::Down(why) => self.pause(why),
            KeyCheck::Stop(reason, pause) => {
                self.note_pause(pause);
                self.drain(reason);
            }
        }
    }

    /// The vendor asks all callers to wait: recorded for the processes to come.
    fn note_pause(&mut self, wait: Option<Duration>) {
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            let pause = Pause::new(self.now(), wait);
            self.journal.record(Entry::Pause { index: None, pause });
        }
    }

    /// Says that nothing is sent for a while.
    fn pause(&mut self, why: String) {
        if !std::mem::replace(&mut self.is_paused, true) {
            self.emit(EventKind::Paused { why });
        }
    }

    /// Says that a pause is over, if there is one.
    pub(super) fn end_pause(&mut self) {
        if std::mem::take(&mut self.is_paused) {
            self.emit(EventKind::Unpaused);
        }
    }

    /// The run stops before the list has shown whose refusal it was: what was refused was not applied, and is no org's
    /// fault.
    pub(super) fn give_up_suspects(&mut self) {
        for index in self.coordinator.release_suspects() {
            self.set_stage(index, Stage::Idle);
            self.feed(index, Event::NotSent);
        }
    }
}

/// The event of a call whose end is unknown.
pub(super) fn broken<R>(
    call: Call,
    message: String,
    requested: orgwave_core::timestamp::Timestamp,
) -> Event<R> {
    let unclear = Unclear { cause: Cause::Broken, http_status: None, retry_after: None, message };
    match call {
        Call::Write => Event::WriteReply(Reply::Unclear(unclear)),
        Call::List => Event::ListReply(Reply::Unclear(unclear)),
        Call::Read | Call::ReadBack => Event::ReadReply { reply: Reply::Unclear(unclear), requested },
    }
}

/// What others care about in the event of a call; none, where nothing was sent.
fn seen_of<R>(event: &Event<R>) -> Option<(Seen, Answer, Option<u16>)> {
    match event {
        Event::ReadReply { reply, .. } => Some(seen_of_reply(reply)),
        Event::WriteReply(reply) => Some(seen_of_reply(reply)),
        Event::ListReply(reply) => Some(seen_of_reply(reply)),
        _ => None,
    }
}

fn seen_of_reply<T>(reply: &Reply<T>) -> (Seen, Answer, Option<u16>) {
    match reply {
        Reply::Good(_) => (Seen::Reply, Answer::Good, Some(200)),
        Reply::Refused(refusal) => (Seen::Reply, Answer::Refused, Some(refusal.http_status)),
        Reply::Unauthorized(refusal) => {
            (Seen::Unauthorized(refusal.clone()), Answer::Unauthorized, Some(refusal.http_status))
        }
        Reply::Throttled(throttle) => {
            (Seen::Throttled(*throttle), Answer::Throttled, Some(throttle.http_status))
        }
        Reply::NotSent(why) => (Seen::NotSent(why.clone()), Answer::NotSent, None),
        Reply::Unclear(unclear) => {
            let seen = match unclear.cause {
                Cause::Redirect => Seen::Redirected(unclear.message.clone()),
                Cause::Dropped => Seen::Dropped,
                _ => Seen::Reply,
            };
            (seen, Answer::Unclear, unclear.http_status)
        }
    }
}
