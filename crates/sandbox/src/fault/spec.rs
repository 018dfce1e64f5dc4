//! A fault, parsed.

use std::fmt;
use std::time::Duration;

use orgwave_core::ids::Ruuid;
use serde::{Deserialize, Serialize};

use super::ParseFaultError;
use crate::glob::Glob;
use crate::route::Route;

/// One fault; the module above has its grammar. It shows itself as the line it was read from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fault {
    pub(super) line: String,
    /// What the caller sees.
    pub act: Act,
    /// What happens on the server.
    pub effects: Effects,
    /// In which calls.
    pub scope: Scope,
}

/// What the caller sees.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is a line of the table in the module's header")]
pub enum Act {
    Ok,
    Status { code: u16, headers: Vec<(String, String)>, body: Option<String> },
    Error { message: Option<String> },
    AuthError { message: Option<String> },
    Warning { message: Option<String>, failed_guids: Vec<String>, misconfigured_doors: Vec<String> },
    Odd { content_type: &'static str, body: &'static str },
    Truncate { at: Option<usize> },
    TooLong,
    TooShort,
    DripHeaders { every: Duration },
    DripBody { every: Duration },
    GzipBomb { size: u64 },
    Huge { size: u64 },
    Deep { depth: usize },
    Reset,
    Close,
    Drop,
    Hang,
    Refuse { pause: Duration },
    OtherOrg { org: Option<Ruuid> },
    SettingsNull,
    SettingsAbsent,
    Masked,
    Reshaped,
    UnknownShape,
}

/// Whether and when a write is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Before the reply.
    Now,
    /// This long after the request came in, whatever became of the reply.
    After(Duration),
    /// Not at all.
    Never,
}

/// What happens on the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// Of a write.
    pub applied: Applied,
    /// How long the reply is held back.
    pub delay: Duration,
    /// How long reads show what was there before.
    pub stale: Option<Duration>,
    /// The bool that changes by itself.
    pub flip: Option<String>,
    /// The fields somebody else writes.
    pub edit: Option<serde_json::Map<String, serde_json::Value>>,
}

/// In which calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Of this operation; `None` is any.
    pub operation: Option<Route>,
    /// Of the orgs whose id or name fits.
    pub org: Option<Glob>,
    /// Of this share of them.
    pub share: Option<f64>,
    /// How often.
    pub when: When,
}

/// How often, counted per org and fault from 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum When {
    /// In every such call.
    Always,
    /// In the first so many.
    Times(u64),
    /// In this one alone.
    Nth(u64),
    /// In this one and all after it.
    From(u64),
    /// In all from this request to the server on, whoever makes it.
    FromRequest(u64),
    /// In each with this probability.
    Probability(f64),
}

impl Act {
    /// Whether a write is applied under this act when the line doesn't say.
    pub(super) const fn applies(&self) -> bool {
        matches!(self, Self::Ok | Self::Warning { .. } | Self::Refuse { .. })
    }

    /// The one operation that the act makes sense for.
    pub(super) const fn only_on(&self) -> Option<Route> {
        match self {
            Self::OtherOrg { .. }
            | Self::SettingsNull
            | Self::SettingsAbsent
            | Self::Masked
            | Self::Reshaped => Some(Route::Read),
            Self::UnknownShape => Some(Route::Clients),
            Self::Warning { .. } => Some(Route::Write),
            _ => None,
        }
    }
}

impl TryFrom<String> for Fault {
    type Error = ParseFaultError;

    fn try_from(line: String) -> Result<Self, Self::Error> {
        line.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.line
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}
