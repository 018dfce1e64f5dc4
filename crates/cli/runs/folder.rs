//! Folders of runs and plans: named by time and chance, readable by their owner alone.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::run::Exit;
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

/// Whether a text has the form of such a name.
pub fn is_name(text: &str) -> bool {
    let is_time = |time: &str| {
        let pattern = b"00000000T000000Z";
        time.len() == pattern.len()
            && time.bytes().zip(pattern).all(
                |(c, like)| {
                    if *like == b'0' { c.is_ascii_digit() } else { c == *like }
                },
            )
    };
    let is_chance = |chance: &str| chance.len() == 16 && chance.bytes().all(|c| c.is_ascii_hexdigit());
    text.split_once('-').is_some_and(|(time, chance)| is_time(time) && is_chance(chance))
}

/// Refuses a place for runs or plans where something else is already.
///
/// # Errors
/// 74: a file. 78: a device, a pipe or a socket.
pub fn must_be_folder(path: &Path) -> Result<(), Failure> {
    let refused = |exit, is| {
        let failure = Failure::new(exit, format!("{} is {is}, not a folder", path.shown()));
        Err(failure.hint("set --reports to a folder, or to one to be created"))
    };
    match path.metadata() {
        Ok(there) if there.is_file() => refused(Exit::CannotWrite, "a file"),
        Ok(there) if !there.is_dir() => refused(Exit::BadConfig, "a device, a pipe or a socket"),
        _ => Ok(()),
    }
}

impl NewFolder {
    /// Makes a folder of this name in `parent`, which is made too if it isn't there.
    ///
    /// # Errors
    /// 74. 78: what has the parent's name is a device, a pipe or a socket.
    pub fn make(parent: &Path, name: String) -> Result<Self, Failure> {
        must_be_folder(parent)?;
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
            tracing::warn!(%error, path = ?self.path, "an unused folder could not be removed");
        }
        if let Some(parent) = self.path.parent().filter(|_| self.with_parent) {
            // Another process may use it by now.
            let _ = std::fs::remove_dir(parent);
        }
    }
}
