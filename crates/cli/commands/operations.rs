//! `orgwave operations`: what can be set.

mod derive;

use anyhow::anyhow;
use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_reporter::operations::{entries, page};
use orgwave_reporter::terminal::listing;

use crate::args::{OperationsArgs, OperationsCommand};
use crate::console;
use crate::failure::Failure;

/// Lists the operations, prints the page of one, or describes another.
///
/// # Errors
/// There is none of this name, or none can be described.
pub fn run(catalog: &Catalog, args: &OperationsArgs) -> Result<Exit, Failure> {
    if let Some(OperationsCommand::Derive(args)) = &args.command {
        return derive::run(catalog, args);
    }
    let Some(name) = &args.name else {
        console::out(&listing(&entries(catalog), console::columns()));
        return Ok(Exit::Done);
    };
    let operation = catalog.get(name).ok_or_else(|| {
        let near = catalog.nearest(name).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Failure::new(Exit::Usage, "give an operation")
            .because(anyhow!("unknown operation {name:?}{near}"))
            .hint("`orgwave operations` lists them")
    })?;
    console::out(&page(operation));
    Ok(Exit::Done)
}
