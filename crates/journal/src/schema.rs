//! The file itself: its marks, its tables, how it is opened, and what is checked before anyone believes it.

use std::fs::{self, File};
use std::path::Path;

use orgwave_core::run::{RUN_FORMAT, RunHeader};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::chain::Link;
use crate::error::JournalError;
use crate::replay::Fact;
use crate::wal;

/// `orgw`: SQLite's own place for saying whose file this is.
const APPLICATION_ID: u32 = u32::from_be_bytes(*b"orgw");

/// One row says what the run is; the rest is a log.
const TABLES: &str = "
    CREATE TABLE header (body TEXT NOT NULL, chain INTEGER NOT NULL) STRICT;
    CREATE TABLE entry (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, chain INTEGER NOT NULL) STRICT;
";

/// Who opens the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Fills a new, empty file, durably. It is a plain file when this returns: no WAL beside it, so it can be renamed.
///
/// No other process knows it yet, so it need be durable only as a whole: one sync instead of one a step.
pub(crate) fn fill(path: &Path, header: &RunHeader) -> Result<(), JournalError> {
    let sqlite = || JournalError::sqlite("write the journal's header");
    let body = serde_json::to_string(header)
        .map_err(|error| JournalError::io("write the journal's header")(error.into()))?;
    let mut connection = connect(path, Access::Write)?;
    connection.pragma_update(None, "synchronous", "OFF").map_err(sqlite())?;
    connection.pragma_update(None, "journal_mode", "MEMORY").map_err(sqlite())?;
    let transaction = connection.transaction().map_err(sqlite())?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite())?;
    transaction.pragma_update(None, "user_version", header.format).map_err(sqlite())?;
    transaction.execute_batch(TABLES).map_err(sqlite())?;
    transaction
        .execute("INSERT INTO header (body, chain) VALUES (?1, ?2)", (&body, Link::first(&body).to_stored()))
        .map_err(sqlite())?;
    transaction.commit().map_err(sqlite())?;
    // The mode is in the file. Switched later, under the name that others look for, a process that died with
    // it would leave a journal that can't be read without being written first.
    use_wal(&connection)?;
    connection.close().map_err(|(_, error)| sqlite()(error))?;
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(JournalError::io("make the journal's header durable"))
}

/// Opens a journal, and makes sure that it is one, that this code reads its format, and that its header is whole.
pub(crate) fn open(path: &Path, access: Access) -> Result<(Connection, RunHeader, Link), JournalError> {
    // Asked of the folder: a handle of our own on the file, once closed, would drop SQLite's locks on it.
    if fs::metadata(path).map_err(JournalError::io("open the journal"))?.len() == 0 {
        return Err(JournalError::Empty);
    }
    // SQLite takes no lock on the log: a handle of our own does no harm there.
    wal::check(path)?;
    let connection = connect(path, access)?;
    if access == Access::Read {
        // Every later read sees the file as it is at the first.
        connection.execute_batch("BEGIN").map_err(JournalError::sqlite("read the journal"))?;
    }
    let mark = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(JournalError::sqlite("read the journal's marks"))
    };
    if mark("application_id")? != i64::from(APPLICATION_ID) {
        return Err(JournalError::NotAJournal);
    }
    match u32::try_from(mark("user_version")?).unwrap_or(0) {
        0 => return Err(JournalError::damaged("it has no format")),
        RUN_FORMAT => {}
        found => return Err(JournalError::OtherFormat { found }),
    }
    let (header, first) = header(&connection)?;
    // Asked once the file can't be closed for good by its writer any more: that would take the log away.
    if !has_ended(&connection)? && !wal::holds_frames(path)? {
        return Err(JournalError::damaged("its log, run.db-wal, is missing"));
    }
    Ok((connection, header, first))
}

/// Whether no process has begun that didn't say its end.
pub(crate) fn has_ended(connection: &Connection) -> Result<bool, JournalError> {
    let newest: Option<String> = connection
        .query_row("SELECT body FROM entry ORDER BY seq DESC LIMIT 1", (), |row| row.get(0))
        .optional()
        .map_err(JournalError::sqlite("read the journal's last entry"))?;
    // One that can't be understood is found, with its place, when the entries are read.
    let newest = newest.and_then(|body| serde_json::from_str(&body).ok());
    Ok(newest.is_none_or(|fact| matches!(fact, Fact::Finished(_))))
}

fn header(connection: &Connection) -> Result<(RunHeader, Link), JournalError> {
    let row = connection
        .query_row("SELECT body, chain FROM header", (), |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()
        .map_err(JournalError::sqlite("read the journal's header"))?;
    let Some((body, chain)) = row else { return Err(JournalError::damaged("it has no header")) };
    let first = Link::first(&body);
    if first != Link::from_stored(chain) {
        return Err(JournalError::damaged("its header was altered"));
    }
    let header = serde_json::from_str(&body)
        .map_err(|error| JournalError::damaged_by("its header can't be understood", error))?;
    Ok((header, first))
}

/// Makes sure that the file is in WAL mode.
pub(crate) fn use_wal(connection: &Connection) -> Result<(), JournalError> {
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(JournalError::sqlite("prepare the journal for writing"))?;
    if mode == "wal" {
        return Ok(());
    }
    Err(JournalError::Io {
        doing: "prepare the journal for writing",
        source: std::io::Error::other(format!("SQLite keeps its journal mode {mode:?}")),
    })
}

/// Asks SQLite whether every page is sound.
pub(crate) fn check_pages(connection: &Connection) -> Result<(), JournalError> {
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", (), |row| row.get(0))
        .map_err(JournalError::sqlite("check the journal's pages"))?;
    if verdict == "ok" { Ok(()) } else { Err(JournalError::damaged(verdict)) }
}

pub(crate) fn connect(path: &Path, access: Access) -> Result<Connection, JournalError> {
    let sqlite = || JournalError::sqlite("open the journal");
    let flags = match access {
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let connection =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(sqlite())?;
    // The file may have been made to hurt: nothing in it is to be run.
    connection.pragma_update(None, "trusted_schema", false).map_err(sqlite())?;
    if access == Access::Write {
        // COMMIT returns when the disk has it. On macOS only the second setting means the disk.
        connection.pragma_update(None, "synchronous", "FULL").map_err(sqlite())?;
        connection.pragma_update(None, "fullfsync", true).map_err(sqlite())?;
    }
    Ok(connection)
}
