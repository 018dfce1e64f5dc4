//! What a journal holds, in the order in which it was said.

use serde::{Deserialize, Serialize};

use super::Input;
use crate::change::Before;
use crate::outcome::{OrgOutcome, is_first};
use crate::policy::Pause;
use crate::reply::Ack;
use crate::run::{Finish, Sample};
use crate::timestamp::{Timestamp, millis};

/// One record of a journal. Only an [`Intent`](Self::Intent) must be durable before the run continues.
///
/// On the wire it is short, since a run has some for each of its orgs: moments are milliseconds, what is as usual is left
/// out.
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
        #[serde(rename = "org")]
        index: u32,
        /// The place of the operation among those of the plan.
        #[serde(default, skip_serializing_if = "is_first")]
        place: u8,
        /// When the org was first touched by this process.
        #[serde(rename = "at", with = "millis")]
        started_at: Timestamp,
        /// The before-image of every path that the write changes. What replaces it is in the plan.
        #[serde(default, skip_serializing_if = "Before::is_as_planned")]
        before: Before,
    },
    /// Inputs of the state machine of an org's step after an intent that didn't end it.
    Step {
        /// The org's place in the plan.
        #[serde(rename = "org")]
        index: u32,
        /// The place of the operation among those of the plan.
        #[serde(default, skip_serializing_if = "is_first")]
        place: u8,
        /// The inputs, in this order.
        inputs: Vec<Input>,
        /// What the vendor said when it accepted with a warning: kept now, since the outcome that will hold it
        /// comes only after the read-back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ack: Option<Ack>,
    },
    /// The vendor asked to wait. Moves no org: it only says how early the next call may come,
    /// whichever process makes it.
    Pause {
        /// By the org at this place in the plan; `None`: by all.
        #[serde(rename = "org", default, skip_serializing_if = "Option::is_none")]
        index: Option<u32>,
        /// Until when.
        pause: Pause,
    },
    /// A step of an org is final for this process.
    Outcome {
        /// The inputs of its state machine since its last entry, if it had an intent: the last of these ended it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        inputs: Vec<Input>,
        /// What became of it.
        outcome: OrgOutcome,
    },
    /// A second has passed.
    Sample(Sample),
    /// A process ended.
    Finished(Finish),
}

impl Entry {
    /// The outcome of what had no intent.
    pub const fn outcome(outcome: OrgOutcome) -> Self {
        Self::Outcome { inputs: Vec::new(), outcome }
    }
}
