//! The pace: governor's limiters, one for the run and one keyed by org, on a clock that is handed in.
//!
//! A limiter of governor has a fixed rate, so a changed rate is a new limiter; it begins empty, since the old
//! one's calls still count in the current second.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use orgwave_core::policy::{PerSecond, Rate};

/// Orgs whose limiter state is kept before the ones that have recovered are forgotten.
const MOST_KEYS: usize = 4096;

type RunLimiter = RateLimiter<NotKeyed, InMemoryState, HandClock, NoOpMiddleware<Nanos>>;
type OrgLimiter = RateLimiter<u32, HashMapStateStore<u32>, HandClock, NoOpMiddleware<Nanos>>;

/// A clock that shows what it was last set to.
#[derive(Debug, Clone, Default)]
struct HandClock(std::sync::Arc<std::sync::atomic::AtomicU64>);

impl HandClock {
    fn set(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos, std::sync::atomic::Ordering::Relaxed);
    }
}

impl GovernorClock for HandClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }
}

/// The limiters of a process.
#[derive(Debug)]
pub struct Pacer {
    clock: HandClock,
    run: Option<RunLimiter>,
    /// When the run's latest turn was taken, and until when that holds under a rate that was changed since.
    latest: Option<Duration>,
    not_before: Duration,
    orgs: Option<OrgLimiter>,
}

impl Pacer {
    /// Limiters for the run (`None`: unlimited) and for each org.
    pub fn new(rate: Option<f64>, org_rate: Rate, now: Duration) -> Self {
        let clock = HandClock::default();
        clock.set(now);
        let orgs = match org_rate {
            Rate::PerSecond(rate) => {
                Some(RateLimiter::new(quota(rate), HashMapStateStore::default(), clock.clone()))
            }
            Rate::Auto | Rate::Unlimited => None,
        };
        let mut pacer = Self { clock, run: None, latest: None, not_before: Duration::ZERO, orgs };
        pacer.set_rate(rate, now);
        pacer
    }

    /// Changes the run's rate.
    pub fn set_rate(&mut self, rate: Option<f64>, now: Duration) {
        self.clock.set(now);
        self.not_before = Duration::ZERO;
        self.run = rate.map(|rate| {
            let rate = PerSecond::clamped(rate);
            // However often the rate changes, a call is a period of the new rate after the one before.
            self.not_before =
                self.latest.map_or(now, |latest| latest + Duration::from_secs_f64(1.0 / rate.refill()));
            let limiter = RateLimiter::direct_with_clock(quota(rate), self.clock.clone());
            // Begins with one call in hand and the rest of the burst spent: the burst is there for late timers,
            // not for a salvo, and the calls under the rate before still count.
            if let Some(rest) = NonZeroU32::new(rate.burst() - 1) {
                let _ = limiter.check_n(rest);
            }
            limiter
        });
    }

    /// Takes the run's turn for one call.
    ///
    /// # Errors
    /// The reading of the clock at which to ask again.
    pub fn take_turn(&mut self, now: Duration) -> Result<(), Duration> {
        self.clock.set(now);
        let Some(limiter) = &self.run else { return Ok(()) };
        if now < self.not_before {
            return Err(self.not_before);
        }
        limiter.check().map_err(|not_until| due(&not_until, now))?;
        self.latest = Some(now);
        Ok(())
    }

    /// Takes an org's turn for one call.
    ///
    /// # Errors
    /// The reading of the clock at which to ask again.
    pub fn take_org_turn(&self, index: u32, now: Duration) -> Result<(), Duration> {
        self.clock.set(now);
        let Some(limiter) = &self.orgs else { return Ok(()) };
        if limiter.len() > MOST_KEYS {
            limiter.retain_recent();
        }
        limiter.check_key(&index).map_err(|not_until| due(&not_until, now))
    }
}

fn due(not_until: &NotUntil<Nanos>, now: Duration) -> Duration {
    let now = Nanos::new(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
    let at: Duration = not_until.earliest_possible().duration_since(Nanos::new(0)).into();
    // Timers have whole milliseconds at best; asking a nanosecond early would spin.
    let wait = not_until.wait_time_from(now);
    at.max(Duration::from(now.duration_since(Nanos::new(0))) + wait)
}

fn quota(rate: PerSecond) -> Quota {
    Quota::with_period(Duration::from_secs_f64(1.0 / rate.refill()))
        .expect("a rate has a period longer than nothing")
        .allow_burst(NonZeroU32::new(rate.burst()).expect("a burst is at least one"))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Takes turns as fast as the pacer allows, and returns when.
    fn turns(rate: f64, seconds: u64) -> Vec<Duration> {
        let mut pacer = Pacer::new(Some(rate), Rate::Unlimited, Duration::ZERO);
        let (mut now, mut taken) = (Duration::ZERO, Vec::new());
        while now < Duration::from_secs(seconds) {
            match pacer.take_turn(now) {
                Ok(()) => taken.push(now),
                Err(due) => {
                    assert!(due > now);
                    now = due;
                }
            }
        }
        taken
    }

    #[test]
    fn no_second_has_more_than_the_rate_and_the_whole_is_near_it() {
        for rate in [1.0, 2.0, 8.0, 50.0, 333.0, 500.0] {
            let taken = turns(rate, 20);
            let mut window = VecDeque::new();
            for at in &taken {
                window.push_back(*at);
                while *at >= window[0] + Duration::from_secs(1) {
                    window.pop_front();
                }
                #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
                let count = window.len() as f64;
                assert!(count <= rate, "{count} calls in a second at {rate}/s");
            }
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let reached = taken.len() as f64 / 20.0;
            assert!(reached >= rate * 0.95, "{reached} of {rate}/s");
        }
    }

    #[test]
    fn orgs_have_a_pace_of_their_own() {
        let pacer = Pacer::new(None, "5/s".parse().unwrap(), Duration::ZERO);
        assert!(pacer.take_org_turn(1, Duration::ZERO).is_ok());
        assert!(pacer.take_org_turn(2, Duration::ZERO).is_ok());
        let due = pacer.take_org_turn(1, Duration::ZERO).unwrap_err();
        assert!(due > Duration::from_millis(190) && due < Duration::from_millis(210), "{due:?}");
        assert!(pacer.take_org_turn(1, due).is_ok());
    }

    #[test]
    fn a_changed_rate_brings_no_salvo_and_stops_nothing() {
        for rate in [2.0, 20.0] {
            let mut pacer = Pacer::new(Some(rate), Rate::Unlimited, Duration::ZERO);
            let mut taken = 0.0;
            for millisecond in 0..10_000 {
                let now = Duration::from_millis(millisecond);
                if millisecond % 100 == 0 {
                    pacer.set_rate(Some(rate), now);
                }
                taken += f64::from(u8::from(pacer.take_turn(now).is_ok()));
            }
            assert!((0.85 * 10.0 * rate..=10.0 * rate + 1.0).contains(&taken), "{taken} at {rate}/s");
        }
    }
}
