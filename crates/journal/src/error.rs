//! What can be wrong with a journal: found while opening or reading it, or while writing it.

use std::error::Error;
use std::io;
use std::sync::Arc;

use orgwave_core::run::RUN_FORMAT;

/// A journal can't be made, opened or read. What to do about it is for the binary to say.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Its bytes aren't what was once written.
    #[error("the journal is damaged: {what}")]
    Damaged {
        /// What is damaged, in words.
        what: String,
        /// What found it, if something beyond our own comparison did.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// A file without a byte in it.
    #[error("the journal is empty")]
    Empty,
    /// Another kind of file; or a journal whose first bytes are damaged.
    #[error("not a journal of orgwave, or its first bytes are damaged")]
    NotAJournal,
    /// Made by an older or a newer orgwave.
    #[error("the journal has format {found}, and this orgwave reads format {RUN_FORMAT}")]
    OtherFormat {
        /// The format it says it has.
        found: u32,
    },
    /// It was made for another plan than the one at hand.
    #[error("the journal is of plan {found}, not of plan {expected}{}", if found == expected { " as it is now: its seal differs" } else { "" })]
    OtherPlan {
        /// The plan at hand.
        expected: String,
        /// The plan that it names.
        found: String,
    },
    /// Another process writes it, or a second handle in this one.
    #[error("another process is working on the run")]
    InUse,
    /// The folder has a journal already.
    #[error("the folder has a journal already")]
    Exists,
    /// The file system failed.
    #[error("can't {doing}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// SQLite failed, and not for damage.
    #[error("can't {doing}")]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: rusqlite::Error,
    },
}

impl JournalError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), source: None }
    }

    pub(crate) fn damaged_by(what: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Damaged { what: what.into(), source: Some(Box::new(source)) }
    }

    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    /// Whether the disk is to blame, not the journal: fixed, or with room made, the journal is as good as it was.
    pub fn is_the_disks(&self) -> bool {
        use rusqlite::ErrorCode;
        match self {
            Self::Io { source, .. } => source.kind() != io::ErrorKind::NotFound,
            Self::Sqlite { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(
                    ErrorCode::DiskFull
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::ReadOnly
                        | ErrorCode::CannotOpen
                        | ErrorCode::PermissionDenied
                )
            ),
            _ => false,
        }
    }

    /// Sorts SQLite's errors: damage, no database at all, and the rest.
    pub(crate) fn sqlite(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        use rusqlite::{Error as Sqlite, ErrorCode};
        move |source| match &source {
            Sqlite::SqliteFailure(cause, _) if cause.code == ErrorCode::NotADatabase => Self::NotAJournal,
            Sqlite::SqliteFailure(cause, _) if cause.code == ErrorCode::DatabaseCorrupt => {
                Self::damaged_by(format!("can't {doing}"), source)
            }
            // A table or column that isn't there, a value of another type, a text that isn't UTF-8.
            Sqlite::SqliteFailure(cause, _) if cause.code == ErrorCode::Unknown => {
                Self::damaged_by(format!("can't {doing}"), source)
            }
            Sqlite::SqlInputError { .. }
            | Sqlite::QueryReturnedNoRows
            | Sqlite::FromSqlConversionFailure(..)
            | Sqlite::IntegralValueOutOfRange(..)
            | Sqlite::Utf8Error(..)
            | Sqlite::InvalidColumnType(..) => Self::damaged_by(format!("can't {doing}"), source),
            _ => Self::Sqlite { doing, source },
        }
    }
}

/// A journal can't be written any more. Every acknowledgement after the first such error fails with the same.
#[derive(Debug, Clone, thiserror::Error)]
#[error("can't {doing}")]
pub struct WriteError {
    doing: &'static str,
    #[source]
    source: Option<Arc<dyn Error + Send + Sync>>,
    is_gone: bool,
}

impl WriteError {
    pub(crate) fn new(doing: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self { doing, source: Some(Arc::new(source)), is_gone: false }
    }

    /// The writer's thread is no more: it panicked, or the journal is closed.
    pub(crate) const fn writer_ended() -> Self {
        Self { doing: "reach the journal's writer: it has ended", source: None, is_gone: false }
    }

    /// Its file isn't where it was opened: it was moved or removed.
    pub(crate) const fn gone() -> Self {
        Self { doing: "find the journal where it was", source: None, is_gone: true }
    }

    /// Whether the journal was taken from its place, so that there is nothing wrong with the disk.
    pub const fn is_gone(&self) -> bool {
        self.is_gone
    }
}
