//! A run as its journal and its plan hold it: all that a report may be made of.
//!
//! The binary adapts the journal to this trait; how a journal is stored is not known here.

use std::error::Error;

use orgwave_core::org::{Entry, OrgProgress};
use orgwave_core::plan::{PlanError, PlanInput, PlanReader};
use orgwave_core::run::RunHeader;

/// Whatever a source says when it can't be read.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Things that are read one by one from a journal.
pub type Journalled<'a, T> = Box<dyn Iterator<Item = Result<T, BoxError>> + 'a>;

/// A run on disk. Each call begins anew, and gives the same as long as the run isn't resumed.
pub trait RunSource {
    /// What the run executes.
    fn header(&self) -> &RunHeader;

    /// The plan, from its beginning. Its seal need not be judged again.
    ///
    /// # Errors
    /// It can't be opened, or is none.
    fn plan(&self) -> Result<PlanReader<Box<dyn PlanInput>>, PlanError>;

    /// How far the run has come with each step of which the journal has an intent or an outcome, by id ascending. One
    /// without an outcome may have been written: the process died while the write was in progress.
    ///
    /// # Errors
    /// The journal can't be read.
    fn steps(&self) -> Result<Journalled<'_, OrgProgress>, BoxError>;

    /// The course of the run: when processes began and finished, waves, samples, in the order in which they
    /// were written. Other entries may be among them and are passed over.
    ///
    /// # Errors
    /// The journal can't be read.
    fn timeline(&self) -> Result<Journalled<'_, Entry>, BoxError>;
}
