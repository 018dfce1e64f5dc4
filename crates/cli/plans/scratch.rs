//! A folder for what is kept only to be read: the plan of `verify ROLLOUT` and `check --online`, and what `verify` finds.

use std::env;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::failure::Failure;
use crate::memory::Memory;

/// A folder that is removed when dropped: where temporary files go, or, in a container whose root is read-only, in the
/// tool's memory.
///
/// # Errors
/// 74: neither can be written.
pub fn scratch(state_dir: Option<&Path>) -> Result<TempDir, Failure> {
    tempfile::tempdir().or_else(|error| in_memory(state_dir).map_err(|_| error)).map_err(|error| {
        Failure::cannot_write(&env::temp_dir(), error)
            .hint("the plan to compare with and what is found are temporary files: TMPDIR or --state-dir names a folder for it")
    })
}

fn in_memory(state_dir: Option<&Path>) -> io::Result<TempDir> {
    let folder = Memory::place(state_dir).map_err(|failure| io::Error::other(failure.what))?;
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    tempfile::Builder::new().prefix("plan-").tempdir_in(folder)
}
