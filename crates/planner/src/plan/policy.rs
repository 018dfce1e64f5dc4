//! What a plan lays down about its execution.

use std::time::Duration;

use orgwave_core::plan::GuardKind;
use orgwave_core::policy::{FailureBudget, Percent, VerifyPolicy, Waves, WriteMode};

/// What a plan lays down about its execution.
#[derive(Debug, Clone)]
pub struct PlanPolicy {
    /// How orgs are written.
    pub write: WriteMode,
    /// Which accepted writes are read back.
    pub verify: VerifyPolicy,
    /// Sizes of the waves, if they were given.
    pub waves: Option<Waves>,
    /// Whether they were given as a flag.
    pub waves_by_flag: bool,
    /// When too many failures stop the run.
    pub max_failures: FailureBudget,
    /// With `--unattended`: the largest share that may change.
    pub max_changed: Percent,
    /// The kinds of guards that need no code where `apply` makes the plan.
    pub allow: Vec<GuardKind>,
    /// How long the plan may be applied.
    pub expires: Duration,
}
