//! Stops: a drain gives every org its last word or its last read; a cut doesn't wait for calls under way.

use std::time::Duration;

use orgwave_core::event::EventKind;
use orgwave_core::reply::{Cause, Unclear};
use orgwave_core::run::StopReason;

use super::super::active::Stage;
use super::super::reply::OrgReply;
use super::super::{Context, Work};
use super::Engine;
use crate::ports::{Clock, Journal, ReadApi};

impl<C: Clock, A: ReadApi, W: Work<C>, J: Journal> Engine<'_, C, A, W, J> {
    /// Stops the run if the work wants it. Returns whether it just did.
    pub(super) fn check_stop(&mut self) -> bool {
        match self.work.wants_stop() {
            Some(reason) if self.stop.is_none() => {
                self.drain(reason);
                true
            }
            _ => false,
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
        self.drain_ends = Some(self.now() + 2 * self.gate.limits().timeout + Duration::from_secs(1));
        self.queue.clear();
        self.timers.clear();
        let idle: Vec<u32> = self
            .active
            .iter()
            .filter(|(_, org)| matches!(org.stage, Stage::Idle | Stage::Queued | Stage::Waiting))
            .map(|(index, _)| *index)
            .collect();
        for index in idle {
            self.stop_org(index);
        }
        self.give_up_suspects();
    }

    /// Gives an org its last word, or its last read.
    pub(super) fn stop_org(&mut self, index: u32) {
        let now = self.now();
        let key_is_bad = self.stop == Some(StopReason::KeyRefused);
        let Some(org) = self.active.get_mut(&index) else { return };
        if org.is_last_read && matches!(org.stage, Stage::Queued) {
            // The very reply that began the drain: its org has been seen to with all others.
            return;
        }
        let may_read = !org.is_last_read && now >= org.not_before && !key_is_bad;
        org.is_last_read = true;
        org.not_before = Duration::ZERO;
        self.set_stage(index, Stage::Idle);
        self.work.stop(index, may_read, &mut Context::new(self.gate, self.sink));
        self.ask(index);
    }

    pub(super) fn abort(&mut self) {
        self.drain(StopReason::Interrupted);
        self.cut();
    }

    /// Ends the calls that are under way, without their replies.
    pub(super) fn cut(&mut self) {
        self.drain_ends = None;
        self.queue.clear();
        self.timers.clear();
        for index in self.active.keys().copied().collect::<Vec<u32>>() {
            let Some(org) = self.active.get_mut(&index) else { continue };
            org.is_last_read = true;
            let stage = std::mem::replace(&mut org.stage, Stage::Idle);
            if matches!(stage, Stage::Waiting) {
                self.waiting -= 1;
            }
            match stage {
                Stage::Recording => {
                    // Durable or not, it was not sent; the journal's answer finds nobody.
                    self.work.durable(index);
                }
                Stage::Calling(call, task) => {
                    task.abort();
                    self.in_flight -= 1;
                    let unclear = Unclear {
                        cause: Cause::Broken,
                        http_status: None,
                        retry_after: None,
                        message: "stopped while the call was under way".into(),
                    };
                    let reply = OrgReply::unclear(call, unclear);
                    self.hand_over(index, reply);
                }
                Stage::Idle | Stage::Queued | Stage::Waiting | Stage::Suspect => {}
            }
            self.stop_org(index);
        }
        // The client list, if it is being asked: nobody waits for it.
        self.in_flight = 0;
    }
}
