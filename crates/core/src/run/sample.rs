//! A second of a run, summed up: what the report's timeline is drawn from.

use serde::{Deserialize, Serialize};

use super::Latencies;
use crate::timestamp::Timestamp;

/// The calls that ended in one second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When the second began.
    pub at: Timestamp,
    /// The wave that was in progress; 0 before the first.
    pub wave: u32,
    /// Calls that ended.
    pub calls: u32,
    /// Of these, answered 429.
    pub throttled: u32,
    /// Orgs that became final.
    pub finished: u32,
    /// Calls in progress at the second's end.
    pub in_flight: u32,
    /// The rate allowed at the second's end, in calls a second; `None` if unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How long calls took.
    #[serde(default, skip_serializing_if = "Latencies::is_empty")]
    pub took: Latencies,
}
