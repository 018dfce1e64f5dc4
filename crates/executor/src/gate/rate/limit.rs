//! A limit that showed itself: measured, kept to, and asked again and again.

use std::time::Duration;

use super::super::throttle::Evidence;
use super::allowance::Allowance;
use super::ledger::Ledger;
use super::level::{Mark, Measure};
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
/// Where replies take as long as this, so many seconds, a probe creeps by what it may send in two of them at most.
const LONG_LAG: f64 = 0.2;
/// A probe that was let through and still proves nothing is followed by one of so many times the calls.
const DEEPER: f64 = 2.0;
/// What may be refused at the end of a way up, in seconds of the rate.
const RISK: f64 = 0.4;
/// In how many seconds the reserve is brought back while the reply to a probe is awaited, and at what share of the rate
/// at least.
const SOON: f64 = 1.0;
const LEAST_AFTER_PROBE: f64 = 0.5;
/// A ceiling is won back after so long at it.
const CEILING_PROVEN: Duration = Duration::from_secs(5);

/// What is being done about a limit.
#[derive(Debug, Clone, Copy)]
enum Course {
    /// Its rate is a guess, or what is in the bucket is: upwards to the next 429.
    Climb(Rise),
    /// Its rate is known: send just that.
    Hold,
    /// Is it still so? The reserve is spent, and so many calls more, of which no reply is known. Since when it creeps.
    Probe { creeps_since: Option<Mark>, depth: f64 },
    /// So many calls more than should be in it were sent at this pace: is one of them refused? Meanwhile the reserve is
    /// brought back, as if it were still so.
    Await { pace: f64, depth: f64, since: Mark, spent: Mark },
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
    /// Where the 429s began whose calls were sent before the pace was lowered: until its rate is known by them.
    first: Option<Mark>,
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
        let course = Course::Climb(Rise::from(measure.rate, FIRST_CLIMB, now, mark.number));
        Self {
            measure,
            mark: Some(mark),
            base: Some(mark),
            first: Some(mark),
            course,
            reacted: now,
            at_ceiling_since: None,
            disbelieved: 0,
            is_proven: false,
        }
    }

    /// Whether it goes up to the next 429.
    pub(super) const fn is_climbing(&self) -> bool {
        matches!(self.course, Course::Climb(_) | Course::Raised { .. })
    }

    /// Whether there should have been hardly a call left in the bucket at a moment.
    pub(super) fn is_low(&self, at: Mark, ledger: &Ledger) -> bool {
        self.mark.is_some_and(|mark| {
            let stretch = ledger.stretch(mark, at);
            self.measure.level(stretch) <= self.measure.doubt(stretch, ledger.jitter())
        })
    }

    /// After a break of so long.
    pub(super) fn rest(&mut self, now: Duration, sent: u64, passed: Duration) {
        if passed.as_secs_f64() > BRIM {
            (self.mark, self.base) = (None, None);
        }
        if let Course::Climb(rise) | Course::Raised { rise, .. } = &mut self.course {
            rise.rest(now, sent);
        }
    }

    /// What was sent before this call is of no interest.
    pub(super) fn begins(&self) -> Option<u64> {
        let number = self.base?.number.min(self.mark?.number);
        Some(self.first.map_or(number, |first| number.min(first.number)))
    }

    /// Time has passed. Returns the pace.
    pub(super) fn track(&mut self, now: Duration, ledger: &Ledger, allowance: &Allowance) -> f64 {
        let rate = self.measure.rate;
        let most = self.most(now, ledger);
        if let Course::Climb(rise) | Course::Raised { rise, .. } = &mut self.course {
            rise.step(now, ledger.sent(), ledger.lag(now));
            rise.pace = rise.pace.min(most);
            return rise.pace;
        }
        let known = self.mark.map(|mark| (mark, ledger.level(mark, rate, now)));
        let Some((mark, level)) = known.filter(|(_, level)| *level <= BRIM * rate) else {
            (self.mark, self.base) = (None, None);
            let rise = Rise::from(AFTER_REST * rate, CLIMB, now, ledger.sent());
            self.course = Course::Climb(rise);
            return rise.pace;
        };
        let stretch = ledger.stretch(mark, ledger.now(now));
        let surplus = level - self.measure.reserve(stretch, ledger.jitter());
        match self.course {
            Course::Probe { creeps_since, depth } => self.probe(now, creeps_since, depth, mark, ledger),
            Course::Await { pace, depth, since, spent } => {
                if ledger.is_answered(depth, spent.number) {
                    let stretch = ledger.stretch(mark, spent);
                    let doubt = self.measure.doubt(stretch, ledger.jitter());
                    self.course = if self.measure.level(stretch) < -doubt {
                        // More came through than can have flowed in.
                        let rise = Rise::from(AFTER_REST * pace, CLIMB, now, ledger.sent());
                        Course::Raised { rise, found: spent }
                    } else {
                        Course::Probe { creeps_since: Some(since), depth: DEEPER * depth }
                    };
                }
                (rate + surplus / SOON).clamp(LEAST_AFTER_PROBE * rate, rate)
            }
            _ => {
                // A second measure is worth a debt.
                let is_due = allowance.allows_a_probe() || self.measure.is_in_doubt(stretch);
                if is_due
                    && now >= self.reacted + SHORTEST_CALM + Duration::from_secs_f64(ledger.round_trip())
                {
                    let depth = self.measure.least_doubt();
                    self.course = Course::Probe { creeps_since: None, depth };
                }
                (rate + surplus / RETURN).clamp(0.3 * rate, 3.0 * rate)
            }
        }
    }

    /// What may be sent a second on the way up: of the calls in progress when the bucket is empty, only so many may be too
    /// many.
    fn most(&self, now: Duration, ledger: &Ledger) -> f64 {
        let known = ledger.lately().rate();
        known.max(self.measure.rate) * (1.0 + RISK / ledger.lag(now).max(0.001))
    }

    fn probe(
        &mut self,
        now: Duration,
        creeps_since: Option<Mark>,
        depth: f64,
        mark: Mark,
        ledger: &Ledger,
    ) -> f64 {
        let (rate, here) = (self.measure.rate, ledger.now(now));
        let stretch = ledger.stretch(mark, here);
        let (level, doubt) = (self.measure.level(stretch), self.measure.doubt(stretch, ledger.jitter()));
        if level > doubt {
            return 2.0 * rate;
        }
        let since = creeps_since.unwrap_or(here);
        let creep = CREEP * CREEP_GROWTH.powf(now.saturating_sub(since.at).as_secs_f64());
        let creep = creep.min(0.5 * depth / ledger.lag(now).clamp(0.01, LONG_LAG));
        let pace = rate + creep.clamp(SLOWEST_CREEP * rate, rate);
        // If it wasn't empty by what is known, only what was sent since may be too much.
        let known = self.measure.level(ledger.stretch(mark, ledger.known())).min(0.0);
        self.course = if level < -doubt || level < known - depth {
            Course::Await { pace, depth, since, spent: here }
        } else {
            Course::Probe { creeps_since: Some(since), depth }
        };
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
    pub(super) fn emptied(&mut self, now: Duration, mark: Mark, evidence: Evidence, ledger: &Ledger) {
        let (rate, jitter) = (self.measure.rate, ledger.jitter());
        let stretch = self.base.map(|base| ledger.stretch(base, mark));
        let is_long = stretch.is_some_and(Measure::can_be);
        let (measure, is_known) = match (self.course, stretch) {
            (_, None) => (self.measure, !self.measure.is_guess()),
            (Course::Raised { found, .. }, Some(stretch)) => {
                // When it was raised isn't known, so neither is to what: as early as may be, or only just.
                let most = ledger.stretch(found, mark).rate();
                (Measure::guess((stretch.rate() * most.max(rate)).sqrt()), false)
            }
            (Course::Climb(_), Some(stretch)) if is_long => (Measure::of(stretch, jitter), true),
            (Course::Climb(_), Some(stretch)) => {
                let most = (stretch.calls + 1.0) / stretch.secs.max(0.5);
                (Measure::guess(rate.min(most)), false)
            }
            (Course::Hold | Course::Probe { .. } | Course::Await { .. }, Some(stretch)) => {
                let (level, doubt) = (self.measure.level(stretch), self.measure.doubt(stretch, jitter));
                if level > doubt {
                    // Less flowed in than should have: the limit was lowered, at some time since.
                    let lowered = rate - level / stretch.secs.max(0.1);
                    (Measure::guess(lowered.clamp(DEEPEST_CUT * rate, CUT * rate)), false)
                } else if is_long {
                    (self.measure.and(stretch, jitter), true)
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
        self.first = (!is_known).then_some(mark);
        self.reacted = now;
        self.at_ceiling_since = None;
        self.course = if is_known {
            Course::Hold
        } else {
            Course::Climb(Rise::from(measure.rate, CLIMB, now, mark.number))
        };
    }

    /// A 429 came for a call from before the latest reaction: the bucket was still empty then, and between the first of
    /// them and this one there came through what flowed in.
    pub(super) fn still_empty(&mut self, mark: Mark, ledger: &Ledger) {
        if self.mark.is_none_or(|latest| mark.number <= latest.number) {
            return;
        }
        self.mark = Some(mark);
        let stretch = self.first.map(|first| ledger.stretch(first, mark));
        if let Some(stretch) = stretch.filter(|stretch| Measure::can_be(*stretch)) {
            self.measure = Measure::of(stretch, ledger.jitter());
            self.base = Some(mark);
            self.course = Course::Hold;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bucket that lets `rate` a second through, called at the pace of a limit.
    struct Play {
        limit: Limit,
        allowance: Allowance,
        ledger: Ledger,
        refused: u64,
        tokens: f64,
        tick: u32,
    }

    impl Play {
        fn new() -> Self {
            let limit = Limit::guessed(9.0, Duration::ZERO, Mark::default());
            let (allowance, ledger) = (Allowance::new(), Ledger::default());
            Self { limit, allowance, ledger, refused: 0, tokens: 0.0, tick: 0 }
        }

        /// Plays for this many seconds, in steps of 10 ms, and returns how many calls were refused.
        fn play(&mut self, rate: f64, seconds: u32) -> u64 {
            let (refused, mut due) = (self.refused, 0.0);
            for _ in 0..100 * seconds {
                self.tick += 1;
                let now = Duration::from_millis(10) * self.tick;
                self.tokens = (self.tokens + rate / 100.0).min(10.0 * rate);
                due += self.limit.track(now, &self.ledger, &self.allowance) / 100.0;
                if due < 1.0 {
                    continue;
                }
                due -= 1.0;
                let number = self.ledger.send(now);
                self.allowance.sent();
                let is_refused = self.tokens < 1.0;
                self.ledger.answer(number, now, is_refused);
                if !is_refused {
                    self.tokens -= 1.0;
                    continue;
                }
                self.refused += 1;
                self.allowance.refused(0.0);
                self.limit.emptied(now, Mark { at: now, number }, Evidence::SeveralOrgs, &self.ledger);
            }
            self.refused - refused
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
    fn one_orgs_429s_below_two_a_second_count_once_several() {
        let mut play = Play::new();
        // A limit that nothing has proven yet.
        let mut empty = |second: u32| {
            let now = Duration::from_secs(u64::from(second));
            (0..5).for_each(|_| _ = play.ledger.send(now));
            let number = play.ledger.send(now);
            play.ledger.answer(number, now, true);
            play.limit.emptied(now, Mark { at: now, number }, Evidence::OneOrg, &play.ledger);
            play.limit.measure.rate
        };
        for number in 1..=8 {
            let rate = empty(10 * number);
            assert!(rate >= 2.0, "{number}: {rate}");
        }
        let last = (9..=12).map(|number| empty(10 * number)).last();
        assert!(last.is_some_and(|rate| rate < 1.0), "{last:?}");
    }
}
