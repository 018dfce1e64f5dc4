//! A pace that goes up step by step, as long as it is used.

use std::time::Duration;

/// How often there is a step, and after how many calls at least: in small ones, as the pace is at most what it has come
/// to when the bucket is empty, and the calls that are in progress by then are refused.
const STEP: Duration = Duration::from_millis(250);
const CALLS: f64 = 2.0;
/// A step in which less than this share of the pace was sent proves nothing.
const USED: f64 = 0.8;

#[derive(Debug, Clone, Copy)]
pub(super) struct Rise {
    pub(super) pace: f64,
    growth: f64,
    stepped: (Duration, u64),
}

impl Rise {
    /// From a pace, by a factor each second, or each round trip if that is longer.
    pub(super) const fn from(pace: f64, growth: f64, now: Duration, sent: u64) -> Self {
        Self { pace, growth, stepped: (now, sent) }
    }

    /// Time has passed, in which `sent` became so much. What is known is `lag` seconds old.
    #[expect(clippy::cast_precision_loss, reason = "far fewer calls than a float counts exactly")]
    pub(super) fn step(&mut self, now: Duration, sent: u64, lag: f64) {
        let (at, before) = self.stepped;
        let passed = now.saturating_sub(at);
        if passed < STEP.max(Duration::from_secs_f64(CALLS / self.pace)) {
            return;
        }
        let secs = passed.as_secs_f64();
        // The next call may be all but due.
        if (sent - before + 1) as f64 >= USED * self.pace * secs {
            self.pace *= self.growth.powf(secs.min(1.0) / lag.max(1.0));
        }
        self.stepped = (now, sent);
    }

    /// What was sent before a break is no reason to go up after it.
    pub(super) const fn rest(&mut self, now: Duration, sent: u64) {
        self.stepped = (now, sent);
    }
}
