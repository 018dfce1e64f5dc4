//! Operations of tests: the head of a description, and the fields that a test is about.

use std::sync::Arc;

use super::{Catalog, Operation};

/// The operation `test` with these tables of fields. An update sends its settings whole.
pub(crate) fn operation(fields: &str) -> Arc<Operation> {
    with_body("whole", fields)
}

/// The same, with this `body` of an update.
pub(crate) fn with_body(body: &str, fields: &str) -> Arc<Operation> {
    let text = format!(
        "format = 1\nname = \"test\"\ntitle = \"Test\"\nabout = \"For tests.\"\n\
         read = {{ path = \"/api/org/getTest\", at = \"test\" }}\n\
         write = {{ path = \"/api/org/updateTest\", body = \"{body}\" }}\n\
         owner = \"none\"\nabsent = \"empty\"\n{fields}"
    );
    let catalog = Catalog::built_in().with(&text, "test.toml");
    catalog.unwrap_or_else(|error| panic!("{error}\n{text}")).get("test").expect("it was just added").clone()
}
