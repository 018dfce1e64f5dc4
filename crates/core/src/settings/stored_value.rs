//! What was at a path when it was read, as it may be written down.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secret::Fingerprint;

/// What was at a path when it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredValue {
    /// Nothing.
    Absent,
    /// This value, null included.
    Json(Value),
    /// A secret, which has only a fingerprint here.
    Secret(Fingerprint),
    /// A secret that the vendor doesn't show.
    Hidden,
}
