//! What every call goes through: the pace of the run and of each org, and what one org's reply means for the
//! others.
//!
//! * [`pacer`]: governor's limiters, on our clock, with a rate that can change.
//! * [`rate`]: which rate - the ceiling, slowed by the vendor's 429s, or found by trying.
//! * [`learned`]: for how long a measured rate is worth something.
//! * [`throttle`]: whether 429s are one org's or the partner's.
//! * [`link`]: whether the vendor can be reached at all.
//! * `key`: whether a 401 or 403 is one org's or the key's.
//!
//! Nothing here sends, waits or knows what a call is for.

mod key;
pub mod learned;
pub mod link;
pub mod pacer;
pub mod rate;
pub mod throttle;

use std::collections::HashMap;
use std::time::Duration;

use orgwave_core::event::Call;
use orgwave_core::policy::Rate;
use orgwave_core::policy::retry::Whose;
use orgwave_core::reply::{Cause, ClientList, Reply, Throttle, Unclear};
use orgwave_core::run::StopReason;

use crate::coordinator::{Concern, Coordinator, KeyCheck, Permit, Seen, Turn};
use crate::limits::Limits;
use crate::ports::Clock;
use key::{KeyState, Question};
use link::{Link, Outage};
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

/// How long a turn that no org could use is kept. Longer, and it would come on top of a later burst.
const TURN_LASTS: Duration = Duration::from_millis(1);

/// 429s in a row from which on it matters whether others get through.
const MANY: u32 = 3;

/// 429s in a row of one org, to calls of one kind.
#[derive(Debug)]
struct Streak {
    call: Call,
    length: u32,
    /// What all calls had come to at the latest of them.
    tally: Tally,
    /// Most calls of the others got through meanwhile. That stays true when there are no others any more.
    is_alone: bool,
}

/// The gate of a process: one for planning and applying, so that both together keep the limits.
#[derive(Debug)]
pub struct Gate<C: Clock> {
    clock: C,
    limits: Limits,
    pacer: Pacer,
    rate: RateControl,
    throttles: Throttles,
    tally: Tally,
    /// Of each org whose latest call was throttled.
    streaks: HashMap<u32, Streak>,
    link: Link,
    key: KeyState,
    /// A turn of the run that was taken at this reading and not used yet.
    turn: Option<Duration>,
    /// No call before this reading: the partner's bucket is empty.
    closed_until: Duration,
    /// The call that was refused, and until when each is waited for.
    one_by_one: Option<(u64, Duration)>,
    latest: Permit,
}

impl<C: Clock> Gate<C> {
    /// A gate with these limits. `learned` is what [`learned_rate`](Self::learned_rate) gave at the end of an earlier
    /// process of the same key and endpoint, as far as it is [still worth something](learned::still_good): `auto`
    /// begins at four fifths of it.
    pub fn new(clock: C, limits: Limits, learned: Option<f64>) -> Self {
        let rate = RateControl::new(limits.rate, learned);
        let pacer = Pacer::new(rate.current(), limits.org_rate, clock.elapsed());
        Self {
            clock,
            limits,
            pacer,
            rate,
            throttles: Throttles::default(),
            tally: Tally::default(),
            streaks: HashMap::new(),
            link: Link::default(),
            key: KeyState::default(),
            turn: None,
            closed_until: Duration::ZERO,
            one_by_one: None,
            latest: Permit::default(),
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

    /// So much of the longest that a run may take is over: what is done to its orgs after a stop has only the rest.
    pub(crate) fn has_taken(&mut self, took: Duration) {
        self.limits.max_duration = self.limits.max_duration.map(|most| most.saturating_sub(took));
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
    fn take_turn(&mut self) -> Result<(), Duration> {
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
        self.latest = Permit { number: self.rate.sent(now), at: now };
        Ok(())
    }

    /// How long no call may be made, as the partner's bucket is empty.
    fn closed_for(&self) -> Duration {
        self.closed_until.saturating_sub(self.clock.elapsed())
    }

    /// Makes no call for so long: the vendor asked an earlier process for it.
    pub fn close_for(&mut self, wait: Duration) {
        self.closed_until = self.closed_until.max(self.clock.elapsed() + wait);
    }

    /// A call was answered, by 429 or by anything else.
    fn answered(&mut self, call: Permit, is_throttled: bool) {
        self.tally.add(is_throttled);
        self.rate.answered(self.clock.elapsed(), call.number, is_throttled);
        if !is_throttled && self.one_by_one.is_some_and(|(refused, _)| refused < call.number) {
            self.one_by_one = None;
        }
    }

    /// A 429 came for a call to an org (`None`: to the client list). Returns whose bucket it was, as far as is
    /// known.
    fn throttled(&mut self, org: Option<u32>, call: Permit, retry_after: Duration) -> Bucket {
        let now = self.clock.elapsed();
        if self.rate.has_reacted_since(call.at) {
            self.rate.paid();
            if self.throttles.is_news(org, now, self.tally) {
                self.rate.still_empty(now, call.number);
            }
            return Bucket::Partner;
        }
        let expected = self.rate.expected(call.at, call.number);
        let is_news = self.throttles.is_news(org, now, self.tally);
        let evidence = self.throttles.note(org, now, self.tally, expected, self.rate.round_trip());
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
    /// Whether the latest 429 of an org is its own, even if others were throttled: it is one of many in a row, while most
    /// calls of the others got through.
    fn is_throttled_alone(&mut self, index: u32, call: Call) -> bool {
        let fresh = || Streak { call, length: 0, tally: Tally::default(), is_alone: false };
        let streak = self.streaks.entry(index).or_insert_with(fresh);
        if streak.call != call {
            *streak = fresh();
        }
        streak.length += 1;
        let since = self.tally.since(streak.tally);
        streak.tally = self.tally;
        streak.is_alone |= streak.length >= MANY && since.is_mostly_accepted();
        streak.is_alone
    }

    fn call_throttled(
        &mut self,
        index: Option<u32>,
        call: Call,
        permit: Permit,
        throttle: Throttle,
    ) -> Concern {
        let Some(index) = index else {
            let wait = self.limits.retry.after_throttle(Whose::Run, 1, throttle.retry_after);
            let shared = self.throttled(None, permit, wait) == Bucket::Partner;
            return Concern::Throttled { shared, pause: None };
        };
        if self.is_throttled_alone(index, call) {
            self.throttles.note_own();
            return Concern::Throttled { shared: false, pause: None };
        }
        let in_a_row = self.streaks.get(&index).map_or(1, |streak| streak.length);
        let wait = self.limits.retry.after_throttle(Whose::Org(index), in_a_row, throttle.retry_after);
        let shared = self.throttled(Some(index), permit, wait) == Bucket::Partner;
        let closed = self.closed_for();
        let pause = (shared && throttle.retry_after.is_some() && !closed.is_zero()).then_some(closed);
        Concern::Throttled { shared, pause }
    }

    fn not_sent(&mut self, why: &str) -> Result<(), StopReason> {
        match self.link.is_down(self.clock.elapsed(), &self.limits.retry) {
            Outage::PauseUntil(_) => Ok(()),
            Outage::GivenUp => Err(StopReason::Unreachable(why.to_owned())),
        }
    }

    /// The client list was not answered, or not so that it shows anything.
    fn key_unknown(
        &mut self,
        throttled: Option<u16>,
        retry_after: Option<Duration>,
        unclear: Option<&Unclear>,
    ) -> KeyCheck {
        let (now, retry) = (self.clock.elapsed(), self.limits.retry);
        self.key.failures += 1;
        let asked = "the client list, read to check the key";
        let wait = match throttled {
            Some(_) if self.key.failures >= retry.throttles => None,
            Some(_) => Some(retry.after_throttle(Whose::Run, self.key.failures, retry_after)),
            None => retry.after_failure(Whose::Run, self.key.failures, retry_after),
        };
        match wait.filter(|wait| !retry.is_too_long(*wait)) {
            Some(wait) => {
                self.key.ask_again(now + wait);
                KeyCheck::Again(retry_after)
            }
            None => {
                let reason = match (throttled, unclear) {
                    (Some(status), _) => StopReason::Unusable(format!("{asked}, answers {status}")),
                    (None, Some(unclear)) if unclear.http_status.is_none() => {
                        StopReason::Unreachable(format!("{asked}: {}", unclear.message))
                    }
                    (None, unclear) => {
                        let what = unclear.map_or("", |unclear| unclear.message.as_str());
                        StopReason::Unusable(format!("{asked}: {what}"))
                    }
                };
                KeyCheck::Stop(reason, retry_after)
            }
        }
    }
}

impl<C: Clock> Coordinator for Gate<C> {
    type Clock = C;

    fn clock(&self) -> &C {
        &self.clock
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn rate(&self) -> Option<f64> {
        self.rate.current()
    }

    fn turn(&mut self) -> Turn {
        let now = self.clock.elapsed();
        if let Some(until) = self.link.paused_until(now) {
            return Turn::NotBefore(until);
        }
        match self.key.question() {
            Question::Asked => return Turn::Later,
            Question::Due(at) if now < at => return Turn::NotBefore(at),
            Question::Due(_) | Question::None => {}
        }
        if self.turn.is_none_or(|taken| now > taken + TURN_LASTS) {
            if let Err(until) = self.take_turn() {
                return Turn::NotBefore(until);
            }
            self.turn = Some(now);
        }
        match self.key.question() {
            Question::None => Turn::Call(self.latest),
            _ => Turn::List(self.latest),
        }
    }

    fn use_for(&mut self, index: u32) -> Result<(), Duration> {
        self.pacer.take_org_turn(index, self.clock.elapsed())?;
        self.turn = None;
        Ok(())
    }

    fn use_for_list(&mut self) {
        self.turn = None;
        self.key.asked();
    }

    fn ended(&mut self, index: Option<u32>, call: Call, permit: Permit, seen: &Seen) -> Concern {
        if !matches!(seen, Seen::NotSent(_)) {
            self.link.is_up();
            self.answered(permit, matches!(seen, Seen::Throttled(_)));
        }
        if let Some(index) = index
            && !matches!(seen, Seen::Throttled(_))
            && self.streaks.get(&index).is_some_and(|streak| streak.call == call)
        {
            self.streaks.remove(&index);
        }
        match seen {
            Seen::Reply | Seen::Dropped => Concern::None,
            Seen::Throttled(throttle) => self.call_throttled(index, call, permit, *throttle),
            Seen::Unauthorized(refusal) => match index {
                Some(index) if !self.key.suspect(index, refusal, self.clock.elapsed()) => Concern::Suspect,
                _ => Concern::Refused(refusal.clone()),
            },
            Seen::NotSent(why) => match self.not_sent(why) {
                Ok(()) => Concern::Down(why.clone()),
                Err(reason) => Concern::Stop(reason),
            },
            Seen::Redirected(what) => Concern::Stop(StopReason::Redirected(what.clone())),
        }
    }

    fn list_ended(&mut self, permit: Permit, reply: &Reply<ClientList>) -> KeyCheck {
        let now = self.clock.elapsed();
        if !matches!(reply, Reply::NotSent(_)) {
            self.link.is_up();
            self.answered(permit, matches!(reply, Reply::Throttled(_)));
        }
        match reply {
            Reply::Unauthorized(_) => KeyCheck::Stop(StopReason::KeyRefused, None),
            Reply::Throttled(Throttle { http_status, retry_after }) => {
                let in_a_row = self.key.failures + 1;
                let wait = self.limits.retry.after_throttle(Whose::Run, in_a_row, *retry_after);
                self.throttled(None, permit, wait);
                self.key_unknown(Some(*http_status), *retry_after, None)
            }
            Reply::NotSent(why) => {
                self.key.ask_again(now);
                match self.not_sent(why) {
                    Ok(()) => KeyCheck::Down(why.clone()),
                    Err(reason) => KeyCheck::Stop(reason, None),
                }
            }
            Reply::Unclear(Unclear { cause: Cause::Redirect, message, .. }) => {
                KeyCheck::Stop(StopReason::Redirected(message.clone()), None)
            }
            Reply::Unclear(Unclear { cause: Cause::Dropped, .. }) => {
                self.key.ask_again(now);
                KeyCheck::Again(None)
            }
            Reply::Unclear(unclear) => self.key_unknown(None, unclear.retry_after, Some(unclear)),
            // An answer of any other kind came from the vendor, which knows the key.
            Reply::Good(_) | Reply::Refused(_) => KeyCheck::Good(self.key.is_good(now)),
        }
    }

    fn release_suspects(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.key).release().into_iter().map(|(index, _)| index).collect()
    }

    fn forget(&mut self, index: u32) {
        self.streaks.remove(&index);
    }
}
