//! The folder of a run: its name, its journal, its reports.

mod folder;
mod journal;
mod source;

pub use folder::{NewFolder, new_name, sync_folder};
pub use journal::JournalPort;
pub use source::{PLAN_FILE, RunFiles};
