//! The commands, one module each.

mod apply;
mod check;
mod explain;
mod listeners;
mod online;
mod orgs;
mod plan;
mod sandbox;

use orgwave_core::run::Exit;

use crate::args::Command;
use crate::failure::Failure;

/// Runs a command.
///
/// # Errors
/// Whatever keeps it from doing its work.
pub async fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Orgs(args) => orgs::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Plan(args) => plan::run(args).await,
        Command::Apply(args) => apply::run(args).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Explain { code } => explain::run(&code),
    }
}
