//! What the caller hands in: readers with names. Nothing here opens a file.

use std::io;
use std::sync::Arc;

use super::defaults::Defaults;
use crate::operation::{Catalog, Operation, SideTable};

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
    /// The operations that are known.
    pub catalog: Catalog,
    /// That of columns without a prefix.
    pub operation: Arc<Operation>,
    /// One row an org.
    pub orgs: Source<R>,
    /// The side tables, each at most once.
    pub sides: Vec<SideSource<R>>,
    /// What the rollout file says for many rows.
    pub defaults: Defaults,
}

/// A side table: one row an entry of a map.
#[derive(Debug)]
pub struct SideSource<R> {
    /// What the map is of.
    pub operation: Arc<Operation>,
    /// Which table.
    pub table: Arc<SideTable>,
    /// Its rows.
    pub source: Source<R>,
}

impl<R> Inputs<R> {
    /// A bare CSV, of the default operation.
    pub fn bare(catalog: Catalog, orgs: Source<R>) -> Self {
        let operation = catalog.default_one().clone();
        Self { catalog, operation, orgs, sides: Vec::new(), defaults: Defaults::default() }
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
