//! What the user writes: a CSV of orgs, side tables for maps, a rollout file that names them.
//!
//! ```text
//! bytes -> encoding -> tokenizer -> table -> row, side_table -> reader -> rows
//!          (UTF-8)     (records)   (clean    (meaning)          (join)
//!                                   rows)
//! ```
//!
//! Every problem is reported as it is found, with file, line, column and code, never only the first; memory doesn't
//! grow with the text. Nothing here opens a file, resolves a secret, or asks whether an org exists.
//!
//! * [`Manifest::read`] checks inputs; [`Manifest::rows`] then gives each org's [`Row`].
//! * [`RolloutFile::parse`] reads the TOML that names the inputs.
//! * [`write_cell`] writes a value as the cell that reads as it.
//!
//! ```
//! use std::io::Cursor;
//!
//! use orgwave_core::manifest::{Inputs, Manifest, Problems, Source};
//! use orgwave_core::operation::Catalog;
//!
//! let csv = Cursor::new("org_uuid,saveClips\nAAAAAAAAAAAAAAAAAAAAAA,true\n");
//! let mut print = |problem| eprintln!("{problem}");
//! let mut problems = Problems::new(&mut print);
//! let manifest = Manifest::read(Inputs::bare(Catalog::built_in(), Source::new("orgs.csv", csv)), &mut problems)?;
//! for row in manifest.expect("nothing is wrong").rows()? {
//!     assert_eq!(row?.steps[0].desired.managed.len(), 1);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cell;
mod columns;
mod defaults;
mod delimiter;
mod encoding;
mod escape;
mod guards;
mod header;
mod index;
mod literal;
mod named;
mod opening;
mod problem;
mod reader;
mod reason;
mod rollout_file;
mod row;
mod side_table;
mod source;
mod spreadsheet;
mod table;
#[cfg(test)]
mod tests;
mod tokenizer;

pub use cell::{Cell, Refusal, read_expect, read_key, read_setting};
pub use defaults::{Defaults, Given};
pub use delimiter::Delimiter;
pub use encoding::Encoding;
pub use escape::{write_cell, write_expect, write_key};
pub use header::{Header, Removal};
pub use problem::{Problem, Problems, Severity, quote};
pub use reader::{Manifest, Rows};
pub use rollout_file::{Limit, RolloutFile, SideFile};
pub use row::Row;
pub use source::{Inputs, ReadError, RowsError, SideSource, Source};
