//! What an org's driver asks for, and what comes of it.

use crate::event::WaitReason;
use crate::ids::Ruuid;
use crate::org::Entry;
use crate::reply::{Ack, ClientList, Refusal, Reply, Throttle};
use crate::timestamp::Timestamp;

/// What a driver needs next. The one who drives it performs the step, and hands back what came of it as an [`Event`].
#[derive(Debug, Clone, PartialEq)]
pub enum Step<O> {
    /// A read of the org before a write, or for its own sake.
    Read,
    /// A read of the org after a write.
    ReadBack,
    /// The partner's client list: is the org still there?
    List,
    /// These entries in the journal, together and in this order. With `durably`, nothing continues before they would
    /// survive a crash.
    Record {
        /// What is recorded.
        entries: Vec<Entry>,
        /// Whether [`Event::Recorded`] has to wait for the disk.
        durably: bool,
    },
    /// This update sent, once, and before `until`: at that moment it is [stale](Event::Stale).
    Send {
        /// The body, JSON.
        body: Vec<u8>,
        /// When what it is built on is too old.
        until: Timestamp,
    },
    /// Nothing before this moment, then [`Event::Woken`].
    Wait {
        /// When the wait ends.
        until: Timestamp,
        /// What is waited for.
        why: WaitReason,
    },
    /// Nothing more: this is what became of it.
    Done(O),
}

/// What came of the step that a driver asked for last. `R` is what a good read brings.
#[derive(Debug, Clone)]
pub enum Event<R> {
    /// Begin; or: the wait is over.
    Woken,
    /// Begin where the process before left off.
    Resumed,
    /// The read was answered.
    ReadReply {
        /// How.
        reply: Reply<R>,
        /// When the read was requested.
        requested: Timestamp,
    },
    /// The client list was answered.
    ListReply(Reply<ClientList>),
    /// The entries are in the journal; durable, where that was asked for.
    Recorded,
    /// The update was answered, or its outcome is unknown.
    WriteReply(Reply<Ack>),
    /// The call was never made, or is to be made again as if it never was: no attempt is spent.
    NotSent,
    /// The update was not sent in time.
    Stale,
    /// The call was turned away for now: 429, or a 403 of an intermediary.
    Throttled {
        /// With which status, and for how long.
        throttle: Throttle,
        /// Whether it was the bucket that all orgs of the partner share, and not the org's own.
        shared: bool,
    },
    /// The call was refused with 401 or 403, while the key itself is good.
    Forbidden(Refusal),
    /// The run stops, and the step was not performed.
    Stop {
        /// Why the run stops.
        why: String,
        /// Whether one more read is granted where a write may have been applied.
        may_read: bool,
    },
    /// A defect of ours came up on the way.
    Panicked(String),
}

/// The way of one org: a state that takes events and says what it needs next. It never waits, sends or records by
/// itself, and has no clock: the same events at the same times give the same steps.
pub trait Drive {
    /// What a good read brings.
    type Read;
    /// What it ends with.
    type Outcome;

    /// Takes what came of the last step, and says what is next. An event that doesn't fit the last step changes
    /// nothing: the step is asked for again. [`Event::Stop`] and [`Event::NotSent`] take back a step that was not
    /// performed; a [`Step::Record`] without `durably` can't be taken back, and is answered by [`Event::Recorded`] first.
    fn handle(&mut self, event: Event<Self::Read>, now: Timestamp) -> Step<Self::Outcome>;

    /// The org that it is about; none, where a call is no org's.
    fn org(&self) -> Option<Ruuid>;
}
