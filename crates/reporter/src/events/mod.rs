//! Those who hear what happens while it happens. Whatever befalls them, the run doesn't feel it: a sink that
//! can't write goes quiet, and says so only when it is asked at the end.

mod fanout;
mod heartbeat;
mod lines;
mod log;
mod progress;
mod tracker;

pub use fanout::Fanout;
pub use lines::EventLines;
pub use log::RunLog;
pub use progress::{Progress, ProgressMode};
