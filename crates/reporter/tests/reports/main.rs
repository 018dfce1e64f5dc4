//! Reports of whole runs.
//!
//! * `fixture`: a run in memory, small and rich.
//! * `golden`: its files, byte for byte as in `tests/golden/` (`UPDATE_GOLDEN=1` writes them).
//! * `junit`: `junit.xml` as Jenkins and GitLab read it.
//! * `pages`: what must hold for every page: sizes and policies.
//! * `parts`: tables of more rows than a spreadsheet has.
//! * `rows`: every row once and in order, whatever the run; damaged sources and folders.
//! * `screens`: what is on the terminal, at several widths.

#![expect(clippy::unwrap_used, reason = "what a test can't make or read fails it")]
#![expect(clippy::disallowed_methods, reason = "a test knows the names of its own paths")]

mod fixture;
mod golden;
mod junit;
mod operations;
mod pages;
mod parts;
mod rows;
mod screens;
