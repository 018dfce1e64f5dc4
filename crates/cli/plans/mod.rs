//! Plans as files: `make` writes one from a rollout, the command `undo` one from a run, both through a `draft`;
//! `open` proves one and tells where its orgs are, `lines` reads them. Its `place` is found before, its `review` made after.

mod draft;
mod lines;
mod make;
mod no_read;
mod open;
mod peek;
mod place;
mod review;
mod spool;
mod unjudged;

pub use draft::Draft;
pub use lines::PlanLines;
pub use make::{make, stopped};
pub use no_read::check_no_read;
pub use open::{OpenPlan, Wanted, copy_verified};
pub use peek::{each_line, header_of, limits_of, secrets_named};
pub use place::Place;
pub use review::{Absent, Review};
pub use unjudged::settings;
