//! The command line as typed: every flag, its help, nothing resolved.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use orgwave_client::Region;
use orgwave_core::policy::{FailureBudget, Percent, Rate, Span, VerifyPolicy, Waves, WriteMode};
use orgwave_reporter::files::OrgFiles;

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
    /// Explain a code like E-ROW-003.
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

/// Which API, with which key and secrets.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct KeyArgs {
    /// The vendor's region: us or eu.
    #[arg(long, value_name = "us|eu", conflicts_with = "endpoint")]
    pub region: Option<Region>,
    /// Another address of the API; plain http to loopback only.
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// A file with the partner's key, readable by its owner alone; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A profile of ~/.rhombus/credentials.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// A TOML file with secrets, readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
}

/// The same, or the sandbox.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectArgs {
    /// Which API, with which key and secrets.
    #[command(flatten)]
    pub key: KeyArgs,
    /// Against the stand-in API, in this process: no key, no network.
    #[arg(long, conflicts_with_all = ["region", "endpoint", "token_file", "profile"])]
    pub sandbox: bool,
}

/// Which run, and how it is gone on with.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run: its folder or its id [default: the newest unfinished run of this key and endpoint].
    #[arg(value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Which API.
    #[command(flatten)]
    pub key: KeyArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Exit 3 for warnings too.
    #[arg(long)]
    pub strict: bool,
    /// Wait so long for another run to end.
    #[arg(long, value_name = "TIME")]
    pub lock_wait: Option<Span>,
    /// What is printed.
    #[command(flatten)]
    pub output: OutputArgs,
    /// What is told to whoever watches.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

/// What is read back.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A run (its folder or its id), a manifest (CSV) or a rollout file (TOML).
    #[arg(value_name = "ROLLOUT|RUN")]
    pub target: PathBuf,
    /// Which API.
    #[command(flatten)]
    pub key: KeyArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Which run is taken back.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// The run: its folder or its id.
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
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Whose files are made anew.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run: its folder or its id.
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// What is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Which runs are listed.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Where runs and plans are kept.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// One run a line, as JSON.
    #[arg(long)]
    pub json: bool,
}

/// How fast, how many at once, how often, how long.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// Calls a second: `8/s`, `auto` or `unlimited` [default: auto].
    #[arg(long, value_name = "RATE")]
    pub rate: Option<Rate>,
    /// Calls a second to one org [default: 5/s].
    #[arg(long, value_name = "RATE", value_parser = org_rate)]
    pub org_rate: Option<Rate>,
    /// Calls under way at once [default: 16].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: Option<u16>,
    /// The most time a call may take [default: 30s].
    #[arg(long, value_name = "TIME", value_parser = positive_span)]
    pub timeout: Option<Span>,
    /// Sends of one org, and tries of each read [default: 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: Option<u32>,
    /// Between two reads that must agree before anything is sent again [default: 30s, or twice the timeout].
    #[arg(long, value_name = "TIME")]
    pub quiet_period: Option<Span>,
    /// Drain after this time.
    #[arg(long, value_name = "TIME")]
    pub max_duration: Option<Span>,
}

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

/// What is told to whoever watches the machine.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct MetricsArgs {
    /// Where the run's numbers go, for Prometheus' textfile collector.
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
}

/// What is printed and written where.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Where runs and plans are kept.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub reports: PathBuf,
    /// A file for each org: auto (up to 1,000 orgs), always, never.
    #[arg(long, value_name = "auto|always|never", default_value = "auto")]
    pub org_files: OrgFiles,
    /// One event a line on stdout, as JSON.
    #[arg(long)]
    pub json: bool,
    /// Say nothing unless something changed or went wrong.
    #[arg(short, long)]
    pub quiet: bool,
    /// No progress.
    #[arg(long)]
    pub no_progress: bool,
    /// Colour: auto, always or never.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// Not coloured by the environment's wish.
    #[arg(long, env = "NO_COLOR", hide = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub no_color: Option<String>,
}

/// When text is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
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
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
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
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// What is printed.
    #[command(flatten)]
    pub output: OutputArgs,
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
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
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
    pub output: OutputArgs,
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
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
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
    pub output: OutputArgs,
    /// What is told to whoever watches.
    #[command(flatten)]
    pub metrics: MetricsArgs,
}

/// `orgwave sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// A rollout whose orgs are served, and whose [sandbox] is used.
    #[arg(value_name = "ROLLOUT")]
    pub rollout: Option<PathBuf>,
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
    /// Which API.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArgs,
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
    pub pace: PaceArgs,
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

fn org_rate(text: &str) -> Result<Rate, String> {
    match text.parse()? {
        Rate::Auto => Err("an org's rate is a number like `5/s`, or `unlimited`".to_owned()),
        rate => Ok(rate),
    }
}

fn positive_span(text: &str) -> Result<Span, String> {
    let span: Span = text.parse()?;
    if span.get().is_zero() { Err("must be longer than nothing".to_owned()) } else { Ok(span) }
}
