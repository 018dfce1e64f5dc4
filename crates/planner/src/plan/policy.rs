//! What a plan lays down about its execution.

use std::time::Duration;

use orgwave_core::operation::Operations;
use orgwave_core::plan::{GuardKind, Header, IndexEntry, Verdict, has_canary};
use orgwave_core::policy::{FailureBudget, Percent, VerifyPolicy, Waves, WriteMode};
use orgwave_core::run::RunHeader;
use orgwave_executor::rollout::Policy;

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
    /// Whether the other steps of an org are taken where one did not end well.
    pub keep_going: bool,
    /// The kinds of guards that need no code where `apply` makes the plan.
    pub allow: Vec<GuardKind>,
    /// How long the plan may be applied.
    pub expires: Duration,
}

impl PlanPolicy {
    /// The same for a plan that is only compared with: to judge an org is to read it, however the rollout is written.
    #[must_use]
    pub fn reading(self) -> Self {
        let write = if self.write.reads() { self.write } else { WriteMode::Patch };
        Self { write, ..self }
    }
}

/// How a run carries its plan out. `is_expired`: in-doubt writes are resolved, and nothing is sent.
pub fn policy_of(
    operations: &Operations,
    run: &RunHeader,
    plan: &Header,
    index: &[IndexEntry],
    is_expired: bool,
) -> Policy {
    Policy {
        operations: operations.clone(),
        keep_going: plan.keep_going,
        run_id: run.run_id.clone(),
        plan_id: run.plan_id.clone(),
        write: run.write,
        verify: run.verify,
        has_canary: has_canary(operations, plan.waves.as_ref()) || has_several_waves(index),
        max_failures: run.max_failures,
        ignored: operations.iter().map(|(_, operation)| plan.ignored(operation)).collect(),
        settle_only: is_expired,
    }
}

/// Whether pinned orgs go before the others: then the first of them is the canary, even if `rest` takes the others.
fn has_several_waves(index: &[IndexEntry]) -> bool {
    let mut waves = index.iter().filter(|entry| entry.verdict == Verdict::Update).map(|entry| entry.wave);
    let first = waves.next();
    waves.any(|wave| Some(wave) != first)
}
