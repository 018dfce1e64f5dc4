//! Which step of which org.

use serde::{Deserialize, Serialize};

/// A step: one operation of one org of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepId {
    /// The org's place in the plan, from 0.
    pub org: u32,
    /// The operation's place among those of the plan, from 0.
    pub place: u8,
}
