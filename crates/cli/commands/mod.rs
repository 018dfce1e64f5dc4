//! The commands, one module each.

mod apply;
mod check;
mod completions;
mod doctor;
mod execution;
mod explain;
mod export;
mod init;
mod listeners;
mod man;
mod metrics;
mod online;
mod operations;
mod orgs;
mod permit;
mod plan;
mod report;
mod resume;
mod review;
mod runs;
mod sandbox;
mod sandboxed;
mod undo;
mod verify;

use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;

pub use self::metrics::Metrics;

use crate::args::Command;
use crate::failure::Failure;

/// Runs a command, for the operations of a catalogue.
///
/// # Errors
/// Whatever keeps it from doing its work.
pub async fn run(catalog: &Catalog, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Orgs(args) => orgs::run(catalog, args).await,
        Command::Export(args) => export::run(catalog, args).await,
        Command::Check(args) => check::run(catalog, args).await,
        Command::Plan(args) => plan::run(catalog, args).await,
        Command::Apply(args) => Box::pin(apply::run(catalog, args)).await,
        Command::Resume(args) => resume::run(catalog, args).await,
        Command::Verify(args) => verify::run(catalog, args).await,
        Command::Undo(args) => undo::run(catalog, args).await,
        Command::Report(args) => report::run(catalog, &args),
        Command::Runs(args) => runs::run(catalog, &args),
        Command::Doctor(args) => doctor::run(catalog, args).await,
        Command::Sandbox(args) => sandbox::run(catalog, args).await,
        Command::Init(args) => init::run(&args),
        Command::Operations(args) => operations::run(catalog, &args),
        Command::Explain { name, .. } => explain::run(catalog, &name),
        Command::Completions { shell } => Ok(completions::run(shell)),
        Command::Man(args) => man::run(&args),
    }
}
