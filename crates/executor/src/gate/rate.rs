//! Which rate: the ceiling as told, slowed by the vendor's 429s; or, for `auto`, measured.
//!
//! # How a limit is measured that nobody tells
//!
//! The vendor has a token bucket. Its size and its rate are unknown, but one thing is known exactly: at a 429 it is
//! empty. Between two moments at which it is empty, what it let through is what flowed in. So
//!
//! 1. *search*: until the first 429, double the rate each second. A full bucket is spent by this, not wasted.
//! 2. *guess*: at the first 429, what was sent is the bucket and what flowed in; with the usual bucket of ten
//!    seconds, that gives a first rate.
//! 3. *measure*: each further 429 gives the rate: the calls let through since the 429 before, by the time between.
//! 4. *pace*: what should be in the bucket is known from then on (what flowed in, less what was sent). Send at the
//!    measured rate, with a small reserve left in the bucket, so that hardly any call is refused.
//! 5. *probe*: after a while, send a little more, and then more, until the next 429: either the reserve is spent
//!    and the measure is confirmed, or the limit was raised and is found again.
//!
//! What is told as a ceiling is the same without the search, and never passed. `unlimited` is never slowed.
//! What it reaches, in numbers, stands in docs/guide/limits.md.

use std::time::Duration;

use orgwave_core::policy::Rate;

/// Where `auto` begins when nothing was learned.
const FIRST: f64 = 8.0;
/// What of a learned rate `auto` begins with: limits change.
const TRUST: f64 = 0.8;
/// How the search goes up, a second; after a learned rate more carefully.
const SEARCH: f64 = 2.0;
const CAREFUL_SEARCH: f64 = 1.25;
/// The bucket, in seconds of its rate, until its rate was measured.
const USUAL_BUCKET: f64 = 10.0;
/// What of the guess is used: a little too slow is found out by probing, too fast by calls refused.
const CAUTION: f64 = 0.95;
/// Never slower than a call in two seconds.
const SLOWEST: f64 = 0.5;
/// `auto` goes no higher: beyond it the engine is the limit.
const FASTEST: f64 = 100_000.0;
/// How often the pace is thought about.
const TICK: Duration = Duration::from_millis(200);
/// How often the search goes up.
const SEARCH_TICK: Duration = Duration::from_secs(1);
/// The seconds of the rate that are left in the bucket.
const RESERVE: f64 = 0.5;
/// A bucket with so many seconds of its rate, or so many calls, is nearly empty.
const NEARLY_EMPTY: f64 = 0.1;
const FEW_CALLS: f64 = 5.0;
/// In how many seconds the bucket is brought back to the reserve.
const RETURN: f64 = 5.0;
/// More in the bucket than so many seconds of its rate, and it may have run over: nothing is known of it.
const BRIM: f64 = 8.0;
/// Calls from a 429 to the next probe, so that few of many are refused; until a first measure, fewer.
const CALLS_TO_PROBE: f64 = 250.0;
const CALLS_TO_FIRST_PROBE: f64 = 100.0;
/// But so many seconds at least.
const SHORTEST_CALM: f64 = 3.0;
/// How a probe begins, how it grows in a second, and how far.
const PROBE: f64 = 0.04;
const PROBE_GROWTH: f64 = 2.0;
const LONGEST_PROBE: f64 = 1.0;
/// Calls that make a measure count in full.
const FULL_MEASURE: f64 = 10.0;
/// A ceiling is won back after so long a probe at it.
const CEILING_PROVEN: Duration = Duration::from_secs(5);

/// The rate of a run, over time.
#[derive(Debug, Clone)]
pub struct RateControl {
    /// `None`: unlimited.
    current: Option<f64>,
    ceiling: f64,
    is_auto: bool,
    growth: f64,
    limit: Option<Limit>,
    /// Calls sent, and calls refused, since the beginning.
    sent: u64,
    refused: u64,
    /// Since when, and since which call, calls were sent without a break.
    busy: (Duration, u64),
    ticked: Duration,
    searched: (Duration, u64),
}

/// A limit that showed itself.
#[derive(Debug, Clone)]
struct Limit {
    rate: f64,
    is_measured: bool,
    /// When the bucket was last known to be empty.
    mark: Option<Mark>,
    /// What is sent beyond the rate, as a share of it.
    probe: f64,
    /// When a 429 was last reacted to. 429s of calls from before say nothing new.
    reacted: Duration,
    at_ceiling_since: Option<Duration>,
}

/// A moment at which the bucket was empty, and what had been sent by then.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Duration,
    sent: u64,
    refused: u64,
}

#[expect(clippy::cast_precision_loss, reason = "far fewer calls than a float counts exactly")]
impl RateControl {
    /// A rate as told. `learned` is one that was measured before: `auto` begins below it, and goes on carefully.
    pub fn new(rate: Rate, learned: Option<f64>) -> Self {
        let (current, ceiling) = match rate {
            Rate::Auto => {
                (Some(learned.map_or(FIRST, |rate| (rate * TRUST).clamp(SLOWEST, FASTEST))), FASTEST)
            }
            Rate::PerSecond(rate) => (Some(rate.get()), rate.get()),
            Rate::Unlimited => (None, f64::INFINITY),
        };
        Self {
            current,
            ceiling,
            is_auto: rate == Rate::Auto,
            growth: if learned.is_some() { CAREFUL_SEARCH } else { SEARCH },
            limit: None,
            sent: 0,
            refused: 0,
            busy: (Duration::ZERO, 0),
            ticked: Duration::ZERO,
            searched: (Duration::ZERO, 0),
        }
    }

    /// Calls a second that are allowed; `None` if unlimited.
    pub const fn current(&self) -> Option<f64> {
        self.current
    }

    /// What is worth remembering: a limit that was measured, not guessed, and not told.
    pub fn learned(&self) -> Option<f64> {
        self.limit.as_ref().filter(|limit| self.is_auto && limit.is_measured).map(|limit| limit.rate)
    }

    /// Whether the bucket is nearly empty now, by what is known of it.
    pub fn expects_empty(&self, now: Duration) -> bool {
        self.limit.as_ref().is_some_and(|limit| {
            limit.mark.is_some_and(|mark| {
                let (let_through, since) = mark.until(now, self.sent, self.refused);
                limit.rate * since - let_through <= FEW_CALLS.max(NEARLY_EMPTY * limit.rate)
            })
        })
    }

    /// A call is sent. Returns its number.
    pub const fn sent(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }

    /// A call was refused by 429, whosever bucket it was: it took nothing out of the partner's.
    pub const fn refused(&mut self) {
        self.refused += 1;
    }

    /// Time has passed. Returns whether the rate changed.
    pub fn tick(&mut self, now: Duration) -> bool {
        let Some(current) = self.current else { return false };
        let passed = now.saturating_sub(self.ticked);
        if passed < TICK {
            return false;
        }
        self.ticked = now;
        if passed > SEARCH_TICK {
            // A break: what was sent before it says nothing of a bucket that has filled up since.
            self.busy = (now, self.sent);
            self.searched = (now, self.sent);
        }
        let next = if self.limit.is_some() { self.track(now, passed) } else { self.search(now, current) };
        let next = next.min(self.ceiling);
        let is_back = next >= self.ceiling && current < self.ceiling;
        let has_changed = is_back || (next - current).abs() > 0.01 * current;
        if has_changed {
            self.current = Some(next);
        }
        has_changed
    }

    fn search(&mut self, now: Duration, current: f64) -> f64 {
        let (since, sent) = self.searched;
        let passed = now.saturating_sub(since);
        if !self.is_auto {
            return self.ceiling;
        }
        if passed < SEARCH_TICK {
            return current;
        }
        self.searched = (now, self.sent);
        // A rate that nothing was sent at proves nothing.
        let used = (self.sent - sent) as f64 / passed.as_secs_f64();
        if used >= 0.8 * current { (current * self.growth).min(FASTEST) } else { current }
    }

    /// The pace under a limit.
    fn track(&mut self, now: Duration, passed: Duration) -> f64 {
        let (sent, refused, ceiling) = (self.sent, self.refused, self.ceiling);
        let Some(limit) = &mut self.limit else { return ceiling };
        if let Some(mark) = limit.mark {
            let (let_through, since) = mark.until(now, sent, refused);
            // From an empty bucket, no more can come than flows in.
            if since > 2.0 {
                limit.rate = limit.rate.max(let_through / since);
            }
            if limit.rate * since - let_through > BRIM * limit.rate {
                limit.mark = None;
            }
        }
        let calls = if limit.is_measured { CALLS_TO_PROBE } else { CALLS_TO_FIRST_PROBE };
        let calm = Duration::from_secs_f64((calls / limit.rate).clamp(SHORTEST_CALM, 600.0));
        if now >= limit.reacted + calm {
            let grown = limit.probe * PROBE_GROWTH.powf(passed.as_secs_f64().min(1.0));
            limit.probe = grown.clamp(PROBE, LONGEST_PROBE);
        }
        let rate = limit.rate * (1.0 + limit.probe);
        if rate >= ceiling {
            if now >= *limit.at_ceiling_since.get_or_insert(now) + CEILING_PROVEN {
                self.limit = None;
                return ceiling;
            }
        } else {
            limit.at_ceiling_since = None;
        }
        let surplus = match limit.mark {
            Some(mark) => {
                let (let_through, since) = mark.until(now, sent, refused);
                limit.rate * (since - RESERVE) - let_through
            }
            // After a break the bucket is full, more or less.
            None => limit.rate * RETURN,
        };
        // A probe spends the reserve; it isn't to be made up for.
        let surplus = if limit.probe > 0.0 { surplus.max(0.0) } else { surplus };
        (rate + surplus / RETURN).clamp((0.3 * limit.rate).max(SLOWEST), 3.0 * limit.rate.max(SLOWEST))
    }

    /// A 429 came that is the partner's, for the call with this number, sent at `sent_at`. Returns whether the
    /// rate changed.
    pub fn slow_down(&mut self, now: Duration, sent_at: Duration, number: u64) -> bool {
        let Some(current) = self.current else { return false };
        let mark = Mark { at: sent_at, sent: number, refused: self.refused };
        match &mut self.limit {
            Some(limit) if sent_at < limit.reacted => return false,
            Some(limit) => {
                if let Some(before) = limit.mark {
                    let (let_through, since) = before.until(sent_at, number, self.refused);
                    if since >= 0.8 {
                        let weight = (let_through / FULL_MEASURE).min(1.0);
                        let measured = (let_through / since).max(0.5 * limit.rate);
                        limit.rate += weight * (measured - limit.rate);
                        limit.is_measured |= let_through >= FULL_MEASURE;
                    }
                }
                limit.rate = limit.rate.max(0.1);
                (limit.mark, limit.probe, limit.reacted) = (Some(mark), 0.0, now);
                limit.at_ceiling_since = None;
            }
            None => {
                let (since, sent) = self.busy;
                let let_through = number.saturating_sub(sent).saturating_sub(1) as f64;
                let guess =
                    CAUTION * let_through / (USUAL_BUCKET + sent_at.saturating_sub(since).as_secs_f64());
                self.limit = Some(Limit {
                    rate: guess.clamp(0.1, self.ceiling),
                    is_measured: false,
                    mark: Some(mark),
                    probe: 0.0,
                    reacted: now,
                    at_ceiling_since: None,
                });
            }
        }
        self.ticked = now;
        let next = self.limit.as_ref().map_or(current, |limit| limit.rate);
        let next = next.max(SLOWEST).min(self.ceiling);
        self.current = Some(next);
        (next - current).abs() > f64::EPSILON
    }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer calls than a float counts exactly")]
impl Mark {
    /// Calls let through since, and seconds passed.
    fn until(self, now: Duration, sent: u64, refused: u64) -> (f64, f64) {
        let let_through = sent.saturating_sub(self.sent).saturating_sub(refused - self.refused);
        (let_through as f64, now.saturating_sub(self.at).as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    /// Sends at the allowed pace for a second of ticks.
    fn use_for_a_second(control: &mut RateControl, second: f64) {
        for tick in 1..=5 {
            let mut left = control.current().unwrap() / 5.0;
            while left > 0.0 {
                control.sent();
                left -= 1.0;
            }
            control.tick(secs(second + f64::from(tick) * 0.2));
        }
    }

    #[test]
    fn auto_doubles_while_it_is_used() {
        let mut control = RateControl::new(Rate::Auto, None);
        for (second, expected) in [(0.0, 16.0), (1.0, 32.0), (2.0, 64.0)] {
            use_for_a_second(&mut control, second);
            assert_eq!(control.current(), Some(expected));
        }
        assert!(!control.tick(secs(3.9)), "nothing was sent");
        assert!(!control.tick(secs(4.9)), "nothing was sent");
    }

    #[test]
    fn a_learned_rate_is_begun_below_and_left_upwards() {
        let mut control = RateControl::new(Rate::Auto, Some(100.0));
        assert_eq!(control.current(), Some(80.0));
        use_for_a_second(&mut control, 0.0);
        assert_eq!(control.current(), Some(100.0));
        assert_eq!(control.learned(), None, "nothing was measured yet");
    }

    #[test]
    fn what_came_through_between_two_429s_is_the_rate() {
        let mut control = RateControl::new(Rate::Auto, None);
        let empty = |control: &mut RateControl, at: f64| {
            let number = control.sent();
            control.refused();
            control.slow_down(secs(at), secs(at), number)
        };
        (0..300).for_each(|_| _ = control.sent());
        assert!(empty(&mut control, 5.0));
        assert_eq!(control.current(), Some(0.95 * 20.0), "a bucket of ten seconds and five seconds more");
        assert_eq!(control.learned(), None);
        (0..120).for_each(|_| _ = control.sent());
        empty(&mut control, 9.0);
        assert_eq!(control.learned(), Some(30.0));
    }

    #[test]
    fn a_ceiling_is_never_passed_and_won_back_after_a_429() {
        let mut control = RateControl::new("50/s".parse().unwrap(), None);
        use_for_a_second(&mut control, 0.0);
        control.refused();
        assert!(control.slow_down(secs(1.5), secs(1.4), 50));
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
        assert!(control.slow_down(secs(1.2), secs(1.1), 80));
        let slowed = control.current();
        assert!(!control.slow_down(secs(1.3), secs(1.15), 81));
        assert_eq!(control.current(), slowed);
    }

    #[test]
    fn unlimited_is_never_slowed() {
        let mut control = RateControl::new(Rate::Unlimited, None);
        assert!(!control.slow_down(secs(1.0), secs(0.9), 1));
        assert_eq!(control.current(), None);
    }
}
