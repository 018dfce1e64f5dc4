//! A limit that showed itself: measured, kept to, and asked again and again.

use std::time::Duration;

use super::super::throttle::Evidence;
use super::allowance::Allowance;
use super::level::{Count, Mark, Measure, Stretch};
use super::rise::Rise;

/// How fast it goes up from the first 429 to the second, a second, and how fast later.
const FIRST_CLIMB: f64 = 2.0;
const CLIMB: f64 = 1.5;
/// What is left of a limit that turns out to be lower than it was, before it is measured: at most, and at least.
const CUT: f64 = 0.7;
const DEEPEST_CUT: f64 = 0.3;
/// It goes no lower by a guess, nor by 429s of one org at a time until there were several of them: if they are false
/// alarms, the way up would be long. A few are enough where a limit is proven.
pub(super) const LOWEST: f64 = 2.0;
const DISBELIEF: u32 = 8;
const PROVEN_DISBELIEF: u32 = 2;
/// In how many seconds the bucket is brought back to its reserve.
const RETURN: f64 = 5.0;
/// More in the bucket than this many seconds of its rate, and it may have run over: nothing is known of it.
const BRIM: f64 = 8.0;
/// From where it goes up, against the rate, when there is more in the bucket than was known.
const AFTER_REST: f64 = 1.25;
/// The seconds from a 429 to the next probe, at least.
const SHORTEST_CALM: Duration = Duration::from_secs(3);
/// How many calls a second a probe sends beyond the rate, once the reserve is spent: of these, the ones that are
/// in progress when the first comes back are refused.
const CREEP: f64 = 10.0;
const SLOWEST_CREEP: f64 = 0.05;
const CREEP_GROWTH: f64 = 1.5;
/// A ceiling is won back after so long at it.
const CEILING_PROVEN: Duration = Duration::from_secs(5);

/// What is being done about a limit.
#[derive(Debug, Clone, Copy)]
enum Course {
    /// Its rate is a guess, or what is in the bucket is: upwards to the next 429.
    Climb(Rise),
    /// Its rate is known: send just that.
    Hold,
    /// Is it still so? The reserve is spent, and one call more. Since when it creeps.
    Probe { creeps_since: Option<Duration> },
    /// It was so no more: upwards from what was proven when that was found.
    Raised { rise: Rise, found: Mark },
}

#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub(super) measure: Measure,
    /// When the bucket was last known to be empty.
    mark: Option<Mark>,
    /// The empty moment that the next measure begins at: the same, or one that is too near to it.
    base: Option<Mark>,
    course: Course,
    /// When a 429 was last reacted to. 429s of calls from before say nothing new.
    pub(super) reacted: Duration,
    at_ceiling_since: Option<Duration>,
    /// How many 429s were not believed.
    disbelieved: u32,
    /// There was no doubt of a limit once.
    is_proven: bool,
}

impl Limit {
    /// The first 429 came, and this is what it makes one guess.
    pub(super) fn guessed(rate: f64, now: Duration, mark: Mark) -> Self {
        let measure = Measure::guess(rate);
        let course = Course::Climb(Rise::from(measure.rate, FIRST_CLIMB, now, mark.count.sent));
        Self {
            measure,
            mark: Some(mark),
            base: Some(mark),
            course,
            reacted: now,
            at_ceiling_since: None,
            disbelieved: 0,
            is_proven: false,
        }
    }

    /// What came through since the bucket was empty; `None` where nobody knows when.
    fn stretch(&self, now: Duration, count: Count) -> Option<Stretch> {
        Some(self.mark?.until(now, count))
    }

    /// Whether it goes up to the next 429.
    pub(super) const fn is_climbing(&self) -> bool {
        matches!(self.course, Course::Climb(_) | Course::Raised { .. })
    }

    /// Whether there should be hardly a call left in the bucket.
    pub(super) fn is_low(&self, now: Duration, count: Count) -> bool {
        let is_low = |stretch| self.measure.level(stretch) <= self.measure.doubt(stretch);
        self.stretch(now, count).is_some_and(is_low)
    }

    /// After a break of so long.
    pub(super) fn rest(&mut self, now: Duration, count: Count, passed: Duration) {
        if passed.as_secs_f64() > BRIM {
            (self.mark, self.base) = (None, None);
        }
        if let Course::Climb(rise) | Course::Raised { rise, .. } = &mut self.course {
            rise.rest(now, count.sent);
        }
    }

    /// Time has passed. Returns the pace.
    pub(super) fn track(&mut self, now: Duration, count: Count, allowance: &Allowance) -> f64 {
        let rate = self.measure.rate;
        if let Course::Climb(rise) | Course::Raised { rise, .. } = &mut self.course {
            rise.step(now, count.sent);
            return rise.pace;
        }
        let known = self.stretch(now, count).map(|stretch| (stretch, self.measure.level(stretch)));
        let Some((stretch, level)) = known.filter(|(_, level)| *level <= BRIM * rate) else {
            (self.mark, self.base) = (None, None);
            let rise = Rise::from(AFTER_REST * rate, CLIMB, now, count.sent);
            self.course = Course::Climb(rise);
            return rise.pace;
        };
        let doubt = self.measure.doubt(stretch);
        let Course::Probe { creeps_since } = &mut self.course else {
            // A second measure is worth a debt.
            let is_due = allowance.allows_a_probe() || self.measure.is_in_doubt(stretch);
            if is_due && now >= self.reacted + SHORTEST_CALM {
                self.course = Course::Probe { creeps_since: None };
            }
            let surplus = level - self.measure.reserve(stretch);
            return (rate + surplus / RETURN).clamp(0.3 * rate, 3.0 * rate);
        };
        if level > doubt {
            return 2.0 * rate;
        }
        let since = now.saturating_sub(*creeps_since.get_or_insert(now));
        let creep = CREEP * CREEP_GROWTH.powf(since.as_secs_f64());
        let pace = rate + creep.clamp(SLOWEST_CREEP * rate, rate);
        if level < -doubt {
            // More came through than can have flowed in.
            let rise = Rise::from(AFTER_REST * pace, CLIMB, now, count.sent);
            self.course = Course::Raised { rise, found: Mark { at: now, count } };
        }
        pace
    }

    /// Whether the pace was as high as the ceiling for so long that there is no limit below it.
    pub(super) fn is_over(&mut self, pace: f64, ceiling: f64, now: Duration) -> bool {
        let is_at_ceiling =
            pace >= ceiling && !matches!(self.course, Course::Hold) || self.measure.rate >= ceiling;
        if !is_at_ceiling {
            self.at_ceiling_since = None;
            return false;
        }
        now >= *self.at_ceiling_since.get_or_insert(now) + CEILING_PROVEN
    }

    /// A 429 came: the bucket was empty then.
    pub(super) fn emptied(&mut self, now: Duration, mark: Mark, evidence: Evidence) {
        let rate = self.measure.rate;
        let stretch = self.base.map(|base| base.until(mark.at, mark.count));
        let is_long = stretch.is_some_and(Measure::can_be);
        let (measure, is_known) = match (self.course, stretch) {
            (_, None) => (self.measure, !self.measure.is_guess()),
            (Course::Raised { found, .. }, Some(stretch)) => {
                // When it was raised isn't known, so neither is to what: as early as may be, or only just.
                let most = found.until(mark.at, mark.count).rate();
                (Measure::guess((stretch.rate() * most.max(rate)).sqrt()), false)
            }
            (Course::Climb(_), Some(stretch)) if is_long => (Measure::of(stretch), true),
            (Course::Climb(_), Some(stretch)) => {
                let most = (stretch.calls + 1.0) / stretch.secs.max(0.5);
                (Measure::guess(rate.min(most)), false)
            }
            (Course::Hold | Course::Probe { .. }, Some(stretch)) => {
                let (level, doubt) = (self.measure.level(stretch), self.measure.doubt(stretch));
                if level > doubt {
                    // Less flowed in than should have: the limit was lowered, at some time since.
                    let lowered = rate - level / stretch.secs.max(0.1);
                    (Measure::guess(lowered.clamp(DEEPEST_CUT * rate, CUT * rate)), false)
                } else if is_long {
                    (self.measure.and(stretch), true)
                } else {
                    (self.measure, true)
                }
            }
        };
        self.is_proven |= measure.is_proven();
        let disbelief = if self.is_proven { PROVEN_DISBELIEF } else { DISBELIEF };
        let measure = match evidence {
            Evidence::OneOrg if measure.rate < LOWEST && self.disbelieved < disbelief => {
                self.disbelieved += 1;
                measure.at_least(LOWEST.min(rate))
            }
            Evidence::OneOrg | Evidence::SeveralOrgs => measure,
        };
        let is_anew = !is_known && !matches!(self.course, Course::Climb(_));
        if is_long || is_anew || self.base.is_none() {
            self.base = Some(mark);
        }
        self.measure = measure;
        self.mark = Some(mark);
        self.reacted = now;
        self.at_ceiling_since = None;
        self.course = if is_known {
            Course::Hold
        } else {
            Course::Climb(Rise::from(measure.rate, CLIMB, now, mark.count.sent))
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bucket that lets `rate` a second through, called at the pace of a limit.
    struct Play {
        limit: Limit,
        allowance: Allowance,
        count: Count,
        tokens: f64,
        tick: u32,
    }

    impl Play {
        fn new() -> Self {
            let mark = Mark { at: Duration::ZERO, count: Count::default() };
            let limit = Limit::guessed(9.0, Duration::ZERO, mark);
            Self { limit, allowance: Allowance::new(), count: Count::default(), tokens: 0.0, tick: 0 }
        }

        /// Plays for this many seconds, in steps of 10 ms, and returns how many calls were refused.
        fn play(&mut self, rate: f64, seconds: u32) -> u64 {
            let (refused, mut due) = (self.count.refused, 0.0);
            for _ in 0..100 * seconds {
                self.tick += 1;
                let now = Duration::from_millis(10) * self.tick;
                self.tokens = (self.tokens + rate / 100.0).min(10.0 * rate);
                due += self.limit.track(now, self.count, &self.allowance) / 100.0;
                if due < 1.0 {
                    continue;
                }
                due -= 1.0;
                self.count.sent += 1;
                self.allowance.sent();
                if self.tokens >= 1.0 {
                    self.tokens -= 1.0;
                    continue;
                }
                self.count.refused += 1;
                self.allowance.refused();
                self.limit.emptied(now, Mark { at: now, count: self.count }, Evidence::SeveralOrgs);
            }
            self.count.refused - refused
        }
    }

    #[test]
    fn a_guess_becomes_a_measure() {
        let mut play = Play::new();
        play.play(10.0, 30);
        assert!((play.limit.measure.rate - 10.0).abs() < 0.2, "{:?}", play.limit.measure);
        assert!(!play.limit.measure.is_guess());
    }

    #[test]
    fn a_known_limit_costs_no_more_than_its_probes() {
        let mut play = Play::new();
        play.play(10.0, 60);
        let refused = play.play(10.0, 120);
        // 1,200 calls, of which one in 77.
        assert!((10..=17).contains(&refused), "{refused}");
    }

    #[test]
    fn a_limit_that_was_raised_or_lowered_is_measured_anew() {
        for changed in [20.0, 5.0] {
            let mut play = Play::new();
            play.play(10.0, 60);
            play.play(changed, 60);
            assert!((play.limit.measure.rate / changed - 1.0).abs() < 0.05, "{:?}", play.limit.measure);
        }
    }

    #[test]
    fn one_orgs_429s_are_not_believed_below_two_a_second_until_there_were_several() {
        let mut play = Play::new();
        // A limit that nothing has proven yet.
        let at = |number: u64| Mark {
            at: Duration::from_secs(10 * number),
            count: Count { sent: 6 * number, refused: number },
        };
        for number in 1..=8 {
            play.limit.emptied(at(number).at, at(number), Evidence::OneOrg);
            assert!(play.limit.measure.rate >= 2.0, "{number}: {:?}", play.limit.measure);
        }
        for number in 9..=12 {
            play.limit.emptied(at(number).at, at(number), Evidence::OneOrg);
        }
        assert!(play.limit.measure.rate < 1.0, "{:?}", play.limit.measure);
    }
}
