//! The flags of `plan` and `apply`: how orgs are written, which of them, and what must be said yes to.

use clap::Args;
use orgwave_core::policy::{FailureBudget, Percent, Span, VerifyPolicy, Waves, WriteMode};

/// How orgs are written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Writing")]
pub struct WriteArgs {
    /// merge: the whole object as read, changed; patch: managed fields only [default: merge].
    #[arg(long, value_name = "merge|patch")]
    pub write: Option<WriteMode>,
    /// Plan from the manifest alone, and read no org before it is written; implies patch and --verify none.
    #[arg(long)]
    pub no_read: bool,
    /// Whether accepted writes are read back: all or none [default: all].
    #[arg(long, value_name = "all|none")]
    pub verify: Option<VerifyPolicy>,
    /// Sizes of the waves [default: 1,5%,25%,rest].
    #[arg(long, value_name = "SIZES")]
    pub waves: Option<Waves>,
    /// More failures than this stop the run: N or N% of a wave [default: 10%].
    #[arg(long, value_name = "N|N%")]
    pub max_failures: Option<FailureBudget>,
    /// Until when the plan may be applied [default: 7d].
    #[arg(long, value_name = "TIME")]
    pub expires: Option<Span>,
}

/// What must be said yes to.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Guards")]
pub struct GuardArgs {
    /// Acknowledge a guard by the code that the plan prints.
    #[arg(long, value_name = "CODE")]
    pub ack: Vec<String>,
    /// With --unattended: the largest share of orgs that may change [default: 30%].
    #[arg(long, value_name = "N%")]
    pub max_changed: Option<Percent>,
    /// Nobody watches: never ask, and refuse a plan that changes too much.
    #[arg(long)]
    pub unattended: bool,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
    /// Exit 3 for warnings too.
    #[arg(long)]
    pub strict: bool,
    /// Wait so long for another run to end.
    #[arg(long, value_name = "TIME")]
    pub lock_wait: Option<Span>,
}

/// Which rows.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectArgs {
    /// Only orgs whose id or name matches; the others are skipped.
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<String>,
    /// Skip orgs whose id or name matches.
    #[arg(long, value_name = "GLOB")]
    pub skip: Vec<String>,
}
