//! How a run went, in time: its processes, waves and calls.

use std::time::Duration;

use orgwave_core::org::Entry;
use orgwave_core::run::{Finish, Latencies, Sample};
use orgwave_core::timestamp::Timestamp;

use crate::source::{BoxError, RunSource};

/// A wave's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaveStart {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub wave: u32,
    /// Its orgs.
    pub orgs: u32,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// When each process of the run began.
    pub began: Vec<Timestamp>,
    /// How the newest process ended; `None` if it died, or is in progress.
    pub finish: Option<Finish>,
    /// How long its processes worked, together. Of one that died, until its last sign.
    pub worked: Duration,
    /// Each wave's first beginning.
    pub waves: Vec<WaveStart>,
    /// Calls that ended.
    pub calls: u64,
    /// Of these, answered 429.
    pub throttled: u64,
    /// Seconds in which a call ended.
    pub busy_seconds: u64,
    /// How long calls took.
    pub took: Latencies,
}

impl Course {
    pub(crate) fn of(source: &dyn RunSource) -> Result<Self, BoxError> {
        let mut course = Self::default();
        // The process in progress, from when until its last sign.
        let mut process: Option<(Timestamp, Timestamp)> = None;
        for entry in source.timeline()? {
            match entry? {
                Entry::Began { at } => {
                    course.end_process(process.take());
                    course.began.push(at);
                    course.finish = None;
                    process = Some((at, at));
                }
                Entry::Wave { at, wave, orgs } => {
                    if course.waves.iter().all(|known| known.wave != wave) {
                        course.waves.push(WaveStart { at, wave, orgs });
                    }
                    extend(&mut process, at);
                }
                Entry::Sample(sample) => {
                    course.add(&sample);
                    extend(&mut process, sample.at);
                }
                Entry::Finished(finish) => {
                    extend(&mut process, finish.at);
                    course.end_process(process.take());
                    course.finish = Some(finish);
                }
                Entry::Intent { .. } | Entry::Step { .. } | Entry::Pause { .. } | Entry::Outcome { .. } => {}
            }
        }
        course.end_process(process);
        Ok(course)
    }

    fn add(&mut self, sample: &Sample) {
        self.calls += u64::from(sample.calls);
        self.throttled += u64::from(sample.throttled);
        self.busy_seconds += u64::from(sample.calls > 0);
        self.took.add_all(&sample.took);
    }

    fn end_process(&mut self, process: Option<(Timestamp, Timestamp)>) {
        if let Some((began, last)) = process {
            self.worked += last.since(began);
        }
    }

    /// Calls a second while the run worked; `None` where that was too short to say.
    #[expect(clippy::cast_precision_loss, reason = "a pace is shown with one decimal")]
    pub fn pace(&self) -> Option<f64> {
        let seconds = self.worked.as_secs_f64();
        (seconds >= 0.1 && self.calls > 0).then(|| self.calls as f64 / seconds)
    }
}

fn extend(process: &mut Option<(Timestamp, Timestamp)>, at: Timestamp) {
    if let Some((_, last)) = process {
        *last = (*last).max(at);
    }
}
