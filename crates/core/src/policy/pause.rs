//! A vendor's request to wait, by the time of day: what a later process has to keep.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// No call before a time of day, as a Retry-After asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When it was asked.
    pub told_at: Timestamp,
    /// When it is over.
    pub not_before: Timestamp,
}

impl Pause {
    /// A pause of this length. Timestamps are cut to milliseconds, so one more keeps it from ending early.
    pub fn new(told_at: Timestamp, wait: Duration) -> Self {
        let wait = wait.saturating_add(Duration::from_millis(1));
        Self { told_at, not_before: told_at.plus(wait) }
    }

    /// What is left of it. A clock that was set back since makes it no longer than it was at first; one that was set
    /// forward makes it shorter, which nothing here can tell from time that has passed.
    pub fn left(self, now: Timestamp) -> Duration {
        self.not_before.since(now).min(self.not_before.since(self.told_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_shrinks_and_never_grows() {
        let at = |millis: i64| Timestamp::from_millis(1_000_000_000 + millis);
        let pause = Pause::new(at(0), Duration::from_secs(3));
        for (now, left) in [(0, 3_001), (1_000, 2_001), (3_001, 0), (9_000, 0), (-3_600_000, 3_001)] {
            assert_eq!(pause.left(at(now)), Duration::from_millis(left), "{now} ms");
        }
        let for_ever = Pause::new(at(0), Duration::MAX);
        assert!(for_ever.left(at(5)) > Duration::from_secs(1 << 32));
    }
}
