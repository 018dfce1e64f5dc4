//! A description of an operation that isn't known, derived from the vendor's OpenAPI file, to be reviewed.
//!
//! 1. `spec`: the file, its calls, and schemas with their references followed.
//! 2. `reads`: the reads that may show what an update writes, the likeliest first, and how the update's body is laid out.
//! 3. `shape`: the tree of a schema, as far as descriptions can say it; `guess`: the classes that names suggest.
//! 4. `text`: the description, with comments that say what to check.
//!
//! A spec says what calls look like, not what they do, so a description made here is a draft. Whatever is not clear is
//! kept as read: a field too few can be added by the reviewer, a secret that was taken for a setting can't be taken back.
//! The spec is read here only, never when a rollout runs.

mod guess;
mod reads;
mod shape;
mod spec;
mod text;

pub use reads::{Read, Reads};
pub use spec::{Spec, SpecError, Update, UpdateError};
pub use text::describe;
