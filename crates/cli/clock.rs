//! The one place that asks the system for the time of day, and for a clock that counts sleep.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use orgwave_core::timestamp::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// Runs on while the machine is suspended. On macOS the monotonic clock does; elsewhere it is as good as there is.
#[cfg(target_os = "linux")]
const SLEEPLESS: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const SLEEPLESS: ClockId = ClockId::Monotonic;

/// What has passed since some fixed moment, the time in which the machine was suspended included.
pub fn since_boot() -> Duration {
    clock_gettime(SLEEPLESS).try_into().unwrap_or_default()
}

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the binary's one clock, handed in everywhere else")]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
