//! Why a report could not be made. None of these is about an org: what went wrong with an org is data.

use std::io;
use std::path::{Path, PathBuf};

use orgwave_core::legible::ShowPath as _;
use orgwave_core::plan::PlanError;

use crate::source::BoxError;

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The plan of the run.
    #[error("the plan of the run can't be read")]
    Plan(#[from] PlanError),
    /// The journal of the run.
    #[error("the journal of the run can't be read")]
    Journal(#[source] BoxError),
    /// Journal and plan don't fit each other.
    #[error("the journal has an entry of org {index}, out of order or beyond the plan")]
    Stray {
        /// The org's place, from 0.
        index: u32,
    },
    /// A file or its folder. What was there before is there still.
    #[error("{} could not be written", path.shown())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ReportError {
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}
