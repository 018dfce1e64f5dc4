//! How a rollout is carried out, as people write it: write mode, verification, waves, failure budget,
//! rates, lengths of time, and patience.
//!
//! Each type reads and shows the text of its flag. What a policy does is the executor's business.

mod budget;
mod pause;
mod percent;
mod rate;
pub mod retry;
mod span;
mod verify;
mod waves;
mod write_mode;

pub use budget::FailureBudget;
pub use pause::Pause;
pub use percent::{ParsePercentError, Percent};
pub use rate::{PerSecond, Rate};
pub use retry::RetryPolicy;
pub use span::Span;
pub use verify::VerifyPolicy;
pub use waves::{ParseWavesError, WaveSize, Waves};
pub use write_mode::WriteMode;
