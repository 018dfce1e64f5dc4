//! Guards on a whole plan: what somebody must have said yes to before anything is sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::secret::SealKey;

/// What a guard guards against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// Values become null.
    Clears,
    /// Entries of maps are taken out.
    Removals,
    /// Badges would disarm the alarm monitoring.
    Disarms,
    /// Orgs whose read didn't say whose settings these are.
    Unproven,
}

/// A guard that a plan trips.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// What it guards against.
    pub kind: GuardKind,
    /// How many orgs.
    pub orgs: u64,
    /// What `--ack` must say: bound to the plan, so that a yes to one plan is no yes to another.
    pub ack: String,
}

impl GuardKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Clears, Self::Removals, Self::Disarms, Self::Unproven];

    const fn name(self) -> &'static str {
        match self {
            Self::Clears => "clears",
            Self::Removals => "removals",
            Self::Disarms => "disarms",
            Self::Unproven => "unproven",
        }
    }
}

impl Guard {
    /// The guard of this plan, with the code that acknowledges it. The count is part of the code: a plan with
    /// one more removal needs another yes.
    pub fn new(kind: GuardKind, orgs: u64, seal: &SealKey) -> Self {
        let digest = seal.fingerprint("guard", &format!("{}:{orgs}", kind.name()));
        Self { kind, orgs, ack: format!("{}-{}", kind.name(), &digest.as_str()[..8]) }
    }
}

impl fmt::Display for GuardKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clears => "values become null",
            Self::Removals => "entries are removed",
            Self::Disarms => "badges would disarm the alarm monitoring",
            Self::Unproven => "the read did not say whose settings these are",
        })
    }
}
