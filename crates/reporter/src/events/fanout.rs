//! Tells several sinks.

use orgwave_core::event::{Event, EventSink};

/// Passes each event on to sinks that stay with their owners, in the order in which they were added.
#[derive(Default)]
pub struct Fanout<'a> {
    sinks: Vec<&'a mut (dyn EventSink + Send)>,
}

impl<'a> Fanout<'a> {
    /// Without a listener yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// And this one.
    #[must_use]
    pub fn with(mut self, sink: &'a mut (dyn EventSink + Send)) -> Self {
        self.sinks.push(sink);
        self
    }

    /// And this one, if there is one.
    #[must_use]
    pub fn with_some(self, sink: Option<&'a mut (impl EventSink + Send)>) -> Self {
        match sink {
            Some(sink) => self.with(sink),
            None => self,
        }
    }
}

impl EventSink for Fanout<'_> {
    fn event(&mut self, event: &Event) {
        for sink in &mut self.sinks {
            sink.event(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use orgwave_core::event::EventKind;
    use orgwave_core::timestamp::Timestamp;

    use super::*;
    use crate::EventLines;

    #[test]
    fn every_sink_hears_every_event_and_stays_with_its_owner() {
        let (mut heard, mut lines) = (0, EventLines::new(Vec::new()));
        let mut count = |_: &Event| heard += 1;
        let mut fanout = Fanout::new().with(&mut count).with_some(Some(&mut lines));
        for millis in 0..3 {
            fanout.event(&Event { at: Timestamp::from_millis(millis), kind: EventKind::Unpaused });
        }
        drop(fanout);
        assert_eq!(heard, 3);
        assert_eq!(lines.finish().unwrap().split(|byte| *byte == b'\n').count(), 3 + 1);
    }
}
