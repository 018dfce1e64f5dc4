//! Every table that orgwave writes, opened and saved again by a real spreadsheet: LibreOffice, without a screen.
//!
//! * [`debian`]: where it comes from. [`office`]: how it is started, and what it made of a file.
//! * [`made`]: tables that are as odd as clients' names are, from the binary.
//! * [`saved_again`]: what goes back into a plan means the same.
//! * [`opened`]: what is only looked at has the right types, and no cell is a formula.

#![expect(clippy::unwrap_used, reason = "in a test, what isn't there is a failure")]
#![expect(clippy::disallowed_methods, reason = "a test knows the names of its own paths")]

#[path = "../machine/debian.rs"]
mod debian;
mod made;
mod office;
mod opened;
mod saved_again;
