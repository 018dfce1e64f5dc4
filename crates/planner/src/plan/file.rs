//! A plan's file, opened once: what is asked of it, proved and executed is the same file, whatever is put in its place
//! meanwhile.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orgwave_core::desired::DesiredValue;
use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Catalog, Field, Operations};
use orgwave_core::plan::{Header, IndexEntry, PlanError, PlanLine, PlanReader, Verdict};
use orgwave_core::run::RunHeader;
use orgwave_core::secret::{Fingerprint, SealKey, SecretName, SecretNames, Secrets};

use super::draft::create_private;
use super::lines::PlanLines;
use super::open::OpenPlan;
use crate::error::Error;
use crate::selection::Selection;

/// A plan's file.
#[derive(Debug)]
pub struct PlanFile {
    catalog: Catalog,
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
    fingerprints: Vec<(SecretNames, Arc<Field>, Option<Fingerprint>)>,
}

impl PlanFile {
    /// The plan in this open file, which the user knows by this name, of operations of a catalogue.
    pub const fn new(catalog: Catalog, file: File, name: PathBuf) -> Self {
        Self { catalog, file, name }
    }

    /// What it is of, not proved.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn operations(&self) -> Result<Operations, Error> {
        Ok(self.opened()?.operations().clone())
    }

    /// Copies it to a new file that only its owner can read, durably but for its name, and is the copy from then on.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn copied_to(self, path: &Path) -> Result<Self, Error> {
        let copy = create_private(path).and_then(|mut copy| {
            io::copy(&mut self.reader(), &mut copy)?;
            copy.sync_all()?;
            File::open(path)
        });
        let file = copy.map_err(|source| Error::Write { path: path.to_owned(), source })?;
        Ok(Self { file, ..self })
    }

    /// Its first line, not proved: good for saying why a plan is refused, and for finding the key to prove it with.
    ///
    /// # Errors
    /// [`Error::Plan`]: no plan, or one of another format.
    pub fn header(&self) -> Result<Header, Error> {
        Ok(self.opened()?.header().clone())
    }

    /// Every org's line, not proved, read as they are asked for: one is held at a time, however many there are.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn read(&self) -> Result<Lines<'_>, Error> {
        Ok(Lines { reader: self.opened()?, plan: self, failed: None })
    }

    /// The same, handed to a closure.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn each_line(&self, each: impl FnMut(PlanLine)) -> Result<(), Error> {
        let mut lines = self.read()?;
        lines.by_ref().for_each(each);
        lines.end()
    }

    /// Checks that every pattern matches one of its orgs.
    ///
    /// # Errors
    /// [`Error::Unmatched`]. As [`Self::header`].
    pub fn must_match(&self, select: &Selection) -> Result<(), Error> {
        select.must_match(|see| self.each_line(|line| see((&line.org, [line.name.as_deref(), None]))))
    }

    /// Proves it.
    ///
    /// # Errors
    /// [`Error::Plan`]: the seal doesn't fit, it has another format, or is no plan.
    pub fn prove(&self, key_of: impl FnOnce(&str) -> SealKey) -> Result<Proved, Error> {
        let mut secrets = Needed::default();
        let plan = self.prove_lines(key_of, |reader| {
            let next = reader.next_entry()?;
            if let Some((_, _, true)) = next {
                secrets.take(&reader.line()?);
            }
            Ok(next.map(|(entry, org, _)| (entry, org)))
        })?;
        Ok(Proved { plan, secrets })
    }

    /// The same, and hands out every org's line on the way.
    ///
    /// # Errors
    /// As [`Self::prove`]. What `each` fails with.
    pub fn prove_each<E: From<Error>>(
        &self,
        key_of: impl FnOnce(&str) -> SealKey,
        mut each: impl FnMut(&PlanLine) -> Result<(), E>,
    ) -> Result<OpenPlan, E> {
        let mut failed = None;
        let plan = self.prove_lines(key_of, |reader| {
            let Some((entry, line)) = reader.next_org()? else { return Ok(None) };
            if failed.is_none() {
                failed = each(&line).err();
            }
            Ok(Some((entry, line.org)))
        });
        failed.map_or(Ok(()), Err)?;
        Ok(plan?)
    }

    /// Makes sure that it is the run's own, to the last byte.
    ///
    /// # Errors
    /// As [`Self::prove`]. [`Error::NotTogether`]: it is another run's.
    pub fn prove_of(&self, run: &RunHeader, seal: &SealKey) -> Result<(), Error> {
        if self.header()?.plan_id != run.plan_id {
            return Err(Error::NotTogether);
        }
        let Proved { plan, .. } = self.prove(|_| seal.clone())?;
        if plan.seal == run.plan_seal { Ok(()) } else { Err(Error::NotTogether) }
    }

    /// Whether it looks like the run's own; that no byte of it was altered takes the key to [prove](Self::prove_of).
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn is_of(&self, run: &RunHeader) -> Result<bool, Error> {
        Ok(self.header()?.plan_id == run.plan_id && self.ends_with(&run.plan_seal))
    }

    /// Its lines, at these places.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub fn lines(self, index: Vec<IndexEntry>) -> Result<PlanLines, Error> {
        Ok(PlanLines::new(self.operations()?, self.file, index))
    }

    /// Proves it, org by org as `next` reads them.
    fn prove_lines<'a>(
        &'a self,
        key_of: impl FnOnce(&str) -> SealKey,
        mut next: impl FnMut(&mut Reader<'a>) -> Result<Option<(IndexEntry, Ruuid)>, PlanError>,
    ) -> Result<OpenPlan, Error> {
        let bad = |error| self.bad(error);
        let mut reader = PlanReader::open_sealed(self.reader(), &self.catalog, key_of).map_err(bad)?;
        let (mut index, mut orgs) = (Vec::new(), Vec::new());
        while let Some((entry, org)) = next(&mut reader).map_err(bad)? {
            if entry.verdict == Verdict::Update {
                orgs.push(*org.as_bytes());
            }
            index.push(entry);
        }
        let (header, footer, seal) = reader.into_parts().expect("the last org was read");
        Ok(OpenPlan { header, footer, seal, index, orgs })
    }

    /// Whether its last bytes are this seal.
    fn ends_with(&self, seal: &str) -> bool {
        let end = format!("\"{seal}\"}}\n");
        let tail = || {
            let length = self.file.metadata()?.len();
            let offset = length.checked_sub(end.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
            let mut tail = vec![0; end.len()];
            self.file.read_exact_at(&mut tail, offset)?;
            io::Result::Ok(tail)
        };
        tail().is_ok_and(|tail| tail == end.as_bytes())
    }

    fn opened(&self) -> Result<Reader<'_>, Error> {
        PlanReader::open(self.reader(), &self.catalog).map_err(|error| self.bad(error))
    }

    fn reader(&self) -> BufReader<FromStart<'_>> {
        BufReader::with_capacity(1 << 16, FromStart { file: &self.file, offset: 0 })
    }

    fn bad(&self, source: PlanError) -> Error {
        Error::Plan { path: self.name.clone(), source }
    }
}

type Reader<'a> = PlanReader<BufReader<FromStart<'a>>>;

/// The lines of a plan, one after the other.
pub struct Lines<'a> {
    reader: Reader<'a>,
    plan: &'a PlanFile,
    failed: Option<Error>,
}

impl Lines<'_> {
    /// Whether the lines ended where the plan does.
    ///
    /// # Errors
    /// They ended earlier: as [`PlanFile::header`].
    pub fn end(self) -> Result<(), Error> {
        self.failed.map_or(Ok(()), Err)
    }
}

impl Iterator for Lines<'_> {
    type Item = PlanLine;

    fn next(&mut self) -> Option<PlanLine> {
        if self.failed.is_some() {
            return None;
        }
        match self.reader.next_org() {
            Ok(next) => next.map(|(_, line)| line),
            Err(error) => {
                self.failed = Some(self.plan.bad(error));
                None
            }
        }
    }
}

impl Needed {
    fn take(&mut self, line: &PlanLine) {
        for name in line.steps.iter().flat_map(|step| &step.secrets) {
            self.names.entry(name.clone()).or_insert(Some(line.line));
        }
        for field in line.fields() {
            let DesiredValue::Secret(names) = &field.after else { continue };
            let known = (names.clone(), field.path.field().clone(), field.fingerprint.clone());
            if !self.fingerprints.contains(&known) {
                self.fingerprints.push(known);
            }
        }
    }

    /// Whether every secret is the one that the plan was made with.
    ///
    /// # Errors
    /// [`Error::SecretChanged`].
    pub fn check(&self, secrets: &Secrets, seal: &SealKey) -> Result<(), Error> {
        for (names, field, then) in &self.fingerprints {
            let now = names.value(secrets, field.kind.is_set());
            let now = now.map(|secret| seal.fingerprint(field.place(), secret.expose()));
            if let (true, Some(name)) = (now != *then, names.all().first()) {
                return Err(Error::SecretChanged(name.clone()));
            }
        }
        Ok(())
    }
}

/// Reads a file from its start, with others reading it at the same time.
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

impl Seek for FromStart<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => self.offset.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.offset = offset.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.offset)
    }
}
