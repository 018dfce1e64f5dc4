//! A plan's file, opened once: what is asked of it, proved and executed is the same file, whatever is put in its place
//! meanwhile.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use orgwave_core::desired::Wish;
use orgwave_core::plan::{Header, IndexEntry, PlanLine, PlanReader, Verdict};
use orgwave_core::run::Exit;
use orgwave_core::secret::{Fingerprint, SealKey, SecretName, Secrets};

use super::lines::PlanLines;
use super::open::{OpenPlan, bad_plan, create_private};
use crate::failure::Failure;
use crate::input::Input;

/// A plan's file.
#[derive(Debug)]
pub struct PlanFile {
    file: File,
    /// The path that the user gave.
    name: PathBuf,
}

/// A plan whose seal fits, with what only its lines say.
pub struct Proved {
    /// The plan.
    pub plan: OpenPlan,
    /// The secrets that its writes need.
    pub secrets: Needed,
}

/// The secrets that a plan needs.
#[derive(Debug, Default)]
pub struct Needed {
    /// Each with a line that names it.
    pub names: BTreeMap<SecretName, Option<u64>>,
    /// By name and setting, what the value was when the plan was made.
    fingerprints: Vec<(SecretName, &'static str, Option<Fingerprint>)>,
}

impl PlanFile {
    /// Opens it.
    ///
    /// # Errors
    /// 66.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let file = Input::open(path).map_err(|error| Failure::no_input(path, error))?.into_file();
        Ok(Self { file, name: path.to_owned() })
    }

    /// Copies it to a new file that only its owner can read, durably but for its name, and is the copy from then on.
    ///
    /// # Errors
    /// 74.
    pub fn copied_to(self, path: &Path) -> Result<Self, Failure> {
        let copy = create_private(path).and_then(|mut copy| {
            io::copy(&mut self.reader(), &mut copy)?;
            copy.sync_all()?;
            File::open(path)
        });
        let file = copy.map_err(|error| Failure::cannot_write(path, error))?;
        Ok(Self { file, name: self.name })
    }

    /// Its first line, not proved: good for saying why a plan is refused, and for finding the key to prove it with.
    ///
    /// # Errors
    /// 65, 12: no plan, or a newer one.
    pub fn header(&self) -> Result<Header, Failure> {
        Ok(PlanReader::open(self.reader()).map_err(|error| bad_plan(&self.name, error))?.header().clone())
    }

    /// Every org's line, not proved.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn each_line(&self, mut each: impl FnMut(PlanLine)) -> Result<(), Failure> {
        let bad = |error| bad_plan(&self.name, error);
        let mut reader = PlanReader::open(self.reader()).map_err(bad)?;
        while let Some((_, line)) = reader.next_org().map_err(bad)? {
            each(line);
        }
        Ok(())
    }

    /// Proves it.
    ///
    /// # Errors
    /// 12: the seal doesn't fit, or it is newer. 65: no plan.
    pub fn prove(&self, key_of: impl FnOnce(&str) -> SealKey) -> Result<Proved, Failure> {
        let bad = |error| bad_plan(&self.name, error);
        let mut reader = PlanReader::open_sealed(self.reader(), key_of).map_err(bad)?;
        let (mut index, mut orgs, mut secrets) = (Vec::new(), Vec::new(), Needed::default());
        while let Some((entry, org, has_secrets)) = reader.next_entry().map_err(bad)? {
            if has_secrets {
                secrets.take(&reader.line().map_err(bad)?);
            }
            if entry.verdict == Verdict::Update {
                orgs.push(*org.as_bytes());
            }
            index.push(entry);
        }
        let (header, footer, seal) = reader.into_parts().expect("the last org was read");
        Ok(Proved { plan: OpenPlan { header, footer, seal, index, orgs }, secrets })
    }

    /// Its lines, at these places.
    pub fn lines(self, index: Vec<IndexEntry>) -> PlanLines {
        PlanLines::new(self.file, index)
    }

    fn reader(&self) -> BufReader<FromStart<'_>> {
        BufReader::with_capacity(1 << 16, FromStart { file: &self.file, offset: 0 })
    }
}

impl Needed {
    fn take(&mut self, line: &PlanLine) {
        for name in &line.secrets {
            self.names.entry(name.clone()).or_insert(Some(line.line));
        }
        for field in &line.fields {
            let Wish::Secret(name) = &field.after else { continue };
            let known = (name.clone(), field.path.field().name, field.fingerprint.clone());
            if !self.fingerprints.contains(&known) {
                self.fingerprints.push(known);
            }
        }
    }

    /// Whether every secret is the one that the plan was made with.
    ///
    /// # Errors
    /// 12: a secret changed since.
    pub fn check(&self, secrets: &Secrets, seal: &SealKey) -> Result<(), Failure> {
        for (name, setting, then) in &self.fingerprints {
            let now = secrets.get(name).map(|secret| seal.fingerprint(setting, secret.expose()));
            if now != *then {
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

/// Reads a file from its start, whoever else reads it at the same time.
struct FromStart<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
