//! Guards on a whole plan: what somebody must have said yes to before anything is sent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{PlanLine, PlannedField};
use crate::secret::SealKey;

/// What a guard guards against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    /// Values become null.
    Clears,
    /// Entries of maps are taken out.
    Removals,
    /// Entries are added that aren't live, to maps that have others.
    Additions,
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
    /// In how many of them an addition's key is a live one under another spelling: no kind is allowed for these in advance.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub respelled: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A word that names no kind of guard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of guard; one of {}", GuardKind::ALL.map(GuardKind::name).join(", "))]
pub struct UnknownGuard;

impl GuardKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Clears, Self::Removals, Self::Additions, Self::Disarms, Self::Unproven];

    /// As it is named in a code, in `--allow` and in `[limits]`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clears => "clears",
            Self::Removals => "removals",
            Self::Additions => "additions",
            Self::Disarms => "disarms",
            Self::Unproven => "unproven",
        }
    }
}

impl GuardKind {
    /// Whether this change is what it guards against. Additions and unproven reads are the line's own.
    pub fn covers(self, field: &PlannedField) -> bool {
        match self {
            Self::Clears => field.differs() && field.after.is_clear(),
            Self::Removals => field.removes(),
            Self::Disarms => field.risk().is_some_and(|risk| risk.guard.is_some()),
            Self::Additions | Self::Unproven => false,
        }
    }

    /// Whether an org that is to be written trips it.
    pub fn trips(self, line: &PlanLine) -> bool {
        match self {
            Self::Additions => line.steps.iter().any(|step| !step.additions.is_empty()),
            Self::Unproven => line.steps.iter().any(|step| step.unproven),
            Self::Clears | Self::Removals | Self::Disarms => line.fields().any(|field| self.covers(field)),
        }
    }
}

impl Guard {
    /// The guard of this plan, with the code that acknowledges it. The count is part of the code: a plan with
    /// one more removal needs another yes.
    pub fn new(kind: GuardKind, orgs: u64, seal: &SealKey) -> Self {
        let digest = seal.fingerprint("guard", &format!("{}:{orgs}", kind.name()));
        Self { kind, orgs, ack: format!("{}-{}", kind.name(), &digest.as_str()[..8]), respelled: 0 }
    }

    /// Whether a kind that is allowed in advance covers it.
    pub fn is_allowed(&self, allowed: &[GuardKind]) -> bool {
        allowed.contains(&self.kind) && self.respelled == 0
    }
}

impl FromStr for GuardKind {
    type Err = UnknownGuard;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(UnknownGuard)
    }
}

impl fmt::Display for GuardKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clears => "values become null",
            Self::Removals => "entries are removed",
            Self::Additions => "entries are added that are not live",
            Self::Disarms => "badges would disarm the alarm monitoring",
            Self::Unproven => "the settings that were read don't name their org",
        })
    }
}
