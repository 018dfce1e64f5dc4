//! The flags of output: what is printed, and what is written where.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use orgwave_reporter::Label;
use orgwave_reporter::files::OrgFiles;
use orgwave_reporter::terminal::Style;

use super::resolved::resolved;

/// What is told to whoever watches the machine.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct MetricsArgs {
    /// Where the run's numbers go, for Prometheus' textfile collector.
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,
    /// A label for every metric, beside the rollout and the endpoint; may be given more than once.
    #[arg(long, value_name = "NAME=VALUE", requires = "metrics_file")]
    pub metrics_label: Vec<Label>,
}

/// What is printed and written where.
#[derive(Debug, Clone)]
pub struct Output {
    /// Where runs and plans are kept.
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
    /// Where runs and plans are kept.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// A file for each org: auto (up to 1,000 orgs), always, never.
    #[arg(long, value_name = "auto|always|never", default_value = "auto")]
    org_files: OrgFiles,
    /// One event a line on stdout, as JSON.
    #[arg(long)]
    json: bool,
    /// Say nothing unless something changed or went wrong.
    #[arg(short, long)]
    quiet: bool,
    /// No progress.
    #[arg(long)]
    no_progress: bool,
    /// Colour: auto, always or never.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// Not coloured by the environment's wish.
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
