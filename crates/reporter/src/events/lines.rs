//! Events as JSON, one a line: `--json` on stdout, and what the run's log is made of.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use orgwave_core::event::{EVENT_VERSION, Event, EventKind, EventSink};
use orgwave_core::legible;
use orgwave_core::timestamp::Timestamp;
use serde::Serialize;

/// Written out when so much has gathered...
const FULL: usize = 64 << 10;
/// ... or the first of it is so old...
const OLD: Duration = Duration::from_millis(250);

/// Writes events to an output. When the output fails (a closed pipe, a full disk) it goes quiet for good, and
/// keeps the reason.
#[derive(Debug)]
pub struct EventLines<W: Write> {
    out: W,
    gathered: Vec<u8>,
    since: Option<Timestamp>,
    failed: Option<io::Error>,
}

impl<W: Write> EventLines<W> {
    /// Writes to this. It need not be buffered.
    pub const fn new(out: W) -> Self {
        Self { out, gathered: Vec::new(), since: None, failed: None }
    }

    /// Whether the output has failed, and nothing more is written.
    pub const fn is_quiet(&self) -> bool {
        self.failed.is_some()
    }

    /// Writes what has gathered, and gives the output back.
    ///
    /// # Errors
    /// Why the output failed, now or earlier. On stdout a closed pipe is no failure of the run.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush();
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() && !self.gathered.is_empty() {
            self.failed = self.out.write_all(&self.gathered).and_then(|()| self.out.flush()).err();
        }
        self.gathered.clear();
        self.since = None;
    }
}

/// An event with the version of its form.
#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    #[serde(flatten)]
    event: &'a Event,
}

impl<W: Write> EventSink for EventLines<W> {
    fn event(&mut self, event: &Event) {
        if self.is_quiet() {
            return;
        }
        let whole = self.gathered.len();
        let line = Line { v: EVENT_VERSION, event };
        if serde_json::to_writer(&mut self.gathered, &line).is_err() {
            // Every event is plain data; half a line would still be worse than none.
            self.gathered.truncate(whole);
            return;
        }
        if let Ok(line) = str::from_utf8(&self.gathered[whole..])
            && let Cow::Owned(safe) = legible::json(line)
        {
            self.gathered.truncate(whole);
            self.gathered.extend_from_slice(safe.as_bytes());
        }
        self.gathered.push(b'\n');
        let since = *self.since.get_or_insert(event.at);
        if self.gathered.len() >= FULL || event.at.since(since) >= OLD || is_turn(&event.kind) {
            self.flush();
        }
    }
}

/// ... or this happened, after which nothing may come for long.
const fn is_turn(kind: &EventKind) -> bool {
    match kind {
        EventKind::PlanStarted { .. }
        | EventKind::PlanFinished { .. }
        | EventKind::RunStarted { .. }
        | EventKind::WaveStarted { .. }
        | EventKind::Paused { .. }
        | EventKind::Unpaused
        | EventKind::Draining { .. }
        | EventKind::RunFinished { .. } => true,
        EventKind::OrgPlanned { .. }
        | EventKind::Called { .. }
        | EventKind::OrgWaits { .. }
        | EventKind::Paced { .. }
        | EventKind::OrgOverwritten { .. }
        | EventKind::OrgFinished { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes this many bytes, then is closed. Counts how often it was asked.
    struct Pipe {
        room: usize,
        asked: usize,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.asked += 1;
            if self.room < bytes.len() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.room -= bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn event(millis: i64, kind: EventKind) -> Event {
        Event { at: Timestamp::from_millis(millis), kind }
    }

    fn paced() -> EventKind {
        EventKind::Paced { rate: Some(8.0), throttled: false }
    }

    #[test]
    fn events_are_written_one_a_line() {
        let mut lines = EventLines::new(Vec::new());
        lines.event(&event(0, EventKind::PlanStarted { orgs: 3 }));
        lines.event(&event(1, paced()));
        let text = String::from_utf8(lines.finish().unwrap()).unwrap();
        assert_eq!(
            text,
            "{\"v\":1,\"at\":\"1970-01-01T00:00:00.000Z\",\"event\":\"plan_started\",\"orgs\":3}\n\
             {\"v\":1,\"at\":\"1970-01-01T00:00:00.001Z\",\"event\":\"paced\",\"rate\":8.0,\"throttled\":false}\n"
        );
        for line in text.lines() {
            serde_json::from_str::<Event>(line).unwrap();
        }
    }

    #[test]
    fn small_events_gather_until_they_are_old() {
        let mut lines = EventLines::new(Pipe { room: usize::MAX, asked: 0 });
        for millis in 0..250 {
            lines.event(&event(millis, paced()));
        }
        assert_eq!(lines.out.asked, 0);
        lines.event(&event(250, paced()));
        assert_eq!(lines.out.asked, 1);
        lines.event(&event(251, EventKind::Unpaused));
        assert_eq!(lines.out.asked, 2);
    }

    #[test]
    fn a_closed_output_is_left_alone_and_remembered() {
        let mut lines = EventLines::new(Pipe { room: 10, asked: 0 });
        for millis in 0..10 {
            lines.event(&event(millis, EventKind::Unpaused));
        }
        assert!(lines.is_quiet());
        assert_eq!(lines.out.asked, 1);
        assert_eq!(lines.finish().err().map(|error| error.kind()), Some(io::ErrorKind::BrokenPipe));
    }
}
