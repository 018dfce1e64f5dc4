//! The one loop: performs the steps of every org that is in progress, and hands back what came of them.
//!
//! # How it goes
//!
//! 1. The [`Work`] begins orgs while there is room. Each is a [`Drive`]r with its first event.
//! 2. A driver's [`Step`] is performed: entries go to the journal; a call waits in the queue for a
//!    slot and a [permit](crate::coordinator), read-backs before writes before first reads, so that an org that was
//!    begun is ended soon; a wait holds no slot.
//! 3. A call runs as a task of its own. When it has ended, the coordinator says what that means for all orgs, and
//!    the driver is handed its event: `replies`.
//! 4. Until a driver is done.
//!
//! A stop *drains*: nothing new starts, calls that are in progress end, and each driver is handed [`Event::Stop`] in place
//! of performing its step. An abort doesn't wait for the calls: `stopping`.
//!
//! The loop never looks at settings and knows no state of an org: those are the driver's.

mod queue;
mod replies;
mod sampler;
mod stopping;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orgwave_core::event::{Call, Event as RunEvent, EventKind, EventSink, WaitReason};
use orgwave_core::org::Entry;
use orgwave_core::org::{Drive, Event, Step};
use orgwave_core::policy::Rate;
use orgwave_core::reply::{Cause, ClientList, Reply, Unclear};
use orgwave_core::run::StopReason;
use orgwave_core::timestamp::Timestamp;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::coordinator::{Coordinator, Permit, Turn};
use crate::ports::{Clock, Journal, ReadApi};
use queue::{Queue, Timers};
use replies::broken;
use sampler::Sampler;

/// How many times as many orgs as there are slots are begun ahead where no pace is set. At 9 ms a sync, which a busy disk
/// may take, and 64 slots, that is good for 20,000 orgs a second.
const UNPACED: usize = 4;

/// The events of a work's drivers.
pub type EventOf<W> = Event<<<W as Work>::Driver as Drive>::Read>;

/// What is done to orgs: who is next, how a call is made, and what became of it. Never waits or sends by itself.
pub trait Work {
    /// What drives one org.
    type Driver: Drive;

    /// The next org to be begun: its place in the plan, its driver, and the event it begins with. `None`: none, until
    /// another has ended or for ever.
    fn next(&mut self, cx: &mut Context<'_>) -> Option<(u32, Self::Driver, EventOf<Self>)>
    where
        Self: Sized;

    /// Makes a call that an org's driver asked for, once. It is dated by its request.
    fn call(
        &self,
        driver: &Self::Driver,
        request: Request,
        requested: Timestamp,
    ) -> BoxFuture<'static, EventOf<Self>>
    where
        Self: Sized;

    /// A driver is done.
    fn done(&mut self, driver: Self::Driver, outcome: <Self::Driver as Drive>::Outcome, cx: &mut Context<'_>);

    /// Whether the run must stop, by what the orgs came to.
    fn wants_stop(&self) -> Option<StopReason>;

    /// The wave that is in progress; 0 without waves.
    fn wave(&self) -> u32;
}

/// A call, as it is made.
#[derive(Debug)]
pub enum Request {
    /// A read of an org.
    Read,
    /// The client list.
    List,
    /// An update with this body.
    Send(Bytes),
}

/// What a work may use while it decides: the time of day, and the listeners.
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    sink: &'a mut dyn EventSink,
}

impl<'a> Context<'a> {
    /// A context at this time.
    pub fn new(now: Timestamp, sink: &'a mut dyn EventSink) -> Self {
        Self { now, sink }
    }

    /// Says that something happened.
    pub fn emit(&mut self, kind: EventKind) {
        self.sink.event(&RunEvent { at: self.now, kind });
    }
}

/// What is asked of a running loop from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Start nothing new, and end.
    Drain(StopReason),
    /// End now, without waiting for calls that are in progress.
    Abort,
}

/// What comes back to the loop from its tasks and from the journal.
enum Signal<R> {
    Called { index: u32, event: Event<R>, permit: Permit, took: Duration },
    Panicked { index: u32, what: String },
    Listed { reply: Reply<ClientList>, permit: Permit, took: Duration },
    Durable { index: u32, result: Result<(), String> },
}

/// Where an org is in the loop.
#[derive(Debug)]
enum Stage {
    /// Its next step is being found out.
    Idle,
    /// A call waits for its slot; an update, not longer than until it is stale.
    Queued(Request, Timestamp),
    /// A call is in progress.
    Calling(Call, AbortHandle),
    /// Its intent is being made durable.
    Recording,
    /// A timer will wake it.
    Waiting,
    /// Its 401 or 403 waits for what the client list shows.
    Suspect,
}

/// The journal's answer to an entry. A journal that is gone drops it ungiven: that is an answer, too.
struct DurableAnswer<R> {
    signals: mpsc::UnboundedSender<Signal<R>>,
    index: u32,
    is_given: bool,
}

impl<R> DurableAnswer<R> {
    fn give(mut self, result: Result<(), String>) {
        self.is_given = true;
        let _ = self.signals.send(Signal::Durable { index: self.index, result });
    }
}

impl<R> Drop for DurableAnswer<R> {
    fn drop(&mut self) {
        if !self.is_given {
            let result = Err("the journal's writer is gone".to_owned());
            let _ = self.signals.send(Signal::Durable { index: self.index, result });
        }
    }
}

struct Active<D> {
    driver: D,
    stage: Stage,
    /// It knows that the run stops.
    is_stopped: bool,
}

/// How a pump ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Why it stopped early, if it did.
    pub stop: Option<StopReason>,
    /// Whether the user asked for an end, before that or after it: then nothing more is to be read, either.
    pub is_asked_to_end: bool,
}

/// Pumps until every org that the work begins is done, or a stop.
///
/// `api` answers whether the key is good when an org is refused with 401 or 403; without it such a refusal is the
/// driver's own.
pub async fn pump<K: Coordinator, A: ReadApi, W: Work>(
    work: &mut W,
    api: Option<&A>,
    journal: &impl Journal,
    coordinator: &mut K,
    control: &mut mpsc::Receiver<Control>,
    sink: &mut dyn EventSink,
) -> Ending
where
    <W::Driver as Drive>::Read: Send + 'static,
{
    let (signals, mut inbox) = mpsc::unbounded_channel();
    let (elapsed, now) = (coordinator.clock().elapsed(), coordinator.clock().now());
    let mut pump = Pump {
        deadline: coordinator.limits().max_duration.map(|most| elapsed + most),
        shown_rate: coordinator.rate(),
        work,
        api,
        journal,
        coordinator,
        sink,
        signals,
        active: HashMap::new(),
        queue: Queue::default(),
        timers: Timers::default(),
        sampler: Sampler::new(elapsed, now),
        waiting: 0,
        suspects: 0,
        in_flight: 0,
        is_paused: false,
        stop: None,
        is_asked_to_end: false,
        is_cut: false,
        drain_ends: None,
    };
    // What an earlier pump knew of the key may be wrong by now.
    pump.coordinator.release_suspects();
    let mut control_is_open = true;
    loop {
        let wake = pump.start_what_may();
        if pump.is_over() {
            break;
        }
        if wake.is_zero() {
            // Not left to the select: under load its inbox is always ready first.
            pump.wake_up();
            continue;
        }
        tokio::select! {
            biased;
            order = control.recv(), if control_is_open => match order {
                Some(Control::Drain(reason)) => {
                    pump.is_asked_to_end = true;
                    pump.drain(reason);
                }
                Some(Control::Abort) => pump.abort(),
                None => control_is_open = false,
            },
            Some(signal) = inbox.recv() => {
                pump.handle(signal);
                // Whatever else is there already: one round of starting for all of it.
                while let Ok(signal) = inbox.try_recv() {
                    pump.handle(signal);
                }
            }
            () = tokio::time::sleep(wake) => pump.wake_up(),
        }
    }
    pump.take_sample(true);
    pump.end_pause();
    Ending { stop: pump.stop, is_asked_to_end: pump.is_asked_to_end }
}

struct Pump<'a, K, A, W: Work, J> {
    work: &'a mut W,
    api: Option<&'a A>,
    journal: &'a J,
    coordinator: &'a mut K,
    sink: &'a mut dyn EventSink,
    signals: mpsc::UnboundedSender<Signal<<W::Driver as Drive>::Read>>,
    active: HashMap<u32, Active<W::Driver>>,
    queue: Queue,
    timers: Timers,
    sampler: Sampler,
    /// Orgs that wait for a time.
    waiting: usize,
    /// Orgs that wait for the client list.
    suspects: usize,
    in_flight: usize,
    /// It was said that sending pauses, and not yet that it resumes.
    is_paused: bool,
    stop: Option<StopReason>,
    is_asked_to_end: bool,
    /// Calls in progress are waited for no more, nor is one granted.
    is_cut: bool,
    /// When a drain stops waiting.
    drain_ends: Option<Duration>,
    deadline: Option<Duration>,
    shown_rate: Option<f64>,
}

impl<K: Coordinator, A: ReadApi, W: Work, J: Journal> Pump<'_, K, A, W, J>
where
    <W::Driver as Drive>::Read: Send + 'static,
{
    fn elapsed(&self) -> Duration {
        self.coordinator.clock().elapsed()
    }

    fn now(&self) -> Timestamp {
        self.coordinator.clock().now()
    }

    fn emit(&mut self, kind: EventKind) {
        Context::new(self.now(), self.sink).emit(kind);
    }

    fn is_over(&self) -> bool {
        self.active.is_empty() && self.in_flight == 0
    }

    /// Begins orgs and calls while room and pace allow; returns how long to sleep at most.
    fn start_what_may(&mut self) -> Duration {
        self.begin_orgs();
        let pace = self.start_calls();
        let elapsed = self.elapsed();
        // The run's own pulse: samples, deadline, the end of a drain.
        let pulse = [Some(self.sampler.due()), self.deadline, self.drain_ends, self.timers.next(), pace];
        pulse.into_iter().flatten().min().map_or(Duration::from_secs(1), |due| due.saturating_sub(elapsed))
    }

    /// As many orgs are begun as there are slots, and some more: their intents become durable, and their calls are
    /// queued, while the slots are still taken.
    ///
    /// How many more: what a process that dies has begun must be read by the next, so at a pace that the user set
    /// it is as many again. Without one, calls end faster than a slow disk makes intents durable, and it is
    /// [`UNPACED`] times as many, lest the slots wait for the disk.
    fn begin_orgs(&mut self) {
        let limits = self.coordinator.limits();
        let ahead = if limits.rate == Rate::Unlimited { UNPACED } else { 1 };
        let most = (1 + ahead) * limits.concurrency;
        while self.stop.is_none() && self.active.len() - self.waiting < most {
            let now = self.now();
            let next = self.work.next(&mut Context::new(now, self.sink));
            let is_last = next.is_none();
            if let Some((index, driver, event)) = next {
                self.active.insert(index, Active { driver, stage: Stage::Idle, is_stopped: false });
                self.feed(index, event);
            }
            self.stop_if_wanted();
            if is_last {
                break;
            }
        }
    }

    /// Returns when to try again, if it is the pace or a pause that holds.
    fn start_calls(&mut self) -> Option<Duration> {
        while self.in_flight < self.coordinator.limits().concurrency
            && !(self.queue.is_empty() && self.suspects == 0)
        {
            let permit = match self.coordinator.turn() {
                Turn::Call(permit) => permit,
                Turn::List(permit) => {
                    self.ask_list(permit);
                    return None;
                }
                Turn::NotBefore(until) => return Some(until),
                Turn::Later => return None,
            };
            let (index, call) = self.queue.pop()?;
            let now = self.now();
            match self.active.get(&index).map(|org| &org.stage) {
                Some(Stage::Queued(_, until)) if now >= *until => {
                    self.set_stage(index, Stage::Idle);
                    self.feed(index, Event::Stale);
                }
                Some(Stage::Queued(..)) => match self.coordinator.use_for(index) {
                    Ok(()) => self.call(index, call, permit),
                    // Its own pace: the permit is another's.
                    Err(until) => self.wait(index, until),
                },
                _ => {}
            }
        }
        None
    }
    fn call(&mut self, index: u32, call: Call, permit: Permit) {
        let Some(org) = self.active.get_mut(&index) else { return };
        let Stage::Queued(request, until) = std::mem::replace(&mut org.stage, Stage::Idle) else { return };
        let (signals, clock) = (self.signals.clone(), self.coordinator.clock().clone());
        let (work, driver) = (&*self.work, &org.driver);
        let made = catch_unwind(AssertUnwindSafe(|| work.call(driver, request, clock.now())));
        let future = match made {
            Ok(future) => future,
            Err(panic) => return self.feed(index, broken(call, what_panicked(&*panic), clock.now())),
        };
        let began = clock.elapsed();
        let task = tokio::spawn(async move {
            // The machine may have been suspended since the loop looked.
            let event =
                AssertUnwindSafe(async { if clock.now() >= until { Event::Stale } else { future.await } });
            let signal = match event.catch_unwind().await {
                Ok(event) => {
                    Signal::Called { index, event, permit, took: clock.elapsed().saturating_sub(began) }
                }
                Err(panic) => Signal::Panicked { index, what: what_panicked(&*panic) },
            };
            // The loop is gone only after an abort.
            let _ = signals.send(signal);
        });
        self.in_flight += 1;
        self.set_stage(index, Stage::Calling(call, task.abort_handle()));
    }

    fn ask_list(&mut self, permit: Permit) {
        let api = self.api.cloned().expect("without an API no org waits for its list");
        let (signals, clock) = (self.signals.clone(), self.coordinator.clock().clone());
        let began = clock.elapsed();
        tokio::spawn(async move {
            let reply = AssertUnwindSafe(api.clients()).catch_unwind().await.unwrap_or_else(|panic| {
                let (cause, message) = (Cause::Broken, what_panicked(&*panic));
                Reply::Unclear(Unclear { cause, http_status: None, retry_after: None, message })
            });
            let _ =
                signals.send(Signal::Listed { reply, permit, took: clock.elapsed().saturating_sub(began) });
        });
        self.coordinator.use_for_list();
        self.in_flight += 1;
    }

    /// Hands an org what came of its last step, and performs the next.
    fn feed(&mut self, index: u32, event: EventOf<W>) {
        let mut event = event;
        loop {
            let now = self.now();
            let Some(org) = self.active.get_mut(&index) else { return };
            let driver = &mut org.driver;
            let step = catch_unwind(AssertUnwindSafe(|| driver.handle(event, now))).unwrap_or_else(|panic| {
                let what = what_panicked(&*panic);
                tracing::error!(index, what, "handling an org panicked");
                driver.handle(Event::Panicked(what), now)
            });
            let stops = self.stop.is_some() && !org.is_stopped;
            match step {
                Step::Record { entries, durably: false } => {
                    for entry in entries {
                        self.journal.record(entry);
                    }
                    event = Event::Recorded;
                }
                Step::Done(outcome) => return self.done(index, outcome),
                // In place of what it asked for.
                _ if stops => {
                    org.is_stopped = true;
                    event = self.stop_event();
                }
                Step::Record { entries, .. } => return self.record_durably(index, entries),
                Step::Read => return self.queue(index, Call::Read, Request::Read, Timestamp::MAX),
                Step::ReadBack => return self.queue(index, Call::ReadBack, Request::Read, Timestamp::MAX),
                Step::List => return self.queue(index, Call::List, Request::List, Timestamp::MAX),
                Step::Send { body, until } => {
                    return self.queue(index, Call::Write, Request::Send(body.into()), until);
                }
                Step::Wait { until, why } => {
                    let wait = until.since(now);
                    self.emit_wait(index, why, wait);
                    // Waited for awake, be the machine suspended meanwhile: what a write that is in doubt left in a
                    // socket may be sent only after it.
                    return self.wait(index, self.elapsed() + wait);
                }
            }
        }
    }

    fn done(&mut self, index: u32, outcome: <W::Driver as Drive>::Outcome) {
        self.set_stage(index, Stage::Idle);
        let Some(Active { driver, .. }) = self.active.remove(&index) else { return };
        self.coordinator.forget(index);
        self.sampler.finished();
        let now = self.now();
        self.work.done(driver, outcome, &mut Context::new(now, self.sink));
        self.stop_if_wanted();
    }

    fn queue(&mut self, index: u32, call: Call, request: Request, until: Timestamp) {
        self.queue.push(index, call);
        self.set_stage(index, Stage::Queued(request, until));
    }

    /// The last entry is the one that is waited for; those before it become durable with it.
    fn record_durably(&mut self, index: u32, mut entries: Vec<Entry>) {
        let Some(last) = entries.pop() else { return self.feed(index, Event::Recorded) };
        self.set_stage(index, Stage::Recording);
        for entry in entries {
            self.journal.record(entry);
        }
        let answer = DurableAnswer { signals: self.signals.clone(), index, is_given: false };
        self.journal.record_durably(last, Box::new(move |result| answer.give(result)));
    }

    fn wait(&mut self, index: u32, until: Duration) {
        self.timers.set(index, until);
        self.set_stage(index, Stage::Waiting);
    }

    fn emit_wait(&mut self, index: u32, why: WaitReason, wait: Duration) {
        if let Some(org) = self.active.get(&index).and_then(|org| org.driver.org()) {
            self.emit(EventKind::OrgWaits { org, why, millis: millis(wait) });
        }
    }

    fn set_stage(&mut self, index: u32, stage: Stage) {
        if let Some(org) = self.active.get_mut(&index) {
            for (is, count) in
                [(waits as fn(&Stage) -> bool, &mut self.waiting), (is_suspect, &mut self.suspects)]
            {
                *count -= usize::from(is(&org.stage));
                *count += usize::from(is(&stage));
            }
            org.stage = stage;
        }
    }

    fn wake_up(&mut self) {
        self.take_sample(false);
        let elapsed = self.elapsed();
        if self.stop.is_none() && self.deadline.is_some_and(|deadline| elapsed >= deadline) {
            self.drain(StopReason::MaxDuration);
        }
        if self.drain_ends.is_some_and(|ends| elapsed >= ends) {
            self.cut();
        }
        while let Some(index) = self.timers.pop_due(self.elapsed()) {
            if self.active.get(&index).is_some_and(|org| waits(&org.stage)) {
                self.set_stage(index, Stage::Idle);
                self.feed(index, Event::Woken);
            }
        }
    }

    fn take_sample(&mut self, at_end: bool) {
        let (elapsed, now) = (self.elapsed(), self.now());
        let rate = self.coordinator.rate();
        if let Some(mut sample) = self.sampler.take(elapsed, now, self.in_flight, rate, at_end) {
            sample.wave = self.work.wave();
            self.journal.record(Entry::Sample(sample));
        }
        self.show_rate(false);
    }

    fn show_rate(&mut self, throttled: bool) {
        let rate = self.coordinator.rate();
        if rate != self.shown_rate {
            self.shown_rate = rate;
            self.emit(EventKind::Paced { rate, throttled });
        }
    }
}

const fn waits(stage: &Stage) -> bool {
    matches!(stage, Stage::Waiting)
}

const fn is_suspect(stage: &Stage) -> bool {
    matches!(stage, Stage::Suspect)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) fn what_panicked(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "something without words".to_owned())
}
