//! What one org has already been waited for: failures, 429s in a row, and until when it is not to be called.

use std::time::Duration;

use crate::event::{Call, WaitReason};
use crate::policy::RetryPolicy;
use crate::policy::retry::{Whose, after};
use crate::reply::Throttle;
use crate::timestamp::Timestamp;

/// The count of tries of one org, held against a [`RetryPolicy`].
#[derive(Debug, Clone)]
pub(super) struct Patience {
    policy: RetryPolicy,
    whose: Whose,
    failures: u32,
    streak: Option<Streak>,
    wait: Option<(Timestamp, WaitReason)>,
    /// The vendor asked for it: nothing is sent before, not even the first call.
    not_before: Option<Timestamp>,
}

/// 429s in a row to calls of one kind. Only the same kind counts: a read that goes through between two writes that
/// don't is no progress.
#[derive(Debug, Clone, Copy)]
struct Streak {
    call: Call,
    /// What was waited for them: not the time that passed, in which the machine may have been suspended.
    waited: Duration,
    length: u32,
    /// Those that are not put down to the partner's bucket.
    own: u32,
}

impl Patience {
    pub(super) const fn new(policy: RetryPolicy, whose: Whose) -> Self {
        Self { policy, whose, failures: 0, streak: None, wait: None, not_before: None }
    }

    /// Nothing is to be sent before this moment.
    pub(super) fn leave_alone(&mut self, until: Timestamp) {
        self.not_before = self.not_before.max(Some(until));
    }

    /// How long it is not to be called, from `now`, if that is longer than a run waits.
    pub(super) fn asks_too_long(&self, now: Timestamp) -> Option<Throttle> {
        let left = self.not_before?.since(now);
        self.policy.is_too_long(left).then_some(Throttle { http_status: 429, retry_after: Some(left) })
    }

    /// Whether a call may be made now.
    pub(super) fn may_call(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|until| now >= until)
    }

    /// What is waited for before the next call.
    pub(super) fn pending(&mut self, now: Timestamp) -> Option<(Timestamp, WaitReason)> {
        let asked = self.not_before.filter(|until| now < *until).map(|until| (until, WaitReason::RetryAfter));
        let own = self.wait.filter(|(until, _)| now < *until);
        if own.is_none() {
            self.wait = None;
        }
        own.into_iter().chain(asked).max_by_key(|(until, _)| *until)
    }

    /// Whether a Retry-After is longer than a run waits.
    pub(super) fn is_too_long(&self, wait: Duration) -> bool {
        self.policy.is_too_long(wait)
    }

    /// Waits so long.
    pub(super) fn wait(&mut self, until: Timestamp, why: WaitReason) {
        self.wait = Some((until, why));
    }

    /// Forgets every wait, asked for or not.
    pub(super) const fn forget_waits(&mut self) {
        (self.wait, self.not_before) = (None, None);
    }

    /// A read went through.
    pub(super) const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A read failed. Returns whether it is tried again.
    pub(super) fn failed(&mut self, now: Timestamp) -> bool {
        self.failures += 1;
        let again = self.policy.after_failure(self.whose, self.failures, None);
        self.wait = again.map(|wait| (after(now, wait), WaitReason::Backoff));
        again.is_some()
    }

    /// A call of this kind got another answer than 429.
    pub(super) fn answered(&mut self, call: Call) {
        self.streak = self.streak.take().filter(|streak| streak.call != call);
    }

    /// A call was turned away for now. Returns whether it is made again: not if that would take too long, or was in
    /// vain too often.
    pub(super) fn throttled(&mut self, call: Call, throttle: Throttle, shared: bool, now: Timestamp) -> bool {
        let streak = self.streak.take().filter(|streak| streak.call == call);
        let mut streak = streak.unwrap_or(Streak { call, waited: Duration::ZERO, length: 0, own: 0 });
        streak.length += 1;
        // The partner's bucket is not this org's to answer for, nor is what came before.
        streak.own = if shared { 0 } else { streak.own + 1 };
        let wait = self.policy.after_throttle(self.whose, streak.length, throttle.retry_after);
        let is_hopeless = streak.own >= self.policy.throttles
            || self.policy.is_too_long(wait)
            || streak.waited >= self.policy.longest_wait;
        streak.waited += wait;
        self.streak = Some(streak);
        if is_hopeless {
            return false;
        }
        let why = if throttle.retry_after.is_some() { WaitReason::RetryAfter } else { WaitReason::Backoff };
        let until = after(now, wait);
        self.leave_alone(until);
        self.wait = Some((until, why));
        true
    }
}
