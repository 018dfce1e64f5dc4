//! Calls at once, found as TCP finds its window: one more for each window that got through, half at a 429.
//!
//! A 429 of a call from before the latest halving says nothing new, as in TCP's recovery. And everything pauses for
//! the Retry-After: a limiter of calls at once alone would send on at twenty a second for each of them.

use std::time::Duration;

use crate::arena::{CONCURRENCY, RateFinder};

#[expect(clippy::cast_precision_loss, reason = "a hundred")]
const MOST: f64 = CONCURRENCY as f64;

pub(crate) struct Window {
    size: f64,
    halved: Duration,
    paused_until: Duration,
}

impl Window {
    pub(crate) const fn new() -> Self {
        Self { size: 4.0, halved: Duration::ZERO, paused_until: Duration::ZERO }
    }
}

impl RateFinder for Window {
    #[expect(clippy::cast_precision_loss, reason = "a hundred")]
    fn take_turn(&mut self, now: Duration, in_flight: usize) -> Result<(), Duration> {
        if now < self.paused_until {
            return Err(self.paused_until);
        }
        // With a full window it is the next answer that makes room.
        if in_flight as f64 + 1.0 > self.size { Err(now + Duration::from_secs(1)) } else { Ok(()) }
    }

    fn answered(&mut self, now: Duration, _: u32, sent: Duration, throttled: Option<Duration>) {
        match throttled {
            None => self.size = (self.size + 1.0 / self.size).min(MOST),
            Some(wait) => {
                self.paused_until = self.paused_until.max(now + wait);
                if sent >= self.halved {
                    self.size = (self.size / 2.0).max(1.0);
                    self.halved = now;
                }
            }
        }
    }
}
