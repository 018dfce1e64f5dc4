//! Stops: a drain gives every org its last word or its last read; a cut doesn't wait for calls in progress.

use std::time::Duration;

use orgwave_core::event::EventKind;
use orgwave_core::org::{Drive, Event};
use orgwave_core::run::StopReason;

use super::replies::broken;
use super::{EventOf, Pump, Stage, Work, waits};
use crate::coordinator::Coordinator;
use crate::ports::{Journal, ReadApi};

impl<K: Coordinator, A: ReadApi, W: Work, J: Journal> Pump<'_, K, A, W, J>
where
    <W::Driver as Drive>::Read: Send + 'static,
{
    /// Stops the run if the work wants it.
    pub(super) fn stop_if_wanted(&mut self) {
        if self.stop.is_none()
            && let Some(reason) = self.work.wants_stop()
        {
            self.drain(reason);
        }
    }

    pub(super) fn drain(&mut self, reason: StopReason) {
        if self.stop.is_some() {
            return;
        }
        self.end_pause();
        self.emit(EventKind::Draining { why: reason.to_string() });
        self.stop = Some(reason);
        self.deadline = None;
        self.drain_ends =
            Some(self.elapsed() + 2 * self.coordinator.limits().timeout + Duration::from_secs(1));
        self.queue.clear();
        self.timers.clear();
        let is_idle = |stage: &Stage| matches!(stage, Stage::Queued(..)) || waits(stage);
        let idle: Vec<u32> =
            self.active.iter().filter(|(_, org)| is_idle(&org.stage)).map(|(index, _)| *index).collect();
        for index in idle {
            self.stop_org(index);
        }
        self.give_up_suspects();
    }

    /// The event of a stop, for a driver.
    pub(super) fn stop_event(&self) -> EventOf<W> {
        let why = self.stop.as_ref().map_or_else(|| "the run stopped".to_owned(), StopReason::to_string);
        let key_is_bad = self.stop == Some(StopReason::KeyRefused);
        Event::Stop { why, may_read: !self.is_cut && !key_is_bad }
    }

    /// Tells an org of the stop, in place of performing its step.
    pub(super) fn stop_org(&mut self, index: u32) {
        self.set_stage(index, Stage::Idle);
        if let Some(org) = self.active.get_mut(&index) {
            org.is_stopped = true;
            let event = self.stop_event();
            self.feed(index, event);
        }
    }

    pub(super) fn abort(&mut self) {
        self.is_asked_to_end = true;
        self.drain(StopReason::Interrupted);
        self.cut();
    }

    /// Ends the calls that are in progress, without their replies.
    pub(super) fn cut(&mut self) {
        self.drain_ends = None;
        self.is_cut = true;
        self.queue.clear();
        self.timers.clear();
        for index in self.active.keys().copied().collect::<Vec<u32>>() {
            let Some(org) = self.active.get_mut(&index) else { continue };
            match std::mem::replace(&mut org.stage, Stage::Idle) {
                // Durable or not, it was not sent; the journal's answer is ignored.
                Stage::Recording => self.feed(index, Event::Recorded),
                Stage::Calling(call, task) => {
                    task.abort();
                    self.in_flight -= 1;
                    let what = "stopped while the call was in progress".to_owned();
                    self.feed(index, broken(call, what, self.now()));
                }
                Stage::Waiting => self.waiting -= 1,
                Stage::Suspect => self.suspects -= 1,
                Stage::Idle | Stage::Queued(..) => {}
            }
            self.stop_org(index);
        }
        // The client list, if it is being asked: it isn't waited for.
        self.in_flight = 0;
    }
}
