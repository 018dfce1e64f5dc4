//! `--metrics-file`: whose numbers they are. That is known before a command begins, so that a refused one isn't
//! taken for another rollout's.

use std::path::{Path, PathBuf};

use orgwave_core::operation::Catalog;
use orgwave_core::plan::Header;
use orgwave_core::run::Exit;
use orgwave_reporter::{Label, Labels, ReportError, RunDigest, write_metrics};

use super::apply::is_plan;
use crate::args::{Command, MetricsArgs};
use crate::clock;
use crate::connect::endpoint_in_words;
use crate::failure::Failure;
use crate::planning::header_of;
use crate::runs::find;

/// Where a command's metrics go, and their labels as far as they are known.
pub struct Metrics {
    path: PathBuf,
    labels: Labels,
}

impl Metrics {
    /// Of a command, if it has any.
    pub fn of(catalog: &Catalog, command: &Command) -> Option<Self> {
        let args = command.metrics()?;
        let (rollout, endpoint) = match command {
            Command::Apply(args) if args.connect.sandbox => {
                (Some(rollout(catalog, &args.target)), "sandbox".to_owned())
            }
            Command::Apply(args) => {
                (Some(rollout(catalog, &args.target)), endpoint_in_words(&args.connect.key))
            }
            Command::Resume(args) => {
                let run = args.run.as_ref().and_then(|run| find(catalog, run, &args.output.reports).ok());
                (run.map(|run| run.header.rollout), endpoint_in_words(&args.key))
            }
            _ => return None,
        };
        let labels = Labels { rollout, endpoint, more: args.metrics_label.clone() };
        Some(Self { path: args.metrics_file.clone()?, labels })
    }

    /// Writes what a process ended with.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write(&self, exit: Exit) -> Result<(), ReportError> {
        write_metrics(&self.path, &self.labels, exit, clock::now(), None)
    }
}

/// Writes the metrics of a run, if they are asked for.
///
/// # Errors
/// 74.
pub fn measure(args: &MetricsArgs, exit: Exit, run: &RunDigest) -> Result<(), Failure> {
    let Some(path) = &args.metrics_file else { return Ok(()) };
    let labels = Labels { more: args.metrics_label.clone(), ..Labels::default() };
    Ok(write_metrics(path, &labels, exit, clock::now(), Some(run))?)
}

/// Refuses labels that Prometheus would refuse.
///
/// # Errors
/// 64.
pub fn check_labels(args: &MetricsArgs) -> Result<(), Failure> {
    match Label::repeated(&args.metrics_label) {
        Some(name) => Err(Failure::usage(format!("--metrics-label {name} is given twice"))),
        None => Ok(()),
    }
}

/// What metrics call what is applied: a rollout by where it lies, since many are called `rollout.toml`; a plan by the first
/// file that it was made from, as it was named then.
fn rollout(catalog: &Catalog, target: &Path) -> String {
    if is_plan(target).unwrap_or(false)
        && let Ok(header) = header_of(catalog, target)
    {
        return rollout_of_plan(target, &header);
    }
    rollout_file(target)
}

fn rollout_file(target: &Path) -> String {
    std::path::absolute(target).unwrap_or_else(|_| target.to_owned()).to_string_lossy().into_owned()
}

/// The same, of a plan that is open.
pub fn rollout_of_plan(target: &Path, plan: &Header) -> String {
    plan.inputs.first().map_or_else(|| target.to_string_lossy().into_owned(), |input| input.name.clone())
}

/// The same, of what is applied now: of a rollout, `plan` was made just now.
pub fn rollout_applied(target: &Path, plan: &Header, fresh: bool) -> String {
    if fresh { rollout_file(target) } else { rollout_of_plan(target, plan) }
}
