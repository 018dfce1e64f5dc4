//! A run's journal as a file in the run's folder: made, named, opened, written.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use orgwave_core::org::Entry;
use orgwave_core::run::RunHeader;

use crate::error::{JournalError, WriteError};
use crate::lock::RunLock;
use crate::schema::{self, Access};
use crate::store::{SqliteStore, Store};
use crate::writer::{Done, Writer};

/// The journal's name in the run's folder.
pub const FILE_NAME: &str = "run.db";

/// Its name until it is published.
const DRAFT_NAME: &str = "run.db.new";

/// A journal that has its header, durably, but not its name: no run exists yet.
#[derive(Debug)]
#[must_use = "a run without a published journal is no run"]
pub struct Draft {
    dir: PathBuf,
    lock: RunLock,
}

impl Draft {
    /// Gives the journal its name, durably. From here on the run exists, and its plan is used: so the plan's copy
    /// must be durable in the folder before.
    ///
    /// # Errors
    /// The folder has a journal by now, or the file system fails.
    pub fn publish(self) -> Result<SqliteJournal, JournalError> {
        let path = self.dir.join(FILE_NAME);
        refuse_existing(&path)?;
        fs::rename(self.dir.join(DRAFT_NAME), &path)
            .map_err(JournalError::io("give the journal its name"))?;
        orgwave_core::durable::folder_synced(self.lock.folder.sync_all())
            .map_err(JournalError::io("make the journal's name durable"))?;
        SqliteJournal::open_locked(&path, self.lock, |store| store)
    }
}

/// SQLite takes paths of up to 512 bytes, with links resolved, and says of a longer one only that it can't be opened.
fn refuse_long(dir: &Path) -> Result<(), JournalError> {
    const LONGEST: usize = 512;
    let whole = dir.canonicalize().map_err(JournalError::io("find the run's folder"))?;
    let length = whole.join(format!("{DRAFT_NAME}-journal")).as_os_str().len() + 1;
    if length <= LONGEST {
        return Ok(());
    }
    let said = format!("its path is too long: {length} bytes, and SQLite takes {LONGEST}");
    Err(JournalError::io("create the journal")(io::Error::new(io::ErrorKind::InvalidFilename, said)))
}

/// The writing end of a run's journal. There is at most one, in one process. Dropping it commits what is queued; who
/// must know whether that worked calls [`flush`](Self::flush) first.
#[derive(Debug)]
pub struct SqliteJournal {
    path: PathBuf,
    header: RunHeader,
    writer: Writer,
    /// Dropped after the writer has ended.
    lock: RunLock,
}

impl SqliteJournal {
    /// Makes a journal in a run's folder, readable for its owner alone, under a name that no other process looks for.
    ///
    /// # Errors
    /// The folder has a journal, another process is at work in it, or the file system fails.
    pub fn create(dir: &Path, header: &RunHeader) -> Result<Draft, JournalError> {
        refuse_long(dir)?;
        let lock = RunLock::take(dir)?;
        refuse_existing(&dir.join(FILE_NAME))?;
        let path = dir.join(DRAFT_NAME);
        for beside in ["", "-journal", "-wal", "-shm"] {
            let leftover = dir.join(format!("{DRAFT_NAME}{beside}"));
            match fs::remove_file(leftover) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(JournalError::io("remove a draft that was never used")(error));
                }
                _ => {}
            }
        }
        // SQLite gives the files that it puts beside this one the same mode.
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(JournalError::io("create the journal"))?;
        schema::fill(&path, header)?;
        Ok(Draft { dir: dir.to_owned(), lock })
    }

    /// Opens a journal to resume its run. The entries are not read: read them by [`Stored`](crate::Stored)
    /// before anything is recorded.
    ///
    /// # Errors
    /// It is no journal that this code can resume, or another process has it in hand.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_with(path, |store| store)
    }

    /// Opens a journal whose store is wrapped: the seam for injected faults.
    pub(crate) fn open_with<S: Store>(
        path: &Path,
        wrap: impl FnOnce(SqliteStore) -> S,
    ) -> Result<Self, JournalError> {
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        fs::metadata(path).map_err(JournalError::io("open the journal"))?;
        Self::open_locked(path, RunLock::take(dir)?, wrap)
    }

    fn open_locked<S: Store>(
        path: &Path,
        lock: RunLock,
        wrap: impl FnOnce(SqliteStore) -> S,
    ) -> Result<Self, JournalError> {
        let (connection, header, first) = schema::open(path, Access::Write)?;
        schema::check_pages(&connection)?;
        let store = wrap(SqliteStore::new(path, connection, first)?);
        let writer = Writer::start(store).map_err(JournalError::io("start the journal's writer"))?;
        Ok(Self { path: path.to_owned(), header, writer, lock })
    }

    /// Commits what is queued and ends the writing, but keeps the folder for this process. Who must know whether that
    /// worked calls [`flush`](Self::flush) first.
    pub fn close(self) -> RunLock {
        let Self { writer, lock, .. } = self;
        drop(writer);
        lock
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the run is.
    pub const fn header(&self) -> &RunHeader {
        &self.header
    }
}

/// Nothing here waits for a disk but [`flush`](Self::flush), and entries keep the order of the calls.
///
/// There is no limit on what may be queued: the loop that calls this must not be held up, and what it can say
/// before it hears of an intent is bounded by the orgs that it has in flight.
impl SqliteJournal {
    /// Keeps an entry. It becomes durable with the next one that must be, or a moment later.
    pub fn record(&self, entry: Entry) {
        self.writer.keep(Some(entry), None);
    }

    /// Keeps an entry and says when it, and everything said before it, is durable.
    pub fn record_durably(&self, entry: Entry, done: Done) {
        self.writer.keep(Some(entry), Some(done));
    }

    /// Waits until everything said so far is durable. Not for async code.
    ///
    /// # Errors
    /// Something could not be written, now or at any time before.
    pub fn flush(&self) -> Result<(), WriteError> {
        let (sender, answer) = mpsc::sync_channel(1);
        // The receiver waits below, in this very call.
        self.writer.keep(None, Some(Box::new(move |result| drop(sender.send(result)))));
        answer.recv().unwrap_or_else(|mpsc::RecvError| Err(WriteError::writer_ended()))
    }
}

fn refuse_existing(path: &Path) -> Result<(), JournalError> {
    if path.try_exists().map_err(JournalError::io("look into the run's folder"))? {
        return Err(JournalError::Exists);
    }
    Ok(())
}
