//! The journal behind the executor's trait.

use orgwave_core::org::Entry;
use orgwave_executor::ports::Journal;
use orgwave_journal::SqliteJournal;

use crate::hold::{self, Step};

/// The journal of a run.
#[derive(Debug)]
pub struct JournalPort(pub SqliteJournal);

impl Journal for JournalPort {
    fn record(&self, entry: Entry) {
        self.0.record(entry);
    }

    fn record_durably(&self, entry: Entry, done: Box<dyn FnOnce(Result<(), String>) + Send>) {
        hold::at(Step::BeforeIntent);
        let done = |result: Result<_, orgwave_journal::WriteError>| {
            hold::at(Step::IntentDurable);
            done(result.map_err(|error| error.to_string()));
        };
        self.0.record_durably(entry, Box::new(done));
    }
}
