//! A run as its journal and its plan hold it: all that a report may be made of.
//!
//! The binary adapts the journal to this trait; how a journal is stored is not known here.

use std::error::Error;
use std::io::BufRead;

use orgwave_core::change::Seen;
use orgwave_core::outcome::OrgOutcome;
use orgwave_core::plan::{PlanError, PlanReader};
use orgwave_core::run::{Entry, RunHeader};
use orgwave_core::timestamp::Timestamp;

/// Whatever a source says when it can't be read.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The last word of a journal on one org.
#[derive(Debug, Clone, PartialEq)]
pub enum LastWord {
    /// The org was final for the process that said so.
    Outcome {
        /// Its outcome.
        outcome: OrgOutcome,
        /// Where that says that a write may be live: what stood before it.
        before: Vec<Seen>,
    },
    /// A write was begun, and nothing final came after it: the process died while the write may have been
    /// under way. Also where an earlier process had left an outcome, and a later one began this write.
    Intent {
        /// The org's place in the plan.
        index: u32,
        /// Sends spent before.
        attempts: u32,
        /// When the org was first touched by that process.
        started_at: Timestamp,
        /// What stood before what may be live.
        before: Vec<Seen>,
    },
}

impl LastWord {
    /// The org's place in the plan.
    pub const fn index(&self) -> u32 {
        match self {
            Self::Outcome { outcome, .. } => outcome.index,
            Self::Intent { index, .. } => *index,
        }
    }
}

/// Things that are read one by one from a journal.
pub type Journalled<'a, T> = Box<dyn Iterator<Item = Result<T, BoxError>> + 'a>;

/// A run on disk. Each call begins anew, and gives the same as long as nobody goes on with the run.
pub trait RunSource {
    /// What the run executes.
    fn header(&self) -> &RunHeader;

    /// The plan, from its beginning. Its seal need not be judged again.
    ///
    /// # Errors
    /// It can't be opened, or is none.
    fn plan(&self) -> Result<PlanReader<Box<dyn BufRead>>, PlanError>;

    /// The journal's last word on each org that it speaks of, by index ascending. Orgs that were never
    /// touched have none.
    ///
    /// # Errors
    /// The journal can't be read.
    fn last_words(&self) -> Result<Journalled<'_, LastWord>, BoxError>;

    /// The course of the run: when processes began and finished, waves, samples, in the order in which they
    /// were written. Other entries may be among them and are passed over.
    ///
    /// # Errors
    /// The journal can't be read.
    fn timeline(&self) -> Result<Journalled<'_, Entry>, BoxError>;
}
