//! A token bucket that counts time instead of tokens, so that it has no rounding and needs no timer.
//!
//! It remembers when it would be full again. A call is granted while that moment lies less than a whole bucket
//! ahead, and puts it off by one token's time. The time is handed in.

use std::time::Duration;

use serde::Deserialize;

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Calls a second that it fills by; above 0.
    pub rate: f64,
    /// Calls that a full bucket grants at once; ten times the rate unless said, at least 1.
    pub burst: Option<u32>,
}

impl Quota {
    /// A quota with the vendor's proportion: a burst of ten times the rate.
    pub const fn per_second(rate: f64) -> Self {
        Self { rate, burst: None }
    }

    /// Whether calls could ever be granted at this rate.
    pub(crate) fn is_sound(self) -> bool {
        self.rate.is_finite() && self.rate >= 0.001 && self.rate <= 1e9
    }

    fn token(self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate)
    }

    fn burst(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        let tenfold = (self.rate * 10.0).round() as u32;
        self.burst.unwrap_or(tenfold).max(1)
    }
}

/// One bucket. It starts full.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    full_at: Duration,
}

impl Bucket {
    /// Takes a token, or says how long until there is one. `now` counts from any fixed moment.
    pub(crate) fn take(&mut self, quota: Quota, now: Duration) -> Result<(), Duration> {
        let full_at = self.full_at.max(now);
        let reach = now + quota.token() * (quota.burst() - 1);
        match full_at.saturating_sub(reach) {
            Duration::ZERO => {
                self.full_at = full_at + quota.token();
                Ok(())
            }
            wait => Err(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { rate: 2.0, burst: Some(3) };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn grants_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.take(QUOTA, at(1_000)), Ok(()));
        }
        assert_eq!(bucket.take(QUOTA, at(1_000)), Err(at(500)));
        assert_eq!(bucket.take(QUOTA, at(1_400)), Err(at(100)));
        assert_eq!(bucket.take(QUOTA, at(1_500)), Ok(()));
        assert_eq!(bucket.take(QUOTA, at(1_500)), Err(at(500)));
    }

    #[test]
    fn never_holds_more_than_its_burst() {
        let mut bucket = Bucket::default();
        let granted = (0..100).filter(|_| bucket.take(QUOTA, at(1_000_000)).is_ok()).count();
        assert_eq!(granted, 3);
    }

    #[test]
    fn a_refused_call_costs_nothing() {
        let mut bucket = Bucket::default();
        while bucket.take(QUOTA, at(0)).is_ok() {}
        for _ in 0..100 {
            assert!(bucket.take(QUOTA, at(499)).is_err());
        }
        assert_eq!(bucket.take(QUOTA, at(500)), Ok(()));
    }

    #[test]
    fn over_any_window_it_grants_at_most_burst_and_refill() {
        let quota = Quota::per_second(5.0);
        let mut bucket = Bucket::default();
        let granted: Vec<u64> = (0..60_000).filter(|ms| bucket.take(quota, at(*ms)).is_ok()).collect();
        assert_eq!(granted.iter().filter(|ms| **ms < 1_000).count(), 50 + 4);
        assert_eq!(granted.iter().filter(|ms| (30_000..40_000).contains(*ms)).count(), 50);
    }

    #[test]
    fn the_burst_is_ten_times_the_rate_unless_said() {
        assert_eq!(Quota::per_second(8.0).burst(), 80);
        assert_eq!(Quota::per_second(0.01).burst(), 1);
        assert!(!Quota::per_second(0.0).is_sound());
        assert!(!Quota::per_second(f64::NAN).is_sound());
    }
}
