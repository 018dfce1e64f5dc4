//! Where planning or a run is, kept up with a few additions per event. What is drawn from it, and how
//! often, is decided elsewhere.

use orgwave_core::event::{Answer, EventKind};
use orgwave_core::status::Status;
use orgwave_core::timestamp::Timestamp;

use crate::terminal::{clean, count, duration, pace};

/// What is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Nothing,
    Planning,
    Running,
}

/// Where it is.
#[derive(Debug)]
pub(super) struct Tracker {
    pub(super) stage: Stage,
    pub(super) total: u64,
    pub(super) done: u64,
    pub(super) failed: u64,
    pub(super) throttled: u64,
    pub(super) wave: Option<u32>,
    /// Why nothing new is sent, if so.
    pub(super) held: Option<String>,
    began: Timestamp,
    recent: Recent,
}

/// The done of the last seconds, for a rate that follows what happens.
#[derive(Debug)]
struct Recent {
    /// The seconds since the stage began that the places belong to.
    seconds: [Option<u64>; Recent::PLACES],
    done: [u64; Recent::PLACES],
}

impl Recent {
    const PLACES: usize = 16;

    const fn new() -> Self {
        Self { seconds: [None; Self::PLACES], done: [0; Self::PLACES] }
    }

    fn add(&mut self, second: u64) {
        let place = usize::try_from(second).unwrap_or(0) % Self::PLACES;
        if self.seconds[place] != Some(second) {
            self.seconds[place] = Some(second);
            self.done[place] = 0;
        }
        self.done[place] += 1;
    }

    /// Done per second over the last ten whole seconds, or over what there was of them.
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with one decimal")]
    fn rate(&self, elapsed_millis: u64) -> Option<f64> {
        const WINDOW: u64 = 10;
        let now = elapsed_millis / 1_000;
        let from = now.saturating_sub(WINDOW);
        let done: u64 = self
            .seconds
            .iter()
            .zip(self.done)
            .filter(|(second, _)| second.is_some_and(|second| (from..=now).contains(&second)))
            .map(|(_, done)| done)
            .sum();
        let seconds = (elapsed_millis - from * 1_000) as f64 / 1_000.0;
        (seconds >= 0.5 && done > 0).then(|| done as f64 / seconds)
    }
}

impl Tracker {
    pub(super) const fn new() -> Self {
        Self {
            stage: Stage::Nothing,
            total: 0,
            done: 0,
            failed: 0,
            throttled: 0,
            wave: None,
            held: None,
            began: Timestamp::from_millis(0),
            recent: Recent::new(),
        }
    }

    /// Takes an event in; whether something changed that should be seen at once.
    pub(super) fn take(&mut self, at: Timestamp, kind: &EventKind) -> bool {
        match kind {
            EventKind::PlanStarted { orgs } => self.begin(Stage::Planning, at, *orgs, 0),
            EventKind::RunStarted { updates, done, .. } => self.begin(Stage::Running, at, *updates, *done),
            EventKind::OrgPlanned { code, .. } => {
                self.count(at, code.is_some());
                return false;
            }
            EventKind::OrgFinished { wave, status, .. } => {
                let failed = status.spends_budget() || matches!(status, Status::Conflict | Status::Blocked);
                // Orgs that the plan settled are final too, in no wave, and were no work.
                if *wave > 0 && *status != Status::NotAttempted {
                    self.count(at, failed);
                }
                return false;
            }
            EventKind::OrgOverwritten { .. } => self.failed += 1,
            EventKind::Called { answer, .. } => {
                self.throttled += u64::from(*answer == Answer::Throttled);
                return false;
            }
            EventKind::WaveStarted { wave, .. } => self.wave = Some(*wave),
            EventKind::Paused { why } => self.held = Some(format!("paused: {}", clean(why))),
            EventKind::Draining { why } => self.held = Some(format!("ending: {}", clean(why))),
            EventKind::Unpaused => self.held = None,
            EventKind::PlanFinished { .. } | EventKind::RunFinished { .. } => self.stage = Stage::Nothing,
            EventKind::OrgWaits { .. } | EventKind::Paced { .. } => return false,
        }
        true
    }

    /// `done`: what earlier processes did, which says nothing about the pace of this one.
    fn begin(&mut self, stage: Stage, at: Timestamp, total: u64, done: u64) {
        *self = Self { stage, total, done, began: at, ..Self::new() };
    }

    fn count(&mut self, at: Timestamp, failed: bool) {
        self.done += 1;
        self.failed += u64::from(failed);
        self.recent.add(self.elapsed(at) / 1_000);
    }

    fn elapsed(&self, at: Timestamp) -> u64 {
        u64::try_from(at.since(self.began).as_millis()).unwrap_or(u64::MAX)
    }

    /// What is to be said behind the counts: wave, failed, rate, 429s, time left, and why it pauses.
    pub(super) fn details(&self, at: Timestamp) -> String {
        let mut parts = Vec::with_capacity(6);
        if let Some(wave) = self.wave {
            parts.push(format!("wave {wave}"));
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", count(self.failed)));
        }
        if self.throttled > 0 {
            parts.push(format!("{} rate-limited", count(self.throttled)));
        }
        let rate = self.recent.rate(self.elapsed(at));
        if let Some(rate) = rate {
            parts.push(pace(rate));
        }
        if let (Some(rate), None) = (rate, &self.held) {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let left = self.total.saturating_sub(self.done) as f64 / rate;
            if left >= 1.0 {
                // A run of a year at most, so that the division can't overflow a duration.
                let left = std::time::Duration::from_secs_f64(left.min(3.2e7));
                parts.push(format!("{} left", duration(left)));
            }
        }
        parts.extend(self.held.clone());
        parts.join(", ")
    }

    /// The verb for what is in progress.
    pub(super) const fn doing(&self) -> &'static str {
        match self.stage {
            Stage::Planning => "planning",
            Stage::Running | Stage::Nothing => "applying",
        }
    }
}
