//! What a verification found.

use std::io;
use std::path::{Path, PathBuf};

use orgwave_core::ids::Ruuid;
use orgwave_core::operation::{Operations, Path as SettingPath};
use orgwave_core::outcome::{OrgError, StoredValue};
use orgwave_core::plan::{PlanLine, PlannedField};
use orgwave_core::run::Exit;
use orgwave_core::status::Status;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::scratch::scratch;
use crate::spool::Spool;

/// A managed path whose live value is not the desired one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Drift<P = SettingPath> {
    /// The place of its operation among those that were read.
    pub place: u8,
    /// Where; noted as text.
    pub path: P,
    /// The live value.
    #[serde(rename = "before")]
    pub live: StoredValue,
    /// The desired value.
    #[serde(rename = "after")]
    pub wanted: StoredValue,
}

impl Drift {
    pub(super) fn of(place: u8, field: &PlannedField, live: &StoredValue) -> Self {
        Self { place, path: field.path.clone(), live: live.clone(), wanted: field.after_stored() }
    }
}

impl Drift<String> {
    fn resolve(self, operations: &Operations) -> Result<Drift, Error> {
        let Self { place, path, live, wanted } = self;
        let spooled = |error| Error::Spool(io::Error::other(error));
        let operation =
            operations.get(place).ok_or_else(|| Error::Spool(io::ErrorKind::InvalidData.into()))?;
        Ok(Drift { place, path: operation.path(&path).map_err(spooled)?, live, wanted })
    }
}

/// An org of the manifest, and what was found of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Found<T> {
    /// The org.
    pub org: Ruuid,
    /// Its name, if it is known.
    pub name: Option<String>,
    /// What was found.
    pub what: T,
}

impl<T> Found<T> {
    fn new(line: &PlanLine, what: T) -> Self {
        Self { org: line.org, name: line.name.clone(), what }
    }
}

/// What was found, by the manifest's lines. Of orgs that are as desired it keeps only the number.
#[derive(Debug)]
pub struct Findings {
    operations: Operations,
    in_sync: u64,
    /// The orgs, by their lines; paths as text.
    drifted: Option<Spool>,
    /// Of all that drifted.
    fields: u64,
    /// The orgs, by their lines.
    unchecked: Option<Spool>,
    /// Whether one of them is refused for good.
    refused: bool,
    /// Why a finding could not be noted.
    failed: Option<Error>,
    /// Where they are noted if not where temporary files go.
    other: Option<PathBuf>,
}

impl Findings {
    /// Nothing yet, of these operations. `other` as for [`scratch`](crate::scratch).
    pub(super) fn new(operations: &Operations, other: Option<PathBuf>) -> Self {
        Self {
            operations: operations.clone(),
            in_sync: 0,
            drifted: None,
            fields: 0,
            unchecked: None,
            refused: false,
            failed: None,
            other,
        }
    }

    pub(super) fn judged(&mut self, line: &PlanLine, drifts: Vec<Drift>) {
        if drifts.is_empty() {
            self.in_sync += 1;
            return;
        }
        self.fields += drifts.len() as u64;
        let text = |Drift { place, path, live, wanted }: Drift| Drift {
            place,
            path: path.to_string(),
            live,
            wanted,
        };
        let drifts: Vec<_> = drifts.into_iter().map(text).collect();
        let noted = note(&mut self.drifted, line.line, &Found::new(line, drifts), self.other.as_deref());
        self.keep(noted);
    }

    pub(super) fn unjudged(&mut self, line: &PlanLine, status: Status, org_error: Option<OrgError>) {
        self.refused |= matches!(status, Status::Blocked | Status::Rejected);
        let found = Found::new(line, (status, org_error));
        let noted = note(&mut self.unchecked, line.line, &found, self.other.as_deref());
        self.keep(noted);
    }

    fn keep(&mut self, noted: Result<(), Error>) {
        self.failed = self.failed.take().or(noted.err());
    }

    /// All of it, if it could be noted.
    pub(super) fn whole(mut self) -> Result<Self, Error> {
        self.failed.take().map_or(Ok(self), Err)
    }

    /// What was read.
    pub const fn operations(&self) -> &Operations {
        &self.operations
    }

    /// How many orgs are as desired.
    pub const fn in_sync(&self) -> u64 {
        self.in_sync
    }

    /// How many orgs drifted.
    pub fn drifted(&self) -> u64 {
        count(self.drifted.as_ref())
    }

    /// How many fields of them did.
    pub const fn fields(&self) -> u64 {
        self.fields
    }

    /// How many orgs could not be checked.
    pub fn unchecked(&self) -> u64 {
        count(self.unchecked.as_ref())
    }

    /// The orgs that drifted, in the manifest's order, each with its line; or [`Error::Spool`].
    pub fn each_drifted(&mut self) -> impl Iterator<Item = Noted<Vec<Drift>>> {
        let operations = &self.operations;
        noted::<Vec<Drift<String>>>(&mut self.drifted).map(|found| {
            let (line, Found { org, name, what }) = found?;
            let what = what.into_iter().map(|drift| drift.resolve(operations)).collect::<Result<_, _>>()?;
            Ok((line, Found { org, name, what }))
        })
    }

    /// The orgs that could not be checked, the same.
    pub fn each_unchecked(&mut self) -> impl Iterator<Item = Noted<(Status, Option<OrgError>)>> {
        noted(&mut self.unchecked)
    }

    /// What it comes to.
    pub fn exit(&self) -> Exit {
        if self.refused {
            Exit::SomeRefused
        } else if count(self.unchecked.as_ref()) > 0 {
            Exit::TryAgain
        } else if count(self.drifted.as_ref()) > 0 {
            Exit::Changes
        } else {
            Exit::Done
        }
    }
}

/// A finding with its line, or why it can't be read.
pub type Noted<T> = Result<(u64, Found<T>), Error>;

/// Notes what was found. The file is made for the first, in a new folder.
fn note<T: Serialize>(
    spool: &mut Option<Spool>,
    line: u64,
    found: &Found<T>,
    other: Option<&Path>,
) -> Result<(), Error> {
    let spool = match spool {
        Some(spool) => spool,
        none => none.insert(Spool::in_folder(scratch(other)?.path()).map_err(Error::Spool)?),
    };
    spool.put(line, found).map_err(Error::Spool)
}

fn noted<T: DeserializeOwned>(spool: &mut Option<Spool>) -> impl Iterator<Item = Noted<T>> {
    spool.iter_mut().flat_map(Spool::read).map(|found| found.map_err(Error::Spool))
}

fn count(spool: Option<&Spool>) -> u64 {
    spool.map_or(0, Spool::len)
}
