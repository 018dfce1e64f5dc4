//! The command line: [`typed`] as clap parses it, [`limits`] resolved with what the rollout file says.

mod limits;
mod typed;

use std::process::ExitCode;

use clap::Parser as _;
use orgwave_core::run::Exit;

pub use limits::{PlanPolicy, pace, plan_policy, refuse_rollout_flags};
pub use typed::{
    ApplyArgs, CheckArgs, Cli, ColorChoice, Command, ConnectArgs, GuardArgs, KeyArgs, OrgsArgs, OrgsFormat,
    OutputArgs, PlanArgs, ReportArgs, ResumeArgs, RunsArgs, SandboxArgs, SelectArgs, UndoArgs, VerifyArgs,
    WriteArgs,
};

/// Parses the command line; prints and ends where clap says so.
pub fn parse() -> Result<Command, ExitCode> {
    Cli::try_parse().map(|cli| cli.command).map_err(|error| {
        let is_help = !error.use_stderr();
        let _ = error.print();
        // clap would end with 2, which here says that changes exist.
        ExitCode::from(if is_help { Exit::Done } else { Exit::Usage }.code())
    })
}
