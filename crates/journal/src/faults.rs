//! A failing disk on demand, for tests: below the journal's trait, above SQLite.

use std::io;
use std::path::Path;

use orgwave_core::org::Entry;

use crate::error::{JournalError, WriteError};
use crate::sqlite::SqliteJournal;
use crate::store::{SqliteStore, Store};

/// What fails, counted from 1. It fails once: a journal that tried again would succeed, and be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The n-th entry can't be appended.
    Append(u32),
    /// The n-th group can't be committed, and nothing of it lands.
    Commit(u32),
    /// The n-th group is committed, and the disk says that it isn't: a sync that failed half-way.
    Sync(u32),
    /// The n-th time that nothing but housekeeping is done, it fails.
    Tidy(u32),
}

impl SqliteJournal {
    /// Opens a journal on a disk with a fault.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`].
    pub fn open_faulty(path: &Path, fault: Fault) -> Result<Self, JournalError> {
        Self::open_with(path, |store| Faulty { store, fault, appends: 0, commits: 0, tidies: 0 })
    }
}

struct Faulty {
    store: SqliteStore,
    fault: Fault,
    appends: u32,
    commits: u32,
    tidies: u32,
}

fn injected(doing: &'static str) -> WriteError {
    WriteError::new(doing, io::Error::from(io::ErrorKind::StorageFull))
}

impl Store for Faulty {
    fn begin(&mut self) -> Result<(), WriteError> {
        self.store.begin()
    }

    fn append(&mut self, entry: &Entry) -> Result<(), WriteError> {
        self.appends += 1;
        if self.fault == Fault::Append(self.appends) {
            return Err(injected("append to the journal"));
        }
        self.store.append(entry)
    }

    fn commit(&mut self) -> Result<(), WriteError> {
        self.commits += 1;
        if self.fault == Fault::Commit(self.commits) {
            return Err(injected("commit to the journal"));
        }
        self.store.commit()?;
        if self.fault == Fault::Sync(self.commits) {
            return Err(injected("sync the journal"));
        }
        Ok(())
    }

    fn tidy(&mut self) -> Result<(), WriteError> {
        self.tidies += 1;
        if self.fault == Fault::Tidy(self.tidies) {
            return Err(injected("fold the journal's log into its file"));
        }
        self.store.tidy()
    }

    fn abandon(&mut self) {
        self.store.abandon();
    }
}
