//! Plans as files: [`make`] writes one from a rollout, [`undo`](crate::undo) one from a run, both through a [`Draft`], once,
//! as the lines come.
//! [`PlanFile`] reads and proves one that was opened once, [`PlanLines`] loads its orgs for the executor.

mod draft;
mod file;
mod lines;
mod make;
mod no_read;
mod open;
mod policy;

pub use draft::Draft;
pub use file::{Lines, Needed, PlanFile, Proved};
pub use lines::PlanLines;
pub use make::{NewPlan, Rollout, make};
pub use no_read::check_no_read;
pub use open::{OpenPlan, OrgId};
pub use policy::{PlanPolicy, policy_of};
