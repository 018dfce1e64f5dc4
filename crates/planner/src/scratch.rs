//! A folder for what is kept only to be read again.

use std::env;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::error::Error;

/// A folder that is removed when dropped: where temporary files go, or, in a container whose root is read-only, in
/// `other`, which is made if it isn't there.
///
/// # Errors
/// [`Error::Scratch`]: neither can be written.
pub fn scratch(other: Option<&Path>) -> Result<TempDir, Error> {
    tempfile::tempdir()
        .or_else(|error| other.and_then(|other| below(other).ok()).ok_or(error))
        .map_err(|source| Error::Scratch { path: env::temp_dir(), source })
}

fn below(folder: &Path) -> io::Result<TempDir> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    tempfile::Builder::new().prefix("plan-").tempdir_in(folder)
}
