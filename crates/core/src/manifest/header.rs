//! What is known of a manifest once it was checked, before its rows are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::delimiter::Delimiter;
use super::encoding::Encoding;
use crate::operation::{Operation, Operations, Path, TableName};
use crate::secret::SecretName;

/// What is known of a manifest before its rows are read.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says whether any row has something, apart from the others"
)]
pub struct Header {
    /// The operations that the rollout names, in the order of an org's steps; where it names none, the default one.
    pub operations: Operations,
    /// The operation of columns without a prefix.
    pub operation: Arc<Operation>,
    /// What the rollout file says for many rows, as typed: see [`Defaults::typed`](super::Defaults::typed).
    pub defaults: BTreeMap<String, Value>,
    /// The columns' names as typed.
    pub columns: Vec<String>,
    /// The names of the columns that begin with `_`.
    pub carried: Vec<String>,
    /// The side tables in the order given, those of other operations than the default one with its name and a colon, each with its columns' names as typed.
    pub sides: Vec<(TableName, Vec<String>)>,
    /// How many rows there are, each an org.
    pub rows: u64,
    /// Whether there is a column of a setting, a side table or a default: else a plan changes nothing.
    pub sets_something: bool,
    /// How many rows have a wave of their own.
    pub pinned: u64,
    /// Whether any row has a name to hold against the live one.
    pub has_names: bool,
    /// Whether any row has an `expect.` cell.
    pub has_expects: bool,
    /// The first place that takes an entry of a map out.
    pub removal: Option<Removal>,
    /// Whether anything inside of a map is set, or a map as a whole.
    pub has_maps: bool,
    /// The secrets that are asked for, each with the manifest's line that does so first; none for a default.
    pub secrets: BTreeMap<SecretName, Option<u64>>,
    /// What separates the manifest's cells.
    pub delimiter: Delimiter,
    /// How the manifest's text is encoded.
    pub encoding: Encoding,
    /// The SHA-256 of each file as it was checked.
    pub digests: Vec<(Arc<str>, [u8; 32])>,
}

/// Where an entry of a map is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The file.
    pub file: Arc<str>,
    /// The line.
    pub line: u64,
    /// The entry.
    pub path: Path,
}
