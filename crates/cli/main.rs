//! orgwave: rolls settings out across many client organizations of a partner, wave by wave.
//!
//! The binary joins the rooms; it decides nothing about orgs. What it is made of:
//!
//! * [`args`]: the command line as typed, and resolved with the rollout file's limits.
//! * [`input`]: files that are read. [`rollout`]: opening what the user wrote. [`connect`]: the key, the secrets, the API, the sandbox.
//! * [`catalog`]: the operations that are known. [`planning`]: the planner, wired to a session. [`runs`]: the folder of a run or a plan, its journal, its reports.
//! * [`commands`]: one module each; `apply` shows the whole program.
//! * [`memory`]: what the tool remembers. [`locks`]: which runs never overlap.
//! * [`durable`]: names that survive a power cut.
//! * [`failure`]: what ends a command, with its exit code. [`hold`]: where tests kill it.

#![expect(
    unreachable_pub,
    reason = "a binary has no outside: `pub` here says which items a module offers the others"
)]

mod args;
mod catalog;
mod clock;
mod commands;
mod connect;
mod console;
mod durable;
mod failure;
mod hold;
mod input;
mod locks;
mod memory;
mod no_dump;
mod planning;
mod problem_report;
mod rollout;
mod runs;
mod signals;

use std::process::ExitCode;

use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;

/// What one thread allocates here (a reply, an entry of the journal) another frees, which the system's allocator
/// makes threads wait for each other for: it took half of a wide run's processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    no_dump::set();
    let command = match args::parse() {
        Ok(command) => command,
        Err(exit) => return exit,
    };
    console::set_up_log();
    let (catalog, refused) = match catalog::open(command.catalog()) {
        Ok(catalog) => (catalog, Ok(())),
        Err(failure) => (Catalog::built_in(), Err(failure)),
    };
    let metrics = commands::Metrics::of(&catalog, &command);
    let failed = match std::panic::catch_unwind(|| refused.and_then(|()| run(&catalog, command))) {
        Ok(Ok(exit)) => return ExitCode::from(console::settle(exit).code()),
        Ok(Err(failure)) => {
            console::error(&failure);
            console::settle(failure.exit)
        }
        // The hook has said what happened.
        Err(_) => Exit::Panic,
    };
    // Else the file of the last good run would stay, and no alarm be raised.
    let written = metrics.map(|metrics| metrics.write(failed));
    // That the file can't be written was the failure itself, if it was known at the beginning.
    if let Some(Err(error)) = written
        && failed != Exit::BadConfig
    {
        console::error(&error.into());
    }
    ExitCode::from(failed.code())
}

fn run(catalog: &Catalog, command: args::Command) -> Result<Exit, failure::Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        failure::Failure::new(Exit::BadConfig, "the asynchronous runtime can't start").because(error)
    })?;
    let result = runtime.block_on(commands::run(catalog, command));
    // Nothing that is still in progress (a cut call, say) is waited for.
    runtime.shutdown_background();
    result
}
