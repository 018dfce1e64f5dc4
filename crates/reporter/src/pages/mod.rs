//! What the pages for people have in common: Markdown that no foreign text breaks, and HTML that asks
//! nobody for anything.

pub(crate) mod markdown;
