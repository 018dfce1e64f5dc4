//! What concerns all orgs at once, seen from one that wants to make a call.
//!
//! The [`Gate`](crate::gate::Gate) is the form of it for one process. Where several machines share a partner's rate,
//! another form hands out permits that it has leased.

use std::time::Duration;

use orgwave_core::event::Call;
use orgwave_core::reply::{ClientList, Refusal, Reply, Throttle};
use orgwave_core::run::StopReason;

use crate::limits::Limits;
use crate::ports::Clock;

/// A call that may be made: which of all, and since when.
#[derive(Debug, Clone, Copy, Default)]
pub struct Permit {
    /// Its number among all of the run.
    pub number: u64,
    /// The reading of the clock at which it was given.
    pub at: Duration,
}

/// Whether a call may be made now.
#[derive(Debug, Clone, Copy)]
pub enum Turn {
    /// A call of any org.
    Call(Permit),
    /// The client list, and nothing else: its reply shows whether the key is good.
    List(Permit),
    /// Not before this reading of the clock: pace, a pause that the vendor asked for, an outage.
    NotBefore(Duration),
    /// Not before the client list, which was asked for, has been answered.
    Later,
}

/// How a call ended, as far as others care.
#[derive(Debug, Clone)]
pub enum Seen {
    /// Some reply.
    Reply,
    /// No byte of a reply to a read: it is made again at once.
    Dropped,
    /// 429, or a 403 of an intermediary.
    Throttled(Throttle),
    /// 401 or the vendor's own 403.
    Unauthorized(Refusal),
    /// No connection; why.
    NotSent(String),
    /// A redirect; what it says.
    Redirected(String),
}

/// What the end of a call means beyond its org.
#[derive(Debug)]
pub enum Concern {
    /// Nothing.
    None,
    /// It was one of many too many: the partner's bucket is empty, or only the org's.
    Throttled {
        /// Whether it is the partner's.
        shared: bool,
        /// For how long nothing is sent, if the vendor said so.
        pause: Option<Duration>,
    },
    /// The org waits until the client list has shown whether it is the org or the key that is refused.
    Suspect,
    /// The key is good: it is the org that is refused.
    Refused(Refusal),
    /// No connection: nothing is sent for a while.
    Down(String),
    /// The run can't continue.
    Stop(StopReason),
}

/// What the client list shows of the key.
#[derive(Debug)]
pub enum KeyCheck {
    /// It is good: these orgs are refused themselves.
    Good(Vec<(u32, Refusal)>),
    /// To be asked again; the vendor asks all callers to wait this long.
    Again(Option<Duration>),
    /// To be asked again when the connection is back.
    Down(String),
    /// The run can't continue. The vendor asks all callers to wait this long.
    Stop(StopReason, Option<Duration>),
}

/// Permits, pace and pauses of a run, and what one org's reply means for the others.
pub trait Coordinator {
    /// The time it goes by.
    type Clock: Clock;

    /// The time it goes by.
    fn clock(&self) -> &Self::Clock;

    /// What bounds the calls.
    fn limits(&self) -> &Limits;

    /// Calls a second that are allowed now; `None` if unlimited.
    fn rate(&self) -> Option<f64>;

    /// Whether a call may be made now. A permit is for one call; one that is not used at once lapses.
    fn turn(&mut self) -> Turn;

    /// Whether it may be one to this org: if so, the permit is used.
    ///
    /// # Errors
    /// Not yet: the reading of the clock at which to ask again.
    fn use_for(&mut self, index: u32) -> Result<(), Duration>;

    /// The client list is asked: the permit is used.
    fn use_for_list(&mut self);

    /// How a call of an org ended; none: of a call that is no org's. [`Seen::Throttled`] is answered by
    /// [`Concern::Throttled`], which makes the org wait.
    fn ended(&mut self, index: Option<u32>, call: Call, permit: Permit, seen: &Seen) -> Concern;

    /// How the client list was answered.
    fn list_ended(&mut self, permit: Permit, reply: &Reply<ClientList>) -> KeyCheck;

    /// The list will not be asked for any more: the orgs that wait for it. Nothing is known of the key then.
    fn release_suspects(&mut self) -> Vec<u32>;

    /// An org has ended: nothing of it is kept.
    fn forget(&mut self, index: u32);
}
