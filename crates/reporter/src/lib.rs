//! What people and scripts read: run records and events become result CSVs, a summary, and a terminal.
//!
//! Two ways in, and they never meet:
//!
//! 1. **Records.** A [`RunSource`] is a run as its journal and its plan hold it. [`files::write_files`] makes
//!    every file of a run's folder from it in one pass, and [`RunDigest`] what the run came to in numbers. Both are
//!    pure functions of the source: made again, they are the same byte for byte.
//! 2. **Events.** An [`EventSink`](orgwave_core::event::EventSink) hears what happens while it happens:
//!    [`Progress`] draws bars or prints heartbeats, [`EventLines`] writes JSON lines, [`Fanout`] tells several.
//!    Nothing that a sink does, or fails to do, reaches the run.
//!
//! [`write_metrics`] says what a digest holds to Prometheus. What is on the terminal at the end is a [`Summary`] of
//! a digest; what is shown of a plan is a [`PlanReview`]. Both are text made for a width that is handed in.
//!
//! This crate doesn't know the executor, opens no journal, asks no clock and reads no environment.

mod advice;
mod cell;
mod client_files;
mod decimal;
mod digest;
mod error;
mod events;
pub mod files;
mod metrics;
mod note;
pub mod operations;
mod pages;
mod part_name;
mod record;
mod rendered;
mod report;
mod review;
mod run_file;
mod source;
mod stage;
pub mod terminal;
mod value;
mod whole;

pub use advice::{advice, next_step};
pub use digest::{Course, RunDigest};
pub use error::ReportError;
pub use events::{EventLines, Fanout, Progress, ProgressMode, RunLog};
pub use metrics::{Label, Labels, write_metrics};
pub use record::{Record, Records};
pub use report::Summary;
pub use review::{Cost, Expected, PlanPages, PlanReview};
pub use source::{BoxError, Journalled, RunSource};
pub use stage::Stage;
