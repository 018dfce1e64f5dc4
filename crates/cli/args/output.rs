//! The flags of output: what is printed, and what is written where.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use orgwave_reporter::Label;
use orgwave_reporter::files::OrgFiles;
use orgwave_reporter::terminal::Style;

use super::resolved::resolved;

/// Metrics for monitoring.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct MetricsArgs {
    /// Write the run's metrics to this file, for Prometheus' textfile collector.
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// Additional label of every metric; can be repeated.
    #[arg(long, value_name = "NAME=VALUE", requires = "metrics_file")]
    pub metrics_label: Vec<Label>,
}

/// What is printed and written where.
#[derive(Debug, Clone)]
pub struct Output {
    /// Folder of runs and plans.
    pub reports: PathBuf,
    /// Whether each org has a file.
    pub org_files: OrgFiles,
    /// One event a line on stdout, as JSON; what is for people goes to stderr.
    pub json: bool,
    /// Nothing is said unless something changed or went wrong.
    pub quiet: bool,
    /// Whether progress is shown.
    pub progress: bool,
    /// How pages are coloured.
    pub style: Style,
}

/// The flags of [`Output`].
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct OutputFlags {
    /// Folder of runs and plans.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// Write a file per org: auto (up to 1,000 orgs), always, never.
    #[arg(long, value_name = "auto|always|never", default_value = "auto")]
    org_files: OrgFiles,
    /// Print one JSON event per line on stdout.
    #[arg(long)]
    json: bool,
    /// Print nothing unless something changed or failed.
    #[arg(short, long)]
    quiet: bool,
    /// Hide the progress.
    #[arg(long)]
    no_progress: bool,
    /// Colour output: auto, always or never.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// The environment asks for no colour.
    #[arg(long, env = "NO_COLOR", hide = true, value_parser = clap::builder::NonEmptyStringValueParser::new())]
    no_color: Option<String>,
}

impl From<OutputFlags> for Output {
    fn from(flags: OutputFlags) -> Self {
        let OutputFlags { reports, org_files, json, quiet, no_progress, color, no_color } = flags;
        let is_coloured = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => io::stdout().is_terminal() && no_color.is_none(),
        };
        let style = if is_coloured { Style::Coloured } else { Style::Plain };
        Self { reports, org_files, json, quiet, progress: !quiet && !no_progress, style }
    }
}

resolved!(Output, OutputFlags);

/// When text is coloured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
