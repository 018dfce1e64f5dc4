//! The one loop. It owns every org that is under way, and nothing else does.
//!
//! # How it goes
//!
//! 1. The [`Work`] feeds orgs while there is room; each is asked what it [needs](Need).
//! 2. A call waits in the queue for a slot and its turn: read-backs before writes before first reads,
//!    so that an org that was begun is ended soon.
//! 3. The call runs as a task of its own; its reply comes back as a signal.
//! 4. What a reply means for everybody (429, 401, no connection, redirect) is dealt with here; what it means
//!    for the org is the work's to say. Then the org is asked again what it needs, until that is nothing.
//! 5. Waiting orgs (Retry-After, backoff, quiet period) hold no slot: a timer asks them again.
//!
//! A stop *drains*: nothing new starts, calls that are under way end, an org with an open write is read once
//! more, and every org gets a final word. An abort doesn't wait for the calls.
//!
//! The loop never judges settings, never touches the journal beyond handing entries over, and holds no
//! settings: those live in the work, while their org is under way.

mod active;
mod engine;
mod latch;
mod queue;
mod reply;
mod sampler;

use std::time::Duration;

use futures_util::future::BoxFuture;
use orgwave_core::event::{Call, Event, EventKind, EventSink, WaitReason};
use orgwave_core::ids::Ruuid;
use orgwave_core::reply::{Refusal, Throttle};
use orgwave_core::run::{Entry, Sample, StopReason};

pub use engine::{Control, dispatch};
pub use reply::OrgReply;

use crate::gate::Gate;
use crate::ports::Clock;

/// What an org needs next.
#[derive(Debug)]
pub enum Need {
    /// A call, made by [`Work::call`] when its turn has come.
    Call(Call),
    /// This entry durable, before anything else.
    Durable(Entry),
    /// To be asked again at this reading of the clock.
    Wait(Duration, WaitReason),
    /// Nothing: its word is final, and the work has let go of it.
    Nothing,
}

/// What is done to orgs: decides by replies, and never waits or sends.
pub trait Work<C: Clock> {
    /// The next org to be begun; `None`: none, until another has ended or for ever.
    fn feed(&mut self, cx: &mut Context<'_, C>) -> Option<u32>;

    /// What an org that was begun needs now.
    fn need(&mut self, index: u32, cx: &mut Context<'_, C>) -> Need;

    /// The call that the org said it needs.
    fn call(&mut self, index: u32, cx: &Context<'_, C>) -> BoxFuture<'static, OrgReply>;

    /// The entry that the org asked for is durable.
    fn durable(&mut self, index: u32);

    /// The org's call was answered, in a way that is the org's own business.
    fn replied(&mut self, index: u32, reply: OrgReply, cx: &mut Context<'_, C>);

    /// The org's call was provably not applied, and will be made again.
    fn withdrawn(&mut self, index: u32);

    /// The org's call was refused with 401 or 403, while the key itself is good.
    fn forbidden(&mut self, index: u32, refusal: Refusal, cx: &mut Context<'_, C>);

    /// The vendor asks that nothing be sent for so long: to the org, or to any.
    fn told_to_wait(&mut self, _: Option<u32>, _: Duration, _: &mut Context<'_, C>) {}

    /// How much longer the org is to be left alone, as the vendor asked an earlier process.
    fn waits_on(&mut self, _: u32, _: &mut Context<'_, C>) -> Duration {
        Duration::ZERO
    }

    /// Whether what the org's queued call is built on has become too old, by the clock that counts sleep. It is then [withdrawn](Self::withdrawn),
    /// and the org asked again.
    fn has_aged(&self, _: u32, _: Duration) -> bool {
        false
    }

    /// The vendor asks to wait longer than a run waits.
    fn parked(&mut self, index: u32, throttle: Throttle, cx: &mut Context<'_, C>);

    /// The run stops. If `may_read`, an org with an open write may ask for one more read.
    fn stop(&mut self, index: u32, may_read: bool, cx: &mut Context<'_, C>);

    /// A defect of ours came up while the org was handled.
    fn panicked(&mut self, index: u32, what: &str, cx: &mut Context<'_, C>);

    /// Whether the run must stop, by what the orgs came to.
    fn wants_stop(&self) -> Option<StopReason>;

    /// The org, for events.
    fn org(&self, index: u32) -> Ruuid;

    /// A second has passed.
    fn sample(&mut self, sample: Sample);
}

/// What a work may use while it decides.
pub struct Context<'a, C: Clock> {
    /// Time, limits and jitter.
    pub gate: &'a mut Gate<C>,
    sink: &'a mut dyn EventSink,
}

impl<'a, C: Clock> Context<'a, C> {
    /// A context over a gate and whoever listens.
    pub fn new(gate: &'a mut Gate<C>, sink: &'a mut dyn EventSink) -> Self {
        Self { gate, sink }
    }

    /// Says that something happened.
    pub fn emit(&mut self, kind: EventKind) {
        self.sink.event(&Event { at: self.gate.clock().now(), kind });
    }
}
