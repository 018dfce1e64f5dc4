//! Folders of runs and plans: named by time and chance, readable by their owner alone.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::durable::folder_synced;
use orgwave_core::timestamp::Timestamp;

use crate::failure::Failure;

/// A folder that was just made.
#[derive(Debug)]
pub struct NewFolder {
    /// Where.
    pub path: PathBuf,
    /// Its name: of a run, the run's id.
    pub name: String,
    /// Whether the folder that it lies in was made with it.
    with_parent: bool,
}

/// `20261124T073032Z-5f0c2a9b41d7e863`: sorted by time, unique by chance.
pub fn new_name(now: Timestamp) -> String {
    format!("{}-{:016x}", now.compact(), fastrand::u64(..))
}

impl NewFolder {
    /// Makes a folder of this name in `parent`, which is made too if it isn't there.
    ///
    /// # Errors
    /// 74.
    pub fn make(parent: &Path, name: String) -> Result<Self, Failure> {
        let with_parent = !parent.exists();
        let mut builder = DirBuilder::new();
        builder.recursive(true).create(parent).map_err(|error| Failure::cannot_write(parent, error))?;
        let path = parent.join(&name);
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| Failure::cannot_write(&path, error))?;
        Ok(Self { path, name, with_parent })
    }

    /// Takes the folder away again, with what was made in it: a command that was refused leaves nothing behind.
    pub fn discard(self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "an unused folder could not be removed");
        }
        if let Some(parent) = self.path.parent().filter(|_| self.with_parent) {
            // Somebody else may use it by now.
            let _ = std::fs::remove_dir(parent);
        }
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
/// 74.
pub fn sync_folder(path: &Path) -> Result<(), Failure> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)
        .and_then(|folder| folder_synced(folder.sync_all()))
        .map_err(|error| Failure::cannot_write(path, error))
}
