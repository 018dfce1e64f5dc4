//! The flags of output: what is printed, and what is written where.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use orgwave_reporter::Label;
use orgwave_reporter::files::OrgFiles;

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
