//! Text for people at a terminal, made for a width and a style that are handed in.
//!
//! Nothing here knows whether there is a terminal, and nothing prints. Widths are columns as terminals draw
//! them. Foreign text is [cleaned](clean) before it is shown. Lines fit the width, with one exception: a
//! command or a path is uncut on a line of its own, since it is there to be copied.

mod clean;
mod layout;
mod listing;
mod shell;
mod style;
mod words;

pub use clean::clean;
pub use listing::{Entry, listing};
pub use shell::{shell, shell_path};
pub use style::Style;
pub use words::{orgs, several};

pub(crate) use clean::{cut, pad};
pub(crate) use layout::{Column, Page};
pub(crate) use style::Tone;
pub(crate) use words::{count, duration, pace, status_words, verdict_word};

/// The narrowest terminal that lines are made for.
pub const NARROWEST: usize = 20;
