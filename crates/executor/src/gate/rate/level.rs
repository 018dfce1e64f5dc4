//! What should be in the vendor's bucket by now, counted from a moment at which it was empty.

use std::time::Duration;

/// The reserve that is left in the bucket, in seconds of its rate, and in calls at least: for late and early timers.
const RESERVE: f64 = 0.25;
const LEAST_RESERVE: f64 = 1.0;
/// And this many seconds more, where the rate isn't known well.
const MOST_DRIFT: f64 = 0.5;
/// By this many calls, and by this many seconds of its rate, the count may be wrong: a bucket holds fractions, and calls
/// overtake each other on their way.
const FRACTIONS: f64 = 1.5;
const OVERTAKING: f64 = 0.05;
/// Two empty moments that are nearer than this, in seconds and in calls, measure nothing.
const SHORTEST: f64 = 0.8;
const FEWEST: f64 = 5.0;
/// A measure forgets what is older than this many calls.
const MEMORY: f64 = 400.0;
/// From this many calls on, a measure is worth remembering.
const FULL: f64 = 10.0;
/// This many stretches must agree before a measure is believed: in the first, the bucket may have run over for a while.
const AGREEING: u32 = 2;
/// And this many calls must be behind them before nobody doubts that there is a limit.
const PROOF: f64 = 60.0;
/// Slower than this, a second stretch costs too large a share of the calls.
const SLOWEST_IN_DOUBT: f64 = 2.2;

/// Calls sent so far, and those of them that were refused: they took nothing out of the bucket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) sent: u64,
    pub(super) refused: u64,
}

/// A moment at which the bucket was empty, and what had been sent by then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) at: Duration,
    pub(super) count: Count,
}

/// What came through in a stretch of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) calls: f64,
    pub(super) secs: f64,
}

impl Mark {
    /// What came through from then until `now`.
    #[expect(clippy::cast_precision_loss, reason = "far fewer calls than a float counts exactly")]
    pub(super) fn until(self, now: Duration, count: Count) -> Stretch {
        let sent = count.sent.saturating_sub(self.count.sent);
        let calls = sent.saturating_sub(count.refused.saturating_sub(self.count.refused)) as f64;
        Stretch { calls, secs: now.saturating_sub(self.at).as_secs_f64() }
    }
}

impl Stretch {
    /// Calls a second.
    pub(super) fn rate(self) -> f64 {
        self.calls / self.secs.max(0.001)
    }
}

/// A rate, and how many calls are behind it, in how many stretches that agree: none behind a guess.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub(super) rate: f64,
    calls: f64,
    stretches: u32,
}

impl Measure {
    pub(super) const fn guess(rate: f64) -> Self {
        Self { rate: rate.max(0.1), calls: 0.0, stretches: 0 }
    }

    /// From one moment at which the bucket was empty to another.
    pub(super) fn of(stretch: Stretch) -> Self {
        Self { rate: stretch.rate().max(0.1), calls: stretch.calls, stretches: 1 }
    }

    pub(super) const fn at_least(self, rate: f64) -> Self {
        Self { rate: self.rate.max(rate), ..self }
    }

    /// Whether a stretch is long enough to measure anything.
    pub(super) fn can_be(stretch: Stretch) -> bool {
        stretch.secs >= SHORTEST && stretch.calls >= FEWEST
    }

    pub(super) const fn is_guess(self) -> bool {
        self.calls == 0.0
    }

    /// Whether so much agrees that there is no doubt of a limit.
    pub(super) fn is_proven(self) -> bool {
        self.stretches >= AGREEING && self.calls >= PROOF
    }

    pub(super) fn is_full(self) -> bool {
        self.calls >= FULL
    }

    /// Whether it is alone, and as many calls as came through since would tell whether it is right.
    pub(super) fn is_in_doubt(self, since: Stretch) -> bool {
        self.stretches < AGREEING && since.calls >= self.calls && self.rate >= SLOWEST_IN_DOUBT
    }

    /// What should be in a bucket that let this through since it was empty.
    pub(super) fn level(self, stretch: Stretch) -> f64 {
        self.rate * stretch.secs - stretch.calls
    }

    /// By how many calls that may be wrong.
    pub(super) fn doubt(self, stretch: Stretch) -> f64 {
        FRACTIONS + OVERTAKING * self.rate + self.drift(stretch)
    }

    /// A measure is a call more or less, and the error grows with the time.
    fn drift(self, stretch: Stretch) -> f64 {
        let flowed = self.rate * stretch.secs;
        (flowed / self.calls.max(1.0)).min(0.5 * flowed)
    }

    /// What is left in the bucket: the more, the less is known of it.
    pub(super) fn reserve(self, stretch: Stretch) -> f64 {
        LEAST_RESERVE.max(RESERVE * self.rate) + self.drift(stretch).min(MOST_DRIFT * self.rate)
    }

    /// With another stretch between two empty moments: together they are more exact than each, unless they
    /// contradict each other; then the later one is right.
    pub(super) fn and(self, stretch: Stretch) -> Self {
        if self.level(stretch).abs() > 2.0 * self.doubt(stretch) {
            return Self::of(stretch);
        }
        let calls = self.calls + stretch.calls;
        let secs = self.calls / self.rate + stretch.secs;
        Self { rate: (calls / secs).max(0.1), calls: calls.min(MEMORY), stretches: self.stretches + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stretch(calls: f64, secs: f64) -> Stretch {
        Stretch { calls, secs }
    }

    #[test]
    fn refused_calls_took_nothing_out() {
        let mark = Mark { at: Duration::from_secs(10), count: Count { sent: 100, refused: 3 } };
        let since = mark.until(Duration::from_secs(14), Count { sent: 150, refused: 13 });
        assert_eq!((since.calls, since.secs, since.rate()), (40.0, 4.0, 10.0));
    }

    #[test]
    fn what_flowed_in_less_what_was_sent_is_in_the_bucket() {
        let measure = Measure::of(stretch(100.0, 10.0));
        assert!((measure.level(stretch(20.0, 3.0)) - 10.0).abs() < 1e-9);
        // The longer ago the bucket was empty, the less is known of it.
        assert!(measure.doubt(stretch(20.0, 3.0)) < measure.doubt(stretch(290.0, 30.0)));
        assert!(measure.reserve(stretch(20.0, 3.0)) < measure.reserve(stretch(290.0, 30.0)));
    }

    #[test]
    fn agreeing_measures_merge_and_the_latest_wins_a_conflict() {
        let measure = Measure::of(stretch(98.0, 10.0));
        let together = measure.and(stretch(102.0, 10.0));
        assert!((together.rate - 10.0).abs() < 1e-9);
        assert!((measure.and(stretch(50.0, 10.0)).rate - 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_measure_is_in_doubt_until_another_agrees_and_proven_by_many_calls() {
        let first = Measure::of(stretch(20.0, 2.0));
        assert!(!first.is_in_doubt(stretch(19.0, 2.0)), "too little to tell");
        assert!(first.is_in_doubt(stretch(20.0, 2.0)));
        let second = first.and(stretch(20.0, 2.0));
        assert!(!second.is_in_doubt(stretch(100.0, 10.0)) && !second.is_proven());
        assert!(second.and(stretch(20.0, 2.0)).is_proven());
        assert!(!second.and(stretch(90.0, 3.0)).is_proven(), "it contradicts the others");
    }

    #[test]
    fn a_few_calls_measure_nothing() {
        assert!(!Measure::can_be(stretch(4.0, 2.0)));
        assert!(!Measure::can_be(stretch(400.0, 0.5)));
        assert!(Measure::can_be(stretch(5.0, 2.0)));
        assert!(Measure::guess(10.0).is_guess() && !Measure::of(stretch(5.0, 2.0)).is_guess());
        assert!(!Measure::of(stretch(9.0, 2.0)).is_full());
    }
}
