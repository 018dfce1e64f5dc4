//! The commands as typed, each with its own flags and those that it shares with others; nothing resolved.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use orgwave_core::policy::Span;
use orgwave_core::run::Exit;

use super::connection::{CatalogArgs, ConnectArgs, FileArgs, InputArgs, KeyArgs};
use super::output::{MetricsArgs, Output};
use super::pace::Pace;
use super::writing::{GuardArgs, SelectArgs, WriteArgs};

/// Roll out settings to many client organizations of a Rhombus partner, wave by wave.
#[derive(Debug, Parser)]
#[command(
    name = "orgwave",
    version,
    max_term_width = 100,
    before_help = "Examples:\n  \
        orgwave apply inputs/demo/rollout.toml --sandbox --yes   try it, without a key\n  \
        orgwave check rollout.toml                               validate the files\n  \
        orgwave plan rollout.toml                                what would change? (writes nothing)\n  \
        orgwave apply reports/plans/<plan>/plan.jsonl            apply what was reviewed"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the partner's client orgs; as CSV it is a starter manifest.
    Orgs(OrgsArgs),
    /// Write the live settings as a rollout folder whose plan has no changes.
    Export(ExportArgs),
    /// Validate a rollout, offline.
    Check(CheckArgs),
    /// Read every org, compare it with the desired state, and write a plan for review. Sends no write.
    Plan(PlanArgs),
    /// Apply a plan, or plan a rollout and apply it. Writes to the API.
    Apply(ApplyArgs),
    /// Resume a run that was stopped or killed, resolving in-doubt writes first. Writes to the API.
    Resume(ResumeArgs),
    /// Compare the live settings with the desired state: exit 2 on drift.
    Verify(VerifyArgs),
    /// Make a plan that reverts a run.
    Undo(UndoArgs),
    /// Rebuild a run's reports from its journal.
    Report(ReportArgs),
    /// List runs, or remove old ones.
    Runs(RunsArgs),
    /// Check the configuration, the key and the API, with hints for fixes. Sends no write.
    Doctor(DoctorArgs),
    /// Serve a sandbox of the API on loopback.
    Sandbox(SandboxArgs),
    /// Write a commented rollout folder to start from.
    Init(InitArgs),
    /// List the operations, print the columns that set one, or describe one that isn't known.
    Operations(OperationsArgs),
    /// Explain an error code like `E-ROW-003`, an exit code like `13`, a field like `org-mfa:mfaEnabled`, or a guard.
    #[command(after_help = exit_codes())]
    Explain {
        /// Error code, exit code, field or guard.
        name: String,
        /// Which operations.
        #[command(flatten)]
        catalog: CatalogArgs,
    },
    /// Print shell completions.
    Completions {
        /// Shell to complete for.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write all of them.
    Man(ManArgs),
}

/// The exit codes in short.
fn exit_codes() -> String {
    let line = |exit: &Exit| format!("\n  {:>3}  {}", exit.code(), exit.meaning());
    format!("Exit codes:{}", Exit::ALL.iter().map(line).collect::<String>())
}

impl Command {
    /// The metrics of a command that writes to orgs.
    pub const fn metrics(&self) -> Option<&MetricsArgs> {
        match self {
            Self::Apply(args) if !args.dry_run => Some(&args.metrics),
            Self::Resume(args) => Some(&args.metrics),
            _ => None,
        }
    }

    /// The files that describe other operations.
    pub fn catalog(&self) -> &[PathBuf] {
        let args = match self {
            Self::Orgs(OrgsArgs { connect, .. })
            | Self::Export(ExportArgs { connect, .. })
            | Self::Check(CheckArgs { connect, .. })
            | Self::Plan(PlanArgs { connect, .. })
            | Self::Apply(ApplyArgs { connect, .. }) => &connect.key.catalog,
            Self::Resume(ResumeArgs { key, .. })
            | Self::Verify(VerifyArgs { key, .. })
            | Self::Undo(UndoArgs { key, .. })
            | Self::Doctor(DoctorArgs { key, .. }) => &key.catalog,
            Self::Report(ReportArgs { catalog, .. })
            | Self::Sandbox(SandboxArgs { catalog, .. })
            | Self::Operations(OperationsArgs { catalog, .. })
            | Self::Explain { catalog, .. } => catalog,
            Self::Runs(RunsArgs { catalog, .. }) => return catalog,
            Self::Init(_) | Self::Completions { .. } | Self::Man(_) => return &[],
        };
        &args.catalog
    }
}

/// Which run is resumed, and how.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Run: its folder, id or a prefix of the id [default: the newest unfinished run of this key and endpoint].
    #[arg(value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Which API.
    #[command(flatten)]
    pub key: KeyArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
    /// Exit with 3 on warnings too.
    #[arg(long)]
    pub strict: bool,
    /// Wait up to this long for another run to end.
    #[arg(long, value_name = "TIME")]
    pub lock_wait: Option<Span>,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

/// What is read back.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Run (its folder, id or a prefix of the id), manifest (CSV) or rollout file (TOML).
    #[arg(value_name = "ROLLOUT|RUN")]
    pub target: PathBuf,
    /// Write the drift to a CSV: a row per org and field, with the desired and the live value.
    #[arg(short, long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Which files.
    #[command(flatten)]
    pub input: InputArgs,
    /// Which API.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Which orgs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
}

/// Which run is undone.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// Run: its folder, id or a prefix of the id.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Path of the plan [default: a new folder below reports/plans].
    #[arg(short, long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Lifetime of the plan [default: 7d].
    #[arg(long, value_name = "TIME")]
    pub expires: Option<Span>,
    /// Which API.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Which orgs of those that the run changed.
    #[command(flatten)]
    pub select: SelectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
}

/// Whose reports are rebuilt.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Run: its folder, id or a prefix of the id.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Which operations.
    #[command(flatten)]
    pub catalog: CatalogArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
}

/// Which operations are shown.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct OperationsArgs {
    /// Subcommand; without one, list the operations or print one.
    #[command(subcommand)]
    pub command: Option<OperationsCommand>,
    /// Operation.
    pub name: Option<String>,
    /// Which operations.
    #[command(flatten)]
    pub catalog: CatalogArgs,
}

/// What is done with operations.
#[derive(Debug, Subcommand)]
pub enum OperationsCommand {
    /// Write a description of an operation that isn't known, from the vendor's OpenAPI file, to be reviewed.
    ///
    /// `--catalog` gives the description to other commands.
    Derive(DeriveArgs),
}

/// Which operation is described.
#[derive(Debug, Args)]
pub struct DeriveArgs {
    /// Update that writes the settings: its path, or the last part of it.
    #[arg(value_name = "UPDATE")]
    pub update: String,
    /// OpenAPI file of version 3, in JSON.
    #[arg(long, value_name = "FILE")]
    pub openapi: PathBuf,
    /// Path of the description; no file is overwritten [default: print it].
    #[arg(short, long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Read that shows the settings: its path, or the last part of it [default: asked on the terminal].
    #[arg(long, value_name = "PATH")]
    pub read: Option<String>,
}

/// Which runs are listed.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Subcommand; without one, list the runs.
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    /// Folder of runs and plans.
    #[arg(long, value_name = "DIR", default_value = "reports", global = true)]
    pub reports: PathBuf,
    /// Description of an operation that isn't built in, from `orgwave operations derive`; can be repeated.
    #[arg(long, value_name = "FILE", global = true)]
    pub catalog: Vec<PathBuf>,
    /// Print one JSON object per run.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What is done with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Remove the folders of finished runs older than a given age.
    ///
    /// Runs that can be resumed, runs in use by another process, and folders without a run are never removed.
    Prune(PruneArgs),
}

/// Which runs are removed.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Keep runs that ended within this time.
    #[arg(long, value_name = "TIME")]
    pub keep: Span,
    /// Keep the newest N runs, whatever their age.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub keep_last: usize,
    /// List what would be removed, and remove nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `orgwave orgs`.
#[derive(Debug, Args)]
pub struct OrgsArgs {
    /// Output format: table or csv.
    #[arg(long, value_name = "table|csv", default_value = "table")]
    pub format: OrgsFormat,
    /// Rollout whose orgs the sandbox serves (with --sandbox).
    #[arg(value_name = "ROLLOUT")]
    pub rollout: Option<PathBuf>,
    /// Which files.
    #[command(flatten)]
    pub input: InputArgs,
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
}

/// How the client list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OrgsFormat {
    /// For people.
    Table,
    /// A starter manifest.
    Csv,
}

/// `orgwave check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Manifest (CSV) or rollout file (TOML).
    #[arg(value_name = "ROLLOUT")]
    pub rollout: PathBuf,
    /// Also check that orgs, cameras and locations exist in the API.
    #[arg(long)]
    pub online: bool,
    /// Which files.
    #[command(flatten)]
    pub input: InputArgs,
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
}

/// `orgwave plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Manifest (CSV) or rollout file (TOML).
    #[arg(value_name = "ROLLOUT")]
    pub rollout: PathBuf,
    /// Path of the plan [default: a new folder below reports/plans].
    #[arg(short, long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Exit with 2 if something would change.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Also check that the cameras and locations in the rows exist, and warn about missing ones.
    #[arg(long)]
    pub online: bool,
    /// Which files.
    #[command(flatten)]
    pub input: InputArgs,
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
    /// How orgs are written.
    #[command(flatten)]
    pub write: WriteArgs,
    /// Which rows.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Guards.
    #[command(flatten)]
    pub guard: GuardArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
}

/// `orgwave apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Plan (plan.jsonl), manifest (CSV) or rollout file (TOML).
    #[arg(value_name = "PLAN|ROLLOUT")]
    pub target: PathBuf,
    /// Plan only; send no write.
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: exit with 2 if something would change.
    #[arg(long, requires = "dry_run")]
    pub detailed_exitcode: bool,
    /// With --dry-run: path of the plan.
    #[arg(short, long, value_name = "FILE", requires = "dry_run")]
    pub output_file: Option<PathBuf>,
    /// Which files.
    #[command(flatten)]
    pub input: InputArgs,
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
    /// How orgs are written.
    #[command(flatten)]
    pub write: WriteArgs,
    /// Which rows.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Guards.
    #[command(flatten)]
    pub guard: GuardArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
    /// Metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

/// `orgwave sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// Rollout whose orgs are served, with its `[sandbox]` table.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: Option<PathBuf>,
    /// Which files.
    #[command(flatten)]
    pub input: InputArgs,
    /// Which operations.
    #[command(flatten)]
    pub catalog: CatalogArgs,
    /// Number of orgs without a rollout.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub orgs: u32,
    /// Port on loopback; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Fault to inject, like `429 retry-after=3 on write times 2`; can be repeated.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,
    /// Seed of the orgs and their settings.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Latency of each reply: `50ms`, or a range `20ms..80ms`.
    #[arg(long, value_name = "TIME")]
    pub latency: Option<String>,
    /// File with the key to accept [default: the key is the word `sandbox`].
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Log every request to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// `orgwave export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Folder to create; it must not exist, or be empty.
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Operations to export, separated by commas, or `all`; can be repeated [default: envoy].
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub operation: Vec<String>,
    /// Write values that all exported orgs share into the rollout file, as defaults, and leave their cells blank.
    #[arg(long)]
    pub as_defaults: bool,
    /// Rollout whose orgs the sandbox serves (with --sandbox).
    #[arg(value_name = "ROLLOUT")]
    pub rollout: Option<PathBuf>,
    /// Which files.
    #[command(flatten)]
    pub files: FileArgs,
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
    /// Which orgs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Print only what is omitted.
    #[arg(short, long)]
    pub quiet: bool,
}

impl ExportArgs {
    /// How its rollout is read, of which only the orgs are asked.
    pub fn input(&self) -> InputArgs {
        InputArgs { operation: None, files: self.files.clone() }
    }
}

/// `orgwave doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Which API.
    #[command(flatten)]
    pub key: KeyArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
    /// Folder of runs and plans.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
}

/// `orgwave init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Folder, created if it doesn't exist; no file in it is overwritten.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

/// `orgwave man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page per command to this folder.
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}
