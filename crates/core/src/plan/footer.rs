//! The last line of a plan.

use serde::{Deserialize, Serialize};

use super::Guard;

/// Counts over the plan, and the guards that it trips.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Footer {
    /// Lines between header and footer.
    pub lines: u64,
    /// Orgs to be written.
    pub updates: u64,
    /// Orgs that could be judged: to be written or unchanged.
    pub judged: u64,
    /// The number of orgs in each wave, in the order of the waves.
    pub waves: Vec<WaveCount>,
    /// The guards.
    pub guards: Vec<Guard>,
    /// Entries to be removed that aren't live, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_removals: Option<IdleRemovals>,
}

/// Orgs in which entries are to be removed that aren't live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IdleRemovals {
    /// How many.
    pub orgs: u64,
    /// In how many of them a live key is the same under another spelling.
    pub respelled: u64,
    /// The first entry, in words; of those with a live key under another spelling, where there is one.
    pub example: String,
}

/// A wave and its orgs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveCount {
    /// The wave's number.
    pub wave: u32,
    /// Its orgs.
    pub orgs: u64,
    /// Whether the manifest pins its orgs to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
}
