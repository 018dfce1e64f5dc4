//! A second of a run, summed up: what the report's timeline is drawn from.

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// The calls that ended in one second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When the second began.
    pub at: Timestamp,
    /// The wave that was under way; 0 before the first.
    pub wave: u32,
    /// Calls that ended.
    pub calls: u32,
    /// Of these, answered 429.
    pub throttled: u32,
    /// Orgs that became final.
    pub finished: u32,
    /// Calls under way at the second's end.
    pub in_flight: u32,
    /// The rate allowed at the second's end, in calls a second; `None` if unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How long calls took: place i counts those under 2^i ms, from i = 0; the last place counts the rest.
    pub latency: [u32; Self::BUCKETS],
}

impl Sample {
    /// Places of the latency distribution: up to 32 s and beyond.
    pub const BUCKETS: usize = 17;

    /// The place of a call that took so many milliseconds.
    pub fn bucket(millis: u64) -> usize {
        ((u64::BITS - millis.leading_zeros()) as usize).min(Self::BUCKETS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn buckets_are_powers_of_two() {
        let places =
            [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (1023, 10), (1024, 11), (40_000, 16), (u64::MAX, 16)];
        for (millis, place) in places {
            assert_eq!(Sample::bucket(millis), place, "{millis} ms");
        }
    }
}
