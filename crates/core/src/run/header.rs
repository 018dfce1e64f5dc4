//! What a run is: written before anything else of it.

use serde::{Deserialize, Serialize};

use crate::operation::OperationDigest;
use crate::policy::{FailureBudget, VerifyPolicy, WriteMode};
use crate::secret::Fingerprint;
use crate::timestamp::Timestamp;

/// The version of the journal's format that this code writes, and the only one that it reads: a run is finished by the
/// version that began it.
pub const RUN_FORMAT: u32 = 3;

/// What a run executes, and for whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// See [`RUN_FORMAT`].
    pub format: u32,
    /// Names the run; the name of its folder.
    pub run_id: String,
    /// The plan that it executes.
    pub plan_id: String,
    /// The seal of that plan's footer: ties the journal to the very bytes.
    pub plan_seal: String,
    /// Whether the plan was made by this very run.
    pub fresh_plan: bool,
    /// The API, as in the plan.
    pub endpoint: String,
    /// The API key, as in the plan.
    pub key_fingerprint: Fingerprint,
    /// The tool and its version.
    pub tool: String,
    /// When the run began.
    pub started: Timestamp,
    /// Lines of the plan.
    pub orgs: u32,
    /// What is written, in the order of an org's steps.
    pub operations: Vec<OperationDigest>,
    /// How orgs are written.
    pub write: WriteMode,
    /// Which writes are read back.
    pub verify: VerifyPolicy,
    /// When too many failures stop it.
    pub max_failures: FailureBudget,
    /// Whether applied_with_warnings counts as a failure of the run.
    pub strict: bool,
    /// Whether it ran unattended: `--unattended`.
    pub unattended: bool,
    /// What metrics call the rollout: its path, or what the plan calls it.
    pub rollout: String,
}

impl RunHeader {
    /// How many steps an org has at most.
    pub fn places(&self) -> u8 {
        u8::try_from(self.operations.len()).unwrap_or(u8::MAX).max(1)
    }

    /// The flags of `apply` under which another run writes as this one does, each with a space before it. Waves and
    /// budget are in the retry's `[limits]`.
    pub fn mode_again(&self) -> String {
        Self::mode_flags(self.write, self.verify)
    }

    /// The same, of a plan.
    pub fn mode_flags(write: WriteMode, verify: VerifyPolicy) -> String {
        let write = match write {
            WriteMode::Merge => "",
            WriteMode::Patch => " --write patch",
            WriteMode::NoRead => return " --no-read".to_owned(),
        };
        match verify {
            VerifyPolicy::All => write.to_owned(),
            verify => format!("{write} --verify {verify}"),
        }
    }
}
