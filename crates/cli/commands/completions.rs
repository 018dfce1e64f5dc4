//! `orgwave completions SHELL`.

use clap_complete::Shell;
use orgwave_core::run::Exit;

use crate::args;
use crate::console;

/// Prints a shell's completions.
pub fn run(shell: Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "orgwave", &mut script);
    console::data(&String::from_utf8_lossy(&script));
    Exit::Done
}
