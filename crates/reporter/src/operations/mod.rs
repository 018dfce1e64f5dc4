//! What can be set, for the author of a manifest: the pages of `docs/operations/`, which commands print as well.
//!
//! Everything is said by the descriptions. Nothing here reads a manifest or an org's settings.

mod example;
mod fields;
mod page;
mod words;

pub use fields::{Found, find, names};
pub use page::{index, page};

use orgwave_core::operation::{Catalog, Field, Operation};

use crate::terminal::{Entry, several};

/// What is listed of each operation.
pub fn entries(catalog: &Catalog) -> Vec<Entry> {
    let entries = catalog.iter().map(|operation| {
        let (settable, guards) = (fields::settable(operation).len(), guards(operation));
        let fields = several(settable as u64, "field", "fields");
        // Calls of the partner's own can't be described: every one is made for an org.
        let mut parts = vec![capitalized(&operation.title), fields, "per org".to_owned()];
        if !guards.is_empty() {
            parts.push(format!("guards: {}", guards.join(", ")));
        }
        Entry { id: operation.name.to_string(), parts }
    });
    entries.collect()
}

/// The codes of its guards, each once.
fn guards(operation: &Operation) -> Vec<&str> {
    let fields = fields::all(operation).into_iter();
    let mut codes: Vec<&str> = fields.flat_map(|field| fields::guards_of(field)).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// How a manifest's column begins that is of an operation: nothing for the default one.
fn prefix(operation: &Operation) -> String {
    let is_default = operation.name == Operation::default_one().name;
    if is_default { String::new() } else { format!("{}:", operation.name) }
}

/// The path that a column names, with a word for each key.
fn path(field: &Field) -> String {
    field.place().replace(".*", ".<key>")
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
