//! The inputs of an org's state machine.

use serde::{Deserialize, Serialize};

/// A fact about one org, as proven by a reply, a read, or the run itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// A read before a write: every managed field is as desired.
    AsDesired,
    /// A read before a write (or `--no-read`): there is something to write, and nothing against it.
    Differs,
    /// A read before a write: a managed field is neither as planned nor as desired.
    Conflicts,
    /// A read before a write: a guard stops the org.
    Blocked,
    /// The intent to send is durable.
    Intent,
    /// The vendor accepted the write.
    Acked {
        /// With a warning, or a list of what failed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        warned: bool,
    },
    /// The vendor refused a read or a write for good; or the one read after a [denied](Self::Denied) write.
    Refused,
    /// A write was answered with a status that refuses it. It is read back once first: on a connection that carries
    /// many requests, the answer may be another's.
    Denied,
    /// The write was provably not applied, and no attempt is spent: 429, never connected, withdrawn.
    NotApplied,
    /// The write may have been applied: timeout, reset, 5xx, an unreadable reply.
    Lost,
    /// A read of an org in doubt, or accepted, is due.
    Verify,
    /// A read-back: every managed field is as desired.
    LiveAsDesired,
    /// A read-back: as before the write. One such read proves nothing yet.
    LiveAsBefore,
    /// A read-back a quiet period later: still as before the write.
    StillAsBefore {
        /// Whether another attempt may be made.
        attempts_left: bool,
    },
    /// A read-back: neither as before nor as desired; or the canary's write changed unmanaged fields.
    LiveAsNeither,
    /// A read at the wave's end: what was verified is no longer live, because of another writer.
    Overwritten,
    /// A read-back is not wanted: the policy trusts what was accepted.
    Trusted,
    /// The reads' attempts are spent, or nothing that can be read decides.
    ReadsSpent,
    /// The vendor asks to wait longer than a run waits.
    Parked,
    /// The run stops.
    Stopped,
    /// Another process resumes the run.
    Resumed,
}
