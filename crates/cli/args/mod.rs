//! The command line. As clap parses it: [`commands`], and the flags that they share, [`connection`], [`mod@pace`],
//! [`writing`] and [`output`]; with [`examples`], and from the [`environment`]. [`limits`]: resolved with what the rollout file says. [`again`]: to be
//! suggested to people.

mod again;
mod commands;
mod connection;
mod environment;
mod examples;
mod limits;
mod output;
mod pace;
mod resolved;
mod select;
mod writing;

use std::process::ExitCode;

use anstream::AutoStream;
use clap::{CommandFactory as _, FromArgMatches as _};
use orgwave_core::run::Exit;

pub use again::path_again;
pub use commands::{
    ApplyArgs, CheckArgs, Cli, Command, DeriveArgs, DoctorArgs, ExportArgs, InitArgs, ManArgs,
    OperationsArgs, OperationsCommand, OrgsArgs, OrgsFormat, PlanArgs, PruneArgs, ReportArgs, ResumeArgs,
    RunsArgs, RunsCommand, SandboxArgs, UndoArgs, VerifyArgs,
};
pub use connection::{ConnectArgs, InputArgs, KeyArgs};
pub use limits::{RolloutLimits, limit_problems, pace, plan_policy, reading_policy, refuse_rollout_flags};
pub use output::{MetricsArgs, Output};
pub use select::select;
pub use writing::GuardArgs;

use crate::console;

/// The definition of the command line.
pub fn command() -> clap::Command {
    command_beside(&[])
}

/// The same beside these words, of which some make variables of the environment count for nothing.
fn command_beside(typed: &[std::ffi::OsString]) -> clap::Command {
    environment::with_environment(examples::with_examples(Cli::command()), typed)
}

/// Parses the command line; prints and ends where clap says so.
pub fn parse() -> Result<Command, ExitCode> {
    let typed: Vec<_> = std::env::args_os().collect();
    let parsed = command_beside(&typed)
        .try_get_matches_from(typed)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map(|cli| cli.command).map_err(|error| {
        let text = error.render();
        // clap would end with 2, which here says that changes exist.
        let exit = if error.use_stderr() {
            // It quotes what was typed, which a script may have done.
            console::note(&text.to_string());
            let variables: Vec<_> = environment::in_force(&command()).into_iter().collect();
            if !variables.is_empty() {
                console::note(&format!("  set in the environment: {}\n", variables.join(", ")));
            }
            Exit::Usage
        } else {
            let coloured = AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
            console::data(&if coloured { text.ansi().to_string() } else { text.to_string() });
            Exit::Done
        };
        ExitCode::from(console::settle(exit).code())
    })
}
