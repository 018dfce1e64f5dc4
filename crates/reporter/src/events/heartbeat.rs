//! A line every so often, where there is no terminal to draw on.

use std::io::Write;
use std::time::Duration;

use orgwave_core::timestamp::Timestamp;

use super::tracker::{Stage, Tracker};
use crate::terminal::{count, orgs};

const EVERY: Duration = Duration::from_secs(30);

/// Writes a line every 30 seconds, and at turns. An output that fails is left unchanged.
pub(super) struct Heartbeat {
    out: Box<dyn Write + Send>,
    last: Option<Timestamp>,
    closed: bool,
}

impl Heartbeat {
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, last: None, closed: false }
    }

    pub(super) fn tell(&mut self, at: Timestamp, tracker: &Tracker, at_once: bool) {
        let last = *self.last.get_or_insert(at);
        if self.closed || tracker.stage == Stage::Nothing || !(at_once || at.since(last) >= EVERY) {
            return;
        }
        self.last = Some(at);
        let details = tracker.details(at);
        let line = format!(
            "{at} {} {}/{}{}{details}\n",
            tracker.doing(),
            count(tracker.done),
            orgs(tracker.total),
            if details.is_empty() { "" } else { ", " },
        );
        self.closed = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush()).is_err();
    }
}
