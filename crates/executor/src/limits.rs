//! How fast, how many at once, how often, how long: the flags of pacing, resolved.

use std::time::Duration;

use orgwave_core::policy::Rate;

/// The longest Retry-After that is waited out, and the longest time that an org may answer nothing but 429.
pub const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// What bounds a process's calls. Independent of the plan, so that a resume may choose anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Calls a second over the whole run.
    pub rate: Rate,
    /// Calls a second to one org.
    pub org_rate: Rate,
    /// Calls under way at once.
    pub concurrency: usize,
    /// How long one call may take; the client ends it, the executor only reckons with it.
    pub timeout: Duration,
    /// Sends of one org, and tries of each read.
    pub attempts: u32,
    /// Between two reads that must agree before anything is sent again.
    pub quiet_period: Duration,
    /// How long the process may take before it drains.
    pub max_duration: Option<Duration>,
}
