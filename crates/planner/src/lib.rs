//! What is to be done to each org, and what was found of it. Every decision about an org that is made before a write, or
//! without one, is made here.
//!
//! One module for each thing that is made:
//!
//! * [`plan`]: the plan of a rollout, and a plan's file, proved and read.
//! * [`verify`]: what drifted from a rollout or a run.
//! * [`undo`]: the plan that restores what a run changed.
//! * [`export`]: live settings as the cells of a rollout.
//! * [`existence`]: cameras and locations that rows name and that orgs don't have.
//! * [`resume`]: what a journal means for the process that continues its run.
//!
//! They share [`clients`] (the partner's client list), [`selection`] (which orgs a command is about), `finding` (what a read
//! makes of an org), [`Spool`] (what waits for its order) and [`Reads`], the API as they use it: nothing here can write to it.
//!
//! This crate knows no arguments and no keys, opens no file of a user and prints nothing: what goes wrong is an [`Error`],
//! what the user should know is a [`Warning`], and the binary chooses how either is reported.

pub mod clients;
mod error;
pub mod existence;
pub mod export;
mod finding;
pub mod plan;
mod reads;
pub mod resume;
mod scratch;
pub mod selection;
mod spool;
pub mod undo;
pub mod verify;
mod warning;

pub use error::Error;
pub use reads::Reads;
pub use scratch::scratch;
pub use spool::Spool;
pub use warning::Warning;

/// The tool and its version, as plans and runs record it.
pub const TOOL: &str = concat!("orgwave ", env!("CARGO_PKG_VERSION"));
