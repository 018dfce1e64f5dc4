//! A chosen rate: a guess that is safe nearly anywhere, or what an oracle says.

use std::time::Duration;

use crate::arena::RateFinder;

pub(crate) struct Fixed {
    period: Duration,
    next: Duration,
}

impl Fixed {
    pub(crate) fn new(rate: f64) -> Self {
        Self { period: Duration::from_secs_f64(1.0 / rate), next: Duration::ZERO }
    }
}

impl RateFinder for Fixed {
    fn take_turn(&mut self, now: Duration, _: usize) -> Result<(), Duration> {
        if now < self.next {
            return Err(self.next);
        }
        self.next = now + self.period;
        Ok(())
    }

    fn answered(&mut self, _: Duration, _: u32, _: Duration, _: Option<Duration>) {}
}
