//! A plan: what is to be done to every org of a manifest, made to be reviewed and to bind.
//!
//! A plan is a file of JSON lines, written and read as a stream:
//!
//! 1. the [`Header`]: from what it was made, for which endpoint and key, how it is to be carried out;
//! 2. a [`PlanLine`] per manifest row, in the manifest's order, with its [`PlannedStep`]s;
//! 3. the [`Footer`]: counts, guards, and a seal over every byte before it.
//!
//! A line is written when its turn comes, and before the waves are known: the footer says how many orgs each has, and a
//! [`Dealer`] who is in which. So a reader looks at the footer first, and believes nothing before the seal is proved.
//!
//! The seal is an HMAC under a key derived from the API key and the plan's id: under another key, or with
//! a byte altered, it is no plan. Secrets are here only as names and fingerprints, paths as texts: a reader is given the
//! operation that they belong to. Files are opened elsewhere.

mod calls;
mod dealer;
mod footer;
mod guard;
mod header;
mod index;
mod line;
mod parser;
mod reader;
#[cfg(test)]
mod tests;
mod typed;
mod unknown_key;
mod writer;
mod written;

pub use calls::{CallCount, Calls, has_canary};
pub use dealer::Dealer;
pub use footer::{Footer, IdleRemovals, WaveCount};
pub use guard::{Guard, GuardKind, UnknownGuard};
pub use header::{FORMAT, Header, InputDigest, SideColumns};
pub use index::{IndexEntry, Places};
pub use line::{PlanLine, PlannedField, PlannedStep, Precondition, Verdict};
pub use parser::LineParser;
pub use reader::{PlanError, PlanInput, PlanReader};
pub use typed::{RawTyped, Typed};
pub use unknown_key::UnknownKey;
pub use writer::{PlanWriter, Sealed};
