//! What ends a plan, a verification, an undo or an export.

use std::io;
use std::path::PathBuf;

use orgwave_core::legible::ShowPath as _;
use orgwave_core::manifest::RowsError;
use orgwave_core::plan::PlanError;
use orgwave_core::run::StopReason;
use orgwave_core::secret::SecretName;

/// Why nothing came of it. No org is the reason: what is wrong with an org is said in its line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be written.
    #[error("{} can't be written", path.shown())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no room for what is kept only to be read again: neither here nor in the other folder that was named.
    #[error("{} can't be written", path.shown())]
    Scratch {
        /// Where temporary files go.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What was kept to be read again can't be written or read.
    #[error("the temporary file of what was found can't be used")]
    Spool(#[source] io::Error),
    /// A plan's file can't be used.
    #[error("{} can't be trusted", path.shown())]
    Plan {
        /// Which.
        path: PathBuf,
        /// Why.
        source: PlanError,
    },
    /// The plan isn't the run's own.
    #[error("the run's journal and plan don't belong together")]
    NotTogether,
    /// A secret has another value than when the plan was made.
    #[error("the secret {0} has changed since the plan was made")]
    SecretChanged(SecretName),
    /// The rollout's rows end early.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// The rollout file isn't what was read at first.
    #[error("{} changed while the plan was made", .0.shown())]
    Changed(PathBuf),
    /// Sizes of waves were given, and the manifest pins every row to a wave.
    #[error("the manifest's column wave pins every row")]
    AllPinned,
    /// Rows can't be planned without a read: what it is that needs one.
    #[error("{0}")]
    NeedsRead(String),
    /// A run can't be taken back.
    #[error("the run was made with --no-read, so it has no before-images")]
    NeverRead,
    /// Patterns of `--only` and `--skip` match no org: what to say of the first ones, and how many more there are.
    #[error("{}", .0.join("\n"))]
    Unmatched(Vec<String>, usize),
    /// No org is left.
    #[error("no org to export")]
    NoOrg,
    /// The API can't be used, or the user asked for a stop.
    #[error("{0}")]
    Stopped(StopReason),
}
