//! A journal that lives as long as its process: for tests, simulations, and measuring what the disk costs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use orgwave_core::run::Entry;

use crate::error::JournalError;
use crate::journal::{Done, RunJournal};
use crate::replay::{OrgRecord, Replay};

/// Keeps what it is told, and calls it durable at once.
#[derive(Debug, Default)]
pub struct MemoryJournal(Mutex<Vec<Entry>>);

impl MemoryJournal {
    /// A journal that was told nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it was told, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// Where each of so many orgs stands.
    ///
    /// # Errors
    /// The entries can't be the story of a run.
    pub fn records(&self, orgs: u32) -> Result<Vec<OrgRecord>, JournalError> {
        let mut replay = Replay::new(orgs);
        for (seq, entry) in (1..).zip(self.lock().iter()) {
            replay.take(seq, &entry.into())?;
        }
        Ok(replay.into_records())
    }

    /// Pushing to a vector leaves it whole, so a panic elsewhere spoils nothing.
    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunJournal for MemoryJournal {
    fn record(&self, entry: Entry) {
        self.lock().push(entry);
    }

    fn record_together(&self, entries: Vec<Entry>) {
        self.lock().extend(entries);
    }

    fn record_durably(&self, entry: Entry, done: Done) {
        self.record(entry);
        done(Ok(()));
    }

    fn when_durable(&self, done: Done) {
        done(Ok(()));
    }
}
