//! `--token-command`: a program that prints the key, a password manager's say.

use std::io::Read as _;
use std::process::{Command, Stdio};

use orgwave_core::run::Exit;
use orgwave_core::secret::SecretText;

use crate::failure::Failure;

/// Longer than the first line of anything that prints a key.
const LONGEST: u64 = 1 << 16;

/// Runs a command, split into words as a shell does it but without a shell, and takes the first line that it prints.
///
/// # Errors
/// 78: it can't be run, fails, or prints nothing.
pub fn first_line_of(command: &str) -> Result<SecretText, Failure> {
    // The command itself may hold secrets: only its program is named.
    let words = shlex::split(command).filter(|words| !words.is_empty());
    let words =
        words.ok_or_else(|| bad("--token-command is empty, or a quote in it is not closed".to_owned()))?;
    let program = &words[0];
    let cannot =
        |error: std::io::Error| bad(format!("--token-command {program} can't be run")).because(error);
    let mut child = Command::new(program)
        .args(&words[1..])
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let mut printed = Vec::new();
    let output = child.stdout.take().expect("stdout is piped");
    output.take(LONGEST).read_to_end(&mut printed).map_err(cannot)?;
    let status = child.wait().map_err(cannot)?;
    if !status.success() {
        return Err(bad(format!("--token-command {program} failed ({status})")));
    }
    let line = printed.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(bad(format!("--token-command {program} printed no key: its first line is empty"))),
        Ok(line) => Ok(SecretText::new(line.to_owned())),
        Err(_) => Err(bad(format!("--token-command {program} printed invalid UTF-8"))),
    }
}

fn bad(what: String) -> Failure {
    Failure::new(Exit::BadConfig, what)
}
