//! What a run came to, in numbers and a few examples: small whatever the number of orgs.
//!
//! Made while the records stream by, for `summary.json` and the terminal. It holds no settings.

mod course;

use std::collections::BTreeMap;

use orgwave_core::code::Code;
use orgwave_core::ids::Ruuid;
use orgwave_core::plan::Header;
use orgwave_core::reply::Ack;
use orgwave_core::run::{Exit, RunHeader, exit_of};
use orgwave_core::status::{Counts, Status};
use orgwave_core::timestamp::Timestamp;

pub use course::Course;

use crate::error::ReportError;
use crate::note::Note;
use crate::record::{Record, Records};
use crate::source::RunSource;
use crate::stage::Stage;

/// How many examples are kept of each kind of warning.
const EXAMPLES: usize = 20;

/// An org as a report points at it.
#[derive(Debug, Clone, PartialEq)]
pub struct OrgRef {
    /// Its line in the manifest.
    pub line: u64,
    /// Its id.
    pub org: Ruuid,
    /// Its name; may be empty.
    pub name: String,
}

impl OrgRef {
    fn of(record: &Record) -> Self {
        Self { line: record.line.line, org: record.line.org, name: record.name().to_owned() }
    }
}

/// The orgs of one error code.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeTally {
    /// How many.
    pub orgs: u64,
    /// The first of them.
    pub example: OrgRef,
    /// What was said of that one.
    pub message: String,
}

/// What the vendor warned of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Warnings {
    /// Orgs with doors in more than one location.
    pub with_doors: u64,
    /// The first of them, with their doors.
    pub doors: Vec<(OrgRef, Vec<String>)>,
    /// Orgs with ids that the vendor refused.
    pub with_guids: u64,
    /// The first of them, with these ids.
    pub guids: Vec<(OrgRef, Vec<String>)>,
    /// Orgs with a text.
    pub with_text: u64,
    /// Orgs whose text says more than their doors or ids, which are told already.
    pub with_more: u64,
    /// The first different texts of those, each with its first org and how many had it.
    pub texts: Vec<(String, OrgRef, u64)>,
}

impl Warnings {
    fn add(&mut self, org: &OrgRef, ack: &Ack) {
        let keep = |list: &mut Vec<_>, items: &Vec<String>| {
            if list.len() < EXAMPLES {
                list.push((org.clone(), items.clone()));
            }
        };
        if !ack.misconfigured_doors.is_empty() {
            self.with_doors += 1;
            keep(&mut self.doors, &ack.misconfigured_doors);
        }
        if !ack.failed_guids.is_empty() {
            self.with_guids += 1;
            keep(&mut self.guids, &ack.failed_guids);
        }
        if let Some(text) = &ack.warning {
            self.with_text += 1;
            let listed = || ack.misconfigured_doors.iter().chain(&ack.failed_guids);
            if listed().next().is_some() && listed().all(|item| text.contains(item.as_str())) {
                return;
            }
            self.with_more += 1;
            if let Some((_, _, orgs)) = self.texts.iter_mut().find(|(known, ..)| known == text) {
                *orgs += 1;
            } else if self.texts.len() < EXAMPLES {
                self.texts.push((text.clone(), org.clone(), 1));
            }
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDigest {
    /// What the run executes.
    pub run: RunHeader,
    /// When its plan was made.
    pub plan_created: Timestamp,
    /// The run that this one took back, if it did.
    pub undoes: Option<String>,
    /// What the rollout allowed in advance.
    pub(crate) allowances: Vec<Note>,
    /// Orgs by status.
    pub counts: Counts,
    /// Orgs by wave and status; wave 0 holds those that were not to be written.
    pub waves: BTreeMap<u32, Counts>,
    /// Orgs by what went wrong.
    pub codes: BTreeMap<Code, CodeTally>,
    /// What the vendor warned of.
    pub warnings: Warnings,
    /// Sends that were spent.
    pub attempts: u64,
    /// Orgs with something in `changes.csv`.
    pub changed: u64,
    /// Unknown orgs of which two processes in a row had the same answer.
    pub unsettled_again: u64,
    /// How it went, in time.
    pub course: Course,
}

impl RunDigest {
    /// Counts a whole run.
    ///
    /// # Errors
    /// Plan or journal can't be read, or they don't fit each other.
    pub fn of(source: &dyn RunSource) -> Result<Self, ReportError> {
        let mut records = Records::of(source)?;
        let mut digest = Self::begin(source, records.header())?;
        while let Some(record) = records.next_record()? {
            digest.add(&record);
        }
        Ok(digest)
    }

    pub(crate) fn begin(source: &dyn RunSource, plan: &Header) -> Result<Self, ReportError> {
        Ok(Self {
            run: source.header().clone(),
            plan_created: plan.created,
            undoes: plan.undoes.clone(),
            allowances: Note::of_plan(plan),
            counts: Counts::default(),
            waves: BTreeMap::new(),
            codes: BTreeMap::new(),
            warnings: Warnings::default(),
            attempts: 0,
            changed: 0,
            unsettled_again: 0,
            course: Course::of(source).map_err(ReportError::Journal)?,
        })
    }

    pub(crate) fn add(&mut self, record: &Record) {
        let outcome = &record.outcome;
        self.counts.add(outcome.status);
        self.waves.entry(record.wave().unwrap_or(0)).or_default().add(outcome.status);
        self.attempts += u64::from(outcome.attempts);
        self.changed += u64::from(record.changed() > 0);
        self.unsettled_again += u64::from(outcome.is_unsettled_again);
        if outcome.ack != Ack::default() {
            self.warnings.add(&OrgRef::of(record), &outcome.ack);
        }
        if let Some(complaint) = &outcome.complaint {
            self.codes.entry(complaint.code).and_modify(|digest| digest.orgs += 1).or_insert_with(|| {
                CodeTally { orgs: 1, example: OrgRef::of(record), message: complaint.message.clone() }
            });
        }
    }

    /// The exit code that the run's newest process earned; `None` if it died, or is under way.
    pub fn exit(&self) -> Option<Exit> {
        self.course.finish.as_ref().map(|finish| exit_of(finish, &self.counts, self.run.strict))
    }

    /// Orgs that a resume would go on with.
    pub const fn unsettled(&self) -> u64 {
        self.counts.of(Status::Unknown) + self.counts.of(Status::NotAttempted)
    }

    /// Whether all that a resume would do is to ask orgs again that gave the same answer twice.
    pub const fn is_stuck(&self) -> bool {
        self.unsettled() > 0 && self.unsettled() == self.unsettled_again
    }

    /// Orgs whose rows stand in `retry.csv`.
    pub fn retryable(&self) -> u64 {
        self.counts.iter().filter(|(status, _)| status.is_retryable()).map(|(_, orgs)| orgs).sum()
    }

    /// Whether it ran against the stand-in API of the same process, which is gone: nothing can be resumed.
    pub fn in_sandbox(&self) -> bool {
        self.stage() == Stage::SandboxRun
    }

    /// What there is to go on with.
    pub fn stage(&self) -> Stage {
        Stage::of(&self.run, self.undoes.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An org with this warning, these doors and these ids.
    fn told(text: &str, doors: &[&str], guids: &[&str]) -> Warnings {
        let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        let ack = Ack {
            warning: Some(text.to_owned()),
            misconfigured_doors: texts(doors),
            failed_guids: texts(guids),
        };
        let mut warnings = Warnings::default();
        let org = OrgRef { line: 2, org: Ruuid::from_bytes([1; 16]), name: "Acme".to_owned() };
        warnings.add(&org, &ack);
        warnings
    }

    #[test]
    fn a_text_that_only_names_the_listed_doors_or_ids_is_told_with_them() {
        for (text, doors, guids, more) in [
            ("in two locations: Dock, Front", &["Front", "Dock"][..], &[][..], 0),
            ("not found: AAAA", &[], &["AAAA"], 0),
            ("in two locations: Dock", &["Front", "Dock"], &[], 1),
            ("in two locations: Dock", &["Dock"], &["AAAA"], 1),
            ("the licence ends soon", &["Dock"], &[], 1),
            ("the licence ends soon", &[], &[], 1),
        ] {
            let warnings = told(text, doors, guids);
            assert_eq!((warnings.with_text, warnings.with_more), (1, more), "{text}");
            assert_eq!(warnings.texts.len() as u64, more, "{text}");
        }
    }
}
