//! How a process of a run ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::status::Status;
use crate::timestamp::Timestamp;

/// Why a run stopped before every org had its turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The vendor refused the key itself.
    KeyRefused,
    /// Too many orgs failed.
    BudgetSpent,
    /// The canary ended in a way that says something of all orgs: the rollout may harm, or its effect is unknown.
    CanaryStopped(Status),
    /// Three canaries in a row were rejected: no write was proven.
    CanariesRejected,
    /// The canary's write changed an unmanaged field; the text says what.
    CanaryDisturbed(String),
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// SIGHUP: the terminal was closed, or the connection to it was lost.
    HungUp,
    /// `--max-duration` has passed.
    MaxDuration,
    /// The API can't be reached; the text says why.
    Unreachable(String),
    /// The API answers, and what it answers can't be used; the text says more.
    Unusable(String),
    /// The API redirects, which is never followed; the text says more.
    Redirected(String),
    /// The plan has expired: in-doubt writes are resolved, and nothing new is sent.
    Expired,
    /// The journal could not be written; the text says why.
    JournalFailed(String),
}

impl StopReason {
    /// Whether it says nothing of the orgs, and only that the process was to end by then.
    pub const fn only_ends_early(&self) -> bool {
        match self {
            Self::Interrupted | Self::Terminated | Self::HungUp | Self::MaxDuration => true,
            Self::KeyRefused
            | Self::BudgetSpent
            | Self::CanaryStopped(_)
            | Self::CanariesRejected
            | Self::CanaryDisturbed(_)
            | Self::Unreachable(_)
            | Self::Unusable(_)
            | Self::Redirected(_)
            | Self::Expired
            | Self::JournalFailed(_) => false,
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyRefused => f.write_str("the vendor refused the key"),
            Self::BudgetSpent => f.write_str("too many orgs failed"),
            Self::CanaryStopped(status) => write!(f, "the canary is {status}"),
            Self::CanariesRejected => f.write_str("three canaries in a row were rejected"),
            Self::CanaryDisturbed(what) => {
                write!(f, "the canary's write changed unmanaged fields: {what}")
            }
            Self::Interrupted => f.write_str("interrupted"),
            Self::Terminated => f.write_str("terminated"),
            Self::HungUp => f.write_str("the terminal was closed"),
            Self::MaxDuration => f.write_str("--max-duration was reached"),
            Self::Unreachable(why) => write!(f, "the API can't be reached: {why}"),
            Self::Unusable(why) => write!(f, "the API sent an unusable reply: {why}"),
            Self::Redirected(why) => write!(f, "the API redirects, which is never followed: {why}"),
            Self::Expired => f.write_str("the plan has expired"),
            Self::JournalFailed(why) => write!(f, "the journal could not be written: {why}"),
        }
    }
}

/// The end of a process of a run. A run that was resumed has several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finish {
    /// When.
    pub at: Timestamp,
    /// Why it stopped early; `None` if every org had its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopReason>,
    /// Whether any write was sent by then, by any process of the run.
    pub wrote: bool,
}
