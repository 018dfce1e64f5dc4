//! What the pages for people have in common: Markdown that no foreign text breaks, and HTML that makes
//! no request.
//!
//! An HTML page is one file. Its summary is made here, by templates that escape; its list of orgs is data, which
//! a small script of ours draws a screenful at a time. The page's policy allows that very script and that very
//! style by their digests, and nothing else: no request, no frame, no form, no other script.

mod cards;
mod frame;
pub(crate) mod markdown;
mod rows;
mod screen;
mod strip;

pub(crate) use cards::{Card, CauseCard};
pub(crate) use frame::{Chart, Figure, Frame};
pub(crate) use rows::{CHANGES, Extra, NONE, Rows, begin_row, push_numbers, tone_class};
pub(crate) use screen::{say_cause, say_examples};
pub(crate) use strip::{Segment, strip};
