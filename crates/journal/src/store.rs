//! What the writer's thread needs of a disk: groups of entries that are durable once committed.
//!
//! The trait is the seam at which tests make the n-th append or commit fail.

use orgwave_core::run::Entry;
use rusqlite::{Connection, OptionalExtension as _, config::DbConfig};

use crate::chain::Link;
use crate::error::{JournalError, WriteError};
use crate::replay::Fact;
use crate::schema;

/// A place for groups of entries.
pub(crate) trait Store: Send + 'static {
    /// Begins a group.
    fn begin(&mut self) -> Result<(), WriteError>;
    /// Puts an entry into the group.
    fn append(&mut self, entry: &Entry) -> Result<(), WriteError>;
    /// Ends the group: durable when this returns.
    fn commit(&mut self) -> Result<(), WriteError>;
    /// Housekeeping between groups, when it is due.
    fn tidy(&mut self) -> Result<(), WriteError>;
    /// Something failed: from now on the disk is left alone.
    fn abandon(&mut self);
}

/// The journal's file, in WAL mode.
pub(crate) struct SqliteStore {
    connection: Connection,
    chain: Link,
    /// Bytes appended since the log was last folded into the file.
    unfolded: usize,
}

impl SqliteStore {
    /// How long the log may grow. Folding it in costs three syncs: rare enough to cost nothing, and what a resume
    /// has to read again stays small.
    const FOLD_AT: usize = 4 << 20;

    /// Takes over a checked connection. `first` is the header's link.
    pub(crate) fn new(connection: Connection, first: Link) -> Result<Self, JournalError> {
        let sqlite = || JournalError::sqlite("prepare the journal for writing");
        // What the last process left in its log, if it was killed.
        fold(&connection).map_err(sqlite())?;
        schema::use_wal(&connection)?;
        // SQLite swallows the errors of the checkpoints that it makes by itself, and tries them again.
        connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(sqlite())?;
        let last: Option<i64> = connection
            .query_row("SELECT chain FROM entry ORDER BY seq DESC LIMIT 1", (), |row| row.get(0))
            .optional()
            .map_err(sqlite())?;
        let chain = last.map_or(first, Link::from_stored);
        Ok(Self { connection, chain, unfolded: 0 })
    }

    fn run(&self, sql: &'static str, doing: &'static str) -> Result<(), WriteError> {
        let mut statement =
            self.connection.prepare_cached(sql).map_err(|error| WriteError::new(doing, error))?;
        statement.execute(()).map(drop).map_err(|error| WriteError::new(doing, error))
    }
}

/// Folds the log into the file. A reader may keep part of it from being folded; the next time is soon enough.
fn fold(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()))
}

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<(), WriteError> {
        self.run("BEGIN IMMEDIATE", "begin a group of journal entries")
    }

    fn append(&mut self, entry: &Entry) -> Result<(), WriteError> {
        let doing = "append to the journal";
        let body = serde_json::to_string(entry).map_err(|error| WriteError::new(doing, error))?;
        let org = Fact::from(entry).org();
        self.chain = self.chain.next(org, &body);
        self.connection
            .prepare_cached("INSERT INTO entry (org, body, chain) VALUES (?1, ?2, ?3)")
            .and_then(|mut insert| insert.execute((org, &body, self.chain.to_stored())))
            .map_err(|error| WriteError::new(doing, error))?;
        self.unfolded += body.len();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), WriteError> {
        self.run("COMMIT", "commit to the journal")
    }

    fn tidy(&mut self) -> Result<(), WriteError> {
        if self.unfolded < Self::FOLD_AT {
            return Ok(());
        }
        self.unfolded = 0;
        fold(&self.connection).map_err(|error| WriteError::new("fold the journal's log into its file", error))
    }

    fn abandon(&mut self) {
        // Closing would fold the log in. If even saying so fails, the log still has all that was acknowledged.
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}
