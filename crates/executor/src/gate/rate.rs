//! Which rate: the ceiling as told, slowed by the vendor's 429s; or, for `auto`, found by trying.
//!
//! A bucket that is never told shows itself only when it is empty. So the rate climbs until 429s on several
//! orgs say that it was too much, falls at once by a third, and climbs again slowly: additive increase,
//! multiplicative decrease, as TCP does. Before the first 429 it doubles each second, since nothing is known.
//! It climbs only while it is used: a rate that nothing was sent at proves nothing.

use std::time::Duration;

use orgwave_core::policy::Rate;

/// Where `auto` begins.
const FIRST: f64 = 8.0;
/// What is left after 429s on several orgs.
const DECREASE: f64 = 0.7;
/// How much of the rate at the last 429 is won back in a second.
const INCREASE: f64 = 0.02;
/// Never slower than a call in two seconds.
const SLOWEST: f64 = 0.5;
/// `auto` goes no higher: beyond it the engine is the limit.
const FASTEST: f64 = 100_000.0;
/// How often the rate may change upwards.
const TICK: Duration = Duration::from_secs(1);
/// 429s within this time after a decrease are answers to calls from before it.
const SETTLE: Duration = Duration::from_millis(1500);

/// The rate of a run, over time.
#[derive(Debug, Clone)]
pub struct RateControl {
    /// `None`: unlimited.
    current: Option<f64>,
    ceiling: f64,
    is_auto: bool,
    /// Nothing has shown a limit yet.
    is_searching: bool,
    /// The rate at which 429s last came.
    limit_seen: Option<f64>,
    sent: u32,
    ticked: Duration,
    slowed: Option<Duration>,
}

impl RateControl {
    /// A rate as told. `learned` is one that worked before: `auto` begins there and looks on from it carefully.
    pub fn new(rate: Rate, learned: Option<f64>) -> Self {
        let (current, ceiling) = match rate {
            Rate::Auto => (Some(learned.map_or(FIRST, |rate| (rate * 0.9).clamp(SLOWEST, FASTEST))), FASTEST),
            Rate::PerSecond(rate) => (Some(rate.get()), rate.get()),
            Rate::Unlimited => (None, f64::INFINITY),
        };
        Self {
            current,
            ceiling,
            is_auto: rate == Rate::Auto,
            is_searching: rate == Rate::Auto && learned.is_none(),
            limit_seen: None,
            sent: 0,
            ticked: Duration::ZERO,
            slowed: None,
        }
    }

    /// Calls a second that are allowed; `None` if unlimited.
    pub const fn current(&self) -> Option<f64> {
        self.current
    }

    /// What is worth remembering: a rate that the vendor was seen to limit.
    pub const fn learned(&self) -> Option<f64> {
        match self.limit_seen {
            Some(_) if self.is_auto => self.current,
            _ => None,
        }
    }

    /// A call is sent.
    pub const fn sent(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// Time has passed. Returns whether the rate changed.
    pub fn tick(&mut self, now: Duration) -> bool {
        let Some(current) = self.current else { return false };
        let passed = now.saturating_sub(self.ticked);
        if passed < TICK {
            return false;
        }
        let used = f64::from(self.sent) / passed.as_secs_f64();
        self.ticked = now;
        self.sent = 0;
        // After a pause, as after a decrease, there was no use to judge.
        let is_used = passed < 2 * TICK && used >= 0.8 * current;
        if !is_used && current >= self.limit_seen.unwrap_or(0.0) {
            return false;
        }
        let next = if self.is_searching { current * 2.0 } else { current + (INCREASE * current).max(0.1) };
        let next = next.min(self.ceiling);
        self.current = Some(next);
        (next - current).abs() > f64::EPSILON
    }

    /// 429s came that are the partner's. Returns whether the rate changed.
    pub fn slow_down(&mut self, now: Duration) -> bool {
        let Some(current) = self.current else { return false };
        if self.slowed.is_some_and(|slowed| now < slowed + SETTLE) {
            return false;
        }
        self.slowed = Some(now);
        self.is_searching = false;
        self.limit_seen = Some(current);
        self.current = Some((current * DECREASE).max(SLOWEST.min(self.ceiling)));
        self.ticked = now;
        self.sent = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    fn use_for_a_second(control: &mut RateControl, second: u32) -> bool {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
        let calls = control.current().unwrap().ceil() as u32;
        (0..calls).for_each(|_| control.sent());
        control.tick(secs(f64::from(second)))
    }

    #[test]
    fn auto_doubles_while_it_is_used() {
        let mut control = RateControl::new(Rate::Auto, None);
        for (second, expected) in [(1, 16.0), (2, 32.0), (3, 64.0)] {
            assert!(use_for_a_second(&mut control, second));
            assert_eq!(control.current(), Some(expected));
        }
        assert!(!control.tick(secs(4.0)), "nothing was sent");
    }

    #[test]
    fn a_ceiling_is_never_passed_and_won_back_after_a_429() {
        let mut control = RateControl::new("50/s".parse().unwrap(), None);
        assert!(!use_for_a_second(&mut control, 1));
        assert!(control.slow_down(secs(1.5)));
        assert_eq!(control.current(), Some(35.0));
        for second in 3..60 {
            use_for_a_second(&mut control, second);
            assert!(control.current().unwrap() <= 50.0);
        }
        assert_eq!(control.current(), Some(50.0));
        assert_eq!(control.learned(), None);
    }

    #[test]
    fn a_burst_of_429s_is_one_decrease() {
        let mut control = RateControl::new(Rate::Auto, Some(100.0));
        assert!(control.slow_down(secs(1.0)));
        assert!(!control.slow_down(secs(1.2)));
        assert!(control.slow_down(secs(3.0)));
    }

    #[test]
    fn unlimited_is_never_slowed() {
        let mut control = RateControl::new(Rate::Unlimited, None);
        assert!(!control.slow_down(secs(1.0)));
        assert_eq!(control.current(), None);
    }
}
