//! Medians and ratios of what contenders did.

use std::time::Duration;

use super::super::contender::Contender;
use super::super::{Course, Race, Sending};

/// A ratio over the rounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Race {
    pub(super) fn course(&self, contender: Contender) -> Option<&Course> {
        self.courses.iter().find(|course| course.contender == contender)
    }

    /// Orgs a second.
    pub(super) fn speed(&self, course: &Course) -> f64 {
        median(course.rounds.iter().map(|round| self.estate.orgs as f64 / seconds(round)))
    }

    /// How many times as fast one contender is as another, round by round; `None` where one of them is missing.
    pub(super) fn times_as_fast(&self, one: Contender, as_other: Contender) -> Option<Spread> {
        let (one, other) = (self.course(one)?, self.course(as_other)?);
        let ratios: Vec<f64> =
            one.rounds.iter().zip(&other.rounds).map(|(one, other)| seconds(other) / seconds(one)).collect();
        Some(Spread {
            median: median(ratios.iter().copied()),
            least: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            most: ratios.iter().copied().fold(0.0, f64::max),
        })
    }

    /// Processor time an org, in microseconds, over all rounds: a single one has few of the kernel's ticks.
    pub(super) fn micros(&self, course: &Course) -> f64 {
        let cpu: Duration = course.rounds.iter().map(|round| round.measured.cpu).sum();
        cpu.as_secs_f64() * 1e6 / (self.estate.orgs * course.rounds.len()) as f64
    }

    /// How many times the processor time of another contender one takes.
    pub(super) fn times_the_processor(&self, one: Contender, of_other: Contender) -> Option<f64> {
        Some(self.micros(self.course(one)?) / self.micros(self.course(of_other)?))
    }

    /// Calls to the API for each org.
    pub(super) fn calls(&self, course: &Course) -> f64 {
        median(course.rounds.iter().map(|round| self.per_org(round.calls)))
    }

    /// Thousands of bytes an org, by the calls for files.
    pub(super) fn traffic(&self, course: &Course) -> f64 {
        median(course.rounds.iter().map(|round| self.per_org(round.measured.traffic) / 1000.0))
    }

    /// Thousands of bytes an org on the disk in the end.
    pub(super) fn kept(&self, course: &Course) -> f64 {
        median(course.rounds.iter().map(|round| self.per_org(round.kept) / 1000.0))
    }

    fn per_org(&self, count: u64) -> f64 {
        count as f64 / self.estate.orgs as f64
    }

    /// The least that a contender can take where each call takes 50 ms.
    pub(super) fn floor(&self, course: &Course) -> f64 {
        floor(self.estate.orgs) * self.calls(course).round()
    }
}

/// Seconds from start to end.
pub(super) fn wall(course: &Course) -> f64 {
    median(course.rounds.iter().map(seconds))
}

fn seconds(sending: &Sending) -> f64 {
    sending.measured.wall.as_secs_f64()
}

/// Seconds that a call an org takes, 64 at once and 50 ms each.
pub(super) fn floor(orgs: usize) -> f64 {
    0.05 * orgs.div_ceil(64).max(1) as f64
}

pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}
