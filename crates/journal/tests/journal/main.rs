//! The journal's tests, but for those that kill a process (`kill.rs`).

#![expect(clippy::unwrap_used, reason = "a panic is how a test reports")]

#[path = "../story/mod.rs"]
mod story;

/// Bytes flipped, files cut short: an error that says what, or a beginning of what was said; never a panic.
mod damage;
/// The n-th append, commit, sync or checkpoint fails, for every n of a small run.
mod faults;
/// The file: its name, modes and locks, and what is refused when opening one.
mod file;
/// What is recorded, from one thread or many: order, acknowledgements, what a later look finds.
mod recording;
/// Entries replayed, against an independent model of the inputs.
mod replay;
/// Runs of several operations, and runs from when there was one.
mod steps;
