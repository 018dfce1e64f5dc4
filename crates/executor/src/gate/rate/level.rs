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
/// And by this many times the calls that are sent in the time by which round trips deviate from their mean.
const JITTER: f64 = 1.5;
/// Calls that arrive at random come in bunches: so many times the root of the calls in that time.
const BUNCHING: f64 = 1.0;
/// Two empty moments that are nearer than this, in seconds and in calls, measure nothing.
const SHORTEST: f64 = 0.8;
const FEWEST: f64 = 5.0;
/// A measure forgets what is older than this many calls.
const MEMORY: f64 = 400.0;
/// From this many calls on, a measure is worth remembering.
const FULL: f64 = 10.0;
/// This many stretches must agree before a measure is believed: in the first, the bucket may have run over for a while.
const AGREEING: u32 = 2;
/// And this many calls must be behind them before a limit counts as proven.
const PROOF: f64 = 60.0;
/// Slower than this, a second stretch costs too large a share of the calls.
const SLOWEST_IN_DOUBT: f64 = 2.2;

/// A moment at which the bucket was empty, and the latest call that had been sent by then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) at: Duration,
    pub(super) number: u64,
}

/// What came through in a stretch of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) calls: f64,
    pub(super) secs: f64,
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
    /// By how many calls they may be counted wrong.
    error: f64,
    stretches: u32,
}

impl Measure {
    pub(super) const fn guess(rate: f64) -> Self {
        Self { rate: rate.max(0.1), calls: 0.0, error: 1.0, stretches: 0 }
    }

    /// From one moment at which the bucket was empty to another.
    pub(super) fn of(stretch: Stretch, jitter: f64) -> Self {
        let rate = stretch.rate().max(0.1);
        Self { rate, calls: stretch.calls, error: 1.0 + jitter * rate, stretches: 1 }
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
    pub(super) fn doubt(self, stretch: Stretch, jitter: f64) -> f64 {
        FRACTIONS + (OVERTAKING + JITTER * jitter) * self.rate + self.drift(stretch)
    }

    /// By how many calls that may be wrong at least.
    pub(super) fn least_doubt(self) -> f64 {
        FRACTIONS + OVERTAKING * self.rate
    }

    /// How many calls arrive too many at times, though they are sent evenly.
    pub(super) fn bunched(self, jitter: f64) -> f64 {
        BUNCHING * (jitter * self.rate).sqrt()
    }

    /// A measure is a call more or less, and the error grows with the time.
    fn drift(self, stretch: Stretch) -> f64 {
        let flowed = self.rate * stretch.secs;
        (flowed * self.error / self.calls.max(1.0)).min(0.5 * flowed)
    }

    /// What is left in the bucket: the more, the less is known of it.
    pub(super) fn reserve(self, stretch: Stretch, jitter: f64) -> f64 {
        LEAST_RESERVE.max(RESERVE * self.rate)
            + self.bunched(jitter)
            + self.drift(stretch).min(MOST_DRIFT * self.rate)
    }

    /// With another stretch between two empty moments: together they are more exact than each, unless they
    /// contradict each other; then the later one is right.
    pub(super) fn and(self, stretch: Stretch, jitter: f64) -> Self {
        let later = Self::of(stretch, jitter);
        if self.level(stretch).abs() > 2.0 * self.doubt(stretch, jitter) {
            return later;
        }
        let calls = self.calls + stretch.calls;
        let secs = self.calls / self.rate + stretch.secs;
        Self {
            rate: (calls / secs).max(0.1),
            calls: calls.min(MEMORY),
            error: later.error,
            stretches: self.stretches + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stretch(calls: f64, secs: f64) -> Stretch {
        Stretch { calls, secs }
    }

    fn of(calls: f64, secs: f64) -> Measure {
        Measure::of(stretch(calls, secs), 0.0)
    }

    #[test]
    fn what_flowed_in_less_what_was_sent_is_in_the_bucket() {
        let measure = of(100.0, 10.0);
        assert!((measure.level(stretch(20.0, 3.0)) - 10.0).abs() < 1e-9);
        // The longer ago the bucket was empty, the less is known of it.
        assert!(measure.doubt(stretch(20.0, 3.0), 0.0) < measure.doubt(stretch(290.0, 30.0), 0.0));
        assert!(measure.reserve(stretch(20.0, 3.0), 0.0) < measure.reserve(stretch(290.0, 30.0), 0.0));
    }

    #[test]
    fn less_is_known_of_the_bucket_where_calls_take_unequally_long() {
        let (even, uneven) = (of(100.0, 10.0), Measure::of(stretch(100.0, 10.0), 0.5));
        let since = stretch(20.0, 3.0);
        assert!(even.doubt(since, 0.0) < even.doubt(since, 0.5));
        assert!(even.doubt(since, 0.5) < uneven.doubt(since, 0.5));
        assert!(even.reserve(since, 0.0) < even.reserve(since, 0.5));
    }

    #[test]
    fn agreeing_measures_merge_and_the_latest_wins_a_conflict() {
        let measure = of(98.0, 10.0);
        let together = measure.and(stretch(102.0, 10.0), 0.0);
        assert!((together.rate - 10.0).abs() < 1e-9);
        assert!((measure.and(stretch(50.0, 10.0), 0.0).rate - 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_measure_needs_another_that_agrees_and_many_calls() {
        let first = of(20.0, 2.0);
        assert!(!first.is_in_doubt(stretch(19.0, 2.0)), "too little to tell");
        assert!(first.is_in_doubt(stretch(20.0, 2.0)));
        let second = first.and(stretch(20.0, 2.0), 0.0);
        assert!(!second.is_in_doubt(stretch(100.0, 10.0)) && !second.is_proven());
        assert!(second.and(stretch(20.0, 2.0), 0.0).is_proven());
        assert!(!second.and(stretch(90.0, 3.0), 0.0).is_proven(), "it contradicts the others");
    }

    #[test]
    fn a_few_calls_measure_nothing() {
        assert!(!Measure::can_be(stretch(4.0, 2.0)));
        assert!(!Measure::can_be(stretch(400.0, 0.5)));
        assert!(Measure::can_be(stretch(5.0, 2.0)));
        assert!(Measure::guess(10.0).is_guess() && !of(5.0, 2.0).is_guess());
        assert!(!of(9.0, 2.0).is_full());
    }
}
