//! `orgwave explain CODE`.

use orgwave_core::code::Code;
use orgwave_core::run::Exit;

use crate::console;
use crate::failure::Failure;

/// Prints a code's page.
pub fn run(code: &str) -> Result<Exit, Failure> {
    let code: Code = code.parse().map_err(|error| {
        Failure::new(Exit::Usage, "nothing to explain").because(anyhow::Error::from(error))
    })?;
    console::out(code.page());
    Ok(Exit::Done)
}
