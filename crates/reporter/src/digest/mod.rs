//! What a run came to, in numbers and a few examples: small whatever the number of orgs.
//!
//! Made while the records stream by, for `summary.json` and the terminal. It holds no settings.

mod course;
mod finding;
mod words;

use std::collections::BTreeMap;

use orgwave_core::code::Code;
use orgwave_core::operation::{Confession, Operations};
use orgwave_core::plan::Header;
use orgwave_core::reply::Ack;
use orgwave_core::run::{Exit, RunHeader, exit_of};
use orgwave_core::status::Counts;
use orgwave_core::timestamp::Timestamp;

pub use course::Course;
pub(crate) use finding::{Cause, Example, Finding};
pub(crate) use words::Next;

use crate::error::ReportError;
use crate::note::Note;
use crate::record::{Record, Records};
use crate::source::RunSource;
use crate::stage::Stage;

/// Different texts of the vendor that are kept.
const TEXTS: usize = 20;

/// Orgs with one kind of confession.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Confessed {
    pub(crate) confession: &'static Confession,
    /// Their items, joined; nothing of a text.
    pub(crate) finding: Finding,
}

/// Warnings of the vendor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Warnings {
    /// By what was confessed, in the operation's order: the most telling first.
    pub(crate) confessed: Vec<Confessed>,
    /// Orgs whose text says more than their lists, which are listed already.
    pub(crate) with_more: u64,
    /// The first different texts of those.
    pub(crate) texts: Vec<(String, Finding)>,
}

impl Warnings {
    fn none() -> Self {
        let none = |confession| Confessed { confession, finding: Finding::default() };
        Self { confessed: Confession::known().iter().map(none).collect(), with_more: 0, texts: Vec::new() }
    }

    fn add(&mut self, ack: &Ack, example: impl Fn(String) -> Example) {
        for Confessed { confession, finding } in &mut self.confessed {
            if ack.has(&confession.column) {
                finding.add(|| example(ack.items(&confession.column).join(", ")));
            }
        }
        let text = ack.message();
        let listed = || self.confessed.iter().flat_map(|confessed| ack.items(&confessed.confession.column));
        let says_more = listed().next().is_none() || !listed().all(|item| text.contains(item.as_str()));
        if text.is_empty() || !says_more {
            return;
        }
        self.with_more += 1;
        if let Some((_, finding)) = self.texts.iter_mut().find(|(known, _)| known == text) {
            finding.add(|| example(String::new()));
        } else if self.texts.len() < TEXTS {
            let finding = Finding { orgs: 1, examples: vec![example(String::new())] };
            self.texts.push((text.to_owned(), finding));
        }
    }

    /// Those with a list of items.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (&Confession, &Finding)> {
        let lists = self.confessed.iter().map(|confessed| (confessed.confession, &confessed.finding));
        lists.filter(|(confession, finding)| finding.orgs > 0 && !confession.is_text())
    }

    /// What to do about a text.
    pub(crate) fn todo_of_texts(&self) -> &str {
        let text = self.confessed.iter().find(|confessed| confessed.confession.is_text());
        text.map_or("", |text| &text.confession.advice)
    }
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct RunDigest {
    /// What was written.
    pub operations: Operations,
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
    /// Warnings of the vendor.
    pub(crate) warnings: Warnings,
    /// Sends that were spent.
    pub attempts: u64,
    /// Orgs with something in `changes.csv`.
    pub changed: u64,
    /// Orgs of which a step was applied, and that did not end well.
    pub partly: u64,
    /// Orgs that a resume would resume.
    pub unsettled: u64,
    /// Orgs whose rows are in `retry.csv`.
    pub retryable: u64,
    /// Unknown orgs of which two processes in a row had the same answer.
    pub unsettled_again: u64,
    /// Timeline, in time.
    pub course: Course,
}

impl RunDigest {
    /// Counts a whole run.
    ///
    /// # Errors
    /// Plan or journal can't be read, or they don't fit each other.
    pub fn of(source: &dyn RunSource) -> Result<Self, ReportError> {
        let mut records = Records::of(source)?;
        let mut digest = Self::begin(source, records.operations(), records.header())?;
        while let Some(record) = records.next_record()? {
            digest.add(&record);
        }
        Ok(digest)
    }

    pub(crate) fn begin(
        source: &dyn RunSource,
        operations: &Operations,
        plan: &Header,
    ) -> Result<Self, ReportError> {
        Ok(Self {
            operations: operations.clone(),
            run: source.header().clone(),
            plan_created: plan.created,
            undoes: plan.undoes.clone(),
            allowances: Note::of_plan(plan),
            counts: Counts::default(),
            waves: BTreeMap::new(),
            codes: BTreeMap::new(),
            warnings: Warnings::none(),
            attempts: 0,
            changed: 0,
            partly: 0,
            unsettled: 0,
            retryable: 0,
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
        self.partly += u64::from(record.is_partly_applied());
        self.unsettled += u64::from(record.is_open());
        self.retryable += u64::from(record.is_retryable());
        self.unsettled_again += u64::from(outcome.is_unsettled_again);
        let example = |detail| Example {
            line: record.line.line,
            org: Some(record.line.org),
            name: record.name().to_owned(),
            detail,
        };
        self.warnings.add(&outcome.ack, example);
        if let Some(org_error) = &outcome.org_error {
            self.codes.entry(org_error.code).or_default().add(|| example(org_error.message.clone()));
        }
    }

    /// The exit code that the run's newest process earned; `None` if it died, or is in progress.
    pub fn exit(&self) -> Option<Exit> {
        self.course.finish.as_ref().map(|finish| exit_of(finish, &self.counts, self.run.strict))
    }

    /// Whether all that a resume would do is to ask orgs again that gave the same answer twice.
    pub const fn is_stuck(&self) -> bool {
        self.unsettled > 0 && self.unsettled == self.unsettled_again
    }

    /// Whether it ran against the sandbox API of the same process, which is gone: nothing can be resumed.
    pub fn in_sandbox(&self) -> bool {
        self.stage() == Stage::SandboxRun
    }

    /// What there is to resume.
    pub fn stage(&self) -> Stage {
        Stage::of(&self.run, self.undoes.is_some())
    }
}

#[cfg(test)]
mod tests {
    use orgwave_core::reply::Said;

    use super::*;

    /// An org with this warning, these doors and these ids.
    fn warned(text: &str, doors: &[&str], guids: &[&str]) -> Warnings {
        let items = |items: &[&str]| Said::Items(items.iter().map(|item| (*item).to_owned()).collect());
        let mut ack = Ack::default();
        ack.push("warning", Said::Text(text.to_owned()));
        ack.push("misconfigured_doors", items(doors));
        ack.push("failed_guids", items(guids));
        let mut warnings = Warnings::none();
        warnings.add(&ack, |detail| Example { line: 2, org: None, name: "Acme".to_owned(), detail });
        warnings
    }

    #[test]
    fn warning_that_only_names_listed_items_is_merged_with_them() {
        for (text, doors, guids, more) in [
            ("in two locations: Dock, Front", &["Front", "Dock"][..], &[][..], 0),
            ("not found: AAAA", &[], &["AAAA"], 0),
            ("in two locations: Dock", &["Front", "Dock"], &[], 1),
            ("in two locations: Dock", &["Dock"], &["AAAA"], 1),
            ("the licence ends soon", &["Dock"], &[], 1),
            ("the licence ends soon", &[], &[], 1),
        ] {
            let warnings = warned(text, doors, guids);
            let with_text = warnings
                .confessed
                .iter()
                .find(|confessed| confessed.confession.is_text())
                .unwrap()
                .finding
                .orgs;
            assert_eq!((with_text, warnings.with_more), (1, more), "{text}");
            assert_eq!(warnings.texts.len() as u64, more, "{text}");
        }
    }
}
