//! The loop itself: who is begun, who is called, who waits. What comes back is in [`replies`], how it ends in
//! [`stopping`].

mod replies;
mod stopping;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::FutureExt as _;
use orgwave_core::event::{Call, EventKind, EventSink, WaitReason};
use orgwave_core::policy::Rate;
use orgwave_core::reply::{ClientList, Reply, Throttle};
use orgwave_core::run::{Entry, StopReason};
use tokio::sync::mpsc;

use super::active::{Active, Stage};
use super::latch::Latch;
use super::queue::{Queue, Timers};
use super::reply::OrgReply;
use super::sampler::Sampler;
use super::{Context, Need, Work};
use crate::gate::{Gate, Sent};
use crate::limits::LONGEST_WAIT;
use crate::ports::{Clock, Journal, ReadApi};

/// How long a turn that no org could use is kept. Longer, and it would come on top of a later burst.
const TURN_LASTS: Duration = Duration::from_millis(1);

/// How many times as many orgs as there are slots are begun ahead where no pace is set. At 9 ms a sync, which a busy disk
/// may take, and 64 slots, that is good for 20,000 orgs a second.
const UNPACED: usize = 4;

/// What is asked of a running loop from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Start nothing new, and end.
    Drain(StopReason),
    /// End now, without waiting for calls that are under way.
    Abort,
}

/// What comes back to the loop from its tasks and from the journal.
enum Signal {
    Replied { index: u32, reply: OrgReply, sent: Sent, took: Duration },
    Panicked { index: u32, what: String },
    Listed { reply: Reply<ClientList>, sent: Sent, took: Duration },
    Durable { index: u32, result: Result<(), String> },
}

/// Drives a work until every org that it feeds has ended, or a stop. Returns why it stopped early.
///
/// `journal` is only handed the entries that orgs need durable; a work that needs none may pass
/// [`NoJournal`](crate::survey::NoJournal).
pub async fn dispatch<C: Clock, A: ReadApi, W: Work<C>>(
    work: &mut W,
    api: &A,
    journal: &impl Journal,
    gate: &mut Gate<C>,
    control: &mut mpsc::Receiver<Control>,
    sink: &mut dyn EventSink,
) -> Option<StopReason> {
    let (signals, mut inbox) = mpsc::unbounded_channel();
    let sampler = Sampler::new(gate.clock().elapsed(), gate.clock().now());
    let mut engine = Engine {
        deadline: gate.limits().max_duration.map(|most| gate.clock().elapsed() + most),
        shown_rate: gate.allowed_rate(),
        work,
        api,
        journal,
        gate,
        sink,
        signals,
        active: HashMap::new(),
        queue: Queue::default(),
        timers: Timers::default(),
        latch: Latch::default(),
        sampler,
        turn: None,
        waiting: 0,
        in_flight: 0,
        is_paused: false,
        stop: None,
        drain_ends: None,
    };
    let mut control_is_open = true;
    loop {
        let wake = engine.start_what_may();
        if engine.is_over() {
            break;
        }
        if wake.is_zero() {
            // Not left to the select: under load its inbox is always ready first.
            engine.wake_up();
            continue;
        }
        tokio::select! {
            biased;
            order = control.recv(), if control_is_open => match order {
                Some(Control::Drain(reason)) => engine.drain(reason),
                Some(Control::Abort) => engine.abort(),
                None => control_is_open = false,
            },
            Some(signal) = inbox.recv() => {
                engine.handle(signal);
                // Whatever else is there already: one round of starting for all of it.
                while let Ok(signal) = inbox.try_recv() {
                    engine.handle(signal);
                }
            }
            () = tokio::time::sleep(wake) => engine.wake_up(),
        }
    }
    engine.take_sample(true);
    engine.end_pause();
    engine.stop
}

struct Engine<'a, C: Clock, A, W, J> {
    work: &'a mut W,
    api: &'a A,
    journal: &'a J,
    gate: &'a mut Gate<C>,
    sink: &'a mut dyn EventSink,
    signals: mpsc::UnboundedSender<Signal>,
    active: HashMap<u32, Active>,
    queue: Queue,
    timers: Timers,
    latch: Latch,
    sampler: Sampler,
    /// A turn of the run that was taken at this reading and not used yet.
    turn: Option<Duration>,
    /// Orgs that wait for a time.
    waiting: usize,
    in_flight: usize,
    /// It was said that sending pauses, and not yet that it goes on.
    is_paused: bool,
    stop: Option<StopReason>,
    /// When a drain stops waiting.
    drain_ends: Option<Duration>,
    deadline: Option<Duration>,
    shown_rate: Option<f64>,
}

impl<C: Clock, A: ReadApi, W: Work<C>, J: Journal> Engine<'_, C, A, W, J> {
    fn now(&self) -> Duration {
        self.gate.clock().elapsed()
    }

    fn emit(&mut self, kind: EventKind) {
        Context::new(self.gate, self.sink).emit(kind);
    }

    fn is_over(&self) -> bool {
        self.active.is_empty() && self.in_flight == 0
    }

    /// Begins orgs and calls while room and pace allow; returns how long to sleep at most.
    fn start_what_may(&mut self) -> Duration {
        self.feed();
        let pace = self.start_calls();
        let now = self.now();
        // The run's own pulse: samples, deadline, the end of a drain.
        let pulse = [Some(self.sampler.due()), self.deadline, self.drain_ends, self.timers.next(), pace];
        pulse.into_iter().flatten().min().map_or(Duration::from_secs(1), |due| due.saturating_sub(now))
    }

    /// As many orgs are begun as there are slots, and some more: their intents become durable, and their calls are
    /// queued, while the slots are still taken.
    ///
    /// How many more: what a process that dies has begun must be read by the next, so at a pace that somebody set
    /// it is as many again. Without one, calls end faster than a slow disk makes intents durable, and it is
    /// [`UNPACED`] times as many, lest the slots wait for the disk.
    fn feed(&mut self) {
        if self.stop.is_some() {
            return;
        }
        let limits = self.gate.limits();
        let ahead = if limits.rate == Rate::Unlimited { UNPACED } else { 1 };
        let most = (1 + ahead) * limits.concurrency;
        while self.active.len() - self.waiting < most {
            let Some(index) = self.work.feed(&mut Context::new(self.gate, self.sink)) else { break };
            self.begin(index);
            if self.check_stop() {
                break;
            }
        }
        self.check_stop();
    }

    fn begin(&mut self, index: u32) {
        let left = self.work.waits_on(index, &mut Context::new(self.gate, self.sink));
        let now = self.now();
        if left > LONGEST_WAIT {
            self.active.insert(index, Active::new(now));
            let throttle = Throttle { http_status: 429, retry_after: Some(left) };
            self.work.parked(index, throttle, &mut Context::new(self.gate, self.sink));
        } else {
            self.active.insert(index, Active::new(now + left));
        }
        self.ask(index);
    }

    /// Returns when to try again, if it is the pace or a pause that holds.
    fn start_calls(&mut self) -> Option<Duration> {
        loop {
            let now = self.now();
            if self.in_flight >= self.gate.limits().concurrency {
                return None;
            }
            if let Some(until) = self.gate.link.paused_until(now) {
                return Some(until);
            }
            if self.latch.is_closed() {
                let due = self.latch.due()?;
                if now < due {
                    return Some(due);
                }
                if let Err(until) = self.take_turn(now) {
                    return Some(until);
                }
                self.turn = None;
                self.ask_list();
                return None;
            }
            if self.queue.is_empty() {
                return None;
            }
            if let Err(until) = self.take_turn(now) {
                return Some(until);
            }
            let (index, call) = self.queue.pop()?;
            let is_queued = self.active.get(&index).is_some_and(|org| matches!(org.stage, Stage::Queued));
            if !is_queued {
                continue;
            }
            if self.work.has_aged(index, self.gate.clock().wall_elapsed()) {
                self.work.withdrawn(index);
                self.ask(index);
                continue;
            }
            match self.gate.take_org_turn(index) {
                Ok(()) => {
                    self.turn = None;
                    self.call(index, call);
                }
                Err(until) => self.wait(index, until),
            }
        }
    }

    fn take_turn(&mut self, now: Duration) -> Result<(), Duration> {
        if self.turn.is_none_or(|taken| now > taken + TURN_LASTS) {
            self.gate.take_turn()?;
            self.turn = Some(now);
        }
        Ok(())
    }

    fn call(&mut self, index: u32, call: Call) {
        let work = &mut *self.work;
        let cx = Context::new(self.gate, self.sink);
        // A payload that can't be built, against all that was judged before, is this org's affair alone.
        let future = catch_unwind(AssertUnwindSafe(|| work.call(index, &cx)))
            .unwrap_or_else(|panic| async move { std::panic::resume_unwind(panic) }.boxed());
        let signals = self.signals.clone();
        let clock = self.gate.clock().clone();
        let (sent, began) = (self.gate.latest(), self.now());
        let task = tokio::spawn(async move {
            let signal = match AssertUnwindSafe(future).catch_unwind().await {
                Ok(reply) => {
                    Signal::Replied { index, reply, sent, took: clock.elapsed().saturating_sub(began) }
                }
                Err(panic) => Signal::Panicked { index, what: what_panicked(&*panic) },
            };
            // The loop is gone only after an abort.
            let _ = signals.send(signal);
        });
        self.in_flight += 1;
        self.set_stage(index, Stage::Calling(call, task.abort_handle()));
    }

    fn ask_list(&mut self) {
        let (api, signals, clock) = (self.api.clone(), self.signals.clone(), self.gate.clock().clone());
        let (sent, began) = (self.gate.latest(), self.now());
        tokio::spawn(async move {
            let reply = api.clients().await;
            let _ = signals.send(Signal::Listed { reply, sent, took: clock.elapsed().saturating_sub(began) });
        });
        self.latch.asked();
        self.in_flight += 1;
    }

    /// Asks an org what it needs, and sees to it.
    fn ask(&mut self, index: u32) {
        let now = self.now();
        let Some(not_before) = self.active.get(&index).map(|org| org.not_before) else { return };
        let work = &mut *self.work;
        let mut cx = Context::new(self.gate, self.sink);
        let need = catch_unwind(AssertUnwindSafe(|| work.need(index, &mut cx))).unwrap_or_else(|panic| {
            work.panicked(index, &what_panicked(&*panic), &mut cx);
            Need::Nothing
        });
        match need {
            Need::Nothing => {
                self.set_stage(index, Stage::Idle);
                self.active.remove(&index);
                self.sampler.finished();
                self.check_stop();
            }
            // Only what is sent waits for its Retry-After, not an org that has its final word. It is asked again.
            Need::Call(_) | Need::Durable(_) if now < not_before => self.wait(index, not_before),
            Need::Call(call) => {
                self.queue.push(index, call);
                self.set_stage(index, Stage::Queued);
            }
            Need::Durable(entry) => self.record(index, entry),
            Need::Wait(until, why) => {
                self.emit_wait(index, why, until.saturating_sub(now));
                self.wait(index, until.max(not_before));
            }
        }
    }

    fn record(&mut self, index: u32, entry: Entry) {
        self.set_stage(index, Stage::Recording);
        let signals = self.signals.clone();
        self.journal.record_durably(
            entry,
            Box::new(move |result| {
                let _ = signals.send(Signal::Durable { index, result });
            }),
        );
    }

    fn wait(&mut self, index: u32, until: Duration) {
        self.timers.set(index, until);
        self.set_stage(index, Stage::Waiting);
    }

    fn emit_wait(&mut self, index: u32, why: WaitReason, wait: Duration) {
        let org = self.work.org(index);
        self.emit(EventKind::OrgWaits { org, why, millis: millis(wait) });
    }

    fn set_stage(&mut self, index: u32, stage: Stage) {
        if let Some(org) = self.active.get_mut(&index) {
            self.waiting -= usize::from(matches!(org.stage, Stage::Waiting));
            self.waiting += usize::from(matches!(stage, Stage::Waiting));
            org.stage = stage;
        }
    }

    fn wake_up(&mut self) {
        let now = self.now();
        self.take_sample(false);
        if self.stop.is_none() && self.deadline.is_some_and(|deadline| now >= deadline) {
            self.drain(StopReason::MaxDuration);
        }
        if self.drain_ends.is_some_and(|ends| now >= ends) {
            self.cut();
        }
        while let Some(index) = self.timers.pop_due(now) {
            if self.active.get(&index).is_some_and(|org| matches!(org.stage, Stage::Waiting)) {
                self.set_stage(index, Stage::Idle);
                self.ask(index);
            }
        }
    }

    fn take_sample(&mut self, at_end: bool) {
        let (now, at) = (self.now(), self.gate.clock().now());
        let rate = self.gate.allowed_rate();
        if let Some(sample) = self.sampler.take(now, at, self.in_flight, rate, at_end) {
            self.work.sample(sample);
        }
        self.show_rate(false);
    }

    fn show_rate(&mut self, throttled: bool) {
        let rate = self.gate.allowed_rate();
        if rate != self.shown_rate {
            self.shown_rate = rate;
            self.emit(EventKind::Paced { rate, throttled });
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn what_panicked(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "something without words".to_owned())
}
