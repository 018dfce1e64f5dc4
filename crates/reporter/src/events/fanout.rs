//! Tells several sinks.

use orgwave_core::event::{Event, EventSink};

/// Passes each event on to sinks that stay with their owners, in the order in which they were added.
#[derive(Default)]
pub struct Fanout<'a> {
    sinks: Vec<&'a mut (dyn EventSink + Send)>,
}

impl<'a> Fanout<'a> {
    /// Tells nobody yet.
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
