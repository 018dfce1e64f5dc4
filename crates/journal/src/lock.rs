//! The right to change a run's folder, held by the kernel and gone with the process.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::error::JournalError;

/// The right to write a run's journal and the files beside it, whichever process has it.
///
/// It is on the folder, not on the journal: SQLite has locks of its own there, and they end when any handle on the
/// file is closed.
#[derive(Debug)]
#[must_use = "dropped, it is given back"]
pub struct RunLock {
    pub(crate) folder: File,
}

impl RunLock {
    /// Takes it, without waiting.
    ///
    /// # Errors
    /// Another process is at work in the folder, or the folder can't be opened.
    pub fn take(dir: &Path) -> Result<Self, JournalError> {
        let folder = File::open(dir).map_err(JournalError::io("open the run's folder"))?;
        match folder.try_lock() {
            Ok(()) => Ok(Self { folder }),
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse),
            Err(TryLockError::Error(source)) => {
                Err(JournalError::Io { doing: "lock the run's folder", source })
            }
        }
    }
}
