//! The folder of a run: its name, its journal, its reports.

mod folder;
mod journal;
mod list;
mod place;
mod source;
pub mod used;

pub use folder::{NewFolder, is_name, must_be_folder, new_name};
pub use journal::JournalPort;
pub use list::{RunFolder, find, is_finished, is_stuck, newest_unfinished, place, runs_in};
pub use place::Place;
pub use source::{PLAN_FILE, RunFiles, bad_journal, prove, take};
