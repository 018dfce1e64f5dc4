//! Carries a plan out: waves, pace, bounded fan-out, attempts, doubt settled by reading back.
//!
//! # Where to find what
//!
//! 1. [`ports`]: the traits of everything outside - the API, the journal, the plan, the clock.
//! 2. [`gate`]: what all calls go through - pace, pauses, what a 429 or a 401 means for everybody else.
//! 3. [`dispatch`]: the one loop. It owns every org that is under way, starts calls while slots and pace allow,
//!    and hands replies to the [`Work`](dispatch::Work) that knows what they mean for the org.
//! 4. The works: [`survey`] reads orgs (to plan, verify or export), [`rollout`] writes them.
//!
//! # The rule that everything else serves
//!
//! A write is sent only after its intent is durable, and sent again only after the write before it was *proven*
//! not applied: by the reply itself, or by two reads a quiet period apart. Whoever changes the order of the
//! calls to the journal and to the API in [`rollout`] changes what a crash can lose.
//!
//! Nothing here writes to a terminal or a file, opens a socket, or asks the system for the time. No failure of
//! an org is an `Err`: it is that org's outcome. An `Err` is a fault of the run.

pub mod dispatch;
pub mod gate;
pub mod limits;
pub mod ports;
pub mod rollout;
pub mod survey;
