//! Plans as files: `make` writes one from a rollout, the command `undo` one from a run, both through a `draft`;
//! `file` opens one once and proves it for a run, `open` for others, `lines` reads its orgs; `used` marks it. Its `place` is found before, its `review` made after.

mod draft;
mod file;
mod idle;
mod lines;
mod make;
mod no_read;
mod open;
mod peek;
mod place;
mod review;
mod scratch;
mod spool;
mod unjudged;
pub mod used;

pub use draft::{Draft, Made};
pub use file::{PlanFile, Proved};
pub use idle::warn_if_idle;
pub use lines::PlanLines;
pub use make::{NewPlan, make, stopped};
pub use no_read::check_no_read;
pub use open::{OpenPlan, Wanted};
pub use peek::{Lines, each_line, header_of, limits_of};
pub use place::Place;
pub use review::{Absent, Review};
pub use scratch::scratch;
pub use unjudged::settings;
