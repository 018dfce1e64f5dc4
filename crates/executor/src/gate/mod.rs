//! What every call goes through: the pace of the run and of each org, and what one org's reply means for the
//! others.
//!
//! * [`pacer`]: governor's limiters, on our clock, with a rate that can change.
//! * [`rate`]: which rate - the ceiling, slowed by the vendor's 429s, or found by trying.
//! * [`learned`]: for how long a measured rate is worth something.
//! * [`throttle`]: whether 429s are one org's or the partner's.
//! * [`backoff`]: how long to wait after a failure.
//! * [`link`]: whether the vendor can be reached at all.
//!
//! Nothing here sends, waits or knows what a call is for.

pub mod backoff;
pub mod learned;
pub mod link;
pub mod pacer;
pub mod rate;
pub mod throttle;

use std::time::Duration;

use orgwave_core::policy::Rate;

use crate::limits::Limits;
use crate::ports::Clock;
use backoff::Backoff;
use link::Link;
use pacer::Pacer;
use rate::RateControl;
use throttle::{Bucket, Tally, Throttles};

/// After a 429 of an org, as long as no limit is known, each call is given so long to be answered before the next, until
/// one gets through: so two refused calls in a row tell whose bucket it was, and the next answer that it was the org's.
const TIME_TO_ANSWER: Duration = Duration::from_millis(150);
/// But for no longer than this.
const ONE_BY_ONE: Duration = Duration::from_millis(400);

/// The seconds in which nothing is sent into a bucket that turned out to be empty, at least; and into one that is about
/// as full as was thought.
const PAUSE: f64 = 1.0;
const SHORT_PAUSE: f64 = 0.25;

/// The gate of a process: one for planning and applying, so that both together keep the limits.
#[derive(Debug)]
pub struct Gate<C: Clock> {
    clock: C,
    limits: Limits,
    pacer: Pacer,
    rate: RateControl,
    throttles: Throttles,
    tally: Tally,
    /// Whether the vendor can be reached.
    pub link: Link,
    /// Delays after failures.
    pub backoff: Backoff,
    /// No call before this reading: the partner's bucket is empty.
    closed_until: Duration,
    /// The call that was refused, and until when each is waited for.
    one_by_one: Option<(u64, Duration)>,
    latest: Sent,
}

/// A call that was sent: which of all, and when.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    number: u64,
    at: Duration,
}

impl<C: Clock> Gate<C> {
    /// A gate with these limits. `learned` is what [`learned_rate`](Self::learned_rate) gave at the end of an earlier
    /// process of the same key and endpoint, as far as it is [still worth something](learned::still_good): `auto`
    /// begins at four fifths of it. `seed` makes the jitter repeatable.
    pub fn new(clock: C, limits: Limits, learned: Option<f64>, seed: u64) -> Self {
        let rate = RateControl::new(limits.rate, learned);
        let pacer = Pacer::new(rate.current(), limits.org_rate, clock.elapsed());
        Self {
            clock,
            limits,
            pacer,
            rate,
            throttles: Throttles::default(),
            tally: Tally::default(),
            link: Link::default(),
            backoff: Backoff::new(seed),
            closed_until: Duration::ZERO,
            one_by_one: None,
            latest: Sent::default(),
        }
    }

    /// The clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// The limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Calls a second that are allowed now; `None` if unlimited.
    pub const fn allowed_rate(&self) -> Option<f64> {
        self.rate.current()
    }

    /// The vendor's limit in calls a second, if `auto` has measured it: to be remembered for this key and endpoint,
    /// with the time of day. `None` is no news: what was remembered before stays.
    pub fn learned_rate(&self) -> Option<f64> {
        self.rate.learned()
    }

    /// Takes the run's turn for one call.
    ///
    /// # Errors
    /// Not yet: the reading of the clock at which to ask again.
    pub fn take_turn(&mut self) -> Result<(), Duration> {
        let now = self.clock.elapsed();
        if now < self.closed_until {
            return Err(self.closed_until);
        }
        let answered = self.latest.at + TIME_TO_ANSWER;
        if self.one_by_one.is_some_and(|(_, until)| now < until) && now < answered {
            return Err(answered);
        }
        if self.rate.tick(now) {
            self.pacer.set_rate(self.rate.current(), now);
        }
        self.pacer.take_turn(now)?;
        self.latest = Sent { number: self.rate.sent(), at: now };
        Ok(())
    }

    /// How long no call may be made, as the partner's bucket is empty.
    pub fn closed_for(&self) -> Duration {
        self.closed_until.saturating_sub(self.clock.elapsed())
    }

    /// Makes no call for so long: the vendor asked an earlier process for it.
    pub fn close_for(&mut self, wait: Duration) {
        self.closed_until = self.closed_until.max(self.clock.elapsed() + wait);
    }

    /// Takes an org's turn for one call.
    ///
    /// # Errors
    /// Not yet: the reading of the clock at which to ask again.
    pub fn take_org_turn(&mut self, index: u32) -> Result<(), Duration> {
        self.pacer.take_org_turn(index, self.clock.elapsed())
    }

    /// The call that the latest turn was taken for.
    pub const fn latest(&self) -> Sent {
        self.latest
    }

    /// A call was answered, by 429 or by anything else.
    pub fn answered(&mut self, call: Sent, is_throttled: bool) {
        self.tally.add(is_throttled);
        if is_throttled {
            self.rate.refused();
        } else if self.one_by_one.is_some_and(|(refused, _)| refused < call.number) {
            self.one_by_one = None;
        }
    }

    /// How all calls were answered so far.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// A 429 came for a call to an org that has had many in a row, while the others got through.
    pub const fn throttled_alone(&mut self) {
        self.throttles.note_own();
    }

    /// A 429 came for a call to an org (`None`: to the client list). Returns whose bucket it was, as far as is
    /// known.
    pub fn throttled(&mut self, org: Option<u32>, call: Sent, retry_after: Duration) -> Bucket {
        let now = self.clock.elapsed();
        if self.rate.has_reacted_since(call.at) {
            self.rate.paid();
            return Bucket::Partner;
        }
        let expected = self.rate.expected(now);
        let is_news = self.throttles.is_news(org, now, self.tally);
        let evidence = self.throttles.note(org, now, self.tally, expected);
        if evidence.is_some() || expected.is_empty() {
            self.rate.paid();
        }
        let Some(evidence) = evidence else {
            if is_news {
                self.rate.unsettled(call.at, call.number);
                if self.rate.is_searching() {
                    self.one_by_one = Some((call.number, now + ONE_BY_ONE));
                }
            }
            return Bucket::Org;
        };
        if self.limits.rate != Rate::Unlimited {
            if self.rate.slow_down(now, call.at, call.number, evidence) {
                self.pacer.set_rate(self.rate.current(), now);
            }
            // Every other call would be refused as well, until there is a token again; a longer Retry-After is
            // kept by its org alone.
            let least = if expected.is_empty() { SHORT_PAUSE } else { PAUSE };
            let token = self.rate.current().map_or(1.0, |rate| (1.0 / rate).max(least));
            let pause = retry_after.min(Duration::from_secs_f64(token));
            self.closed_until = self.closed_until.max(now + pause);
        }
        Bucket::Partner
    }
}
