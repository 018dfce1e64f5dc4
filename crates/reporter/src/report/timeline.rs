//! The seconds of a run, one after another, as a picture needs them: what a run did while it worked. The time
//! between a process that died and the one that continued is omitted.

use orgwave_core::org::Entry;
use orgwave_core::run::Sample;
use orgwave_core::timestamp::Timestamp;

use crate::source::{BoxError, RunSource};

/// The course of a run, in seconds of work.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    seconds: Vec<Second>,
    /// When each wave first began.
    pub(super) waves: Vec<(f64, u32)>,
    /// When a process resumed the run.
    pub(super) resumed: Vec<f64>,
    /// How long it worked.
    pub(super) length: f64,
}

#[derive(Debug, Clone, Copy)]
struct Second {
    at: f64,
    calls: u32,
    throttled: u32,
    rate: Option<f64>,
}

/// A stretch of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    pub(super) from: f64,
    pub(super) to: f64,
    /// Calls a second.
    pub(super) pace: f64,
    /// Rate-limited API calls (HTTP 429).
    pub(super) throttled: u32,
    /// The rate allowed at its end.
    pub(super) rate: Option<f64>,
}

/// A process in progress: when it began, and how much work there was before.
struct Process {
    began: Timestamp,
    before: f64,
}

impl Timeline {
    pub(super) fn of(source: &dyn RunSource) -> Result<Self, BoxError> {
        let mut line = Self::default();
        let mut process = Process { began: source.header().started, before: 0.0 };
        for entry in source.timeline()? {
            match entry? {
                Entry::Began { at } => {
                    if line.length > 0.0 {
                        line.resumed.push(line.length);
                    }
                    process = Process { began: at, before: line.length };
                }
                Entry::Wave { at, wave, .. } => {
                    let at = line.extend(&process, at);
                    if line.waves.iter().all(|(_, known)| *known != wave) {
                        line.waves.push((at, wave));
                    }
                }
                Entry::Sample(sample) => line.add(&process, &sample),
                Entry::Finished(finish) => {
                    line.extend(&process, finish.at);
                }
                Entry::Intent { .. } | Entry::Step { .. } | Entry::Pause { .. } | Entry::Outcome { .. } => {}
            }
        }
        Ok(line)
    }

    fn add(&mut self, process: &Process, sample: &Sample) {
        let at = self.extend(process, sample.at);
        let Sample { calls, throttled, rate, .. } = *sample;
        self.seconds.push(Second { at, calls, throttled, rate });
        self.length = self.length.max(at + 1.0);
    }

    /// The place of a moment in the work, which lasts at least until then.
    fn extend(&mut self, process: &Process, at: Timestamp) -> f64 {
        let at = process.before + at.since(process.began).as_secs_f64();
        self.length = self.length.max(at);
        at
    }

    /// The course in at most this many stretches of whole seconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "seconds of a picture"
    )]
    pub(super) fn bins(&self, most: usize) -> Vec<Bin> {
        if self.seconds.is_empty() {
            return Vec::new();
        }
        let width = (self.length / most as f64).ceil().max(1.0);
        let mut bins: Vec<Bin> = (0..(self.length / width).ceil() as usize)
            .map(|place| Bin {
                from: place as f64 * width,
                to: ((place + 1) as f64 * width).min(self.length),
                pace: 0.0,
                throttled: 0,
                rate: None,
            })
            .collect();
        for second in &self.seconds {
            let place = ((second.at / width) as usize).min(bins.len() - 1);
            let bin = &mut bins[place];
            // The last stretch may be a fraction of a second: its pace is that of a whole one.
            bin.pace += f64::from(second.calls) / (bin.to - bin.from).max(1.0);
            bin.throttled += second.throttled;
            bin.rate = second.rate;
        }
        bins
    }
}
