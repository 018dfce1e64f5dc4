//! The one place that asks the system for the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use orgwave_core::timestamp::Timestamp;

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the binary's one clock, handed in everywhere else")]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
