//! The first line of a plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GuardKind;
use crate::operation::{Ignored, Operation, OperationDigest, TableName};
use crate::policy::{FailureBudget, VerifyPolicy, Waves, WriteMode};
use crate::secret::Fingerprint;
use crate::timestamp::Timestamp;

/// The version of the plan's format that this code writes, and the only one that it reads: a plan is soon applied, or made
/// again.
pub const FORMAT: u32 = 4;

/// From what a plan was made, for whom, and how it is to be carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// See [`FORMAT`].
    pub format: u32,
    /// Names the plan; part of its folder's name.
    pub plan_id: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when it is refused.
    pub expires: Timestamp,
    /// The tool and its version.
    pub tool: String,
    /// The API it is for, its URL, or `sandbox`.
    pub endpoint: String,
    /// The API key it is for.
    pub key_fingerprint: Fingerprint,
    /// The files it was made from.
    pub inputs: Vec<InputDigest>,
    /// What it is of, in the order in which an org's steps are taken.
    pub operations: Vec<OperationDigest>,
    /// Whether the other steps of an org are taken where one did not end well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_going: bool,
    /// How orgs are written.
    pub write: WriteMode,
    /// Which writes are read back.
    pub verify: VerifyPolicy,
    /// The sizes of the waves of the orgs that aren't pinned; `None` where the manifest's `wave` column pins every row.
    pub waves: Option<Waves>,
    /// When too many failures stop the run.
    pub max_failures: FailureBudget,
    /// The manifest's columns as typed, for files that give its rows back.
    pub columns: Vec<String>,
    /// The names of the `_*` columns among them.
    pub carried: Vec<String>,
    /// The side tables' columns as typed; those of other operations than that have its name and a colon in front.
    #[serde(default)]
    pub sides: Vec<SideColumns>,
    /// `[settings]` of the rollout file, as typed.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// `[operation.*]` and `[group.*]` of the rollout file, as typed, without paths of files.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub defaults: BTreeMap<String, Value>,
    /// The operation of columns without a prefix, where it isn't the default one of every rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `[limits]` of the rollout file, as typed.
    #[serde(default)]
    pub limits: BTreeMap<String, Value>,
    /// The kinds of guards that need no code where `apply` makes the plan itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<GuardKind>,
    /// The run that this plan takes back; only in plans made for that, whose rows name no settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// `[sandbox]` of the rollout file; only in plans for the sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Value>,
}

impl Header {
    /// What `[limits] ignore` names, as typed.
    pub fn ignored_places(&self) -> impl Iterator<Item = &str> {
        self.limits.get("ignore").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// What `[limits] ignore` names: places that may change by themselves.
    pub fn ignored(&self, operation: &Operation) -> Vec<Ignored> {
        // They could be read when the plan was made.
        self.ignored_places().filter_map(|place| operation.ignored(place).ok()).collect()
    }
}

/// A file that a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDigest {
    /// The file as named on the command line or in the rollout file.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// The columns of a side table as typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideColumns {
    /// Which table.
    pub table: TableName,
    /// Its columns.
    pub columns: Vec<String>,
}
