//! What the writer's thread needs of a disk: groups of entries that are durable once committed.
//!
//! The trait is the seam at which tests make the n-th append or commit fail.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use orgwave_core::org::Entry;
use rusqlite::{Connection, OptionalExtension as _, config::DbConfig};

use crate::chain::Link;
use crate::error::{JournalError, WriteError};
use crate::schema;

/// A place for groups of entries.
pub(crate) trait Store: Send + 'static {
    /// Begins a group.
    fn begin(&mut self) -> Result<(), WriteError>;
    /// Puts an entry into the group.
    fn append(&mut self, entry: &Entry) -> Result<(), WriteError>;
    /// Ends the group: durable, and to be found, when this returns.
    fn commit(&mut self) -> Result<(), WriteError>;
    /// Housekeeping between groups, when it is due.
    fn tidy(&mut self) -> Result<(), WriteError>;
    /// Something failed: from now on the disk is left unchanged.
    fn abandon(&mut self);
}

const FOLDING: &str = "fold the journal's log into its file";

/// The journal's file, in WAL mode.
pub(crate) struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    /// The file's device and number: what is written when its name is gone is lost when the process ends.
    file: (u64, u64),
    chain: Link,
    /// Bytes appended since the log was last folded into the file.
    unfolded: usize,
    /// Whether the file itself says that this process has begun.
    has_begun: bool,
    /// Whether the newest entry says that the process has ended.
    has_ended: bool,
}

impl SqliteStore {
    /// How long the log may grow. Folding it in costs three syncs: rare enough to cost nothing, and what a resume
    /// has to read again stays small.
    const FOLD_AT: usize = 4 << 20;

    /// Takes over a checked connection. `first` is the header's link.
    pub(crate) fn new(path: &Path, connection: Connection, first: Link) -> Result<Self, JournalError> {
        let file = named(path).map_err(JournalError::io("open the journal"))?;
        let sqlite = || JournalError::sqlite("prepare the journal for writing");
        // What the last process left in its log, if it was killed.
        fold(&connection).map_err(sqlite())?;
        schema::use_wal(&connection)?;
        let has_ended = schema::has_ended(&connection)?;
        keep_log(&connection, !has_ended).map_err(sqlite())?;
        // SQLite swallows the errors of the checkpoints that it makes by itself, and tries them again.
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(sqlite())?;
        let last: Option<i64> = connection
            .query_row("SELECT chain FROM entry ORDER BY seq DESC LIMIT 1", (), |row| row.get(0))
            .optional()
            .map_err(sqlite())?;
        let chain = last.map_or(first, Link::from_stored);
        Ok(Self { connection, path: path.to_owned(), file, chain, unfolded: 0, has_begun: false, has_ended })
    }

    fn run(&self, sql: &'static str, doing: &'static str) -> Result<(), WriteError> {
        let mut statement =
            self.connection.prepare_cached(sql).map_err(|error| WriteError::new(doing, error))?;
        statement.execute(()).map(drop).map_err(|error| WriteError::new(doing, error))
    }
}

/// The device and number of the file of this name.
fn named(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Folds the log into the file. Whether all of it: a reader may keep part of it from being folded.
fn fold(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| {
        let (frames, folded): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(frames == folded)
    })
}

/// Says whether closing leaves the log where it is, instead of folding it in and taking it away.
fn keep_log(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(drop)
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<(), WriteError> {
        self.run("BEGIN IMMEDIATE", "begin a group of journal entries")
    }

    fn append(&mut self, entry: &Entry) -> Result<(), WriteError> {
        let doing = "append to the journal";
        let body = serde_json::to_string(entry).map_err(|error| WriteError::new(doing, error))?;
        self.chain = self.chain.next(&body);
        self.connection
            .prepare_cached("INSERT INTO entry (body, chain) VALUES (?1, ?2)")
            .and_then(|mut insert| insert.execute((&body, self.chain.to_stored())))
            .map_err(|error| WriteError::new(doing, error))?;
        self.unfolded += body.len();
        self.has_ended = matches!(entry, Entry::Finished(_));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), WriteError> {
        self.run("COMMIT", "commit to the journal")?;
        // A log is missed only by a file that says that there was something to log: so before anyone may act on an
        // entry of this process, the file has its first ones. And only a file that says its end is left unchanged.
        if !self.has_begun {
            self.has_begun = fold(&self.connection).map_err(|error| WriteError::new(FOLDING, error))?;
        }
        keep_log(&self.connection, !self.has_ended)
            .map_err(|error| WriteError::new("keep the journal's log", error))?;
        // Beside a sync, to look costs nothing.
        match named(&self.path) {
            Ok(file) if file == self.file => Ok(()),
            _ => Err(WriteError::gone()),
        }
    }

    fn tidy(&mut self) -> Result<(), WriteError> {
        if self.unfolded < Self::FOLD_AT {
            return Ok(());
        }
        self.unfolded = 0;
        // What a reader keeps from being folded is folded the next time.
        fold(&self.connection).map(drop).map_err(|error| WriteError::new(FOLDING, error))
    }

    fn abandon(&mut self) {
        // Closing would fold the log in. If even saying so fails, the log still has all that was acknowledged.
        let _ = keep_log(&self.connection, true);
    }
}
