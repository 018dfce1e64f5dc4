//! The words of orgwave: ids, settings, manifests, desired states, diffs, plans, states, outcomes, events.
//!
//! This crate is pure. It reads from and writes to what it is handed ([`std::io::Read`], [`std::io::Write`]),
//! and never opens a file, looks at a clock, waits, or speaks HTTP. Data flows one way through it:
//!
//! ```text
//! manifest  ->  desired  --+
//!                          +-> diff -> plan -> (executor) -> outcome -> (reports)
//! settings as read  -------+
//! ```

mod ack;
pub mod alike;
pub mod autoformat;
pub mod change;
pub mod code;
pub mod compare;
pub mod desired;
pub mod durable;
pub mod event;
pub mod formula;
pub mod ids;
mod json;
pub mod legible;
pub mod manifest;
pub mod names;
pub mod operation;
pub mod org;
pub mod outcome;
pub mod payload;
pub mod plan;
pub mod policy;
pub mod redactor;
pub mod reply;
pub mod run;
pub mod secret;
pub mod settings;
pub mod status;
pub mod timestamp;
