//! How long to wait after a failure: uniform(0, min(60 s, 2^n s)), "full jitter".
//!
//! Many orgs that failed together must not come back together.

use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(60);

/// A source of delays. Seeded, so that a simulation can be repeated.
#[derive(Debug, Clone)]
pub struct Backoff(fastrand::Rng);

impl Backoff {
    /// Delays from this seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// The delay after the failure with this number, from 0.
    pub fn delay(&mut self, failure: u32) -> Duration {
        let most = Duration::from_secs(1 << failure.min(6)).min(LONGEST);
        most.mul_f64(self.0.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_fill_their_range_and_stay_in_it() {
        let mut backoff = Backoff::new(1);
        for (failure, most) in [(0, 1), (1, 2), (5, 32), (6, 60), (400, 60)] {
            let delays: Vec<Duration> = (0..1000).map(|_| backoff.delay(failure)).collect();
            assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(most)));
            let mean = delays.iter().sum::<Duration>() / 1000;
            let middle = Duration::from_secs(most) / 2;
            assert!(mean > middle.mul_f64(0.9) && mean < middle.mul_f64(1.1), "{failure}: {mean:?}");
        }
    }
}
