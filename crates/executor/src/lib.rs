//! Carries a plan out: waves, pace, bounded fan-out, attempts, doubt settled by reading back.
//!
//! # Where to find what
//!
//! 1. [`ports`]: the traits of everything outside - the API, the journal, the plan, the clock.
//! 2. [`pump`]: the one loop. It takes the [`Step`](orgwave_core::org::Step)s of every org that is in progress, performs
//!    them while slots and pace allow, and hands what comes of them back. What an org does next is decided in core.
//! 3. [`coordinator`]: what concerns all orgs at once - permits, pace, what a 429 or a 401 means for all others -
//!    and [`gate`], its form for one process.
//! 4. What is pumped: [`survey`] reads orgs (to plan, verify or export), [`rollout`] writes them.
//!
//! # The rule that everything else serves
//!
//! A write is sent only after its intent is durable, and sent again only after the write before it was *proven*
//! not applied: by the reply itself, or by two reads a quiet period apart. The driver in core asks for a send only when
//! the pump has reported to it that the intent is recorded; the pump sends nothing that no driver asked for.
//!
//! Nothing here writes to a terminal or a file, opens a socket, or asks the system for the time. No failure of
//! an org is an `Err`: it is that org's outcome. An `Err` is a fault of the run.

pub mod coordinator;
pub mod gate;
pub mod limits;
pub mod ports;
pub mod pump;
pub mod rollout;
pub mod survey;
