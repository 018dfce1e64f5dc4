//! How an org is written, and whether what was written is read back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What the body of an update holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteMode {
    /// The whole object as read, changed: safe whether the server merges or replaces.
    Merge,
    /// Only the managed fields, a managed map whole, as read and changed: for servers known to merge.
    Patch,
    /// `--no-read`: only the managed fields, from the manifest alone. Nothing is read before a write.
    NoRead,
}

impl WriteMode {
    /// Whether an org is read before it is written.
    pub const fn reads(self) -> bool {
        !matches!(self, Self::NoRead)
    }
}

impl FromStr for WriteMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "merge" => Ok(Self::Merge),
            "patch" => Ok(Self::Patch),
            _ => Err(format!("not a valid write mode {text:?}: expected merge or patch")),
        }
    }
}

impl fmt::Display for WriteMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Merge => "merge",
            Self::Patch => "patch",
            Self::NoRead => "patch without reading",
        })
    }
}

/// Which accepted writes are read back. The canary's always are; a write in doubt is read whatever this says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyPolicy {
    /// Every one.
    All,
    /// Every one, and again at the end of its wave, when another writer may have replaced it.
    Settled,
    /// None beyond the canary's.
    None,
}

impl VerifyPolicy {
    /// Whether every accepted write is read back.
    pub const fn reads_all(self) -> bool {
        matches!(self, Self::All | Self::Settled)
    }
}

impl FromStr for VerifyPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "settled" => Ok(Self::Settled),
            "none" => Ok(Self::None),
            _ => Err(format!("not a valid verify policy {text:?}: expected all, settled or none")),
        }
    }
}

impl fmt::Display for VerifyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Settled => "settled",
            Self::None => "none",
        })
    }
}
