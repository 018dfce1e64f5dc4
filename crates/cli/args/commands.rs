//! The commands as typed, each with its own flags and those that it shares with others; nothing resolved.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use orgwave_core::policy::Span;
use orgwave_core::run::Exit;

use super::connection::{ConnectArgs, InputArgs, KeyArgs};
use super::output::{MetricsArgs, Output};
use super::pace::Pace;
use super::writing::{GuardArgs, SelectArgs, WriteArgs};

/// Rolls settings out across many client organizations of a partner, wave by wave.
#[derive(Debug, Parser)]
#[command(
    name = "orgwave",
    version,
    max_term_width = 100,
    before_help = "Examples:\n  \
        orgwave apply inputs/demo/rollout.toml --sandbox --yes   try it, without a key\n  \
        orgwave check rollout.toml                               is everything written right?\n  \
        orgwave plan rollout.toml                                what would change? (writes nothing)\n  \
        orgwave apply reports/plans/<plan>/plan.jsonl            do what was reviewed"
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
    /// Live settings -> a rollout folder that plans to no change.
    Export(ExportArgs),
    /// Validate a rollout, offline.
    Check(CheckArgs),
    /// Dry run: read every org, compare, and write the plan and its review. Writes nothing to the API.
    Plan(PlanArgs),
    /// Carry out a plan; given a rollout, plan first. Writes to the API.
    Apply(ApplyArgs),
    /// Go on with a run that was stopped or killed, settling doubt first. Writes to the API.
    Resume(ResumeArgs),
    /// Read back and compare: exit 2 if something drifted.
    Verify(VerifyArgs),
    /// Make the plan that restores what a run changed.
    Undo(UndoArgs),
    /// Make a run's files anew from its journal.
    Report(ReportArgs),
    /// List the runs.
    Runs(RunsArgs),
    /// Say what is in force and what is wrong, and how to mend it. Writes nothing to the API.
    Doctor(DoctorArgs),
    /// Serve the stand-in API on loopback.
    Sandbox(SandboxArgs),
    /// Write a commented rollout folder to start from.
    Init(InitArgs),
    /// Explain a code like E-ROW-003, or an exit code like 13.
    #[command(after_help = exit_codes())]
    Explain {
        /// The code.
        code: String,
    },
    /// Print the completions of a shell.
    Completions {
        /// The shell.
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
}

/// Which run, and how it is gone on with.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run: its folder, its id, or the beginning of it [default: the newest unfinished run of this key and endpoint].
    #[arg(value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Which API.
    #[command(flatten)]
    pub key: KeyArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: Pace,
    /// Exit 3 for warnings too.
    #[arg(long)]
    pub strict: bool,
    /// Wait so long for another run to end.
    #[arg(long, value_name = "TIME")]
    pub lock_wait: Option<Span>,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
    /// What is told to whoever watches.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

/// What is read back.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A run (its folder, its id, or the beginning of it), a manifest (CSV) or a rollout file (TOML).
    #[arg(value_name = "ROLLOUT|RUN")]
    pub target: PathBuf,
    /// Write a table of what drifted: a row per org and field, with the desired and the live value.
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

/// Which run is taken back.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// The run: its folder, its id, or the beginning of it.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Where the plan goes [default: a new folder below reports/plans].
    #[arg(short, long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Until when the plan may be applied [default: 7d].
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

/// Whose files are made anew.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run: its folder, its id, or the beginning of it.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// What is printed.
    #[command(flatten)]
    pub output: Output,
}

/// Which runs are listed.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// What is done with them, if they aren't listed.
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    /// Where runs and plans are kept.
    #[arg(long, value_name = "DIR", default_value = "reports", global = true)]
    pub reports: PathBuf,
    /// One run a line, as JSON.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What is done with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Remove the folders of finished runs that are older than a given age.
    ///
    /// Runs that can be resumed, runs that another process works on, and folders that hold no run are never removed.
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
    /// Only list what would be removed.
    #[arg(long)]
    pub dry_run: bool,
}

/// `orgwave orgs`.
#[derive(Debug, Args)]
pub struct OrgsArgs {
    /// table or csv.
    #[arg(long, value_name = "table|csv", default_value = "table")]
    pub format: OrgsFormat,
    /// A rollout whose orgs the sandbox serves (with --sandbox).
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
    /// A manifest (CSV) or a rollout file (TOML).
    #[arg(value_name = "ROLLOUT")]
    pub rollout: PathBuf,
    /// Also ask the API whether orgs, cameras and locations exist.
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
    /// A manifest (CSV) or a rollout file (TOML).
    #[arg(value_name = "ROLLOUT")]
    pub rollout: PathBuf,
    /// Where the plan goes [default: a new folder below reports/plans].
    #[arg(short, long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Exit 2 if something would change.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Also ask whether the cameras and locations that rows name exist, and warn of those that don't.
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
    /// A plan (plan.jsonl), a manifest (CSV) or a rollout file (TOML).
    #[arg(value_name = "PLAN|ROLLOUT")]
    pub target: PathBuf,
    /// Only plan.
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: exit 2 if something would change.
    #[arg(long, requires = "dry_run")]
    pub detailed_exitcode: bool,
    /// With --dry-run: where the plan goes.
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
    /// What is told to whoever watches.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

/// `orgwave sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// A rollout whose orgs are served, and whose `[sandbox]` is used.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: Option<PathBuf>,
    /// Which files.
    #[command(flatten)]
    pub input: InputArgs,
    /// Without a rollout: so many orgs.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub orgs: u32,
    /// The port on loopback; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Something to go wrong, like `429 retry-after=3 on write times 2`.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,
    /// What the orgs and their settings are drawn from.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How long each reply takes: `50ms`, or a range `20ms..80ms`.
    #[arg(long, value_name = "TIME")]
    pub latency: Option<String>,
    /// The key that is expected: a file. Without it the key is the word `sandbox`.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Where every request is written, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// `orgwave export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The folder to be made; it must not be there, or be empty.
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// A rollout whose orgs the sandbox serves (with --sandbox).
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
    /// Which orgs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Say nothing but what is left out.
    #[arg(short, long)]
    pub quiet: bool,
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
    /// Where runs and plans are kept.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
}

/// `orgwave init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder, made if it isn't there; no file in it is replaced.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

/// `orgwave man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// A folder for a page per command.
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}
