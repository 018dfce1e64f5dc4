//! What a run came to, in numbers and a few examples: small whatever the number of orgs.
//!
//! Made while the records stream by, for `summary.json` and the terminal. It holds no settings.

mod course;
mod finding;
mod words;

use std::collections::BTreeMap;

use orgwave_core::code::Code;
use orgwave_core::plan::Header;
use orgwave_core::reply::Ack;
use orgwave_core::run::{Exit, RunHeader, exit_of};
use orgwave_core::status::{Counts, Status};
use orgwave_core::timestamp::Timestamp;

pub use course::Course;
pub(crate) use finding::{Cause, Example, Finding};
pub(crate) use words::Next;

use crate::advice::{DOORS, GUIDS};
use crate::error::ReportError;
use crate::note::Note;
use crate::record::{Record, Records};
use crate::source::RunSource;
use crate::stage::Stage;

/// Different texts of the vendor that are kept.
const TEXTS: usize = 20;

/// What the vendor warned of.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Warnings {
    /// Orgs with doors in more than one location.
    pub(crate) doors: Finding,
    /// Orgs with ids that the vendor refused.
    pub(crate) guids: Finding,
    /// Orgs with a text.
    pub(crate) with_text: u64,
    /// Orgs whose text says more than their doors or ids, which are listed already.
    pub(crate) with_more: u64,
    /// The first different texts of those.
    pub(crate) texts: Vec<(String, Finding)>,
}

impl Warnings {
    fn add(&mut self, ack: &Ack, example: impl Fn(String) -> Example) {
        let lists = [(&mut self.doors, &ack.misconfigured_doors), (&mut self.guids, &ack.failed_guids)];
        for (finding, items) in lists {
            if !items.is_empty() {
                finding.add(|| example(items.join(", ")));
            }
        }
        let Some(text) = &ack.warning else { return };
        self.with_text += 1;
        let listed = || ack.misconfigured_doors.iter().chain(&ack.failed_guids);
        if listed().next().is_some() && listed().all(|item| text.contains(item.as_str())) {
            return;
        }
        self.with_more += 1;
        if let Some((_, finding)) = self.texts.iter_mut().find(|(known, _)| known == text) {
            finding.add(|| example(String::new()));
        } else if self.texts.len() < TEXTS {
            let finding = Finding { orgs: 1, examples: vec![example(String::new())] };
            self.texts.push((text.clone(), finding));
        }
    }

    /// Those with a list of items, in words, with what to do about them.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (&'static str, &'static str, &Finding)> {
        let lists = [
            ("doors in more than one location", DOORS, &self.doors),
            ("ids that the vendor didn't take", GUIDS, &self.guids),
        ];
        lists.into_iter().filter(|(.., finding)| finding.orgs > 0)
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
    pub(crate) codes: BTreeMap<Code, Finding>,
    /// What the vendor warned of.
    pub(crate) warnings: Warnings,
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
        let example = |detail| Example {
            line: record.line.line,
            org: Some(record.line.org),
            name: record.name().to_owned(),
            detail,
        };
        self.warnings.add(&outcome.ack, example);
        if let Some(complaint) = &outcome.complaint {
            self.codes.entry(complaint.code).or_default().add(|| example(complaint.message.clone()));
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
        warnings.add(&ack, |detail| Example { line: 2, org: None, name: "Acme".to_owned(), detail });
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
