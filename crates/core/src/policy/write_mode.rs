//! How an org is written.

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
