//! Sums up the calls of each second.

use std::time::Duration;

use orgwave_core::event::Answer;
use orgwave_core::run::{Latencies, Sample};
use orgwave_core::timestamp::Timestamp;

const SECOND: Duration = Duration::from_secs(1);

/// The second that is being summed up.
#[derive(Debug)]
pub(super) struct Sampler {
    began: Duration,
    sample: Sample,
}

impl Sampler {
    pub(super) const fn new(now: Duration, at: Timestamp) -> Self {
        Self { began: now, sample: blank(at) }
    }

    pub(super) fn called(&mut self, answer: Answer, took: Duration) {
        self.sample.calls += 1;
        self.sample.throttled += u32::from(answer == Answer::Throttled);
        self.sample.took.add(took);
    }

    pub(super) const fn finished(&mut self) {
        self.sample.finished += 1;
    }

    /// When the second is over.
    pub(super) fn due(&self) -> Duration {
        self.began + SECOND
    }

    /// The sum, once the second is over or `at_end`; `None` while nothing happened.
    pub(super) fn take(
        &mut self,
        now: Duration,
        at: Timestamp,
        in_flight: usize,
        rate: Option<f64>,
        at_end: bool,
    ) -> Option<Sample> {
        if now < self.due() && !at_end {
            return None;
        }
        self.began = now;
        let mut sample = std::mem::replace(&mut self.sample, blank(at));
        sample.in_flight = u32::try_from(in_flight).unwrap_or(u32::MAX);
        sample.rate = rate;
        (sample.calls > 0 || sample.finished > 0 || sample.in_flight > 0).then_some(sample)
    }
}

const fn blank(at: Timestamp) -> Sample {
    Sample {
        at,
        wave: 0,
        calls: 0,
        throttled: 0,
        finished: 0,
        in_flight: 0,
        rate: None,
        took: Latencies::new(),
    }
}
