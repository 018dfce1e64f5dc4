//! What the tool remembers on this machine, in `$XDG_STATE_HOME/orgwave`: ids of plans that were applied, rates that
//! were learned, and, where the machine has no folder for them, the locks of runs.

use std::env;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use orgwave_core::run::Exit;
use orgwave_core::secret::Fingerprint;
use orgwave_core::timestamp::Timestamp;
use orgwave_executor::gate::learned::still_good;
use serde::{Deserialize, Serialize};

use crate::connect::digest;
use crate::durable::sync_folder;
use crate::failure::Failure;
use crate::input;
use crate::locks::Locks;

/// The memory of this machine.
#[derive(Debug, Clone)]
pub struct Memory {
    folder: PathBuf,
}

/// A rate that worked.
#[derive(Debug, Serialize, Deserialize)]
struct Learned {
    rate: f64,
    at: Timestamp,
}

impl Memory {
    /// Opens it; makes its folders where they aren't there.
    ///
    /// # Errors
    /// 74: they can't be made. 78: there is no home to make them in.
    pub fn open(named: Option<&Path>) -> Result<Self, Failure> {
        let folder = Self::place(named)?;
        for folder in [folder.clone(), folder.join("locks"), folder.join("applied"), folder.join("rates")] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|error| Failure::cannot_write(&folder, error))?;
        }
        Ok(Self { folder })
    }

    /// Where it is, or would be.
    ///
    /// # Errors
    /// 78: there is no home to make it in.
    pub fn place(named: Option<&Path>) -> Result<PathBuf, Failure> {
        named.map_or_else(|| Ok(state_home()?.join("orgwave")), |named| Ok(named.to_owned()))
    }

    /// Which runs never overlap with those of this memory.
    pub fn locks(&self) -> Locks {
        Locks::find(&self.folder)
    }

    /// Whether a plan was applied already.
    pub fn was_applied(&self, plan_id: &str) -> bool {
        self.applied(plan_id).exists()
    }

    /// Remembers, durably, that a plan was applied.
    ///
    /// # Errors
    /// 74.
    pub fn remember_applied(&self, plan_id: &str) -> Result<(), Failure> {
        let path = self.applied(plan_id);
        let made = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path);
        made.and_then(|file| file.sync_all()).map_err(|error| Failure::cannot_write(&path, error))?;
        sync_folder(&self.folder.join("applied"))
    }

    /// The rate that worked last time for this key and endpoint, if that isn't long ago.
    pub fn rate(&self, key: &Fingerprint, endpoint: &str, now: Timestamp) -> Option<f64> {
        let text = input::read(&self.folder.join("rates").join(name_of(key, endpoint))).ok()?;
        let learned: Learned = serde_json::from_slice(&text).ok()?;
        still_good(learned.rate, learned.at, now)
    }

    /// Remembers a rate. That it can't be kept is no reason to fail: it will be learned again.
    pub fn remember_rate(&self, key: &Fingerprint, endpoint: &str, rate: f64, at: Timestamp) {
        let folder = self.folder.join("rates");
        let kept = tempfile::NamedTempFile::new_in(&folder).and_then(|mut file| {
            file.write_all(&serde_json::to_vec(&Learned { rate, at })?)?;
            file.persist(folder.join(name_of(key, endpoint))).map_err(|error| error.error)
        });
        if let Err(error) = kept {
            tracing::warn!(%error, "the measured rate could not be saved");
        }
    }

    fn applied(&self, plan_id: &str) -> PathBuf {
        // A plan's id comes from a file: it must not lead out of the folder.
        let is_plain = plan_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let name =
            if is_plain && !plan_id.is_empty() { plan_id.to_owned() } else { digest(plan_id.as_bytes()) };
        self.folder.join("applied").join(name)
    }
}

fn name_of(key: &Fingerprint, endpoint: &str) -> String {
    digest(format!("{key}\n{endpoint}").as_bytes())
}

fn state_home() -> Result<PathBuf, Failure> {
    // A relative path is to be ignored, says the XDG specification.
    if let Some(path) = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        return Ok(path);
    }
    // Containers set HOME to nothing or to `/`, where nothing of one user belongs.
    let home = env::var_os("HOME").map(PathBuf::from);
    let home = home.filter(|home| home.is_absolute() && home.as_path() != Path::new("/"));
    home.map(|home| home.join(".local/state")).ok_or_else(|| {
        Failure::new(
            Exit::BadConfig,
            "no folder for locks and measured rates: HOME is unset, empty or /",
        )
        .hint("set a persistent one: --state-dir DIR, or XDG_STATE_HOME (for systemd: StateDirectory=orgwave with Environment=XDG_STATE_HOME=%S)")
    })
}

#[cfg(test)]
mod tests {
    use orgwave_core::secret::{SealKey, SecretText};

    use super::*;

    #[test]
    fn the_newest_rate_is_remembered_per_key_and_endpoint() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("rates")).expect("a folder");
        let memory = Memory { folder: folder.path().to_owned() };
        let key = |text: &str| SealKey::derive(&SecretText::new(text.into()), "").fingerprint("key", text);
        let (ours, other) = (key("ours"), key("other"));
        let now = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(memory.rate(&ours, "https://one", now), None);
        memory.remember_rate(&ours, "https://one", 20.0, now);
        memory.remember_rate(&ours, "https://one", 25.0, now);
        assert_eq!(memory.rate(&ours, "https://one", now), Some(25.0));
        assert_eq!(memory.rate(&ours, "https://two", now), None);
        assert_eq!(memory.rate(&other, "https://one", now), None);
        std::fs::write(folder.path().join("rates").join(name_of(&ours, "https://one")), "20/s")
            .expect("written");
        assert_eq!(memory.rate(&ours, "https://one", now), None, "what can't be read is no rate");
    }
}
