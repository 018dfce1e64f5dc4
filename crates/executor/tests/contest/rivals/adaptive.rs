//! The adaptive retry mode of the AWS SDKs, from its published numbers: a token bucket at the client, whose rate
//! follows CUBIC.
//!
//! Nothing is limited until the first 429. At a 429, the measured rate (or the bucket's, if that is lower) becomes
//! the peak, and 0.7 of it the new rate; from then on, each answer moves the rate along a cubic curve that flattens
//! at the peak and continues beyond it: 0.4 (t - k)^3 + peak, with k so that it begins at 0.7 of the peak. It is never
//! more than twice what is measured, in half seconds, smoothed by 0.8. The bucket holds a second of the rate.

use std::time::Duration;

use crate::arena::RateFinder;

const BETA: f64 = 0.7;
const SCALE: f64 = 0.4;
const SMOOTHING: f64 = 0.8;
const HALF_SECOND: f64 = 0.5;
const SLOWEST: f64 = 0.5;
const MOST_OVER_MEASURED: f64 = 2.0;

pub(crate) struct Adaptive {
    is_on: bool,
    rate: f64,
    tokens: f64,
    filled: f64,
    peak: f64,
    last_throttled: f64,
    measured: f64,
    counted: f64,
    half: f64,
}

impl Adaptive {
    pub(crate) const fn new() -> Self {
        Self {
            is_on: false,
            rate: SLOWEST,
            tokens: 0.0,
            filled: 0.0,
            peak: 0.0,
            last_throttled: 0.0,
            measured: 0.0,
            counted: 0.0,
            half: 0.0,
        }
    }

    fn fill(&mut self, now: f64) {
        self.tokens = (self.tokens + self.rate * (now - self.filled)).min(self.rate.max(1.0));
        self.filled = now;
    }

    fn measure(&mut self, now: f64) {
        self.counted += 1.0;
        let half = (now / HALF_SECOND).floor() * HALF_SECOND;
        if half > self.half {
            let current = self.counted / (half - self.half);
            self.measured = SMOOTHING * current + (1.0 - SMOOTHING) * self.measured;
            (self.counted, self.half) = (0.0, half);
        }
    }
}

impl RateFinder for Adaptive {
    fn take_turn(&mut self, now: Duration, _: usize) -> Result<(), Duration> {
        if !self.is_on {
            return Ok(());
        }
        self.fill(now.as_secs_f64());
        if self.tokens < 1.0 {
            return Err(now + Duration::from_secs_f64((1.0 - self.tokens) / self.rate));
        }
        self.tokens -= 1.0;
        Ok(())
    }

    fn answered(&mut self, now: Duration, _: u32, _: Duration, throttled: Option<Duration>) {
        let now = now.as_secs_f64();
        self.measure(now);
        let rate = if throttled.is_some() {
            self.peak = if self.is_on { self.measured.min(self.rate) } else { self.measured };
            self.last_throttled = now;
            self.is_on = true;
            BETA * self.peak
        } else {
            let flat_after = (self.peak * (1.0 - BETA) / SCALE).cbrt();
            SCALE * (now - self.last_throttled - flat_after).powi(3) + self.peak
        };
        self.fill(now);
        self.rate = rate.min(MOST_OVER_MEASURED * self.measured).max(SLOWEST);
        self.tokens = self.tokens.min(self.rate.max(1.0));
    }
}
