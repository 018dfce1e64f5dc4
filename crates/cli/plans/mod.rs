//! Plans as files: `make` writes one from a rollout, the command `undo` one from a run, both through a `draft`;
//! `open` proves one and tells where its orgs are.

mod draft;
mod make;
mod no_read;
mod open;
mod peek;
mod spool;

pub use draft::Draft;
pub use make::{Review, make, stopped};
pub use no_read::check_no_read;
pub use open::{OpenPlan, PlanLines, Wanted, copy_verified};
pub use peek::{each_line, header_of, limits_of, secrets_named};
