//! Everything outside, as traits: what the executor needs, in the words of the core.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::Operation;
use orgwave_core::org::Entry;
use orgwave_core::plan::PlanLine;
use orgwave_core::reply::{Ack, ClientList, Live, Reply};
use orgwave_core::timestamp::Timestamp;

/// The calls that change nothing. What plans, verifies or exports holds only this.
pub trait ReadApi: Clone + Send + Sync + 'static {
    /// The partner's client list.
    fn clients(&self) -> impl Future<Output = Reply<ClientList>> + Send;

    /// The settings of an org, of one operation.
    fn settings(&self, operation: &Arc<Operation>, org: Ruuid) -> impl Future<Output = Reply<Live>> + Send;

    /// The settings of an org, of operations that are all shown by one read: each as [`Self::settings`] has it.
    fn shared(
        &self,
        operations: &[Arc<Operation>],
        org: Ruuid,
    ) -> impl Future<Output = Reply<Vec<Live>>> + Send;
}

/// The call that changes something.
pub trait WriteApi: ReadApi {
    /// Sends an update, once: whatever happens, an implementation never sends it again by itself.
    fn update(
        &self,
        operation: &Arc<Operation>,
        org: Ruuid,
        body: Bytes,
    ) -> impl Future<Output = Reply<Ack>> + Send;
}

/// Where a run is recorded.
pub trait Journal: Send + Sync + 'static {
    /// Records an entry, in the order of the calls; it becomes durable with the next durable one at the latest.
    fn record(&self, entry: Entry);

    /// Records an entry and says when it is durable, or why it never will be.
    fn record_durably(&self, entry: Entry, done: Box<dyn FnOnce(Result<(), String>) + Send>);
}

/// The lines of the plan that is executed, by their place in it.
pub trait PlanSource: Send + Sync + 'static {
    /// Loads one line.
    ///
    /// # Errors
    /// It can't be read.
    fn load(&self, index: u32) -> io::Result<PlanLine>;
}

/// The time of a process: a monotonic reading for waiting, and the time of day for records.
///
/// The time of day is the reading at the process's start plus what has passed since, suspended time included, so that a
/// clock set forward or back in mid-run neither ends waits early nor makes durations negative.
pub trait Clock: Clone + Send + Sync + 'static {
    /// What has passed since the process began.
    fn elapsed(&self) -> Duration;

    /// The same, with the time in which the machine was suspended: for judging how old a read is.
    fn wall_elapsed(&self) -> Duration {
        self.elapsed()
    }

    /// The time of day.
    fn now(&self) -> Timestamp;
}

/// The clock of the tokio runtime: the machine's, or a paused one that tests advance.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    started: tokio::time::Instant,
    at: Timestamp,
    /// A clock that runs on while the machine is suspended, and its reading at the start.
    sleepless: Option<(fn() -> Duration, Duration)>,
}

impl TokioClock {
    /// A clock that reads `at` now.
    pub fn starting_at(at: Timestamp) -> Self {
        Self { started: tokio::time::Instant::now(), at, sleepless: None }
    }

    /// The same, with a clock that runs on while the machine is suspended: the runtime's may stop then.
    #[must_use]
    pub fn counting_sleep(self, sleepless: fn() -> Duration) -> Self {
        Self { sleepless: Some((sleepless, sleepless())), ..self }
    }
}

impl Clock for TokioClock {
    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn wall_elapsed(&self) -> Duration {
        let elapsed = self.elapsed();
        self.sleepless.map_or(elapsed, |(read, at_start)| elapsed.max(read().saturating_sub(at_start)))
    }

    fn now(&self) -> Timestamp {
        self.at.plus(self.wall_elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn suspension_ages_reads_and_moves_the_time_of_day() {
        static HOURS: AtomicU64 = AtomicU64::new(5);
        let read = || Duration::from_secs(3600 * HOURS.load(Ordering::Relaxed));
        let clock = TokioClock::starting_at(Timestamp::from_millis(0)).counting_sleep(read);
        HOURS.store(13, Ordering::Relaxed);
        let eight_hours = Duration::from_secs(8 * 3600);
        assert!(clock.elapsed() < eight_hours);
        assert_eq!(clock.wall_elapsed(), eight_hours);
        assert_eq!(clock.now(), Timestamp::from_millis(8 * 3600 * 1000));
    }
}
