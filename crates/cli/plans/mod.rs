//! Plans as files: [`make`] writes one from a rollout, [`open`] proves one and tells where its orgs are.

mod make;
mod open;
mod spool;

pub use make::{Review, make, stopped};
pub use open::{OpenPlan, PlanLines, copy_verified};
