//! What the caller hands in: readers with names. Nothing here opens a file.

use std::io;
use std::sync::Arc;

use crate::desired::Managed;
use crate::operation::{Operation, SideTable};

/// A file, opened by the caller.
#[derive(Debug)]
pub struct Source<R> {
    /// Its name in problems.
    pub name: Arc<str>,
    /// Its bytes, from the start.
    pub reader: R,
}

impl<R> Source<R> {
    /// A file of this name.
    pub fn new(name: &str, reader: R) -> Self {
        Self { name: name.into(), reader }
    }
}

/// All that a manifest is read from.
#[derive(Debug)]
pub struct Inputs<R> {
    /// What the settings are of.
    pub operation: Arc<Operation>,
    /// One row an org.
    pub orgs: Source<R>,
    /// One row an entry of a map; a table at most once.
    pub sides: Vec<(Arc<SideTable>, Source<R>)>,
    /// Wishes for every org, from `[settings]`.
    pub defaults: Vec<Managed>,
}

impl<R> Inputs<R> {
    /// A bare CSV.
    pub fn bare(operation: Arc<Operation>, orgs: Source<R>) -> Self {
        Self { operation, orgs, sides: Vec::new(), defaults: Vec::new() }
    }
}

/// A file couldn't be read to its end.
#[derive(Debug, thiserror::Error)]
#[error("{file} can't be read")]
pub struct ReadError {
    /// Its name.
    pub file: Arc<str>,
    /// Why.
    pub source: io::Error,
}

/// Why rows ended before their end.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// A file couldn't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file isn't what it was when it was checked.
    #[error("{file} changed after it was checked")]
    Changed {
        /// Its name.
        file: Arc<str>,
    },
}
