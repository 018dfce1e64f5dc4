//! The lines of an open plan, one at a time, for the executor.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use orgwave_core::desired::Wish;
use orgwave_core::plan::{IndexEntry, PlanLine};
use orgwave_core::run::Exit;
use orgwave_core::secret::{SealKey, Secrets};
use orgwave_executor::ports::PlanSource;

use crate::failure::Failure;

/// The lines of the plan that is executed.
#[derive(Debug)]
pub struct PlanLines {
    file: File,
    index: Vec<IndexEntry>,
}

impl PlanLines {
    /// The lines of the plan in this file, at these places.
    ///
    /// # Errors
    /// 66.
    pub fn open(path: &Path, index: Vec<IndexEntry>) -> Result<Self, Failure> {
        let file = File::open(path).map_err(|error| {
            Failure::new(Exit::NoInput, format!("{} can't be opened", path.display())).because(error)
        })?;
        Ok(Self { file, index })
    }

    /// Where the orgs are.
    pub fn index(&self) -> &[IndexEntry] {
        &self.index
    }

    /// Whether every secret is the one that the plan was made with.
    ///
    /// # Errors
    /// 12: a secret changed since.
    pub fn check_secrets(line: &PlanLine, secrets: &Secrets, seal: &SealKey) -> Result<(), Failure> {
        for field in &line.fields {
            let Wish::Secret(name) = &field.after else { continue };
            let now =
                secrets.get(name).map(|secret| seal.fingerprint(field.path.field().name, secret.expose()));
            if now != field.fingerprint {
                return Err(Failure::new(
                    Exit::PlanRefused,
                    format!("the secret {name} isn't the one that the plan was made with"),
                )
                .hint("plan again with the secret as it is now"));
            }
        }
        Ok(())
    }
}

impl PlanSource for PlanLines {
    fn load(&self, org: u32) -> io::Result<PlanLine> {
        let entry = self.index.get(org as usize).ok_or_else(|| io::Error::other("beyond the plan"))?;
        let mut buffer = vec![0; entry.length as usize];
        self.file.read_exact_at(&mut buffer, entry.offset)?;
        let line = std::str::from_utf8(&buffer).map_err(io::Error::other)?;
        Ok(serde_json::from_str(line)?)
    }
}
