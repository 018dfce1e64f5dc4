//! The exported folder: all of its files there, or nothing.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::operation::Operations;
use orgwave_core::run::Exit;
use orgwave_planner::Spool;
use serde_json::Value;
use tempfile::TempDir;

use super::tables;
use crate::durable::sync_folder;
use crate::failure::Failure;

/// A folder being made, beside or in the one that it becomes.
pub struct Staged {
    target: PathBuf,
    is_there: bool,
    staging: TempDir,
}

impl Staged {
    /// Begins one.
    ///
    /// # Errors
    /// 64: something is there already. 74: it can't be written.
    pub fn begin(target: &Path) -> Result<Self, Failure> {
        let cannot = |error: io::Error| Failure::cannot_write(target, error);
        let is_there = match std::fs::read_dir(target) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(Failure::new(
                        Exit::Usage,
                        format!("{} is not empty; nothing was overwritten", target.shown()),
                    )
                    .hint("use a new folder: orgwave export -o FOLDER"));
                }
                true
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(cannot(error)),
        };
        let parent = match target.parent() {
            _ if is_there => target,
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(parent).map_err(cannot)?;
        // Other users of this machine must not see what clients have set.
        let private = Permissions::from_mode(0o700);
        let staging = tempfile::Builder::new()
            .prefix(".export-")
            .permissions(private)
            .tempdir_in(parent)
            .map_err(cannot)?;
        Ok(Self { target: target.to_owned(), is_there, staging })
    }

    /// Where it is being made.
    pub fn path(&self) -> &Path {
        self.staging.path()
    }

    /// Writes the tables and the rollout file, and gives the folder its name.
    ///
    /// # Errors
    /// 74.
    pub fn finish(
        self,
        operations: &Operations,
        kept: &mut Spool,
        as_defaults: bool,
        sandbox: Option<&Value>,
    ) -> Result<(), Failure> {
        let cannot = |error: io::Error| Failure::cannot_write(&self.target, error);
        let names = tables::write(self.path(), operations, kept, as_defaults, sandbox).map_err(cannot)?;
        sync_folder(self.path())?;
        if self.is_there {
            // Last the file that names the others.
            for name in names {
                std::fs::rename(self.path().join(&name), self.target.join(&name)).map_err(cannot)?;
            }
            sync_folder(&self.target)
        } else {
            std::fs::rename(self.path(), &self.target).map_err(cannot)?;
            sync_folder(self.target.parent().unwrap_or(Path::new("")))
        }
    }
}
