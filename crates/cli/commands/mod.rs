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

use orgwave_core::run::Exit;

pub use self::metrics::Metrics;

use crate::args::Command;
use crate::failure::Failure;

/// Runs a command.
///
/// # Errors
/// Whatever keeps it from doing its work.
pub async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Orgs(args) => orgs::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Plan(args) => plan::run(args).await,
        Command::Apply(args) => Box::pin(apply::run(args)).await,
        Command::Resume(args) => resume::run(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Undo(args) => undo::run(args).await,
        Command::Report(args) => report::run(&args),
        Command::Runs(args) => runs::run(&args),
        Command::Doctor(args) => doctor::run(args).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Init(args) => init::run(&args),
        Command::Explain { code } => explain::run(&code),
        Command::Completions { shell } => Ok(completions::run(shell)),
        Command::Man(args) => man::run(&args),
    }
}
