//! What a verification found.

use std::path::PathBuf;

use orgwave_core::ids::Ruuid;
use orgwave_core::outcome::{Complaint, Image};
use orgwave_core::plan::{PlanLine, PlannedField};
use orgwave_core::run::Exit;
use orgwave_core::settings::Path as SettingPath;
use orgwave_core::status::Status;
use serde::{Deserialize, Serialize};

use super::noted::Noted;
use crate::error::Error;

/// A managed path whose live value is not the desired one.
#[derive(Debug, Serialize, Deserialize)]
pub struct Drift {
    /// Where.
    pub path: SettingPath,
    /// The live value.
    #[serde(rename = "before")]
    pub live: Image,
    /// The desired value.
    #[serde(rename = "after")]
    pub wanted: Image,
}

impl Drift {
    pub(super) fn of(field: &PlannedField, live: &Image) -> Self {
        Self { path: field.path.clone(), live: live.clone(), wanted: field.after_image() }
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

/// What was found, by the manifest's lines.
#[derive(Default)]
pub struct Findings {
    in_sync: u64,
    drifted: Noted<Found<Vec<Drift>>>,
    /// Of all that drifted.
    fields: u64,
    unchecked: Noted<Found<(Status, Option<Complaint>)>>,
    /// Whether one of them is refused for good.
    refused: bool,
    /// Why a finding could not be noted.
    failed: Option<Error>,
    /// Where they are noted if not where temporary files go.
    other: Option<PathBuf>,
}

impl Findings {
    /// Nothing yet. `other` as for [`scratch`](crate::scratch).
    pub(super) fn new(other: Option<PathBuf>) -> Self {
        Self { other, ..Self::default() }
    }

    pub(super) fn judged(&mut self, line: &PlanLine, drifts: Vec<Drift>) {
        if drifts.is_empty() {
            self.in_sync += 1;
            return;
        }
        self.fields += drifts.len() as u64;
        let noted = self.drifted.put(line.line, &Found::new(line, drifts), self.other.as_deref());
        self.keep(noted);
    }

    pub(super) fn unjudged(&mut self, line: &PlanLine, status: Status, complaint: Option<Complaint>) {
        self.refused |= matches!(status, Status::Blocked | Status::Rejected);
        let found = Found::new(line, (status, complaint));
        let noted = self.unchecked.put(line.line, &found, self.other.as_deref());
        self.keep(noted);
    }

    fn keep(&mut self, noted: Result<(), Error>) {
        self.failed = self.failed.take().or(noted.err());
    }

    /// All of it, if it could be noted.
    pub(super) fn whole(mut self) -> Result<Self, Error> {
        self.failed.take().map_or(Ok(self), Err)
    }

    /// How many orgs are as desired.
    pub const fn in_sync(&self) -> u64 {
        self.in_sync
    }

    /// How many orgs drifted.
    pub fn drifted(&self) -> u64 {
        self.drifted.len()
    }

    /// How many fields of them did.
    pub const fn fields(&self) -> u64 {
        self.fields
    }

    /// How many orgs could not be checked.
    pub fn unchecked(&self) -> u64 {
        self.unchecked.len()
    }

    /// Hands out so many orgs that drifted, at most, in the manifest's order, each with its line.
    ///
    /// # Errors
    /// [`Error::Spool`]. What `each` fails with.
    pub fn each_drifted<E: From<Error>>(
        &mut self,
        most: usize,
        each: impl FnMut(u64, Found<Vec<Drift>>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.drifted.each(most, each)
    }

    /// The same of those that could not be checked.
    ///
    /// # Errors
    /// As [`Self::each_drifted`].
    pub fn each_unchecked<E: From<Error>>(
        &mut self,
        most: usize,
        each: impl FnMut(u64, Found<(Status, Option<Complaint>)>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.unchecked.each(most, each)
    }

    /// What it comes to.
    pub fn exit(&self) -> Exit {
        if self.refused {
            Exit::SomeRefused
        } else if self.unchecked.len() > 0 {
            Exit::TryAgain
        } else if self.drifted.len() > 0 {
            Exit::Changes
        } else {
            Exit::Done
        }
    }
}
