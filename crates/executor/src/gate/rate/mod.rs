//! Which rate: the given ceiling, slowed by the vendor's 429s; or, for `auto`, measured.
//!
//! # How an unknown limit is measured
//!
//! The vendor has a token bucket. Its size and its rate are unknown, but one thing is known exactly: at a 429 it is
//! empty. Between two moments at which it is empty, what it let through is what flowed in. So
//!
//! 1. *search* (`Rise`): until the first 429, double the rate each second. A full bucket is spent by this, not
//!    wasted.
//! 2. *guess*: at the first 429, what was sent is the bucket and what flowed in; with the usual bucket of ten
//!    seconds, that gives a first rate. From there, upwards again to the second 429.
//! 3. *measure* (`level`): the calls let through between two 429s, by the time between. Measures that don't
//!    contradict each other are taken together, so that a rate is known to a thousandth after a few of them. The
//!    first may have begun while the bucket ran over, so the second is asked for at once.
//! 4. *hold* (`limit`): what should be in the bucket is known from then on (what flowed in, less what was sent). Send
//!    at the measured rate, with a small reserve left in the bucket: a quarter of a second of it, and what the
//!    measure may be wrong by. At 8/s that is two calls.
//! 5. *probe* (`allowance`): whether the limit was raised can't be known without a call that would be refused if it
//!    wasn't. With at most 2 % refused, there is one in fifty calls at best: at 2/s, every 25 s. One in 77 is what is
//!    spent, which leaves something for the start.
//! 6. *raised or lowered*: more came through than can have flowed in, so go up to the next 429; or a 429 where there
//!    should have been something in the bucket, so continue from less. When the change came isn't known, so neither is
//!    the new rate; the next two 429s tell it.
//!
//! Nothing of this is known when a call is sent, but a round trip later (`ledger`). So the search and each way up are
//! bounded by what the calls without a reply may cost, a probe waits for its replies, and the 429s of calls that were in
//! progress at the first one measure the rate (`Limit::still_empty`).
//!
//! What is reported as a ceiling is the same without the search, and never passed. `unlimited` is never slowed. Whether a
//! 429 is the partner's at all is decided in [`throttle`](super::throttle).
//! What it reaches, in numbers, is in docs/guide/limits.md.

mod allowance;
mod ledger;
mod level;
mod limit;
mod rise;

use std::time::Duration;

use orgwave_core::policy::Rate;

use super::throttle::{Evidence, Expected};
use allowance::Allowance;
use ledger::Ledger;
use level::{Mark, Measure, Stretch};
use limit::Limit;
use rise::Rise;

/// Where `auto` begins when nothing was learned.
const FIRST: f64 = Rate::FIRST;
/// What of a learned rate `auto` begins with: limits change.
const TRUST: f64 = 0.8;
/// How the search goes up, a second; after a learned rate more carefully.
const SEARCH: f64 = 2.0;
const CAREFUL_SEARCH: f64 = 1.25;
/// The bucket, in seconds of its rate, until its rate was measured.
const USUAL_BUCKET: f64 = 10.0;
/// What of a guess is used: a little too slow is found out by climbing, too fast by calls refused.
const CAUTION: f64 = 0.95;
/// Never slower than a call in two seconds.
const SLOWEST: f64 = 0.5;
/// `auto` goes no higher: beyond it the engine is the limit.
const FASTEST: f64 = 100_000.0;
/// Up to here, every refused call counts.
const SLOW: f64 = 40.0;
/// A bucket may be smaller than the usual one, and the rate this many times the guess. Not more: it may not have been.
const MOST_OVER_GUESS: f64 = 4.0;
/// For so long a 429 that wasn't believed may still turn out to have been the partner's.
const SUSPECT: Duration = Duration::from_secs(3);
/// What may be refused when the search finds the bucket empty, in seconds of the rate; or, if that is more, as a share of
/// what was let through by then.
const START_COST: f64 = 1.2;
const START_SHARE: f64 = 0.05;
/// The search needn't be slower than a limit of so many calls a second allows.
const LEAST_LIMIT: f64 = 3.0;
/// How often the pace is thought about.
const TICK: Duration = Duration::from_millis(200);
/// A pause of so long, and of this many calls, is a break: what was sent before it says nothing of a bucket that has filled up since.
const BREAK: Duration = Duration::from_secs(1);
const BREAK_CALLS: f64 = 3.0;

/// The rate of a run, over time.
#[derive(Debug, Clone)]
pub struct RateControl {
    /// `None`: unlimited.
    current: Option<f64>,
    ceiling: f64,
    is_auto: bool,
    learned: Option<f64>,
    /// Until the first 429.
    search: Rise,
    limit: Option<Limit>,
    ledger: Ledger,
    /// The first refused call of late that wasn't put down to the partner: if it was, the bucket was empty then.
    suspect: Option<Mark>,
    allowance: Allowance,
    /// Since when, and since which call, calls were sent without a break.
    busy: (Duration, u64),
    ticked: Duration,
}

impl RateControl {
    /// The given rate. `learned` is one that was measured before: `auto` begins below it, and continues carefully.
    pub fn new(rate: Rate, learned: Option<f64>) -> Self {
        let (current, ceiling) = match rate {
            Rate::Auto => {
                (Some(learned.map_or(FIRST, |rate| (rate * TRUST).clamp(SLOWEST, FASTEST))), FASTEST)
            }
            Rate::PerSecond(rate) => (Some(rate.get()), rate.get()),
            Rate::Unlimited => (None, f64::INFINITY),
        };
        let growth = if learned.is_some() { CAREFUL_SEARCH } else { SEARCH };
        Self {
            current,
            ceiling,
            is_auto: rate == Rate::Auto,
            learned,
            search: Rise::from(current.unwrap_or(FIRST), growth, Duration::ZERO, 0),
            limit: None,
            ledger: Ledger::default(),
            suspect: None,
            allowance: Allowance::new(),
            busy: (Duration::ZERO, 0),
            ticked: Duration::ZERO,
        }
    }

    /// Calls a second that are allowed; `None` if unlimited.
    pub const fn current(&self) -> Option<f64> {
        self.current
    }

    /// What is worth remembering: a limit that was measured, not guessed, and not given.
    pub fn learned(&self) -> Option<f64> {
        self.limit
            .as_ref()
            .filter(|limit| self.is_auto && limit.measure.is_full())
            .map(|limit| limit.measure.rate)
    }

    /// Whether nothing is known of the limit, and it is looked for.
    pub(super) const fn is_searching(&self) -> bool {
        self.is_auto && self.limit.is_none()
    }

    /// Whether a 429 was put down to the partner's bucket since a call was sent: one of that call is no other.
    pub(super) fn has_reacted_since(&self, sent_at: Duration) -> bool {
        self.limit.as_ref().is_some_and(|limit| sent_at <= limit.reacted)
    }

    /// How long a call takes to be answered, in seconds.
    pub(super) fn round_trip(&self) -> Duration {
        Duration::from_secs_f64(self.ledger.round_trip())
    }

    /// What was known of the bucket when a call was sent.
    pub fn expected(&self, sent_at: Duration, number: u64) -> Expected {
        let is_slow = self.current.is_some_and(|rate| rate <= SLOW);
        let Some(limit) = &self.limit else {
            return if is_slow && self.is_searching() { Expected::Nothing } else { Expected::NotEmpty };
        };
        let is_climbing = limit.is_climbing();
        match (is_climbing || limit.is_low(Mark { at: sent_at, number }, &self.ledger), is_slow) {
            (false, false) => Expected::NotEmpty,
            (false, true) => Expected::NotEmptyAmongFew,
            (true, false) => Expected::EmptyAmongMany,
            (true, true) if is_climbing => Expected::EmptySoon,
            (true, true) => Expected::EmptyNow,
        }
    }

    /// A call is sent. Returns its number.
    pub fn sent(&mut self, now: Duration) -> u64 {
        self.allowance.sent();
        self.ledger.send(now)
    }

    /// The call with this number was answered: by 429, whosever bucket it was, or by anything else.
    pub fn answered(&mut self, now: Duration, number: u64, is_refused: bool) {
        self.ledger.answer(number, now, is_refused);
    }

    /// The one with this number, sent at `sent_at`, was news of an org, and not put down to the partner. Until more is
    /// known it counts as if it had got through: else each refused call would be a reason to send another.
    pub(super) fn unsettled(&mut self, sent_at: Duration, number: u64) {
        self.ledger.unsettle(number);
        if self.suspect.is_none_or(|suspect| suspect.at + SUSPECT < sent_at) {
            self.suspect = Some(Mark { at: sent_at, number });
        }
    }

    /// It came for a call that was sent before the latest reaction, and is no org's own.
    pub(super) fn still_empty(&mut self, now: Duration, number: u64) {
        let mark = self.ledger.mark(number, now);
        if let Some(limit) = &mut self.limit {
            limit.still_empty(mark, &self.ledger);
        }
    }

    /// A call was refused, it seems, for the sake of knowing the limit.
    pub fn paid(&mut self) {
        let rate = self.limit.as_ref().map_or(0.0, |limit| limit.measure.rate);
        let late = self.ledger.round_trip().min(1.0);
        self.allowance.refused(late * late * rate);
    }

    /// Time has passed. Returns whether the rate changed.
    pub fn tick(&mut self, now: Duration) -> bool {
        let Some(current) = self.current else { return false };
        let passed = now.saturating_sub(self.ticked);
        if passed < TICK {
            return false;
        }
        self.ticked = now;
        if passed > BREAK.max(Duration::from_secs_f64(BREAK_CALLS / current)).max(self.round_trip()) {
            let sent = self.ledger.sent();
            self.busy = (now, sent);
            self.search.rest(now, sent);
            if let Some(limit) = &mut self.limit {
                limit.rest(now, sent, passed);
            }
        }
        if let Some(first) = self.limit.as_ref().and_then(Limit::begins) {
            self.ledger.forget_before(first);
        }
        let next = self.pace(now).clamp(SLOWEST, self.ceiling.max(SLOWEST)).min(self.ceiling);
        let is_back = next >= self.ceiling && current < self.ceiling;
        let has_changed = is_back || (next - current).abs() > 0.01 * current;
        if has_changed {
            self.current = Some(next);
        }
        has_changed
    }

    fn pace(&mut self, now: Duration) -> f64 {
        let Some(limit) = &mut self.limit else {
            if !self.is_auto {
                return self.ceiling;
            }
            self.search.step(now, self.ledger.sent(), 0.0);
            let most = self.most_while_searching(now);
            self.search.pace = self.search.pace.min(most);
            return self.search.pace;
        };
        let pace = limit.track(now, &self.ledger, &self.allowance);
        if limit.is_over(pace, self.ceiling, now) {
            self.limit = None;
            return self.ceiling;
        }
        pace
    }

    /// What may be sent a second while nothing is known of the limit: what was let through, by what is known, is a bucket
    /// and what flowed in, so the limit is at least that; and of the calls sent until a 429 is known of, only so many may be
    /// too many.
    #[expect(clippy::cast_precision_loss, reason = "far fewer calls than a float counts exactly")]
    fn most_while_searching(&self, now: Duration) -> f64 {
        let lag = self.ledger.lag(now);
        let known = (now.saturating_sub(self.busy.0).as_secs_f64() - lag).max(0.0);
        let least = (self.ledger.passed() as f64 / (USUAL_BUCKET + known)).max(LEAST_LIMIT);
        let cost = START_COST.max(START_SHARE * (USUAL_BUCKET + known));
        let start = self.learned.map_or(FIRST, |rate| rate * TRUST);
        (least * (1.0 + cost / lag.max(0.001))).max(start)
    }

    /// A 429 came that is the partner's, for the call with this number, sent at `sent_at`. Returns whether the
    /// rate changed.
    pub fn slow_down(&mut self, now: Duration, sent_at: Duration, number: u64, evidence: Evidence) -> bool {
        let Some(current) = self.current else { return false };
        if self.has_reacted_since(sent_at) {
            return false;
        }
        self.ledger.settle();
        let mark = self.ledger.mark(number, now);
        match &mut self.limit {
            Some(limit) => limit.emptied(now, mark, evidence, &self.ledger),
            None => self.limit = Some(Limit::guessed(self.guess(mark), now, mark)),
        }
        self.ticked = now;
        let next = self.limit.as_ref().map_or(current, |limit| limit.measure.rate);
        let next = next.max(SLOWEST).min(self.ceiling);
        self.current = Some(next);
        (next - current).abs() > f64::EPSILON
    }

    /// What was sent until the first 429 is what was in the bucket, and what flowed in. With a bucket of the usual
    /// size, and full at first, that gives the rate; what was learned is believed as far as it is possible at all.
    #[expect(clippy::cast_precision_loss, reason = "far fewer calls than a float counts exactly")]
    fn guess(&self, mark: Mark) -> f64 {
        let (since, sent) = self.busy;
        let let_through = mark.number.saturating_sub(sent).saturating_sub(1) as f64;
        let secs = mark.at.saturating_sub(since).as_secs_f64();
        // It may have been empty a moment before, at a 429 that wasn't believed: then what came through since flowed in.
        let suspect = self.suspect.filter(|suspect| suspect.at + SUSPECT >= mark.at);
        let since = suspect.map(|suspect| self.ledger.stretch(suspect, mark));
        let least = since.filter(|since| Measure::can_be(*since)).map_or(0.0, Stretch::rate);
        let (full, empty) = (let_through / (USUAL_BUCKET + secs), let_through / secs.max(1.0));
        let rate = self.learned.map_or(full, |learned| learned.max(full).min(empty));
        (CAUTION * rate.max(least.min(MOST_OVER_GUESS * full))).max(limit::LOWEST).min(self.ceiling)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    /// So many calls that are let through at once.
    fn pass(control: &mut RateControl, at: f64, calls: u32) {
        for _ in 0..calls {
            let number = control.sent(secs(at));
            control.answered(secs(at), number, false);
        }
    }

    /// A call that is refused at once. Returns its number.
    fn refuse(control: &mut RateControl, at: f64) -> u64 {
        let number = control.sent(secs(at));
        control.answered(secs(at), number, true);
        number
    }

    /// A call that the partner's bucket refuses.
    fn empty(control: &mut RateControl, at: f64) -> bool {
        let number = refuse(control, at);
        control.slow_down(secs(at), secs(at), number, Evidence::SeveralOrgs)
    }

    /// Sends at the allowed pace for a second of ticks.
    fn use_for_a_second(control: &mut RateControl, second: f64) {
        for tick in 1..=5 {
            let mut left = control.current().unwrap() / 5.0;
            while left > 0.0 {
                pass(control, second + f64::from(tick - 1) * 0.2, 1);
                left -= 1.0;
            }
            control.tick(secs(second + f64::from(tick) * 0.2));
        }
    }

    #[test]
    fn auto_doubles_while_it_is_used() {
        let mut control = RateControl::new(Rate::Auto, None);
        for (second, expected) in [(0.0, 32.0), (2.0, 128.0)] {
            use_for_a_second(&mut control, second);
            use_for_a_second(&mut control, second + 1.0);
            assert!((control.current().unwrap() - expected).abs() < 0.1, "{:?}", control.current());
        }
        assert!(!control.tick(secs(4.9)), "nothing was sent");
        assert!(!control.tick(secs(5.9)), "nothing was sent");
    }

    #[test]
    fn a_learned_rate_is_begun_below_and_left_upwards() {
        let mut control = RateControl::new(Rate::Auto, Some(100.0));
        assert_eq!(control.current(), Some(80.0));
        use_for_a_second(&mut control, 0.0);
        use_for_a_second(&mut control, 1.0);
        assert!((control.current().unwrap() - 125.0).abs() < 0.1, "{:?}", control.current());
        assert_eq!(control.learned(), None, "nothing was measured yet");
    }

    #[test]
    fn what_came_through_between_two_429s_is_the_rate() {
        let mut control = RateControl::new(Rate::Auto, None);
        pass(&mut control, 0.0, 300);
        assert!(empty(&mut control, 5.0));
        assert_eq!(control.current(), Some(0.95 * 20.0), "a bucket of ten seconds and five seconds more");
        assert_eq!(control.learned(), None);
        pass(&mut control, 5.0, 120);
        empty(&mut control, 9.0);
        assert_eq!(control.learned(), Some(30.0));
    }

    #[test]
    fn a_ceiling_is_never_passed_and_won_back_after_a_429() {
        let mut control = RateControl::new("50/s".parse().unwrap(), None);
        use_for_a_second(&mut control, 0.0);
        assert!(empty(&mut control, 1.4));
        assert!(control.current().unwrap() < 10.0);
        for second in 2..90 {
            use_for_a_second(&mut control, f64::from(second));
            assert!(control.current().unwrap() <= 50.0);
        }
        assert_eq!(control.current(), Some(50.0));
        assert_eq!(control.learned(), None);
    }

    #[test]
    fn answers_to_calls_from_before_say_nothing_new() {
        let mut control = RateControl::new(Rate::Auto, Some(100.0));
        use_for_a_second(&mut control, 0.0);
        assert!(control.slow_down(secs(1.2), secs(1.1), 80, Evidence::SeveralOrgs));
        let slowed = control.current();
        assert!(!control.slow_down(secs(1.3), secs(1.15), 81, Evidence::SeveralOrgs));
        assert_eq!(control.current(), slowed);
    }

    #[test]
    fn a_429_doubted_at_first_makes_the_guess_a_measure() {
        let mut control = RateControl::new(Rate::Auto, None);
        pass(&mut control, 0.0, 39);
        let number = refuse(&mut control, 2.0);
        control.unsettled(secs(2.0), number);
        // From the first refused call to the last: 30 came through in two seconds.
        pass(&mut control, 3.0, 30);
        empty(&mut control, 4.0);
        assert_eq!(control.current(), Some(0.95 * 15.0), "not a fourteenth of all of it");
    }

    #[test]
    fn ambiguous_429_is_no_reason_for_another_call() {
        let mut control = RateControl::new(Rate::Auto, None);
        for second in [5.0, 9.0] {
            pass(&mut control, second - 1.0, 119);
            empty(&mut control, second);
        }
        let pace = |control: &mut RateControl, is_refused: bool| {
            for call in 1..=120 {
                if is_refused && call % 10 == 0 {
                    let number = refuse(control, 12.0);
                    control.unsettled(secs(12.0), number);
                } else {
                    pass(control, 12.0, 1);
                }
            }
            control.tick(secs(13.0));
            control.current()
        };
        assert_eq!(pace(&mut control.clone(), true), pace(&mut control, false));
    }

    #[test]
    fn search_is_no_faster_than_replies_show_it_may_be() {
        let mut control = RateControl::new(Rate::Auto, None);
        // Replies come after four seconds.
        let mut open = std::collections::VecDeque::new();
        for tick in 0..100 {
            let at = f64::from(tick) * 0.2;
            for _ in 0..2 {
                open.push_back((at, control.sent(secs(at))));
            }
            while let Some((_, number)) = open.pop_front_if(|(sent, _)| *sent + 4.0 <= at) {
                control.answered(secs(at), number, false);
            }
            control.tick(secs(at));
            let most = if (1.0..4.0).contains(&at) { 8.0 } else { 16.0 };
            assert!(control.current().unwrap() <= most, "{at} s: {:?}", control.current());
        }
    }

    #[test]
    fn late_429s_measure_what_the_first_only_gave_a_guess_of() {
        let mut control = RateControl::new(Rate::Auto, None);
        // 80 calls a second, each answered after three seconds: from 1 s on, three in four are refused.
        let sent: Vec<u64> = (0..320).map(|call| control.sent(secs(f64::from(call) / 80.0))).collect();
        for (call, number) in (0..).zip(sent) {
            let (sent_at, at) = (f64::from(call) / 80.0, 3.0 + f64::from(call) / 80.0);
            let is_refused = sent_at >= 1.0 && call % 4 != 0;
            control.answered(secs(at), number, is_refused);
            if is_refused && !control.slow_down(secs(at), secs(sent_at), number, Evidence::SeveralOrgs) {
                control.still_empty(secs(at), number);
            }
        }
        let learned = control.learned().unwrap();
        assert!((learned / 20.0 - 1.0).abs() < 0.1, "{learned}");
    }

    #[test]
    fn unlimited_is_never_slowed() {
        let mut control = RateControl::new(Rate::Unlimited, None);
        assert!(!control.slow_down(secs(1.0), secs(0.9), 1, Evidence::SeveralOrgs));
        assert_eq!(control.current(), None);
    }
}
