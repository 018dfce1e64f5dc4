//! `orgwave explain CODE`: a code of a problem, or an exit code.

use orgwave_core::code::Code;
use orgwave_core::run::Exit;

use crate::console;
use crate::failure::Failure;

/// Prints a code's page.
pub fn run(code: &str) -> Result<Exit, Failure> {
    if code.bytes().all(|byte| byte.is_ascii_digit()) && !code.is_empty() {
        console::out(&exit_page(code)?);
        return Ok(Exit::Done);
    }
    let code: Code = code.parse().map_err(|error| {
        Failure::new(Exit::Usage, "give a code to explain").because(anyhow::Error::from(error))
    })?;
    console::out(code.page());
    Ok(Exit::Done)
}

fn exit_page(code: &str) -> Result<String, Failure> {
    let exit = Exit::ALL.iter().find(|exit| exit.code().to_string() == code).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("unknown exit code {code}"))
            .hint("`orgwave help explain` lists them")
    })?;
    Ok(format!("# Exit code {}: {}\n\n## What to do\n\n{}\n", exit.code(), exit.meaning(), exit.advice()))
}
