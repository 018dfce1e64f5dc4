//! What a run's journal holds on one step of an org.

use super::OrgState;
use crate::change::Before;
use crate::ids::StepId;
use crate::outcome::{OrgError, OrgOutcome};
use crate::reply::Ack;
use crate::status::Status;
use crate::timestamp::Timestamp;

/// How far a run has come with one step of an org, by its journal: what a resume begins from, and what reports are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct OrgProgress {
    /// Which step of which org.
    pub id: StepId,
    /// Its state, as the last process left it: the process that resumes the run gives it `Resumed`.
    pub state: OrgState,
    /// Its outcome; `None` if it isn't final, or if something happened to it since.
    pub outcome: Option<OrgOutcome>,
    /// The before-image of its last intent; `None` where there was none, and where it surely wasn't applied.
    pub before: Option<Before>,
    /// When the run first touched it; `None` if it had no intent.
    pub started_at: Option<Timestamp>,
    /// What the vendor said when it accepted the write, if it did.
    pub ack: Ack,
}

impl OrgProgress {
    /// What the last process said of it, where it is not settled.
    pub fn org_error(&self) -> Option<&OrgError> {
        self.outcome.as_ref().and_then(|outcome| outcome.org_error.as_ref())
    }

    /// Whether it is unknown if a write of it was applied.
    pub fn is_in_doubt(&self) -> bool {
        self.state.is_open() || self.state.status() == Some(Status::Unknown)
    }
}
