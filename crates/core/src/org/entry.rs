//! What a journal holds, in the order in which it was said.

use serde::{Deserialize, Serialize};

use super::Input;
use crate::change::Seen;
use crate::outcome::{OrgOutcome, is_first};
use crate::policy::Pause;
use crate::reply::Ack;
use crate::run::{Finish, Sample};
use crate::timestamp::Timestamp;

/// One record of a journal. Only an [`Intent`](Self::Intent) must be durable before the run continues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A process began, or resumed, the run.
    Began {
        /// When.
        at: Timestamp,
    },
    /// A wave began.
    Wave {
        /// When.
        at: Timestamp,
        /// Which.
        wave: u32,
        /// Its orgs.
        orgs: u32,
    },
    /// A write is about to be sent.
    Intent {
        /// The org's place in the plan.
        index: u32,
        /// The place of the operation among those of the plan.
        #[serde(default, skip_serializing_if = "is_first")]
        place: u8,
        /// When the org was first touched by this process.
        started_at: Timestamp,
        /// The before-image: every path that the write changes. What replaces it is in the plan.
        before: Vec<Seen>,
    },
    /// What the state machine of an org's step was told after an intent.
    Step {
        /// The org's place in the plan.
        index: u32,
        /// The place of the operation among those of the plan.
        #[serde(default, skip_serializing_if = "is_first")]
        place: u8,
        /// What it was told.
        input: Input,
        /// What the vendor said when it accepted with a warning: kept now, since the outcome that will hold it
        /// comes only after the read-back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ack: Option<Ack>,
    },
    /// The vendor asked to wait. Moves no org: it only says how early the next call may come,
    /// whichever process makes it.
    Pause {
        /// By the org at this place in the plan; `None`: by all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// Until when.
        pause: Pause,
    },
    /// A step of an org is final for this process.
    Outcome(OrgOutcome),
    /// A second has passed.
    Sample(Sample),
    /// A process ended.
    Finished(Finish),
}
