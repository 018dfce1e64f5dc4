//! `orgwave operations`: what can be set.

use anyhow::anyhow;
use orgwave_core::operation::Catalog;
use orgwave_core::run::Exit;
use orgwave_reporter::operations::{entries, page};
use orgwave_reporter::terminal::listing;

use crate::console;
use crate::failure::Failure;

/// Lists the operations, or prints the page of one.
///
/// # Errors
/// There is none of this name.
pub fn run(catalog: &Catalog, name: Option<&str>) -> Result<Exit, Failure> {
    let Some(name) = name else {
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
