//! The files that SQLite makes beside a journal to read it, removed when the reading ends.
//!
//! A connection that only reads makes an empty log and an index where there are none, and must leave them: removing
//! them takes an exclusive lock. A connection that may write does so when it is closed as the last one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::schema::{self, Access};
use crate::wal;

/// Removes, when it is dropped, what reading this journal left beside it.
#[derive(Debug)]
pub(crate) struct Beside(PathBuf);

impl Beside {
    pub(crate) fn of(journal: &Path) -> Self {
        Self(journal.to_owned())
    }

    /// Whether there is an index, and nothing in the log that the journal doesn't have.
    fn is_left(&self) -> bool {
        let mut index = OsString::from(&self.0);
        index.push("-shm");
        Path::new(&index).exists() && matches!(wal::holds_frames(&self.0), Ok(false))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.is_left() {
            return;
        }
        // Where another connection is open, SQLite leaves the files to it; where the folder can't be written, they stay.
        if let Ok(connection) = schema::connect(&self.0, Access::Write)
            && schema::has_ended(&connection).unwrap_or(false)
        {
            let _ = connection.close();
        }
    }
}
