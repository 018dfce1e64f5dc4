//! How fast, how many at once, how often, how long: the flags of pacing, resolved.

use std::time::Duration;

use orgwave_core::policy::{Rate, RetryPolicy};

/// What bounds a process's calls. Independent of the plan, so that a resume may choose anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Calls a second over the whole run.
    pub rate: Rate,
    /// Calls a second to one org.
    pub org_rate: Rate,
    /// Concurrent calls.
    pub concurrency: usize,
    /// How long one call may take; the client ends it, the executor only reckons with it.
    pub timeout: Duration,
    /// Tries, and the delays between them.
    pub retry: RetryPolicy,
    /// How long the process may take before it drains.
    pub max_duration: Option<Duration>,
}
