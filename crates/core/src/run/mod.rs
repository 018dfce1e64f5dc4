//! A run: the words in which it is recorded, so that it can be resumed and every report rebuilt.
//!
//! How the words become durable is the journal's business, when they are said the executor's.

mod exit;
mod finish;
mod header;
mod latencies;
mod sample;

pub use exit::{Exit, exit_of};
pub use finish::{Finish, StopReason};
pub use header::{RUN_FORMAT, RunHeader};
pub use latencies::Latencies;
pub use sample::Sample;
