//! What happens in a run, as it happens: for terminals, logs and `--json`, never for decisions.

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::ids::Ruuid;
use crate::plan::{Calls, Verdict};
use crate::status::{Action, Counts, Status, Verified};
use crate::timestamp::Timestamp;

/// The version of the events' form, which every line of `--json` carries as `v`. A field that is added leaves it; one
/// that goes or changes its meaning raises it. `docs/events.schema.json` describes the form.
pub const EVENT_VERSION: u32 = 1;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What a call was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// The partner's client list.
    List,
    /// A read of an org's settings.
    Read,
    /// A write.
    Write,
    /// A read of an org's settings after a write.
    ReadBack,
}

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// As hoped.
    Good,
    /// Refused for good.
    Refused,
    /// 401 or 403.
    Unauthorized,
    /// 429.
    Throttled,
    /// No connection.
    NotSent,
    /// Unknown.
    Unclear,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// Planning began.
    PlanStarted {
        /// Orgs to be read.
        orgs: u64,
    },
    /// An org was planned.
    OrgPlanned {
        /// Its place in the plan.
        index: u32,
        /// The org.
        org: Ruuid,
        /// What planning found.
        verdict: Verdict,
        /// Managed paths that differ.
        changes: u32,
        /// What is wrong, if something is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
    /// Planning ended.
    PlanFinished {
        /// The plan.
        plan_id: String,
        /// Orgs to be written.
        updates: u64,
        /// What an apply of the plan takes, if nothing is tried twice.
        calls: Calls,
    },
    /// A run began, or is resumed.
    RunStarted {
        /// The run.
        run_id: String,
        /// Its plan.
        plan_id: String,
        /// Rows of the plan.
        orgs: u64,
        /// Orgs that are to be written, or were when the run was first begun.
        updates: u64,
        /// Those of them that earlier processes have finished.
        #[serde(default)]
        done: u64,
        /// Whether an earlier process had begun it.
        resumed: bool,
    },
    /// A wave began.
    WaveStarted {
        /// Its number.
        wave: u32,
        /// Its orgs.
        orgs: u64,
        /// Whether it is the first, which is always verified.
        canary: bool,
    },
    /// A call ended.
    Called {
        /// The org; absent for the client list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        org: Option<Ruuid>,
        /// What for.
        call: Call,
        /// What it came to.
        answer: Answer,
        /// The HTTP status, if one came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        http_status: Option<u16>,
        /// How long it took.
        millis: u64,
    },
    /// An org waits: Retry-After, backoff, or a quiet period.
    OrgWaits {
        /// The org.
        org: Ruuid,
        /// Why, in words.
        why: WaitReason,
        /// How long.
        millis: u64,
    },
    /// The pace changed.
    Paced {
        /// Calls a second; absent if unlimited.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<f64>,
        /// Whether 429s brought it about.
        throttled: bool,
    },
    /// Nothing new is sent for a while.
    Paused {
        /// Why, in words.
        why: String,
    },
    /// Sending continues.
    Unpaused,
    /// Nothing new starts any more; what is in progress ends.
    Draining {
        /// Why, in words.
        why: String,
    },
    /// An org is final.
    OrgFinished {
        /// Its place in the plan.
        index: u32,
        /// The org.
        org: Ruuid,
        /// Its wave; 0 if it isn't to be written.
        wave: u32,
        /// Its final status.
        status: Status,
        /// What was to be done.
        action: Action,
        /// Whether it was seen live.
        verified: Verified,
        /// Sends that were spent.
        attempts: u32,
        /// What went wrong, as a code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
        /// And in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Another writer replaced what was applied before the wave ended: the org is diverged.
    OrgOverwritten {
        /// Its place in the plan.
        index: u32,
        /// The org.
        org: Ruuid,
        /// Its wave.
        wave: u32,
        /// What is no longer live.
        message: String,
    },
    /// The process's part of the run ended.
    RunFinished {
        /// Orgs by status.
        counts: Counts,
        /// Why it stopped early, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<String>,
    },
}

/// Why an org waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The vendor said how long.
    RetryAfter,
    /// After a failure.
    Backoff,
    /// Between two reads that must agree.
    QuietPeriod,
}

/// A listener. Called from the one loop that owns the run's state, so it must not wait.
pub trait EventSink {
    /// Something happened.
    fn event(&mut self, event: &Event);
}

impl<F: FnMut(&Event)> EventSink for F {
    fn event(&mut self, event: &Event) {
        self(event);
    }
}
